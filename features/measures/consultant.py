"""Firms that design or audit works: how much is changed for faults of design, how much an audit cuts."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from features.measures.declare import Behind, Entity, Rows, View, ratio
from features.measures.prescribing import is_blank
from features.measures.tables import Tables, commonest, joined
from features.rates import Chance
from gnomon.terms import Direction, Text

FAULTS = ("design_error", "quantity")
FEWEST = 3
"""Projects from which a firm's habit shows."""


def designs(tables: Tables) -> ir.Table:
    """One row per works contract of a project that the firm designed, with the changes for faults of design."""
    contract = tables.contract
    designer = contract.filter(contract.kind == "design").select("project_id", entity_id="supplier_id").distinct()
    change = tables.contract_amendment
    change = change.filter(change.reason_code.isin(FAULTS))
    change = change.group_by("contract_id").aggregate(changed=change.delta_amount.abs().sum(), changes=change.count())
    works = contract.filter(contract.kind == "works").select("contract_id", "project_id", "amount", "event_at")
    row = joined(works.inner_join(designer, "project_id"))
    row = joined(row.left_join(change, "contract_id").drop("contract_id_right"))
    return row.mutate(changed=row.changed.fill_null(0.0), changes=row.changes.fill_null(0))


def audits(tables: Tables) -> ir.Table:
    """One row per settlement that the firm audited."""
    event = tables.project_event
    event = event.filter((event.event_type == "settlement_audited") & ~is_blank(event.actor_org_id))
    event = event.select("event_id", "project_id", "event_at", entity_id="actor_org_id")
    project = tables.project.select("project_id", "settlement_claimed", "settlement_audited", "budget_amount")
    row = joined(event.inner_join(project, "project_id"))
    return row.mutate(
        cut=1 - ratio(row.settlement_audited, row.settlement_claimed),
        over=ratio(row.settlement_audited, row.budget_amount) - 1,
    )


def attributes(tables: Tables) -> ir.Table:
    """Everybody who designed or audited a project, with the sector it did most."""
    sector = tables.project.select("project_id", "sector")
    work = ibis.union(
        designs(tables).select("entity_id", "project_id"), audits(tables).select("entity_id", "project_id")
    )
    work = joined(work.left_join(sector, "project_id"))
    main = commonest(work, "sector").select("entity_id", "sector")
    body = tables.organization.select("name", entity_id="org_id")
    return joined(main.left_join(body, "entity_id").drop("entity_id_right")).select("entity_id", "name", "sector")


CONSULTANT = Entity(
    "consultant",
    Text("设计与审价单位", "design and audit firm"),
    attributes,
    peers=(("sector",), ()),
    attribute_titles={"sector": Text("行业", "sector")},
    tables=("contract", "project_event"),
)
DESIGNS = View("designs", designs, ("contract", "contract_amendment"), "contract", "contract_id")
AUDITS = View("audits", audits, ("project", "project_event"), "project_event", "event_id")
BY_CHANGE = Behind(weigh=lambda rows: rows.changed)


@CONSULTANT.measure(DESIGNS, Text("设计变更率", "changes for faults of design"), "%", behind=BY_CHANGE)
def design_change_rate(rows: Rows) -> ir.Value:
    """Absolute amount of changes for faults of design or quantity over the works' contract amounts; three at least."""
    enough = rows.project_id.nunique() >= FEWEST
    return ibis.ifelse(enough, ratio(rows.changed.sum(), rows.amount.sum()), ibis.null())


@CONSULTANT.rate(
    DESIGNS, Text("每份施工合同设计变更次数", "changes for faults per works contract"), "", behind=BY_CHANGE,
    chance=Chance.COUNT,
)  # fmt: skip
def design_changes(rows: Rows) -> tuple[ir.NumericValue, ir.NumericValue]:
    """Changes for faults of design or quantity over the works contracts."""
    return rows.changes.sum(), rows.contract_id.nunique()


@CONSULTANT.measure(
    AUDITS, Text("平均审减率", "mean cut of settlements"), "%", Direction.LOW, behind=Behind(weigh=lambda r: -r.cut)
)
def settlement_cut_mean(rows: Rows) -> ir.Value:
    """Mean share of the claimed settlements that its audits cut; three at least. Low: lenient."""
    return ibis.ifelse(rows.cut.count() >= FEWEST, rows.cut.mean(), ibis.null())


@CONSULTANT.share(
    AUDITS, Text("审定超概算占比", "share audited over budget"), behind=Behind(where=lambda r: r.over > 0)
)
def over_budget_share(rows: Rows) -> ir.BooleanValue:
    """Share of the audited settlements that are over the project's budget."""
    return rows.over > 0
