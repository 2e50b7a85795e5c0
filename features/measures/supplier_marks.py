"""Suppliers: bids rejected, fields of business, digits, nearness to the benchmark, luck with losers, bans."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from features.measures.benford import digits, nonconformity
from features.measures.declare import Behind, Rows, View, ratio, span
from features.measures.prescribing import is_blank
from features.measures.supplier import SUPPLIER
from features.measures.tables import Tables, joined
from features.measures.tender import standing
from features.measures.tender_history import offers
from gnomon.terms import Direction, Text

SCORED = ("reasonable_low", "comprehensive")
"""Methods of evaluation in which nearness to a benchmark wins."""


def submitted(tables: Tables) -> ir.Table:
    """One row per bid that came in."""
    bid = tables.bid
    return bid.filter(~is_blank(bid.bidder_id)).select(
        "bid_id", "event_at", entity_id="bidder_id", rejected=bid.status == "disqualified"
    )


def near_benchmark(tables: Tables) -> ir.Table:
    """One row per bid in a tender whose evaluation rewards nearness to the mean of the bids, three bids at least."""
    tender = tables.tender
    tender = tender.filter(tender.award_criteria.isin(SCORED) & (tender.ceiling_price > 0))
    tender = tender.select("tender_id", "ceiling_price")
    bid = joined(standing(tables).inner_join(tender, "tender_id"))
    lot = ibis.window(group_by="tender_id")
    bid = bid.mutate(mean=bid.amount.mean().over(lot), n=bid.count().over(lot))
    off = (bid.amount - bid["mean"]).abs() / bid.ceiling_price
    return bid.filter(bid.n >= 3).select("bid_id", "event_at", entity_id="bidder_id", off=off)


def won_classes(tables: Tables) -> ir.Table:
    """One row per award that stands, with the two digits of its class and what the firm is."""
    tender = tables.tender.select("tender_id", klass=ibis._.class_code.substr(0, 2))
    award = tables.award
    award = joined(award.filter(award.status == "active").left_join(tender, "tender_id").drop("tender_id_right"))
    firm = tables.organization.select("founded_on", "insured_headcount", supplier_id="org_id")
    award = joined(award.left_join(firm, "supplier_id").drop("supplier_id_right"))
    return award.filter(~is_blank(award.supplier_id)).select(
        "award_id", "event_at", "amount", entity_id="supplier_id", klass=award.klass.nullif(""),
        age=span(award.event_at, award.founded_on.cast("timestamp")),
        staff="insured_headcount",
    )  # fmt: skip


def beside_loser(tables: Tables) -> ir.Table:
    """One row per supplier and rival: how much oftener the rival wins with it than without."""
    offer = offers(tables)
    mine = offer.select("tender_id", "bidder_id", "bid_id", "event_at", "won")
    theirs = offer.select("tender_id", other_id="bidder_id", other_won="won")
    met = joined(mine.inner_join(theirs, "tender_id"))
    met = met.filter(met.bidder_id != met.other_id)
    pair = met.group_by("bidder_id", "other_id").aggregate(
        meetings=met.count(), own=met.won.cast("int64").sum(), wins=met.other_won.cast("int64").sum(),
        event_at=met.event_at.max(),
    )  # fmt: skip
    every = offer.group_by("bidder_id").aggregate(bids=offer.count(), won=offer.won.cast("int64").sum())
    pair = joined(pair.inner_join(every.select("bids", "won", other_id="bidder_id"), "other_id"))
    without = ratio(pair.won - pair.wins, pair.bids - pair.meetings)
    enough = (pair.meetings >= 3) & (pair.own == 0) & (pair.bids - pair.meetings >= 3)
    return pair.select(
        "event_at", "meetings", entity_id="bidder_id", other_id="other_id",
        lift=ibis.ifelse(enough, ratio(pair.wins, pair.meetings) / without.nullif(0.0), ibis.null()),
    )  # fmt: skip


def own_bids(tables: Tables) -> ir.Table:
    """One row per bid, of those whose tender says when it was."""
    return offers(tables).select("bid_id", "event_at", entity_id="bidder_id")


def priced(tables: Tables) -> ir.Table:
    """One row per priced item of a bid."""
    bid = tables.bid.select("bid_id", "bidder_id")
    row = joined(tables.bid_item.inner_join(bid, "bid_id"))
    return row.select("bid_id", "event_at", "unit_price", entity_id="bidder_id")


def digits_of_items(tables: Tables) -> ir.Table:
    """Leading digits of the items' unit prices."""
    return digits(priced(tables), "unit_price")


def banned(tables: Tables) -> ir.Table:
    """One row per bid, and whether its bidder was under a sanction when it was opened."""
    bid = tables.bid.select("bid_id", "event_at", "bidder_id")
    bid = bid.filter(~is_blank(bid.bidder_id))
    record = tables.credit_record
    record = record.filter(record.kind.isin(["blacklist", "bid_ban", "judgment_defaulter", "wage_arrears"]))
    record = record.select("effective_from", "effective_to", "repaired_at", bidder_id="party_id")
    pair = joined(bid.inner_join(record, "bidder_id"))
    day = pair.event_at.date()
    end = ibis.least(pair.effective_to, pair.repaired_at)
    hit = pair.filter((pair.effective_from <= day) & (end.isnull() | (day < end)))
    hit = hit.select("bid_id", hit=True).distinct()
    bid = joined(bid.left_join(hit, "bid_id").drop("bid_id_right"))
    return bid.select("bid_id", "event_at", entity_id="bidder_id", hit=bid.hit.fill_null(False))


def settled_works(tables: Tables) -> ir.Table:
    """One row per works contract of a project whose settlement was audited."""
    project = tables.project.select("project_id", "settlement_claimed", "settlement_audited")
    work = tables.contract
    work = joined(work.filter(work.kind == "works").inner_join(project, "project_id"))
    cut = 1 - ratio(work.settlement_audited, work.settlement_claimed)
    return work.filter(~is_blank(work.supplier_id)).select("contract_id", "event_at", entity_id="supplier_id", cut=cut)


SUBMITTED = View("submitted", submitted, ("bid",), "bid", "bid_id")
BENCHMARK = View("benchmark", near_benchmark, ("tender", "bid"), "bid", "bid_id")
CLASSES = View("won_classes", won_classes, ("award", "tender"), "award", "award_id")
WORKFORCE = View("workforce", won_classes, ("award", "organization"), "award", "award_id")
OWN_BIDS = View("own_bids", own_bids, ("tender", "bid"), "bid", "bid_id")
LOSER = View("beside_loser", beside_loser, ("tender", "bid"), "bid", "bid_id", rows=OWN_BIDS)
PRICED = View("priced", priced, ("bid", "bid_item"), "bid_item", "bid_id")
DIGITS = View("digits", digits_of_items, ("bid", "bid_item"), "bid_item", "bid_id", rows=PRICED)
BANNED = View("banned", banned, ("bid", "credit_record"), "bid", "bid_id")
SETTLED = View("settled", settled_works, ("project", "contract"), "contract", "contract_id")


@SUPPLIER.share(SUBMITTED, Text("被否决投标占比", "share of rejected bids"), at_least=4)
def rejected_share(rows: Rows) -> ir.BooleanValue:
    """Share of its bids that were disqualified; four at least."""
    return rows.rejected


@SUPPLIER.measure(
    BENCHMARK, Text("报价贴近基准价", "distance to the benchmark"), "%", Direction.LOW,
    behind=Behind(weigh=lambda r: -r.off),
)  # fmt: skip
def benchmark_distance_median(rows: Rows) -> ir.Value:
    """Median distance of its bids to the mean of the lot over the ceiling, where nearness is rewarded; six at least."""
    return ibis.ifelse(rows.off.count() >= 6, rows.off.median(), ibis.null())


@SUPPLIER.measure(CLASSES, Text("中标品类跨度", "variety of classes won"), "", log=True)
def class_variety(rows: Rows) -> ir.Value:
    """Distinct two-digit classes awarded; a firm of every trade is a shell (cardinal R048)."""
    return rows.klass.nunique().nullif(0)


@SUPPLIER.measure(
    WORKFORCE, Text("中标时成立天数", "days from founding to award"), "days", Direction.LOW, log=True,
    behind=Behind(weigh=lambda r: -r.age),
)  # fmt: skip
def age_at_award_min(rows: Rows) -> ir.Value:
    """Days between founding and the earliest award."""
    return rows.age.min()


@SUPPLIER.measure(
    WORKFORCE, Text("人均中标金额", "award amount per head"), "CNY", log=True, behind=Behind(weigh=lambda r: r.amount)
)
def award_amount_per_head(rows: Rows) -> ir.Value:
    """Amount awarded over its insured employees; an empty payroll counts as one."""
    staff = rows.staff.max()
    return rows.amount.sum() / ibis.ifelse(staff < 1, 1, staff)


@SUPPLIER.measure(LOSER, Text("陪标提升度", "lift of a rival's wins"), "x", log=True, behind=Behind())
def winner_lift(rows: Rows) -> ir.Value:
    """Largest ratio of a rival's win rate beside it to that without it, over rivals met thrice and never beaten."""
    return rows.lift.max()


@SUPPLIER.measure(DIGITS, Text("清单单价偏离本福特定律", "unit prices against Benford's law"), "", behind=Behind())
def benford_deviation(rows: Rows) -> ir.Value:
    """Mean absolute deviation of the first two digits of its unit prices from Benford's law; 300 prices at least."""
    return nonconformity(rows)


@SUPPLIER.share(BANNED, Text("受惩戒期间投标占比", "share of bids under a sanction"))
def banned_bid_share(rows: Rows) -> ir.BooleanValue:
    """Share of its bids made while it was blacklisted, banned or a defaulter."""
    return rows.hit


@SUPPLIER.measure(SETTLED, Text("承建工程平均审减率", "mean cut of its settlements"), "%")
def settlement_cut_mean(rows: Rows) -> ir.Value:
    """Mean share of the claimed settlements of its works that the audit cut."""
    return rows.cut.mean()
