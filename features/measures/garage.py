"""Garages: repairs of official vehicles, by how many units, on invoices how close together."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from features.measures.declare import RECENT, Behind, Entity, Rows, View, ratio, span
from features.measures.prescribing import is_blank
from features.measures.tables import Tables, joined
from gnomon.terms import Direction, Text

AGAIN = 180
"""Days within which the same vehicle is repaired again."""


def repairs(tables: Tables) -> ir.Table:
    """One row per repair with a named garage."""
    paid = tables.expense
    paid = paid.filter((paid.category == "repair") & ~is_blank(paid.vendor_id))
    before = ibis.window(group_by=["vendor_id", "asset_id"], order_by="occurred_at")
    days = span(paid.occurred_at, paid.occurred_at.lag().over(before))
    number = paid.invoice_no.re_extract(r"(\d{1,15})$", 1).nullif("").cast("int64")
    follows = number - number.lag().over(ibis.window(group_by="vendor_id", order_by=[number, "expense_id"]))
    return paid.select(
        "expense_id", "event_at", "amount", "org_id", "asset_id", entity_id="vendor_id",
        again=ibis.ifelse(is_blank(paid.asset_id), ibis.null(), (days <= AGAIN).fill_null(False)),
        follows=ibis.ifelse(number.isnull(), ibis.null(), (follows == 1).fill_null(False)),
        of_unit=paid.amount.sum().over(ibis.window(group_by=["vendor_id", "org_id"])),
    )  # fmt: skip


def attributes(tables: Tables) -> ir.Table:
    """Garages with their region."""
    seen = repairs(tables).select("entity_id").distinct()
    body = tables.organization.select("name", entity_id="org_id", region="region_code")
    return joined(seen.left_join(body, "entity_id").drop("entity_id_right"))


GARAGE = Entity(
    "garage",
    Text("维修厂", "garage"),
    attributes,
    peers=(("region",), ()),
    attribute_titles={"region": Text("地区", "region")},
    tables=("expense",),
)
REPAIRS = View("repairs", repairs, ("expense",), "expense", "expense_id")
BY_AMOUNT = Behind(weigh=lambda rows: rows.amount)


@GARAGE.measure(
    REPAIRS, Text("维修金额", "amount of repairs"), "CNY", Direction.NONE, RECENT, log=True, behind=BY_AMOUNT
)
def repair_amount(rows: Rows) -> ir.Value:
    """Amount of the repairs."""
    return rows.amount.sum()


@GARAGE.measure(REPAIRS, Text("车均维修金额", "amount per vehicle"), "CNY", windows=RECENT, log=True, behind=BY_AMOUNT)
def amount_per_vehicle(rows: Rows) -> ir.Value:
    """Amount of the repairs over distinct vehicles."""
    return ratio(rows.amount.sum(), rows.asset_id.nunique())


@GARAGE.share(REPAIRS, Text("半年内重复维修占比", "share repaired again within 180 days"))
def repeated_share(rows: Rows) -> ir.BooleanValue:
    """Share of the repairs within 180 days of the vehicle's repair before at the same garage."""
    return rows.again


@GARAGE.share(REPAIRS, Text("发票连号占比", "share of consecutive invoices"))
def consecutive_invoice_share(rows: Rows) -> ir.BooleanValue:
    """Share of the numbered invoices that follow another of the garage's by one."""
    return rows.follows


@GARAGE.measure(REPAIRS, Text("最大单位占比", "share of the largest unit"), "%", Direction.NONE, behind=Behind())
def top_unit_share(rows: Rows) -> ir.Value:
    """Share of the amount that one unit paid."""
    return ratio(rows.of_unit.max(), rows.amount.sum())
