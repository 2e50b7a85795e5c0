"""Buyers: money spent without competition, bids rejected, awards bunched under a threshold, documents taken in vain."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from features.measures.awarding import in_force
from features.measures.benford import digits, nonconformity
from features.measures.buyer import AWARDS, BUYER, buyer_awards
from features.measures.declare import YEARLY, Behind, Rows, View, ratio
from features.measures.prescribing import is_blank
from features.measures.tables import Tables, joined
from gnomon.terms import Direction, Text

CLOSED = ("single_source", "direct", "invited")


def spent(tables: Tables) -> ir.Table:
    """One row per award that stands, and whether everybody could bid."""
    tender = tables.tender.select("tender_id", "method", "category", "region_code")
    award = tables.award
    award = joined(award.filter(award.status == "active").left_join(tender, "tender_id").drop("tender_id_right"))
    return award.filter(~is_blank(award.buyer_id)).select(
        "award_id", "event_at", "amount", "category", "region_code", entity_id="buyer_id",
        closed=ibis.ifelse(award.method.isnull(), ibis.null(), award.method.isin(CLOSED)),
    )  # fmt: skip


def came(tables: Tables) -> ir.Table:
    """One row per tender with the bids that came in and the documents taken."""
    bid = tables.bid
    bid = bid.group_by("tender_id").aggregate(
        bids=bid.count(), rejected=(bid.status == "disqualified").cast("int64").sum()
    )
    tender = joined(tables.tender.inner_join(bid, "tender_id"))
    return tender.filter(~is_blank(tender.buyer_id)).select(
        "tender_id", "event_at", "bids", "rejected", entity_id="buyer_id",
        taken=ibis.ifelse(tender.n_downloads >= tender.bids, tender.n_downloads, ibis.null()),
    )  # fmt: skip


def around(tables: Tables) -> ir.Table:
    """One row per award within a tenth of a threshold in force, and whether it stays under it."""
    pair = in_force(tables, spent(tables))
    pair = pair.filter(pair.amount.between(0.9 * pair["limit"], 1.1 * pair["limit"]))
    return pair.select("award_id", "event_at", "amount", "entity_id", under=pair.amount < pair["limit"])


def digits_of_awards(tables: Tables) -> ir.Table:
    """Leading digits of the awards' amounts."""
    return digits(buyer_awards(tables), "amount")


SPENT = View("spent", spent, ("award", "tender"), "award", "award_id")
CAME = View("came", came, ("tender", "bid"), "tender", "tender_id")
AROUND = View("around", around, ("award", "tender", "policy_threshold"), "award", "award_id")
DIGITS = View("digits", digits_of_awards, ("award",), "award", "award_id", rows=AWARDS)


@BUYER.measure(
    SPENT, Text("非公开方式金额占比", "share of amount without open competition"), "%", windows=YEARLY,
    behind=Behind(where=lambda r: r.closed, weigh=lambda r: r.amount),
)  # fmt: skip
def closed_amount_share(rows: Rows) -> ir.Value:
    """Amount awarded by single source, directly or by invitation over all of known method; five awards at least."""
    known = ibis.ifelse(rows.closed.notnull(), rows.amount, ibis.null())
    part = ibis.ifelse(rows.closed, rows.amount, 0.0)
    return ibis.ifelse(rows.closed.count() >= 5, ratio(part.sum(), known.sum()), ibis.null())


@BUYER.rate(CAME, Text("否决投标占比", "share of rejected bids"), windows=YEARLY, at_least=10)
def rejected_share(rows: Rows) -> tuple[ir.NumericValue, ir.NumericValue]:
    """Share of the bids that came in and were disqualified; ten at least (cardinal R038)."""
    return rows.rejected.sum(), rows.bids.sum()


@BUYER.rate(CAME, Text("下载后未投标占比", "share of downloads without a bid"))
def downloads_lost_share(rows: Rows) -> tuple[ir.NumericValue, ir.NumericValue]:
    """Share of those who took the documents and did not bid."""
    known = ibis.ifelse(rows.taken.notnull(), rows.bids, ibis.null())
    return rows.taken.sum() - known.sum(), rows.taken.sum()


@BUYER.share(AROUND, Text("门槛两侧压线占比", "share just under a threshold of those around it"), at_least=5)
def under_threshold_share(rows: Rows) -> ir.BooleanValue:
    """Share, of the awards within a tenth of a threshold, under it; five at least. Half is even.

    Bunching at a threshold: McCrary (2008), "Manipulation of the running variable", J. Econometrics 142, 698-714.
    """
    return rows.under


@BUYER.measure(
    DIGITS, Text("授标金额偏离本福特定律", "awards against Benford's law"), "", Direction.HIGH, behind=Behind()
)
def benford_deviation(rows: Rows) -> ir.Value:
    """Mean absolute deviation of the first two digits of its awards from Benford's law; 300 awards at least."""
    return nonconformity(rows)
