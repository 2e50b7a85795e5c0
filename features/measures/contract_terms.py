"""Contracts: securities, changes just under a limit, who is paid, and whether the manager is there."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from features.measures.contract import CONTRACT
from features.measures.declare import Behind, Rows, View, ratio, span
from features.measures.prescribing import is_blank
from features.measures.tables import Tables, joined
from gnomon.terms import Text

LIMIT = "amendment.approval.limit"
NEAR = 0.9


def terms(tables: Tables) -> ir.Table:
    """One row per contract, beside its award."""
    award = tables.award.select("award_id", "awarded_at")
    row = joined(tables.contract.left_join(award, "award_id").drop("award_id_right"))
    return row.select(
        "contract_id", "event_at", entity_id="contract_id",
        signing=span(row.signed_at.cast("timestamp"), row.awarded_at),
        bond=ratio(row.performance_bond, row.amount),
    )  # fmt: skip


def hugging(tables: Tables) -> ir.Table:
    """One row per amendment near the limit above which others must approve, and whether it stays under it."""
    limit = tables.policy_threshold
    limit = limit.filter(limit.key == LIMIT).select("valid_from", "valid_to", line="value")
    change = tables.contract_amendment.select("amendment_id", "contract_id", "amended_at", "event_at", "delta_amount")
    pair = joined(change.cross_join(limit))
    pair = pair.filter(
        (pair.valid_from <= pair.amended_at) & (pair.valid_to.isnull() | (pair.amended_at < pair.valid_to))
    )
    near = pair.delta_amount.between(NEAR * pair.line, (2 - NEAR) * pair.line)
    day = ibis.window(group_by=["contract_id", "amended_at", "line"])
    sums = pair.delta_amount.sum().over(day)
    split = (pair.delta_amount < pair.line) & (sums > pair.line)
    return pair.select(
        "amendment_id", "event_at", entity_id="contract_id", delta="delta_amount",
        under=ibis.ifelse(near, pair.delta_amount < pair.line, ibis.null()), split=split,
    )  # fmt: skip


def payees(tables: Tables) -> ir.Table:
    """One row per payment made on a contract, and whether it went to somebody else or to an unknown account."""
    contract = tables.contract.select("contract_id", "supplier_id")
    row = joined(tables.payment.inner_join(contract, "contract_id"))
    row = row.filter(row.paid_at.notnull())
    account = tables.contact_point
    account = account.filter(account.kind == "bank_account")
    known = account.select(supplier_id="party_id", payee_account_hash="value_norm", ours=True).distinct()
    told = account.select(supplier_id="party_id", listed=True).distinct()
    on = ["supplier_id", "payee_account_hash"]
    row = joined(row.left_join(known, on).drop(*(f"{name}_right" for name in on)))
    row = joined(row.left_join(told, "supplier_id").drop("supplier_id_right"))
    other = ibis.ifelse(is_blank(row.payee_id), ibis.null(), row.payee_id != row.supplier_id)
    strange = ibis.ifelse(
        row.listed.fill_null(False) & ~is_blank(row.payee_account_hash), ~row.ours.fill_null(False), ibis.null()
    )
    return row.select(
        "payment_id",
        "event_at",
        "amount",
        entity_id="contract_id",
        wrong=ibis.coalesce(other | strange, other, strange),
    )


def presence(tables: Tables) -> ir.Table:
    """One row per contract and working day of its term, and whether the named manager was on the site."""
    work = tables.contract
    work = work.filter(~is_blank(work.pm_person_id) & work.project_id.notnull()).select(
        "contract_id", "project_id", "start_at", "end_at", person_id="pm_person_id"
    )
    site = tables.site_attendance.select("project_id", "day", "event_at").distinct()
    day = joined(work.inner_join(site, "project_id"))
    inside = (day.start_at.isnull() | (day.day >= day.start_at)) & (day.end_at.isnull() | (day.day <= day.end_at))
    day = day.filter(inside)
    there = tables.site_attendance.select("project_id", "day", "person_id", there=True).distinct()
    on = ["project_id", "day", "person_id"]
    day = joined(day.left_join(there, on).drop(*(f"{name}_right" for name in on)))
    return day.select("contract_id", "day", "event_at", entity_id="contract_id", absent=day.there.isnull())


TERMS = View("terms", terms, ("contract",), "contract", "contract_id")
HUGGING = View(
    "hugging", hugging, ("contract_amendment", "policy_threshold"), "contract_amendment", "amendment_id"
)  # fmt: skip
PAYEES = View("payees", payees, ("contract", "payment"), "payment", "payment_id")
PRESENCE = View("presence", presence, ("contract", "site_attendance"), "site_attendance", "day")


@CONTRACT.measure(TERMS, Text("授标至签约天数", "days from award to signing"), "days")
def signing_days(rows: Rows) -> ir.Value:
    """Days between award and signing; 30 at most by 招标投标法 (2017) art. 46."""
    return rows.signing.max()


@CONTRACT.measure(TERMS, Text("履约保证金占比", "performance bond to amount"), "%")
def performance_bond_share(rows: Rows) -> ir.Value:
    """Performance bond over the contract amount; a tenth at most by 招标投标法实施条例 (2019) art. 58."""
    return rows.bond.max()


@CONTRACT.share(HUGGING, Text("变更压线占比", "share of changes just under the limit"), at_least=3)
def change_under_limit_share(rows: Rows) -> ir.BooleanValue:
    """Share, of the changes within a tenth of the approval limit, under it; three at least. Half is even."""
    return rows.under


@CONTRACT.measure(
    HUGGING, Text("同日拆分变更数", "changes split on a day"), behind=Behind(where=lambda r: r.split)
)  # fmt: skip
def split_changes(rows: Rows) -> ir.Value:
    """Changes under the approval limit that exceed it together with others of the same day."""
    return rows.split.sum()


@CONTRACT.share(
    PAYEES,
    Text("收款方不符占比", "share paid to somebody else"),
    behind=Behind(where=lambda r: r.wrong, weigh=lambda r: r.amount),
)
def wrong_payee_share(rows: Rows) -> ir.BooleanValue:
    """Share of the payments to another than the contractor, or into an account that is not on its list."""
    return rows.wrong


@CONTRACT.share(PRESENCE, Text("项目经理缺勤占比", "share of days without the manager"))
def manager_absent_share(rows: Rows) -> ir.BooleanValue:
    """Share of the days with attendance on the site on which the contract's manager was not recorded."""
    return rows.absent
