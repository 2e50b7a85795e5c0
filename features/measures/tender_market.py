"""Tenders against the market of the year before: comparable tenders that were opened strictly earlier."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from features.measures.declare import Rows, View, ratio
from features.measures.tables import Tables, joined
from features.measures.tender import TENDER, standing
from gnomon.terms import Direction, Text

MEMORY = ibis.interval(days=366)
"""How far back the market reaches; a source that only tells years still sees the year before."""
FEWEST = 5
"""Fewer earlier tenders make no market."""


def market(tables: Tables) -> ir.Table:
    """One row per tender with the medians of comparable tenders (category, class, region) opened in the year before.

    Only tenders that say themselves when they were: an arrival in the lake is no opening.
    """
    tender = tables.tender
    opened = ibis.coalesce(tender.opened_at, tender.deadline_at, tender.published_at)
    tender = tender.select("tender_id", "category", "class_code", "region_code", opened=opened)
    tender = tender.filter(tender.opened.notnull())
    bid = joined(standing(tables).inner_join(tender, "tender_id"))
    one = bid.group_by("tender_id", "category", "class_code", "region_code", "opened").aggregate(
        event_at=bid.event_at.max(),
        low=bid.amount.min(),
        won=ibis.ifelse(bid.is_winner, bid.amount, ibis.null()).min(),
        variation=ratio(bid.amount.std(how="sample"), bid.amount.mean()),
    )
    before = ibis.range_window(
        group_by=["category", "class_code", "region_code"],
        order_by="opened",
        preceding=(MEMORY, ibis.interval(seconds=1)),
    )
    seen = one.mutate(
        tenders=one.tender_id.count().over(before),
        usual_variation=one.variation.median().over(before),
        usual_low=one.low.median().over(before),
        usual_won=one.won.median().over(before),
    )
    enough = seen.tenders >= FEWEST
    return seen.select(
        "tender_id",
        "event_at",
        "variation",
        "low",
        "won",
        entity_id="tender_id",
        usual_variation=ibis.ifelse(enough, seen.usual_variation, ibis.null()),
        usual_low=ibis.ifelse(enough, seen.usual_low, ibis.null()),
        usual_won=ibis.ifelse(enough, seen.usual_won, ibis.null()),
    )


MARKET = View("market", market, ("tender", "bid"), "tender", "tender_id")


@TENDER.measure(
    MARKET, Text("报价变异系数与近一年市场之比", "variation of bids to the year before"), "x", Direction.LOW
)
def cv_to_market(rows: Rows) -> ir.Value:
    """Coefficient of variation over its median in comparable tenders of the year before: low where bids close up."""
    return ratio(rows.variation.max(), rows.usual_variation.max())


@TENDER.measure(MARKET, Text("最低报价与近一年市场之比", "lowest bid to the year before"), "x", log=True)
def lowest_to_market(rows: Rows) -> ir.Value:
    """Lowest bid over the median lowest bid of comparable tenders of the year before; says most for like goods."""
    return ratio(rows.low.max(), rows.usual_low.max())


@TENDER.measure(MARKET, Text("中标价与近一年市场之比", "winning price to the year before"), "x", log=True)
def win_to_market(rows: Rows) -> ir.Value:
    """Winning price over the median winning price of comparable tenders of the year before."""
    return ratio(rows.won.max(), rows.usual_won.max())
