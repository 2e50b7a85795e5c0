"""Tenders: how close the closest few bids stand. A coalition shows among its own, however many honest bids surround it.

Subgroup screens of Wallimann, Imhof and Huber 2022 (Computational Economics 62), taken over neighbouring bids only: the
closest three or four are always neighbours in price.
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from features.measures.declare import Behind, Rows, View
from features.measures.tables import Tables
from features.measures.tender import TENDER, standing
from gnomon.terms import Direction, Text


def neighbours(tables: Tables) -> ir.Table:
    """One row per bid that stands, with the span from the lowest of the three and of the four bids that end with it."""
    bid = standing(tables)
    ordered = ibis.window(group_by="tender_id", order_by=[bid.amount, bid.bid_id])
    third, fourth = bid.amount.lag(2).over(ordered), bid.amount.lag(3).over(ordered)
    return bid.select(
        "bid_id",
        "event_at",
        entity_id="tender_id",
        three=(bid.amount - third) / third,
        four=(bid.amount - fourth) / fourth,
    )


NEIGHBOURS = View("neighbours", neighbours, ("tender", "bid"), "bid", "bid_id")


@TENDER.measure(
    NEIGHBOURS, Text("最接近三个报价极差比", "spread of the closest three bids"), "%", Direction.LOW,
    behind=Behind(weigh=lambda rows: -rows.three),
)  # fmt: skip
def closest_three_spread(rows: Rows) -> ir.Value:
    """Highest less lowest of the three bids that stand closest together, over the lowest of them."""
    return rows.three.min()


@TENDER.measure(
    NEIGHBOURS, Text("最接近四个报价极差比", "spread of the closest four bids"), "%", Direction.LOW,
    behind=Behind(weigh=lambda rows: -rows.four),
)  # fmt: skip
def closest_four_spread(rows: Rows) -> ir.Value:
    """Highest less lowest of the four bids that stand closest together, over the lowest of them."""
    return rows.four.min()
