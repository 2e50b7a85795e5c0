"""Enforcement authorities and their violations: how leniently, how late and on whom they decide."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from features.measures.declare import RECENT, Behind, Entity, Rows, View, ratio, span
from features.measures.prescribing import is_blank
from features.measures.tables import Tables, joined, pair_id
from gnomon.terms import Direction, Text

REPEATS = 3
"""Cases of one party for one violation that ought to be punished harder each time."""


def decided(tables: Tables) -> ir.Table:
    """One row per enforcement case, with where its penalty lies between the limits of discretion."""
    case = tables.enforcement_case
    case = case.filter(~is_blank(case.authority_org_id) & ~is_blank(case.violation_code))
    wide = (case.benchmark_max - case.benchmark_min).nullif(0.0)
    punished = case.outcome == "penalty"
    known = case.penalty_amount.notnull() & case.benchmark_min.notnull() & punished.fill_null(True)
    party = ["authority_org_id", "party_id", "violation_code"]
    order = ibis.window(group_by=party, order_by=["found_at", "enf_id"])
    number = ibis.row_number().over(order) + 1
    before = case.penalty_amount.lag().over(order)
    return case.select(
        "enf_id", "event_at", "party_id", "officer_id", "authority_org_id", "violation_code", "penalty_amount",
        "collected_amount",
        position=ibis.ifelse(known, (case.penalty_amount - case.benchmark_min) / wide, ibis.null()),
        below=ibis.ifelse(known, case.penalty_amount < case.benchmark_min, ibis.null()),
        mild=ibis.ifelse(number >= REPEATS, case.penalty_amount <= before, ibis.null()),
        days=span(case.decided_at, ibis.coalesce(case.filed_at, case.found_at)),
        dropped=case.outcome.isin(["withdrawn", "none"]),
    )  # fmt: skip


def by_authority(tables: Tables) -> ir.Table:
    """The cases by authority and violation."""
    case = decided(tables)
    return case.mutate(entity_id=pair_id(case.authority_org_id, case.violation_code))


def attributes(tables: Tables) -> ir.Table:
    """Authority and violation, with the authority's level."""
    case = by_authority(tables).select("entity_id", "authority_org_id", "violation_code").distinct()
    body = tables.organization.select("name", "level", authority_org_id="org_id", region="region_code")
    case = joined(case.left_join(body, "authority_org_id").drop("authority_org_id_right"))
    return case.select(
        "entity_id", "level", "region", authority="authority_org_id", violation="violation_code",
        name=ibis.coalesce(case.name, case.authority_org_id) + " / " + case.violation_code,
    )  # fmt: skip


AUTHORITY = Entity(
    "authority",
    Text("执法机关与违法事项", "enforcement authority and violation"),
    attributes,
    peers=(("violation", "level"), ("violation",), ()),
    attribute_titles={"violation": Text("违法事项", "violation"), "level": Text("级别", "level")},
    tables=("enforcement_case",),
)
CASES = View("cases", by_authority, ("enforcement_case",), "enforcement_case", "enf_id")
LENIENT = Behind(weigh=lambda rows: -rows.position)


@AUTHORITY.measure(CASES, Text("案件数", "cases"), "", Direction.NONE, RECENT, log=True)
def cases_count(rows: Rows) -> ir.Value:
    """Cases found."""
    return rows.count()


@AUTHORITY.measure(CASES, Text("处罚幅度位置", "place of the penalties"), "%", Direction.LOW, RECENT, behind=LENIENT)
def penalty_position_mean(rows: Rows) -> ir.Value:
    """Mean place of the penalties between the lower (0) and the upper (1) limit of discretion. Low: lenient."""
    return rows.position.mean()


@AUTHORITY.share(CASES, Text("低于裁量下限占比", "share below the lower limit"), windows=RECENT)
def below_minimum_share(rows: Rows) -> ir.BooleanValue:
    """Share of the penalties below the lower limit of discretion."""
    return rows.below


@AUTHORITY.share(CASES, Text("屡犯未加重占比", "share of repeats not punished harder"))
def repeat_mild_share(rows: Rows) -> ir.BooleanValue:
    """Share of a party's third and later cases of one violation with a penalty no higher than the one before."""
    return rows.mild


@AUTHORITY.share(CASES, Text("撤案不罚占比", "share dropped"), windows=RECENT)
def dropped_share(rows: Rows) -> ir.BooleanValue:
    """Share of the cases that ended withdrawn or without outcome."""
    return rows.dropped


@AUTHORITY.measure(CASES, Text("罚款收缴率", "share collected"), "%", Direction.LOW)
def collected_share(rows: Rows) -> ir.Value:
    """Fines collected over fines imposed."""
    return ratio(rows.collected_amount.sum(), rows.penalty_amount.sum())


@AUTHORITY.measure(CASES, Text("平均办案天数", "mean days to decide"), "days", log=True)
def days_mean(rows: Rows) -> ir.Value:
    """Mean days between filing and decision."""
    return rows.days.mean()
