"""Handlers of supervised cases: how they close them."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from features.measures.declare import RECENT, Behind, Entity, Rows, View
from features.measures.prescribing import is_blank
from features.measures.supervised import cases
from features.measures.tables import Tables, commonest, joined
from gnomon.terms import Direction, Text


def handled(tables: Tables) -> ir.Table:
    """The cases with a named handler."""
    case = cases(tables)
    return case.filter(~is_blank(case.handler_id)).rename(entity_id="handler_id")


def attributes(tables: Tables) -> ir.Table:
    """Handlers with the scene that they handle most and the unit's level."""
    case = handled(tables)
    main = commonest(case, "scene", "owner_org_id")
    body = tables.organization.select("level", owner_org_id="org_id")
    main = joined(main.left_join(body, "owner_org_id").drop("owner_org_id_right"))
    return main.select("entity_id", "scene", "level", unit="owner_org_id", name=ibis.null("string"))


CASE_HANDLER = Entity(
    "case_handler",
    Text("监督办件办理人", "handler of supervised cases"),
    attributes,
    peers=(("scene", "level"), ("scene",), ()),
    attribute_titles={"scene": Text("场景", "scene"), "level": Text("单位级别", "level of the unit")},
    tables=("supervised_case",),
)
CASES = View("cases", handled, ("supervised_case",), "supervised_case", "case_id")


@CASE_HANDLER.measure(CASES, Text("办件数", "cases"), "", Direction.NONE, RECENT, log=True)
def cases_count(rows: Rows) -> ir.Value:
    """Cases handled."""
    return rows.count()


@CASE_HANDLER.share(CASES, Text("查否占比", "share closed as unfounded"), windows=RECENT)
def unfounded_share(rows: Rows) -> ir.BooleanValue:
    """Share of the closed cases that were closed as unfounded or without action."""
    return rows.unfounded


@CASE_HANDLER.share(CASES, Text("无佐证销号占比", "share closed without evidence"), windows=RECENT)
def no_evidence_share(rows: Rows) -> ir.BooleanValue:
    """Share of the closed cases without any evidence or without verification."""
    return rows.bare


@CASE_HANDLER.share(CASES, Text("超期占比", "share overdue"), windows=RECENT)
def overdue_share(rows: Rows) -> ir.BooleanValue:
    """Share of the cases with a due date closed after it, or open beyond it."""
    return rows.late


@CASE_HANDLER.share(CASES, Text("核验未通过占比", "share that failed verification"))
def failed_share(rows: Rows) -> ir.BooleanValue:
    """Share of the verified cases that did not pass."""
    return rows.failed


@CASE_HANDLER.measure(
    CASES, Text("销号天数中位数", "median days to close"), "days", Direction.NONE, behind=Behind(weigh=lambda r: r.days)
)
def close_days_median(rows: Rows) -> ir.Value:
    """Median days between opening and closing."""
    return rows.days.median()
