"""Cases under supervision as a view that handlers, units and scenes share."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from features.measures.declare import span
from features.measures.tables import Tables


def cases(tables: Tables) -> ir.Table:
    """One row per case under supervision."""
    case = tables.supervised_case
    shut = ibis.ifelse(case.closed_at <= tables.now, case.closed_at, ibis.null())
    end = ibis.coalesce(shut, tables.now)
    return case.select(
        "case_id", "event_at", "owner_org_id", "handler_id", "scene", "severity", "source_kind",
        closed=shut.notnull(),
        unfounded=ibis.ifelse(shut.isnull(), ibis.null(), case.closure_code.isin(["unfounded", "no_action"])),
        bare=ibis.ifelse(
            shut.isnull() | case.evidence_count.isnull(), ibis.null(),
            (case.evidence_count == 0) | case.verified_at.isnull(),
        ),
        late=ibis.ifelse(case.due_at.isnull(), ibis.null(), end > case.due_at),
        days=span(shut, case.opened_at),
        accept_days=span(case.accepted_at, case.opened_at),
        failed=ibis.ifelse(case.verify_result.isnull(), ibis.null(), case.verify_result != "pass"),
        warned=case.source_kind == "model_warning",
        stake="amount_at_stake", recovered="amount_recovered",
    )  # fmt: skip
