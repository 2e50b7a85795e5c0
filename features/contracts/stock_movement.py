"""Contract of `stock_movement`: one row per stock movement (hospital, pharmacy, canteen, site store)."""

from features.contracts.column import ITEMS, Column, Contract
from gnomon.terms import Text

CONTRACT = Contract(
    name="stock_movement",
    pack="medical",
    title=Text("进销存", "Stock movement"),
    grain="one row per stock movement (hospital, pharmacy, canteen, site store)",
    standard="FHIR SupplyDelivery (weak)",
    event=("moved_at",),
    columns=(
        Column("movement_id", "str", Text("流水", "movement id"), key=True, required=True),
        Column("org_id", "str", Text("单位", "org id"), required=True, references="organization"),
        Column("item_code", "code", Text("品目", "item code"), schemes=ITEMS, required=True, references="catalog_item"),
        Column(
            "kind",
            "enum",
            Text("类型", "kind"),
            required=True,
            values=(
                "purchase_in",
                "return_in",
                "out",
                "loss",
                "return_out",
                "count_adjust",
            ),
        ),
        Column(
            "quantity",
            "decimal",
            Text("数量", "quantity"),
            required=True,
            note="base_unit, always positive; sign follows kind",
            unit="catalog_item.base_unit",
        ),
        Column("unit_price", "money", Text("单价", "unit price"), unit="CNY"),
        Column("counterparty_id", "str", Text("往来单位", "counterparty id"), references="organization"),
        Column("doc_no", "str", Text("单据号", "doc no")),
        Column("moved_at", "ts", Text("时间", "moved at"), required=True),
        Column(
            "project_id", "str", Text("项目", "project id"), references="project", note="site store of a works project"
        ),
        Column("batch_no", "str", Text("批号", "batch no")),
        Column(
            "on_platform",
            "bool",
            Text("是否平台采购", "on platform"),
            note="purchase found on the provincial procurement platform",
        ),
    ),
)
