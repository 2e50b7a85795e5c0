"""Enforcement officers: cases they open and close themselves, how fast, how mildly."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from features.measures.authority import decided
from features.measures.declare import RECENT, Behind, Entity, Rows, View, span
from features.measures.prescribing import is_blank
from features.measures.tables import Tables, civil, commonest, joined
from gnomon.terms import Direction, Text


def decisions(tables: Tables) -> ir.Table:
    """The enforcement cases with a named officer."""
    case = decided(tables)
    return case.filter(~is_blank(case.officer_id)).rename(entity_id="officer_id")


def rounds(tables: Tables) -> ir.Table:
    """One row per case of any kind that was created by a named person: who closed it, and after how long."""
    step = tables.workflow_event
    made = step.filter((step.event_type == "created") & ~is_blank(step.actor_id))
    made = made.select("case_kind", "case_id", "event_at", "event_id", entity_id="actor_id", made="event_at")
    shut = step.filter(step.event_type == "closed")
    shut = shut.group_by("case_kind", "case_id").aggregate(shut=shut.event_at.max(), closer=shut.actor_id.max())
    row = joined(made.left_join(shut, ["case_kind", "case_id"]))
    end = civil(row.made)
    return row.select(
        "event_id", "event_at", "entity_id", same=row.closer == row.entity_id,
        minutes=span(row.shut, row.made) * 24 * 60, month_end=(end + ibis.interval(days=3)).month() != end.month(),
    )  # fmt: skip


def attributes(tables: Tables) -> ir.Table:
    """Everybody named in a case, with the violation that they decide most and the authority's level."""
    case = decisions(tables)
    seen = ibis.union(case.select("entity_id"), rounds(tables).select("entity_id"), distinct=True)
    main = commonest(case, "violation_code", "authority_org_id")
    body = tables.organization.select("level", authority_org_id="org_id")
    main = joined(main.left_join(body, "authority_org_id").drop("authority_org_id_right"))
    main = main.select("entity_id", "level", violation="violation_code", authority="authority_org_id")
    known = joined(seen.left_join(main, "entity_id").drop("entity_id_right"))
    return known.mutate(name=ibis.null("string"))


ENFORCEMENT_OFFICER = Entity(
    "enforcement_officer",
    Text("执法人员", "enforcement officer"),
    attributes,
    peers=(("violation", "level"), ("violation",), ()),
    attribute_titles={"violation": Text("违法事项", "violation"), "level": Text("级别", "level")},
    tables=("enforcement_case", "workflow_event"),
)
CASES = View("cases", decisions, ("enforcement_case",), "enforcement_case", "enf_id")
ROUNDS = View("rounds", rounds, ("workflow_event",), "workflow_event", "event_id")


@ENFORCEMENT_OFFICER.measure(CASES, Text("办案数", "cases"), "", Direction.NONE, RECENT, log=True)
def cases_count(rows: Rows) -> ir.Value:
    """Cases handled."""
    return rows.count()


@ENFORCEMENT_OFFICER.measure(
    CASES,
    Text("处罚幅度位置", "place of the penalties"),
    "%",
    Direction.LOW,
    behind=Behind(weigh=lambda r: -r.position),
)
def penalty_position_mean(rows: Rows) -> ir.Value:
    """Mean place of the penalties between the lower (0) and the upper (1) limit of discretion. Low: lenient."""
    return rows.position.mean()


@ENFORCEMENT_OFFICER.share(CASES, Text("低于裁量下限占比", "share below the lower limit"))
def below_minimum_share(rows: Rows) -> ir.BooleanValue:
    """Share of the penalties below the lower limit of discretion."""
    return rows.below


@ENFORCEMENT_OFFICER.share(ROUNDS, Text("自立自结占比", "share opened and closed alone"), windows=RECENT)
def same_actor_share(rows: Rows) -> ir.BooleanValue:
    """Share of the closed cases created and closed by the same person."""
    return rows.same


@ENFORCEMENT_OFFICER.measure(
    ROUNDS, Text("立结间隔中位数", "median minutes to close"), "min", Direction.LOW, RECENT,
    behind=Behind(weigh=lambda r: -r.minutes),
)  # fmt: skip
def close_minutes_median(rows: Rows) -> ir.Value:
    """Median minutes between creation and closing."""
    return rows.minutes.median()


@ENFORCEMENT_OFFICER.share(ROUNDS, Text("月末立案占比", "share at the end of a month"))
def month_end_share(rows: Rows) -> ir.BooleanValue:
    """Share of the cases created on the last three days of a month."""
    return rows.month_end
