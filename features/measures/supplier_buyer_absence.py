"""Suppliers at a buyer: who stays away when one supplier comes."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from features.measures.declare import Behind, Rows, View, ratio
from features.measures.supplier_buyer import AWARDS, SUPPLIER_BUYER
from features.measures.tables import Tables, joined, pair_id
from features.measures.tender_history import offers
from gnomon.terms import Text

USUAL = 3
"""Tenders of a buyer bid in from which a bidder is usual there."""
FEWEST = 6
"""Tenders with the supplier from which the absence of others is a word."""


def absences(tables: Tables) -> ir.Table:
    """One row per buyer and bidder: share of the usual bidders that stay away with it and without it."""
    offer = offers(tables)
    lot = offer.select("tender_id", "buyer_id").distinct()
    per = offer.group_by("buyer_id", "bidder_id").aggregate(bids=offer.tender_id.nunique())
    usual = per.filter(per.bids >= USUAL)
    came = offer.select("tender_id", "bidder_id", came=True).distinct()
    grid = joined(lot.inner_join(usual.select("buyer_id", "bidder_id"), "buyer_id"))
    on = ["tender_id", "bidder_id"]
    grid = joined(grid.left_join(came, on).drop(*(f"{name}_right" for name in on)))
    grid = grid.select("tender_id", "buyer_id", usual_id="bidder_id", away=grid.came.isnull().cast("int64"))
    lots = grid.group_by("tender_id", "buyer_id").aggregate(away=grid.away.sum(), usual=grid.count())
    mine = offer.group_by("buyer_id", "bidder_id").aggregate(event_at=offer.event_at.max())
    pair = joined(mine.inner_join(lots, "buyer_id"))
    there = offer.select("tender_id", "bidder_id", "won").distinct()
    pair = joined(pair.left_join(there, on).drop(*(f"{name}_right" for name in on)))
    # The supplier itself is none of those who stay away from it.
    own = usual.select("buyer_id", "bidder_id", own=True)
    keys = ["buyer_id", "bidder_id"]
    pair = joined(pair.left_join(own, keys).drop(*(f"{name}_right" for name in keys)))
    self_usual = pair.own.fill_null(False).cast("int64")
    absent = pair.won.isnull()
    pair = pair.mutate(
        others=pair.usual - self_usual, away=pair.away - ibis.ifelse(absent, self_usual, 0), present=~absent
    )

    def told(column: ir.NumericColumn, present: bool) -> ir.NumericScalar:
        return ibis.ifelse(pair.present == present, column, ibis.null()).sum()

    made = pair.group_by("buyer_id", "bidder_id").aggregate(
        event_at=pair.event_at.max(), lots=pair.present.cast("int64").sum(),
        with_away=told(pair.away, True), with_all=told(pair.others, True),
        without_away=told(pair.away, False), without_all=told(pair.others, False),
    )  # fmt: skip
    lift = ratio(made.with_away, made.with_all) / ratio(made.without_away, made.without_all).nullif(0.0)
    return made.select(
        "event_at", entity_id=pair_id(made.bidder_id, made.buyer_id),
        lift=ibis.ifelse(made.lots >= FEWEST, lift, ibis.null()),
    )  # fmt: skip


ABSENCES = View("absences", absences, ("tender", "bid", "award"), "award", "award_id", rows=AWARDS)


@SUPPLIER_BUYER.measure(ABSENCES, Text("常客回避提升度", "lift of the usual bidders' absence"), "x", behind=Behind())
def absence_lift(rows: Rows) -> ir.Value:
    """Share of the buyer's usual bidders that stay away when the supplier bids, over that when it does not.

    Usual is who bid in three tenders of the buyer; six tenders with the supplier at least.
    """
    return rows.lift.max()
