"""Contract of `bid_item`: one row per bid and bill item."""

from features.contracts.column import Column, Contract
from gnomon.terms import Text

CONTRACT = Contract(
    name="bid_item",
    pack="project",
    title=Text("清单报价", "Bid item"),
    grain="one row per bid and bill item",
    standard="OCDS bids/details[]/items[] (requirements ext., weak)",
    columns=(
        Column("bid_id", "str", Text("投标", "bid id"), key=True, required=True, references="bid"),
        Column("line_no", "int", Text("行号", "line no"), key=True, required=True),
        Column("item_code", "code", Text("清单项", "item code"), required=True, references="catalog_item"),
        Column("quantity", "decimal", Text("工程量", "quantity"), required=True, unit="catalog_item.base_unit"),
        Column("unit_price", "money", Text("综合单价", "unit price"), required=True, unit="CNY"),
        Column("amount", "money", Text("合价", "amount"), required=True, unit="CNY"),
    ),
)
