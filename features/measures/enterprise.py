"""Enterprises: what they report beside what they burn and pay, and how often they are inspected and fined."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from features.measures.declare import YEARLY, Behind, Entity, Rows, View, ratio
from features.measures.prescribing import is_blank
from features.measures.tables import Tables, joined
from gnomon.terms import Direction, Text

MONTHS = 3
"""Months reported from which a firm's habit shows."""


def reports(tables: Tables) -> ir.Table:
    """One row per firm and month, beside the month before and after and who else reported from the same address."""
    row = tables.enterprise_stat
    row = row.filter(~is_blank(row.org_id))
    near = ibis.window(group_by="org_id", order_by="period")
    per_kwh = (row.output_value / row.electricity_kwh.nullif(0.0)).nullif(0.0)
    log = (ibis.greatest(row.output_value, 0.0) + 1.0).log()
    row = row.mutate(log=log)
    rise, fall = row.log - row.log.lag().over(near), row.log - row.log.lead().over(near)
    firms = row.org_id.nunique().over(ibis.window(group_by=["reporter_ip", "period"]))
    return row.select(
        "period", "event_at", "revenue", "output_value", "employees", "electricity_kwh", "tax_paid", "invoice_amount",
        "overdue_receivable", entity_id="org_id", per_kwh=per_kwh, peak=ibis.least(rise, fall),
        shared=ibis.ifelse(is_blank(row.reporter_ip), ibis.null(), firms),
    )  # fmt: skip


def cases(tables: Tables) -> ir.Table:
    """One row per enforcement case against a firm."""
    case = tables.enforcement_case
    return case.filter(~is_blank(case.party_id)).select(
        "enf_id", "event_at", "authority_org_id", "violation_code", "penalty_amount", entity_id="party_id"
    )


def money(tables: Tables) -> ir.Table:
    """Revenue and fines in one table, by firm."""
    told = reports(tables).select("event_at", "revenue", key="period", entity_id="entity_id", fine=ibis.null("float64"))
    fined = cases(tables).select(
        "event_at", revenue=ibis.null("float64"), key="enf_id", entity_id="entity_id", fine="penalty_amount"
    )
    return ibis.union(told, fined)


def attributes(tables: Tables) -> ir.Table:
    """Firms that report or were inspected, with two digits of the industry and the size."""
    seen = ibis.union(
        tables.enterprise_stat.select(entity_id="org_id"),
        cases(tables).select("entity_id"),
        distinct=True,
    )
    body = tables.organization
    body = body.select(
        "name", "size_class", entity_id="org_id", region="region_code",
        industry=body.industry_code.re_extract(r"(\d{2})", 1).nullif(""),
    )  # fmt: skip
    return joined(seen.left_join(body, "entity_id").drop("entity_id_right"))


ENTERPRISE = Entity(
    "enterprise",
    Text("企业", "enterprise"),
    attributes,
    peers=(("industry", "size_class"), ("industry",), ()),
    attribute_titles={
        "industry": Text("行业", "industry"),
        "size_class=large": Text("大型", "large"),
        "size_class=medium": Text("中型", "medium"),
        "size_class=small": Text("小型", "small"),
        "size_class=micro": Text("微型", "micro"),
    },
    tables=("enterprise_stat", "enforcement_case"),
)
REPORTS = View("reports", reports, ("enterprise_stat",), "enterprise_stat", "period")
CASES = View("cases", cases, ("enforcement_case",), "enforcement_case", "enf_id")
MONEY = View("money", money, ("enterprise_stat", "enforcement_case"), "enforcement_case", "enf_id", rows=CASES)


def habitual(rows: Rows, value: ir.Value) -> ir.Value:
    """The value where three months at least are reported."""
    return ibis.ifelse(rows.count() >= MONTHS, value, ibis.null())


@ENTERPRISE.measure(REPORTS, Text("每度电产值", "output per kWh"), "CNY", windows=YEARLY, log=True)
def output_per_kwh(rows: Rows) -> ir.Value:
    """Output reported over electricity used; three months at least. High: output that no machine made."""
    return habitual(rows, ratio(rows.output_value.sum(), rows.electricity_kwh.sum()))


@ENTERPRISE.measure(REPORTS, Text("人均月产值", "monthly output per head"), "CNY", windows=YEARLY, log=True)
def output_per_head(rows: Rows) -> ir.Value:
    """Output over employees, summed over the months; three months at least."""
    return habitual(rows, ratio(rows.output_value.sum(), rows.employees.sum()))


@ENTERPRISE.measure(REPORTS, Text("税负率", "tax to revenue"), "%", Direction.LOW, YEARLY)
def tax_to_revenue(rows: Rows) -> ir.Value:
    """Tax paid over revenue reported; three months at least."""
    return habitual(rows, ratio(rows.tax_paid.sum(), rows.revenue.sum()))


@ENTERPRISE.measure(REPORTS, Text("开票与营收之比", "invoices to revenue"), "%", Direction.LOW, YEARLY)
def invoices_to_revenue(rows: Rows) -> ir.Value:
    """Amount invoiced over revenue reported; three months at least."""
    return habitual(rows, ratio(rows.invoice_amount.sum(), rows.revenue.sum()))


@ENTERPRISE.measure(
    REPORTS, Text("期末冲高回落", "largest peak taken back"), "", behind=Behind(weigh=lambda rows: rows.peak)
)
def output_peak(rows: Rows) -> ir.Value:
    """Largest log rise of output over the month before that the month after takes back: the smaller of both steps."""
    return rows.peak.max()


@ENTERPRISE.measure(
    REPORTS, Text("同一地址填报企业数", "firms reporting from one address"), behind=Behind(weigh=lambda r: r.shared)
)
def shared_reporter_firms(rows: Rows) -> ir.Value:
    """Most firms that reported a month from the same network address, itself among them."""
    return rows.shared.max()


@ENTERPRISE.measure(REPORTS, Text("逾期应收与营收之比", "overdue receivables to revenue"), "%", windows=YEARLY)
def overdue_to_revenue(rows: Rows) -> ir.Value:
    """Mean overdue receivables over mean monthly revenue."""
    return ratio(rows.overdue_receivable.mean(), rows.revenue.mean())


@ENTERPRISE.measure(CASES, Text("被查处次数", "enforcement cases"), windows=("", "365d", "90d"), log=True)
def cases_count(rows: Rows) -> ir.Value:
    """Enforcement cases against it."""
    return rows.count()


@ENTERPRISE.measure(CASES, Text("查处机关数", "authorities"), windows=YEARLY)
def authorities(rows: Rows) -> ir.Value:
    """Distinct authorities with a case against it."""
    return rows.authority_org_id.nunique()


@ENTERPRISE.measure(CASES, Text("同一违法重复查处占比", "share of repeated violations"), "%", windows=YEARLY)
def repeated_violation_share(rows: Rows) -> ir.Value:
    """Share of the cases for a violation that another case was about."""
    return 1.0 - ratio(rows.violation_code.nunique(), rows.violation_code.count())


@ENTERPRISE.measure(MONEY, Text("罚款占营收比", "fines to revenue"), "%", windows=YEARLY, behind=Behind())
def fines_to_revenue(rows: Rows) -> ir.Value:
    """Fines over revenue reported."""
    return ratio(rows.fine.sum(), rows.revenue.sum())
