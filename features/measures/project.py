"""Projects: unit cost, estimate to settlement, delay and payment."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from features.measures.declare import Entity, Rows, View, ratio, span
from features.measures.tables import Tables, joined
from gnomon.terms import Direction, Text


def attributes(tables: Tables) -> ir.Table:
    """Projects with what makes them comparable: sector, type of building, region."""
    return tables.project.select(
        "name", "sector", "build_type", entity_id="project_id", region="region_code", owner="owner_org_id"
    )


PROJECT = Entity(
    "project",
    Text("建设项目", "project"),
    attributes,
    peers=(("sector", "build_type", "region"), ("sector", "build_type"), ("sector",), ()),
    attribute_titles={
        "sector": Text("行业", "sector"),
        "build_type": Text("建设性质", "type of building"),
        "region": Text("地区", "region"),
    },
    tables=("project", "project_event", "contract"),
)


def budgets(tables: Tables) -> ir.Table:
    """One row per project."""
    return tables.project.mutate(entity_id=ibis._.project_id)


def works(tables: Tables) -> ir.Table:
    """One row per contract of a project, beside its budget."""
    project = tables.project.select("project_id", "budget_amount")
    row = joined(tables.contract.inner_join(project, "project_id"))
    return row.select("contract_id", "event_at", "amount", "budget_amount", "supplier_id", entity_id="project_id")


def events(tables: Tables) -> ir.Table:
    """One row per event of a project."""
    event = tables.project_event
    return event.select(
        "event_id", "event_at", "progress_pct", entity_id="project_id",
        late=ibis.greatest(span(event.event_at, event.due_at), 0.0),
    )  # fmt: skip


BUDGETS = View("budgets", budgets, ("project",), "project", "project_id")
WORKS = View("works", works, ("project", "contract"), "contract", "contract_id")
EVENTS = View("events", events, ("project", "project_event"), "project_event", "event_id")


@PROJECT.measure(BUDGETS, Text("单位造价", "unit cost"), "CNY", log=True)
def unit_cost(rows: Rows) -> ir.Value:
    """Estimate over the scale (per square metre, kilometre …); compare within one sector and type only."""
    return ratio(rows.estimate_amount.max(), rows.scale_qty.max())


@PROJECT.measure(BUDGETS, Text("概算与预算之比", "budget to estimate"), "%")
def budget_to_estimate(rows: Rows) -> ir.Value:
    """Budget over estimate."""
    return ratio(rows.budget_amount.max(), rows.estimate_amount.max())


@PROJECT.measure(BUDGETS, Text("结算超预算", "settlement over budget"), "%")
def settlement_over_budget(rows: Rows) -> ir.Value:
    """Audited settlement over budget, less one."""
    return ratio(rows.settlement_audited.max(), rows.budget_amount.max()) - 1


@PROJECT.measure(BUDGETS, Text("结算审减率", "cut of the settlement"), "%")
def settlement_cut(rows: Rows) -> ir.Value:
    """Share of the claimed settlement that the audit cut."""
    return 1 - ratio(rows.settlement_audited.max(), rows.settlement_claimed.max())


@PROJECT.measure(WORKS, Text("合同数", "contracts"), "", Direction.NONE, log=True)
def contracts_count(rows: Rows) -> ir.Value:
    """Contracts of the project."""
    return rows.count()


@PROJECT.measure(WORKS, Text("合同额与预算之比", "contracts to budget"), "%")
def contracts_to_budget(rows: Rows) -> ir.Value:
    """Amount of all contracts over the budget."""
    return ratio(rows.amount.sum(), rows.budget_amount.max())


@PROJECT.measure(EVENTS, Text("最长节点延误", "longest delay"), "days", log=True)
def delay_days_max(rows: Rows) -> ir.Value:
    """Days by which the latest event came after it was due."""
    return rows.late.max()
