"""Units that spend public money: receptions, travel and office space beside their standards; money to persons."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from features.measures.declare import RECENT, Behind, Entity, Rows, View, ratio
from features.measures.prescribing import is_blank
from features.measures.tables import Tables, joined
from gnomon.terms import Text


def expenses(tables: Tables) -> ir.Table:
    """One row per expense of a unit, beside the standard that it names."""
    paid = tables.expense
    paid = paid.filter(~is_blank(paid.org_id))
    limit = tables.policy_threshold.select("valid_from", "valid_to", "value", std_key="key")
    pair = joined(paid.select("expense_id", "event_at", "std_key").inner_join(limit, "std_key"))
    day = pair.event_at.date()
    pair = pair.filter((pair.valid_from <= day) & (pair.valid_to.isnull() | (day < pair.valid_to)))
    limit = pair.group_by("expense_id").aggregate(standard=pair["value"].min())
    paid = joined(paid.left_join(limit, "expense_id").drop("expense_id_right"))
    heads = ibis.ifelse(paid.category == "travel", paid.nights, paid.headcount).nullif(0)
    per = paid.amount / heads
    guests = paid.headcount - paid.staff_count
    allowed = ibis.ifelse(guests <= 10, 3.0, guests / 3)
    reception = paid.category == "reception"
    return paid.select(
        "expense_id", "event_at", "amount", "category", "vendor_id", entity_id="org_id",
        reception_per_head=ibis.ifelse(reception, per, ibis.null()),
        over=ibis.ifelse(paid.category.isin(["reception", "travel", "meeting"]), per > paid.standard, ibis.null()),
        crowd=ibis.ifelse(reception, paid.staff_count > allowed, ibis.null()),
        unlettered=ibis.ifelse(reception, is_blank(paid.doc_ref), ibis.null()),
        split=ibis.ifelse(
            reception & ~is_blank(paid.vendor_id),
            paid.count().over(
                ibis.window(group_by=["org_id", "vendor_id", "category", paid.occurred_at.date()])
            ) > 1,
            ibis.null(),
        ),
    )  # fmt: skip


def estate(tables: Tables) -> ir.Table:
    """One row per asset of a unit."""
    asset = tables.public_asset
    return asset.filter(~is_blank(asset.owner_org_id)).select(
        "asset_id", entity_id="owner_org_id", event_at=asset.acquired_at.cast("timestamp"), area="area_qty",
        idle=ibis.ifelse(asset.status == "idle", asset.area_qty, 0.0), built=asset.kind.isin(["building", "office"]),
    )  # fmt: skip


def payments(tables: Tables) -> ir.Table:
    """One row per payment of a unit, and whether it went to a natural person."""
    paid = tables.payment
    paid = paid.filter(~is_blank(paid.payer_id) & paid.paid_at.notnull())
    body = tables.organization.select("org_id", known=True)
    row = joined(paid.left_join(body, paid.payee_id == body.org_id))
    return row.select(
        "payment_id", "event_at", "amount", entity_id="payer_id", loan=row.kind == "loan",
        person=ibis.ifelse(is_blank(row.payee_id), ibis.null(), row.known.isnull()),
        round=(row.amount % 1000) == 0,
    )  # fmt: skip


def attributes(tables: Tables) -> ir.Table:
    """Everybody who spends or owns, with level and kind."""
    seen = ibis.union(
        tables.expense.select(entity_id="org_id"),
        tables.public_asset.select(entity_id="owner_org_id"),
        tables.payment.select(entity_id="payer_id"),
        distinct=True,
    )
    body = tables.organization
    kind = ibis.ifelse(body.roles.contains("village_collective"), "village_collective", ibis.null())
    body = body.select("name", "level", entity_id="org_id", region="region_code", kind=kind)
    known = joined(seen.left_join(body, "entity_id").drop("entity_id_right"))
    return known.filter(known.region.notnull())


SPENDING_UNIT = Entity(
    "spending_unit",
    Text("支出单位", "spending unit"),
    attributes,
    peers=(("level", "region"), ("level",), ()),
    attribute_titles={"level": Text("单位级别", "level"), "region": Text("地区", "region")},
    tables=("expense", "payment"),
)
EXPENSES = View("expenses", expenses, ("expense",), "expense", "expense_id")
HELD = View("held", expenses, ("expense", "policy_threshold"), "expense", "expense_id")
ESTATE = View("estate", estate, ("public_asset",), "public_asset", "asset_id")
PAYMENTS = View("payments", payments, ("payment", "organization"), "payment", "payment_id")


@SPENDING_UNIT.measure(
    EXPENSES, Text("接待人均金额", "reception per head"), "CNY", windows=RECENT, log=True,
    behind=Behind(weigh=lambda r: r.reception_per_head),
)  # fmt: skip
def reception_per_head(rows: Rows) -> ir.Value:
    """Mean of the receptions' amounts per head."""
    return rows.reception_per_head.mean()


@SPENDING_UNIT.share(HELD, Text("超标准支出占比", "share over the standard"), windows=RECENT)
def over_standard_share(rows: Rows) -> ir.BooleanValue:
    """Share of the receptions, trips and meetings over the standard that they name, per head or night."""
    return rows.over


@SPENDING_UNIT.share(EXPENSES, Text("陪同超员接待占比", "share with too many hosts"))
def crowded_reception_share(rows: Rows) -> ir.BooleanValue:
    """Share of receptions with over three hosts for ten guests, or a third beyond (国内公务接待管理规定 2013)."""
    return rows.crowd


@SPENDING_UNIT.share(EXPENSES, Text("无公函接待占比", "share without a letter"))
def unlettered_share(rows: Rows) -> ir.BooleanValue:
    """Share of the receptions without an official letter."""
    return rows.unlettered


@SPENDING_UNIT.share(EXPENSES, Text("同日同商户拆单占比", "share split on a day"))
def split_share(rows: Rows) -> ir.BooleanValue:
    """Share of the receptions at a vendor who has another of the unit's on the same day."""
    return rows.split


@SPENDING_UNIT.measure(ESTATE, Text("闲置房屋面积", "idle area"), "m2", log=True, behind=Behind(weigh=lambda r: r.idle))
def idle_area(rows: Rows) -> ir.Value:
    """Area of the buildings and offices that stand idle."""
    return ibis.ifelse(rows.built, rows.idle, ibis.null()).sum()


@SPENDING_UNIT.measure(
    PAYMENTS, Text("付给个人金额占比", "share paid to persons"), "%",
    behind=Behind(where=lambda r: r.person, weigh=lambda r: r.amount),
)  # fmt: skip
def to_persons_share(rows: Rows) -> ir.Value:
    """Amount paid to payees that are no registered organization over all that was paid to a named payee."""
    known = ibis.ifelse(rows.person.notnull(), rows.amount, ibis.null())
    return ratio(ibis.ifelse(rows.person, rows.amount, 0.0).sum(), known.sum())


@SPENDING_UNIT.measure(PAYMENTS, Text("借款笔数", "loans"), windows=RECENT, behind=Behind(where=lambda r: r.loan))
def loans(rows: Rows) -> ir.Value:
    """Payments that are loans."""
    return rows.loan.sum()


@SPENDING_UNIT.share(PAYMENTS, Text("付给个人整数金额占比", "share of round sums to persons"))
def round_person_share(rows: Rows) -> ir.BooleanValue:
    """Share of the payments to persons that are whole thousands."""
    return ibis.ifelse(rows.person, rows.round, ibis.null())
