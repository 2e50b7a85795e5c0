"""Tendering agencies: how tenders end that they run, and for whom."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from features.measures.awarding import COMPETITIVE
from features.measures.declare import RECENT, Behind, Entity, Rows, View, ratio, span
from features.measures.prescribing import is_blank
from features.measures.tables import Tables, banded, joined
from features.measures.tender import standing
from gnomon.terms import Direction, Text

LOTS = (4, 19, 99)


def tenders(tables: Tables) -> ir.Table:
    """One row per tender that an agency ran, with the bids that came in and who won."""
    bid = tables.bid
    came = bid.group_by("tender_id").aggregate(
        came=bid.count(), rejected=(bid.status == "disqualified").cast("int64").sum()
    )
    stood = standing(tables)
    stood = stood.group_by("tender_id").aggregate(
        bids=stood.bidder_id.nunique(), winner=ibis.ifelse(stood.is_winner, stood.bidder_id, ibis.null()).min()
    )
    tender = tables.tender
    tender = tender.filter(~is_blank(tender.agency_id) & (tender.status != "cancelled"))
    tender = joined(tender.left_join(came, "tender_id").drop("tender_id_right"))
    tender = joined(tender.left_join(stood, "tender_id").drop("tender_id_right"))
    return tender.select(
        "tender_id", "event_at", "buyer_id", "came", "rejected", "bids", "winner", entity_id="agency_id",
        competitive=tender.method.isin(COMPETITIVE), failed=tender.status == "failed",
        days=span(tender.deadline_at, tender.published_at),
        worth=ibis.coalesce(tender.estimated_value, tender.ceiling_price),
    )  # fmt: skip


def attributes(tables: Tables) -> ir.Table:
    """Everybody who ran a tender, by how many."""
    tender = tenders(tables)
    per = tender.group_by("entity_id").aggregate(n=tender.count())
    per = per.select("entity_id", lots=banded(per.n, LOTS))
    body = tables.organization.select("name", "level", entity_id="org_id")
    return joined(per.left_join(body, "entity_id").drop("entity_id_right"))


AGENCY = Entity(
    "agency",
    Text("招标代理机构", "tendering agency"),
    attributes,
    peers=(("lots",), ()),
    attribute_titles={"lots": Text("代理标段数", "tenders run")},
    tables=("tender", "bid"),
)
TENDERS = View("tenders", tenders, ("tender", "bid"), "tender", "tender_id")
BY_WORTH = Behind(weigh=lambda rows: rows.worth)


@AGENCY.measure(TENDERS, Text("代理标段数", "tenders run"), "", Direction.NONE, RECENT, log=True, behind=BY_WORTH)
def tenders_count(rows: Rows) -> ir.Value:
    """Tenders run, cancelled ones left out."""
    return rows.count()


@AGENCY.rate(
    TENDERS, Text("否决投标占比", "share of rejected bids"), windows=RECENT, at_least=10,
    behind=Behind(where=lambda r: r.rejected > 0, weigh=lambda r: r.rejected),
)  # fmt: skip
def rejected_share(rows: Rows) -> tuple[ir.NumericValue, ir.NumericValue]:
    """Share of the bids that came in and were disqualified; ten bids at least."""
    return rows.rejected.sum(), rows.came.sum()


@AGENCY.share(TENDERS, Text("单一投标占比", "share of single bids"), windows=RECENT)
def single_bid_share(rows: Rows) -> ir.BooleanValue:
    """Share of the competitive tenders to which one supplier bid."""
    return ibis.ifelse(rows.competitive, rows.bids == 1, ibis.null())


@AGENCY.share(TENDERS, Text("流标占比", "share of failed tenders"))
def failed_share(rows: Rows) -> ir.BooleanValue:
    """Share of the tenders that failed."""
    return rows.failed


@AGENCY.measure(TENDERS, Text("平均投标期", "mean days to bid"), "days", Direction.LOW)
def days_to_bid_mean(rows: Rows) -> ir.Value:
    """Mean days between publication and deadline."""
    return rows.days.mean()


def winners(tables: Tables) -> ir.Table:
    """One row per agency and winner."""
    tender = tenders(tables)
    tender = tender.filter(tender.winner.notnull())
    return tender.group_by("entity_id", "winner").aggregate(
        wins=tender.count(), buyers=tender.buyer_id.nunique(), event_at=tender.event_at.max()
    )


WINNERS = View("winners", winners, ("tender", "bid"), "tender", "tender_id", rows=TENDERS, shares=("winner",))


@AGENCY.measure(
    WINNERS, Text("最大中标人占比", "share of the commonest winner"), "%", behind=Behind(weigh=lambda r: r.wins)
)
def top_winner_share(rows: Rows) -> ir.Value:
    """Share of its decided tenders won by one supplier; five at least."""
    return ibis.ifelse(rows.wins.sum() >= 5, ratio(rows.wins.max(), rows.wins.sum()), ibis.null())
