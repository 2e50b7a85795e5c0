"""Tenders: how prices stood in earlier tenders, those of the same bidders and those of the same market.

Collusion lasts: who huddled before huddles again, and a market in which bids stood close all year is one conduct, not
many chances. Only tenders opened strictly earlier speak, and no record of who was caught. Unknown without a date.
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from features.measures.declare import Rows, View, ratio
from features.measures.tables import Tables, joined
from features.measures.tender import TENDER
from features.measures.tender_history import offers
from features.measures.tender_market import MARKET
from gnomon.terms import Direction, Text

LEAST = 1e-4
"""Variations under this are told as this: the logarithm of equal bids would outweigh everything."""
FEWEST = 3
"""Fewer earlier tenders of the bidders, counted once for each of them, are chance."""


def company(tables: Tables) -> ir.Table:
    """One row per bidder and tender with sums over the bidder's earlier tenders."""
    offer = offers(tables)
    offer = offer.filter(offer.opened.notnull())
    whole = offer.group_by("tender_id").aggregate(
        bidders=offer.count(), variation=ratio(offer.amount.std(how="sample"), offer.amount.mean())
    )
    # greatest() passes over the unknown: a lone bid has no variation and must not read as a small one.
    known = ibis.greatest(whole.variation, LEAST).log()
    whole = whole.select(
        "tender_id", "bidders", log_variation=ibis.ifelse(whole.variation.isnull(), ibis.null(), known)
    )
    offer = joined(offer.inner_join(whole, "tender_id")).mutate(moment=offer.opened.epoch_seconds())
    before = ibis.range_window(group_by="bidder_id", order_by="moment", preceding=(None, 1))
    return offer.select(
        "bid_id",
        "event_at",
        entity_id="tender_id",
        tenders=offer.count().over(before),
        wins=offer.won.cast("int64").sum().over(before),
        rivals=(offer.bidders - 1).sum().over(before),
        compared=offer.log_variation.count().over(before),
        log_variation=offer.log_variation.sum().over(before),
    )


COMPANY = View("company", company, ("tender", "bid"), "bid", "bid_id")


@TENDER.measure(
    COMPANY, Text("投标人既往报价变异系数", "variation of bids in the bidders' earlier tenders"), "%", Direction.LOW
)
def company_cv(rows: Rows) -> ir.Value:
    """Geometric mean of the coefficients of variation of the earlier tenders that the bidders of this one bid in."""
    return _mean(rows.log_variation, rows.compared).exp()


@TENDER.measure(COMPANY, Text("投标人既往对手数", "rivals in the bidders' earlier tenders"), "", Direction.NONE)
def company_rivals(rows: Rows) -> ir.Value:
    """Mean number of other bidders in the earlier tenders that the bidders of this one bid in."""
    return _mean(rows.rivals, rows.tenders)


@TENDER.measure(COMPANY, Text("投标人既往中标率", "earlier win rate of the bidders"), "%", Direction.NONE)
def company_win_rate(rows: Rows) -> ir.Value:
    """Share of the bidders' earlier bids that won."""
    return _mean(rows.wins, rows.tenders)


@TENDER.measure(
    MARKET, Text("近一年市场报价变异系数", "variation of bids in the market of the year before"), "%", Direction.LOW
)
def market_cv(rows: Rows) -> ir.Value:
    """Median coefficient of variation of comparable tenders opened in the year before: low where all bids huddle."""
    return rows.usual_variation.max()


def _mean(part: ir.NumericColumn, times: ir.NumericColumn) -> ir.FloatingValue:
    enough = times.sum() >= FEWEST
    return ibis.ifelse(enough, ratio(part.sum(), times.sum()), ibis.null())
