"""Contract of `price_reference`: one row per item, region, month."""

from features.contracts.column import ITEMS, Column, Contract
from gnomon.terms import Text

CONTRACT = Contract(
    name="price_reference",
    pack="reference",
    title=Text("价格参照", "Price reference"),
    grain="one row per item, region, month",
    event=("month",),
    columns=(
        Column(
            "item_code",
            "code",
            Text("项目", "item code"),
            schemes=ITEMS,
            key=True,
            required=True,
            references="catalog_item",
        ),
        Column("region_code", "code", Text("地区", "region code"), key=True, required=True),
        Column("month", "month", Text("月份", "month"), key=True, required=True),
        Column(
            "ref_price",
            "money",
            Text("参考价", "ref price"),
            required=True,
            unit="CNY",
            note="per base_unit; median of clean transactions or official information price (信息价)",
        ),
        Column("p10", "money", Text("10分位", "p10"), unit="CNY"),
        Column("p90", "money", Text("90分位", "p90"), unit="CNY"),
        Column(
            "source",
            "enum",
            Text("来源", "source"),
            required=True,
            values=(
                "official_info_price",
                "volume_based",
                "transaction_median",
            ),
            note="official_info_price, volume_based(集采), transaction_median",
        ),
    ),
)
