"""Projects: begun before they were allowed, decided by how many, closed how late, on how much paper."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from features.measures.declare import Rows, View, ratio, span
from features.measures.project import PROJECT
from features.measures.tables import Tables, joined
from gnomon.terms import Direction, Text

ALLOWED = ("fs_approved", "budget_approved", "permit")
STAGES = (
    "proposal_approved", "fs_approved", "design_approved", "budget_approved", "permit", "start", "completion",
    "acceptance", "settlement_audited", "archive",
)  # fmt: skip
"""Events that every finished project leaves a paper of."""


def course(tables: Tables) -> ir.Table:
    """One row per project, with when it was allowed, begun, accepted and settled."""
    event = tables.project_event

    def first(*kinds: str) -> ir.TimestampValue:
        return ibis.ifelse(event.event_type.isin(kinds), event.event_at, ibis.null()).min()

    def last(*kinds: str) -> ir.TimestampValue:
        return ibis.ifelse(event.event_type.isin(kinds), event.event_at, ibis.null()).max()

    made = event.group_by("project_id").aggregate(
        event_id=event.event_id.min(), event_at=event.event_at.max(), begun=first("start"), allowed=last(*ALLOWED),
        accepted=first("acceptance", "completion"), settled=first("settlement_audited", "archive"),
        papers=ibis.ifelse(event.event_type.isin(STAGES), event.event_type, ibis.null()).nunique(),
    )  # fmt: skip
    works = tables.contract
    works = works.filter(works.kind == "works").group_by("project_id").aggregate(signed=works.signed_at.min())
    made = joined(made.left_join(works, "project_id").drop("project_id_right"))
    begun = ibis.least(made.begun, made.signed.cast("timestamp"))
    end = ibis.coalesce(ibis.ifelse(made.settled <= tables.now, made.settled, ibis.null()), tables.now)
    return made.select(
        "event_id", "event_at", "papers", entity_id="project_id", early=span(made.allowed, begun),
        unsettled=ibis.ifelse(made.accepted.isnull(), ibis.null(), span(end, made.accepted)),
        accepted=made.accepted.notnull(),
    )  # fmt: skip


def decisions(tables: Tables) -> ir.Table:
    """One row per collective decision about a project."""
    project = tables.project.select("project_id")
    made = tables.decision_record.rename(project_id="subject_id")
    made = joined(made.inner_join(project, "project_id"))
    return made.select(
        "decision_id", "event_at", entity_id="project_id", came=ratio(made.attended, made.members_total),
        agreed=ratio(made.votes_for, made.attended),
    )  # fmt: skip


COURSE = View("course", course, ("project", "project_event"), "project_event", "event_id")
DECISIONS = View("decisions", decisions, ("project", "decision_record"), "decision_record", "decision_id")


@PROJECT.measure(COURSE, Text("未批先建天数", "days begun before allowed"), "days")
def begun_early_days(rows: Rows) -> ir.Value:
    """Days by which it was begun (or the works signed) before the last of the approvals and the permit."""
    return rows.early.max()


@PROJECT.measure(COURSE, Text("验收后未决算天数", "days from acceptance to settlement"), "days", log=True)
def unsettled_days(rows: Rows) -> ir.Value:
    """Days between acceptance and the audited settlement or archive, or until now where neither came."""
    return rows.unsettled.max()


@PROJECT.measure(COURSE, Text("过程资料完整度", "completeness of papers"), "%", Direction.LOW)
def papers_share(rows: Rows) -> ir.Value:
    """Share of the ten stages of an accepted project that left an event or a paper."""
    return ibis.ifelse(rows.accepted.max(), rows.papers.max() / len(STAGES), ibis.null())


@PROJECT.measure(DECISIONS, Text("决策到会率", "attendance of the decision"), "%", Direction.LOW)
def decision_attendance(rows: Rows) -> ir.Value:
    """Least share of the members who attended a collective decision about it."""
    return rows.came.min()


@PROJECT.measure(DECISIONS, Text("决策同意率", "consent of the decision"), "%", Direction.LOW)
def decision_consent(rows: Rows) -> ir.Value:
    """Least share of those attending who voted for it."""
    return rows.agreed.min()
