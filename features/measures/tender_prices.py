"""Tenders: prices against the estimate and the ceiling, the winner among the bids, and the procedure."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from features.measures.declare import Rows, View, ratio, share, span
from features.measures.tables import Tables, joined
from features.measures.tender import BIDS, LOWEST_FIRST, TENDER
from gnomon.terms import Direction, Text


@TENDER.measure(BIDS, Text("中标价与预算之比", "winning price to estimate"), "%", behind=LOWEST_FIRST)
def win_to_estimate(rows: Rows) -> ir.Value:
    """Winning price over the estimate, or over the ceiling where none is stated."""
    return ratio(rows.won.min(), rows.estimate.min())


@TENDER.measure(BIDS, Text("中标价与控制价之比", "winning price to ceiling"), "%", behind=LOWEST_FIRST)
def win_to_ceiling(rows: Rows) -> ir.Value:
    """Winning price over the ceiling price (招标控制价)."""
    return ratio(rows.won.min(), rows.ceiling.min())


@TENDER.measure(BIDS, Text("最低报价与预算之比", "lowest bid to estimate"), "%")
def min_to_estimate(rows: Rows) -> ir.Value:
    """Lowest bid over the estimate."""
    return rows.relative.min()


@TENDER.measure(BIDS, Text("平均报价与预算之比", "mean bid to estimate"), "%")
def mean_to_estimate(rows: Rows) -> ir.Value:
    """Mean bid over the estimate."""
    return rows.relative.mean()


@TENDER.measure(BIDS, Text("中位报价与预算之比", "median bid to estimate"), "%")
def median_to_estimate(rows: Rows) -> ir.Value:
    """Median bid over the estimate."""
    return rows.relative.median()


@TENDER.measure(BIDS, Text("最高报价与预算之比", "highest bid to estimate"), "%", Direction.NONE)
def max_to_estimate(rows: Rows) -> ir.Value:
    """Highest bid over the estimate."""
    return rows.relative.max()


@TENDER.measure(BIDS, Text("超预算报价占比", "share of bids over the estimate"), "%")
def over_estimate_share(rows: Rows) -> ir.Value:
    """Share of bids above the estimate."""
    return share(rows.relative > 1)


@TENDER.measure(BIDS, Text("贴近预算报价占比", "share of bids near the estimate"), "%")
def near_estimate_share(rows: Rows) -> ir.Value:
    """Share of bids between 97 % and 100 % of the estimate."""
    return share((rows.relative > 0.97) & (rows.relative <= 1))


@TENDER.measure(BIDS, Text("贴近控制价报价占比", "share of bids near the ceiling"), "%")
def near_ceiling_share(rows: Rows) -> ir.Value:
    """Share of bids between 98 % and 100 % of the ceiling price."""
    return share((rows.amount > 0.98 * rows.ceiling) & (rows.amount <= rows.ceiling))


@TENDER.measure(BIDS, Text("远低于预算报价占比", "share of bids far under the estimate"), "%", Direction.NONE)
def far_under_estimate_share(rows: Rows) -> ir.Value:
    """Share of bids under 80 % of the estimate: a sign of competition."""
    return share(rows.relative < 0.8)


@TENDER.measure(BIDS, Text("项目预算", "estimate"), "CNY", Direction.NONE, log=True)
def estimate(rows: Rows) -> ir.Value:
    """The estimate, or the ceiling where none is stated."""
    return rows.estimate.min()


@TENDER.measure(BIDS, Text("最低报价", "lowest bid"), "CNY", Direction.NONE, log=True)
def lowest_bid(rows: Rows) -> ir.Value:
    """Lowest bid that stands."""
    return rows.amount.min()


@TENDER.measure(BIDS, Text("平均报价", "mean bid"), "CNY", Direction.NONE, log=True)
def mean_bid(rows: Rows) -> ir.Value:
    """Mean of the bids that stand."""
    return rows.amount.mean()


@TENDER.measure(BIDS, Text("最高报价", "highest bid"), "CNY", Direction.NONE, log=True)
def highest_bid(rows: Rows) -> ir.Value:
    """Highest bid that stands."""
    return rows.amount.max()


@TENDER.measure(BIDS, Text("中标价", "winning bid"), "CNY", Direction.NONE, log=True)
def winning_bid(rows: Rows) -> ir.Value:
    """Price of the bid that won; the lowest of them where several won."""
    return rows.won.min()


@TENDER.measure(BIDS, Text("中标名次", "rank of the winner"), "", behind=LOWEST_FIRST)
def winner_rank(rows: Rows) -> ir.Value:
    """How many bids were lower than the winning one."""
    return ibis.ifelse(rows.is_winner, rows.place, ibis.null()).min()


@TENDER.measure(BIDS, Text("中标名次占比", "relative rank of the winner"), "%", behind=LOWEST_FIRST)
def winner_rank_share(rows: Rows) -> ir.Value:
    """Share of the other bids that were lower than the winning one."""
    return ratio(ibis.ifelse(rows.is_winner, rows.place, ibis.null()).min(), rows.count() - 1)


@TENDER.measure(BIDS, Text("中标价偏离均价", "winner to the mean bid"), "%", Direction.NONE)
def winner_to_mean(rows: Rows) -> ir.Value:
    """Winning price less the mean bid, over the mean bid."""
    return ratio(rows.won.min() - rows.amount.mean(), rows.amount.mean())


@TENDER.measure(BIDS, Text("中标价偏离中间均价", "winner to the mean of the central bids"), "%", Direction.NONE)
def winner_to_central_mean(rows: Rows) -> ir.Value:
    """Winning price less the mean of the middle half, over that mean: near zero where the average wins."""
    return ratio(rows.won.min() - rows.central.mean(), rows.central.mean())


@TENDER.measure(BIDS, Text("围绕中间均价的报价占比", "share of bids around the central mean"), "%")
def around_mean_share(rows: Rows) -> ir.Value:
    """Share of bids within 1 % of the mean bid."""
    return share((rows.amount - rows.mean).abs() <= 0.01 * rows.mean)


@TENDER.measure(BIDS, Text("紧贴中标价占比", "share of bids just above the winner"), "%")
def near_winner_share(rows: Rows) -> ir.Value:
    """Share of bids above the winning price by at most 2 %."""
    return share((rows.amount > rows.won) & (rows.amount <= 1.02 * rows.won))


@TENDER.measure(BIDS, Text("最高价偏离均价", "highest to the mean bid"), "%", Direction.NONE)
def highest_to_mean(rows: Rows) -> ir.Value:
    """Highest bid less the mean bid, over the mean bid."""
    return ratio(rows.amount.max() - rows.amount.mean(), rows.amount.mean())


@TENDER.measure(BIDS, Text("最低价偏离均价", "lowest to the mean bid"), "%", Direction.NONE)
def lowest_to_mean(rows: Rows) -> ir.Value:
    """Lowest bid less the mean bid, over the mean bid."""
    return ratio(rows.amount.min() - rows.amount.mean(), rows.amount.mean())


@TENDER.measure(BIDS, Text("最大间隔", "largest gap"), "%", Direction.NONE)
def largest_gap(rows: Rows) -> ir.Value:
    """Largest gap between neighbouring bids over the mean bid."""
    return ratio(rows.gap.max(), rows.amount.mean())


@TENDER.measure(BIDS, Text("中位价与均价之差", "median to mean bid"), "%", Direction.NONE)
def median_to_mean(rows: Rows) -> ir.Value:
    """Median bid less mean bid, over the mean bid."""
    return ratio(rows.amount.median() - rows.amount.mean(), rows.amount.mean())


def procedure(tables: Tables) -> ir.Table:
    """One row per tender, with the number of all bids that came in."""
    bid = tables.bid
    came = bid.group_by("tender_id").aggregate(
        bids=bid.count(), disqualified=(bid.status == "disqualified").sum(), withdrawn=(bid.status == "withdrawn").sum()
    )
    tender = joined(tables.tender.left_join(came, "tender_id"))
    return tender.select(
        "tender_id",
        "event_at",
        "published_at",
        "deadline_at",
        "clarified_at",
        "n_downloads",
        "estimated_value",
        "ceiling_price",
        "bids",
        "disqualified",
        "withdrawn",
        entity_id="tender_id",
    )


PROCEDURE = View("procedure", procedure, ("tender", "bid"), "tender", "tender_id")


@TENDER.measure(PROCEDURE, Text("投标期", "days to bid"), "days", Direction.LOW)
def days_to_bid(rows: Rows) -> ir.Value:
    """Days between publication and deadline."""
    return span(rows.deadline_at, rows.published_at).min()


@TENDER.measure(PROCEDURE, Text("否决投标占比", "share of disqualified bids"), "%")
def disqualified_share(rows: Rows) -> ir.Value:
    """Share of the bids that came in and were disqualified."""
    return ratio(rows.disqualified.sum(), rows.bids.sum())


@TENDER.measure(PROCEDURE, Text("撤回投标占比", "share of withdrawn bids"), "%")
def withdrawn_share(rows: Rows) -> ir.Value:
    """Share of the bids that came in and were withdrawn."""
    return ratio(rows.withdrawn.sum(), rows.bids.sum())


@TENDER.measure(PROCEDURE, Text("控制价与预算之比", "ceiling to estimate"), "%")
def ceiling_to_estimate(rows: Rows) -> ir.Value:
    """Ceiling price over the estimate."""
    return ratio(rows.ceiling_price.min(), rows.estimated_value.min())


@TENDER.measure(PROCEDURE, Text("下载后未投标占比", "share of downloads without a bid"), "%")
def downloads_lost_share(rows: Rows) -> ir.Value:
    """Share of those who took the documents and did not bid."""
    return 1.0 - ratio(rows.bids.sum(), rows.n_downloads.sum())


@TENDER.measure(PROCEDURE, Text("澄清距截止天数", "days from clarification to deadline"), "days", Direction.LOW)
def clarified_before_deadline(rows: Rows) -> ir.Value:
    """Days between the last clarification and the deadline."""
    return span(rows.deadline_at, rows.clarified_at).min()
