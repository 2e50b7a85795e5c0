"""Awards as views that suppliers and buyers share: beside their tender and the thresholds they stayed under."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from features.measures.tables import Tables, joined

SERIES_DAYS = 90
SERIES_AWARDS = 3
NEAR = 0.9
"""From this share of a threshold on, an award is just below it."""
COMPETITIVE = ("open", "invited", "negotiation", "consultation", "inquiry")


def awards(tables: Tables) -> ir.Table:
    """One row per award that stands, with its tender, the threshold above it, and the series it belongs to.

    `near` is null where no threshold is known. A series is three awards or more of one buyer to one supplier in one
    class within 90 days, each below a threshold that they exceed together; `series` marks the award that completes it.
    """
    tender = tables.tender.select(
        "tender_id", "category", "class_code", "method", "ceiling_price", "estimated_value", "region_code"
    )
    award = tables.award
    award = award.filter((award.status == "active") & (award.amount > 0))
    award = joined(award.left_join(tender, "tender_id"))
    award = joined(award.drop("tender_id_right").left_join(_limits(tables, award), "award_id"))
    series = ibis.ifelse(award["limit"].notnull(), award.amount, ibis.null())
    recent = ibis.range_window(
        group_by=["buyer_id", "supplier_id", ibis.coalesce(award.class_code, award.category)],
        order_by="event_at",
        preceding=ibis.interval(days=SERIES_DAYS),
        following=0,
    )
    known = award["limit"].notnull()
    complete = (series.count().over(recent) >= SERIES_AWARDS) & (series.sum().over(recent) >= award["limit"])
    return award.select(
        "award_id",
        "tender_id",
        "buyer_id",
        "supplier_id",
        "amount",
        "event_at",
        "category",
        "publicity_days",
        kind=ibis.coalesce(award.class_code, award.category),
        noncompetitive=ibis.ifelse(award.method.isnull(), ibis.null(), ~award.method.isin(COMPETITIVE)),
        to_ceiling=award.amount / award.ceiling_price.nullif(0.0),
        to_estimate=award.amount / award.estimated_value.nullif(0.0),
        near=ibis.ifelse(award.covered, award.near_limit, ibis.null()),
        series=ibis.ifelse(award.covered, known & complete, ibis.null()),
    )


def _limits(tables: Tables, award: ir.Table) -> ir.Table:
    """Per award: whether thresholds of its category are in force, the lowest above it, and whether one is near."""
    pair = in_force(tables, award.select("award_id", "category", "region_code", "event_at", "amount"))
    above = ibis.ifelse(pair.amount < pair["limit"], pair["limit"], ibis.null())
    return pair.group_by("award_id").aggregate(
        covered=pair["limit"].count() > 0,
        limit=above.min(),
        near_limit=((pair.amount >= NEAR * pair["limit"]) & (pair.amount < pair["limit"])).max(),
    )


def in_force(tables: Tables, award: ir.Table) -> ir.Table:
    """The awards beside each threshold of their category that held in their place on their day, `limit` in yuan.

    `award` has category, region_code and event_at.
    """
    limit = tables.policy_threshold
    limit = limit.filter(limit.key.startswith("tender."))
    words = [(limit.key.contains(word), ibis.literal(word)) for word in ("works", "goods", "services")]
    limit = limit.select(
        "valid_from",
        "valid_to",
        category=ibis.cases(*words, else_=ibis.null("string")),
        place=limit.region_code.re_replace("0+$", ""),
        limit=ibis.ifelse(limit.unit.contains("万"), limit.value * 10_000, limit.value),
    )
    pair = joined(award.inner_join(limit, "category"))
    day = pair.event_at.date()
    return pair.filter(
        (pair.valid_from <= day)
        & (pair.valid_to.isnull() | (day < pair.valid_to))
        & ((pair.place == "") | pair.region_code.startswith(pair.place))
    )
