"""Contracts: changed how often and by how much, paid when, filed when."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from features.measures.declare import Behind, Entity, Rows, View, ratio, span
from features.measures.tables import Tables, joined
from gnomon.terms import Direction, Text


def attributes(tables: Tables) -> ir.Table:
    """Contracts with their kind and the sector of their project."""
    project = tables.project.select("project_id", "sector")
    known = joined(tables.contract.left_join(project, "project_id"))
    return known.select("kind", "sector", entity_id="contract_id", name=ibis.null("string"), buyer="buyer_id")


CONTRACT = Entity(
    "contract",
    Text("合同", "contract"),
    attributes,
    peers=(("sector", "kind"), ("kind",), ()),
    attribute_titles={"kind": Text("合同类型", "kind"), "sector": Text("行业", "sector")},
    tables=("contract", "contract_amendment", "payment"),
)


def signed(tables: Tables) -> ir.Table:
    """One row per contract."""
    contract = tables.contract
    return contract.select(
        "contract_id", "event_at", "amount", entity_id="contract_id",
        filing=span(contract.filed_at.cast("timestamp"), contract.signed_at.cast("timestamp")),
        early=span(contract.signed_at.cast("timestamp"), contract.start_at.cast("timestamp")),
    )  # fmt: skip


def amendments(tables: Tables) -> ir.Table:
    """One row per amendment, beside the contract's amount."""
    worth = tables.contract.select("contract_id", "amount")
    row = joined(tables.contract_amendment.inner_join(worth, "contract_id"))
    up = ibis.greatest(row.delta_amount, 0.0)
    return row.select(
        "amendment_id", "event_at", "amount", entity_id="contract_id", delta="delta_amount", up=up,
        late=span(row.approved_at.cast("timestamp"), row.works_done_at.cast("timestamp")) > 0,
    )  # fmt: skip


def payments(tables: Tables) -> ir.Table:
    """One row per payment or due instalment, beside the contract's amount."""
    worth = tables.contract.select("contract_id", worth="amount")
    row = joined(tables.payment.inner_join(worth, "contract_id"))
    paid = row.paid_at.cast("timestamp")
    late = span(ibis.coalesce(paid, tables.now), row.due_at.cast("timestamp"))
    return row.select(
        "payment_id", "event_at", "worth", entity_id="contract_id", overdue=ibis.greatest(late, 0.0),
        paid=ibis.ifelse(paid.notnull(), row.amount, ibis.null()), open=paid.isnull() & (late > 0),
    )  # fmt: skip


SIGNED = View("signed", signed, ("contract",), "contract", "contract_id")
AMENDMENTS = View("amendments", amendments, ("contract", "contract_amendment"), "contract_amendment", "amendment_id")
PAYMENTS = View("payments", payments, ("contract", "payment"), "payment", "payment_id")
BY_DELTA = Behind(weigh=lambda rows: rows.up)
OVERDUE = Behind(weigh=lambda rows: rows.overdue)


@CONTRACT.measure(SIGNED, Text("合同金额", "amount"), "CNY", Direction.NONE, log=True)
def contract_amount(rows: Rows) -> ir.Value:
    """Amount signed."""
    return rows.amount.max()


@CONTRACT.measure(SIGNED, Text("备案滞后天数", "days until filed"), "days")
def filing_days(rows: Rows) -> ir.Value:
    """Days between signing and filing."""
    return rows.filing.max()


@CONTRACT.measure(SIGNED, Text("先开工后签约天数", "days begun before signing"), "days")
def begun_before_signing_days(rows: Rows) -> ir.Value:
    """Days by which the work began before the contract was signed; negative where it began after."""
    return rows.early.max()


@CONTRACT.measure(AMENDMENTS, Text("变更次数", "amendments"), log=True, behind=BY_DELTA)
def amendments_count(rows: Rows) -> ir.Value:
    """Amendment lines; a contract without any has no value."""
    return rows.count()


@CONTRACT.measure(AMENDMENTS, Text("变更增加比例", "increase by amendments"), "%", log=True, behind=BY_DELTA)
def change_ratio(rows: Rows) -> ir.Value:
    """Sum of the increases over the amount signed."""
    return ratio(rows.up.sum(), rows.amount.max())


@CONTRACT.share(AMENDMENTS, Text("先施工后变更占比", "share approved after the work"), behind=BY_DELTA)
def approved_after_work_share(rows: Rows) -> ir.BooleanValue:
    """Share of the amendments approved after the work was done."""
    return rows.late


@CONTRACT.measure(PAYMENTS, Text("最长逾期支付天数", "longest overdue payment"), "days", log=True, behind=OVERDUE)
def overdue_days_max(rows: Rows) -> ir.Value:
    """Days that the latest instalment was or is overdue."""
    return rows.overdue.max()


@CONTRACT.measure(PAYMENTS, Text("未付逾期笔数", "overdue instalments"), behind=Behind(where=lambda r: r.open))
def overdue_open(rows: Rows) -> ir.Value:
    """Instalments due and not paid yet."""
    return rows.open.sum()


@CONTRACT.measure(PAYMENTS, Text("已付占合同比", "share paid"), "%")
def paid_share(rows: Rows) -> ir.Value:
    """Paid over the amount signed: above 1 where more is paid than was agreed."""
    return ratio(rows.paid.sum(), rows.worth.max())
