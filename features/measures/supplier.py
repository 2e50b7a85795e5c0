"""Suppliers: how they bid, win and lose."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from features.measures.declare import RECENT, Behind, Entity, Rows, View
from features.measures.tables import Tables, joined
from features.measures.tender import is_round, standing
from gnomon.terms import Direction, Text

NONE = Direction.NONE
BANDS = ((1, "1"), (4, "2-4"), (19, "5-19"))
"""Number of bids up to which a supplier stands in a band; more is `20+`. Fixed, to mean the same always."""


def attributes(tables: Tables) -> ir.Table:
    """Everybody who bid or was awarded, with main class and band of bids."""
    tender = tables.tender
    tender = tender.select("tender_id", main=main_class(tender))
    bid = joined(standing(tables).inner_join(tender, "tender_id"))
    per = bid.group_by("bidder_id", "main").aggregate(tenders=bid.tender_id.nunique())
    per = per.mutate(
        order=ibis.row_number().over(ibis.window(group_by="bidder_id", order_by=[ibis.desc("tenders"), "main"])),
        total=per.tenders.sum().over(ibis.window(group_by="bidder_id")),
    )
    main = per.filter(per.order == 0).select(
        "main",
        entity_id="bidder_id",
        band=ibis.cases(*((per.total <= most, word) for most, word in BANDS), else_="20+"),
    )
    seen = ibis.union(main.select("entity_id"), tables.award.select(entity_id="supplier_id"), distinct=True)
    seen = seen.filter(seen.entity_id.notnull() & (seen.entity_id != ""))
    known = joined(seen.left_join(main, "entity_id"))
    firm = tables.organization.select("name", "size_class", "ownership", region="region_code", entity_id="org_id")
    known = joined(known.drop("entity_id_right").left_join(firm, "entity_id"))
    return known.select("entity_id", "name", "main", "band", "size_class", "ownership", "region")


def main_class(tender: ir.Table) -> ir.StringValue:
    """The two-digit class of a tender, or its category."""
    return ibis.coalesce(tender.class_code.substr(0, 2).nullif(""), tender.category)


SUPPLIER = Entity(
    "supplier",
    Text("投标企业", "supplier"),
    attributes,
    peers=(("main", "band"), ("main",), ()),
    attribute_titles={
        "main": Text("主营类别", "main class"),
        "main=works": Text("工程类", "works"),
        "main=goods": Text("货物类", "goods"),
        "main=services": Text("服务类", "services"),
        "band": Text("投标数", "bids"),
    },
    tables=("bid", "tender", "award"),
)


def offers(tables: Tables) -> ir.Table:
    """One row per bid that stands, beside its tender's winner."""
    tender = tables.tender.select("tender_id", "ceiling_price", "estimated_value", "published_at", _at="event_at")
    bid = joined(standing(tables).inner_join(tender, "tender_id"))
    within = ibis.window(group_by="tender_id")
    won_at = ibis.ifelse(bid.is_winner, bid.amount, ibis.null()).min().over(within)
    return bid.select(
        "bid_id",
        "tender_id",
        "event_at",
        "amount",
        entity_id="bidder_id",
        won="is_winner",
        decided=won_at.notnull(),
        n=bid.count().over(within),
        distance=ibis.ifelse(bid.is_winner, ibis.null(), (bid.amount - won_at) / won_at.nullif(0.0)),
        to_ceiling=bid.amount / ibis.coalesce(bid.ceiling_price, bid.estimated_value).nullif(0.0),
        highest=bid.amount == bid.amount.max().over(within),
        round=is_round(bid.amount),
    )


OFFERS = View("offers", offers, ("tender", "bid"), "bid", "bid_id")
WON = Behind(where=lambda rows: rows.won, weigh=lambda rows: rows.amount)
LOST = Behind(where=lambda rows: ~rows.won, weigh=lambda rows: rows.amount)
HUGGING = 0.995
"""Share of the ceiling from which a winning price hugs it."""


@SUPPLIER.measure(OFFERS, Text("投标数", "bids"), "", NONE, RECENT, log=True)
def bids(rows: Rows) -> ir.Value:
    """Tenders bid in."""
    return rows.tender_id.nunique()


@SUPPLIER.measure(OFFERS, Text("中标数", "wins"), "", Direction.HIGH, RECENT, log=True, behind=WON)
def wins(rows: Rows) -> ir.Value:
    """Tenders won."""
    return ibis.ifelse(rows.won, rows.tender_id, ibis.null()).nunique()


@SUPPLIER.share(OFFERS, Text("中标率", "win rate"), windows=RECENT, behind=WON, at_least=5)
def win_rate(rows: Rows) -> ir.BooleanValue:
    """Share of the decided bids that won; five at least."""
    return ibis.ifelse(rows.decided, rows.won, ibis.null())


@SUPPLIER.measure(OFFERS, Text("中标数低于随机期望", "wins short of chance"), behind=LOST)
def wins_short_of_chance(rows: Rows) -> ir.Value:
    """Wins expected if all bidders were equal (sum of 1/n over decided bids) less the wins: the chronic loser."""
    chance = ibis.ifelse(rows.decided, 1.0 / rows.n, ibis.null()).sum()
    return chance - ibis.ifelse(rows.decided, rows.won, ibis.null()).cast("float64").sum()


@SUPPLIER.measure(OFFERS, Text("长期陪标次数", "lost bids without a win"), log=True, behind=LOST)
def lost_bids(rows: Rows) -> ir.Value:
    """Lost bids of a supplier that never won; zero for one that did."""
    never = ~rows.won.max()
    return ibis.ifelse(never, ibis.ifelse(rows.decided, rows.tender_id, ibis.null()).nunique(), 0)


@SUPPLIER.measure(OFFERS, Text("落标价高于中标价", "distance to the winner"), "%", behind=LOST)
def distance_to_winner_mean(rows: Rows) -> ir.Value:
    """Mean of the lost bids' excess over the winning price."""
    return rows.distance.mean()


@SUPPLIER.measure(
    OFFERS, Text("与中标价差距的离散度", "variation of the distance to the winner"), "%", Direction.LOW, behind=LOST
)
def distance_to_winner_std(rows: Rows) -> ir.Value:
    """Standard deviation of that excess; five lost bids at least. A fixed step is a cover bid's mark."""
    return ibis.ifelse(rows.distance.count() >= 5, rows.distance.std(how="sample"), ibis.null())


@SUPPLIER.share(OFFERS, Text("最高报价占比", "share of highest bids"), behind=LOST)
def highest_bid_share(rows: Rows) -> ir.BooleanValue:
    """Share of the bids against others that were the highest."""
    return ibis.ifelse(rows.n > 1, rows.highest, ibis.null())


@SUPPLIER.measure(OFFERS, Text("报价与控制价之比", "bids to the ceiling"), "%")
def bid_to_ceiling_mean(rows: Rows) -> ir.Value:
    """Mean of the bids over their ceiling price (or estimate)."""
    return rows.to_ceiling.mean()


@SUPPLIER.measure(OFFERS, Text("中标价与控制价之比", "winning bids to the ceiling"), "%", behind=WON)
def win_to_ceiling_mean(rows: Rows) -> ir.Value:
    """Mean of the winning bids over their ceiling price (or estimate)."""
    return ibis.ifelse(rows.won, rows.to_ceiling, ibis.null()).mean()


def _hugging(rows: Rows) -> ir.BooleanValue:
    return rows.won & (rows.n >= 3) & (rows.to_ceiling >= HUGGING)


@SUPPLIER.share(
    OFFERS, Text("竞争中贴控制价中标占比", "share of contested wins at the ceiling"), behind=Behind(where=_hugging)
)
def hugging_win_share(rows: Rows) -> ir.BooleanValue:
    """Share of the wins against two rivals or more whose price is 99.5 % of the ceiling or above."""
    return ibis.ifelse(rows.won & (rows.n >= 3), rows.to_ceiling >= HUGGING, ibis.null())


@SUPPLIER.measure(OFFERS, Text("竞争中贴控制价中标数", "contested wins at the ceiling"), behind=Behind(where=_hugging))
def hugging_wins(rows: Rows) -> ir.Value:
    """Wins against two rivals or more whose price is 99.5 % of the ceiling or above."""
    return _hugging(rows).sum()


@SUPPLIER.share(OFFERS, Text("独家投标中标占比", "share of wins without a rival"), behind=WON)
def sole_bid_win_share(rows: Rows) -> ir.BooleanValue:
    """Share of the wins in which nobody else bid."""
    return ibis.ifelse(rows.won, rows.n == 1, ibis.null())


@SUPPLIER.measure(OFFERS, Text("竞争者平均数", "mean number of rivals"), "", Direction.LOW)
def rivals_mean(rows: Rows) -> ir.Value:
    """Mean number of other bids in its tenders."""
    return (rows.n - 1).mean()


@SUPPLIER.share(OFFERS, Text("整数报价占比", "share of round bids"))
def round_bid_share(rows: Rows) -> ir.BooleanValue:
    """Share of the bids with at most three leading digits."""
    return rows.round
