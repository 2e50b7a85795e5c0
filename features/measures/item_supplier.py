"""Items bought from a supplier: what one buyer pays one supplier for one item, beside the reference price."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from features.measures.declare import RECENT, Behind, Entity, Rows, View, excess, ratio
from features.measures.prescribing import is_blank
from features.measures.tables import Tables, civil, joined, pair_id
from gnomon.terms import Direction, Text

BUYERS = ("hospital", "clinic", "pharmacy", "school")


def purchases(tables: Tables) -> ir.Table:
    """One row per purchase, beside the reference price of its item, region and month."""
    bought = tables.stock_movement
    bought = bought.filter((bought.kind == "purchase_in") & ~is_blank(bought.org_id) & ~is_blank(bought.item_code))
    body = tables.organization
    kind = ibis.cases(*((body.roles.contains(one), one) for one in BUYERS), else_=ibis.null("string"))
    body = body.select("region_code", "name", "level", org_id="org_id", buyer=kind)
    bought = joined(bought.left_join(body, "org_id").drop("org_id_right"))
    bought = bought.mutate(month=civil(bought.moved_at).strftime("%Y-%m"))
    reference = tables.price_reference.select("item_code", "region_code", "month", "ref_price")
    on = ["item_code", "region_code", "month"]
    bought = joined(bought.left_join(reference, on).drop(*(f"{name}_right" for name in on)))
    worth = bought.unit_price * bought.quantity
    return bought.select(
        "movement_id", "event_at", "org_id", "item_code", "name", "level", kind="buyer", worth=worth,
        supplier_id="counterparty_id", entity_id=pair_id(bought.org_id, bought.item_code, bought.counterparty_id),
        reference=bought.ref_price * bought.quantity, price="unit_price",
        of_item=worth.sum().over(ibis.window(group_by=["org_id", "item_code"])),
        usual=bought.unit_price.median().over(ibis.window(group_by="item_code")),
    )  # fmt: skip


def attributes(tables: Tables) -> ir.Table:
    """Triples with the item, and what the buyer is."""
    row = purchases(tables)
    made = row.group_by("entity_id", "item_code", "supplier_id", "org_id").aggregate(
        kind=row.kind.max(), level=row.level.max(), buyer=row.name.max()
    )
    item = tables.catalog_item.select("item_code", "class_code", "item_kind", item="name")
    made = joined(made.left_join(item, "item_code").drop("item_code_right"))
    who, what = ibis.coalesce(made.buyer, made.org_id), ibis.coalesce(made.item, made.item_code)
    return made.select(
        "entity_id", "kind", "level", group=ibis.coalesce(made.class_code, made.item_kind), supplier="supplier_id",
        code="item_code", name=who + " / " + what,
    )  # fmt: skip


ITEM_SUPPLIER = Entity(
    "item_supplier",
    Text("采购品目与供应商", "item from a supplier"),
    attributes,
    peers=(("kind", "group", "code"), ("kind", "group"), ("kind",), ()),
    attribute_titles={
        "code": Text("品目", "item"),
        "group": Text("品类", "class"),
        "kind=hospital": Text("医院", "hospitals"),
        "kind=clinic": Text("诊所", "clinics"),
        "kind=pharmacy": Text("药店", "pharmacies"),
        "kind=school": Text("学校", "schools"),
    },
    tables=("stock_movement",),
)
BOUGHT = View("bought", purchases, ("stock_movement",), "stock_movement", "movement_id")
PRICED = View("priced", purchases, ("stock_movement", "price_reference"), "stock_movement", "movement_id")
OVER = Behind(weigh=lambda rows: rows.worth - rows.reference)


@ITEM_SUPPLIER.measure(BOUGHT, Text("采购金额", "amount bought"), "CNY", Direction.NONE, RECENT, log=True)
def bought_amount(rows: Rows) -> ir.Value:
    """Amount of the purchases."""
    return rows.worth.sum()


@ITEM_SUPPLIER.measure(BOUGHT, Text("单价为同品中位数倍数", "price to the item's median"), "x", windows=RECENT)
def price_to_median(rows: Rows) -> ir.Value:
    """Mean of the unit prices over the median unit price of the item everywhere."""
    return ratio(rows.price, rows.usual).mean()


@ITEM_SUPPLIER.measure(BOUGHT, Text("占该品采购比", "share of the item's purchases"), "%", Direction.NONE)
def share_of_item(rows: Rows) -> ir.Value:
    """Share of what the buyer spent on the item that went to the supplier."""
    return ratio(rows.worth.sum(), rows.of_item.max())


@ITEM_SUPPLIER.measure(PRICED, Text("价格偏离参考价", "price over the reference"), "%", windows=RECENT, behind=OVER)
def price_over_reference(rows: Rows) -> ir.Value:
    """Amount paid over what the same quantities cost at the reference price of region and month, less one."""
    return excess(rows.worth, rows.reference)


@ITEM_SUPPLIER.measure(PRICED, Text("超参考价金额", "excess over the reference"), "CNY", windows=RECENT, behind=OVER)
def excess_over_reference(rows: Rows) -> ir.Value:
    """Amount paid less what the same quantities cost at the reference price."""
    return (rows.worth - rows.reference).sum()
