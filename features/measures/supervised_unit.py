"""Units under supervision: how many cases they have, and how they answer them."""

from __future__ import annotations

import ibis.expr.types as ir

from features.measures.declare import RECENT, Behind, Entity, Rows, View, ratio
from features.measures.prescribing import is_blank
from features.measures.supervised import cases
from features.measures.tables import Tables, joined
from gnomon.terms import Direction, Text


def owned(tables: Tables) -> ir.Table:
    """The cases by the unit that owns them."""
    case = cases(tables)
    return case.filter(~is_blank(case.owner_org_id)).rename(entity_id="owner_org_id")


def attributes(tables: Tables) -> ir.Table:
    """Units with their level."""
    seen = owned(tables).select("entity_id").distinct()
    body = tables.organization.select("name", "level", entity_id="org_id", region="region_code")
    return joined(seen.left_join(body, "entity_id").drop("entity_id_right"))


SUPERVISED_UNIT = Entity(
    "supervised_unit",
    Text("被监督单位", "supervised unit"),
    attributes,
    peers=(("level", "region"), ("level",), ()),
    attribute_titles={"level": Text("单位级别", "level"), "region": Text("地区", "region")},
    tables=("supervised_case",),
)
CASES = View("cases", owned, ("supervised_case",), "supervised_case", "case_id")


@SUPERVISED_UNIT.measure(CASES, Text("办件数", "cases"), windows=RECENT, log=True)
def cases_count(rows: Rows) -> ir.Value:
    """Cases opened."""
    return rows.count()


@SUPERVISED_UNIT.share(CASES, Text("查否占比", "share closed as unfounded"), windows=RECENT)
def unfounded_share(rows: Rows) -> ir.BooleanValue:
    """Share of the closed cases that were closed as unfounded or without action."""
    return rows.unfounded


@SUPERVISED_UNIT.share(CASES, Text("超期占比", "share overdue"), windows=RECENT)
def overdue_share(rows: Rows) -> ir.BooleanValue:
    """Share of the cases with a due date closed after it, or open beyond it."""
    return rows.late


@SUPERVISED_UNIT.share(CASES, Text("无佐证销号占比", "share closed without evidence"))
def no_evidence_share(rows: Rows) -> ir.BooleanValue:
    """Share of the closed cases without any evidence or without verification."""
    return rows.bare


@SUPERVISED_UNIT.measure(
    CASES, Text("平均签收天数", "mean days to accept"), "days", log=True, behind=Behind(weigh=lambda r: r.accept_days)
)
def accept_days_mean(rows: Rows) -> ir.Value:
    """Mean days between opening and acceptance."""
    return rows.accept_days.mean()


@SUPERVISED_UNIT.measure(CASES, Text("追回金额占比", "share recovered"), "%", Direction.LOW)
def recovered_share(rows: Rows) -> ir.Value:
    """Amount recovered over the amount at stake."""
    return ratio(rows.recovered.sum(), rows.stake.sum())
