"""Contract of `public_asset`: one row per asset."""

from features.contracts.column import Column, Contract
from gnomon.terms import Text

CONTRACT = Contract(
    name="public_asset",
    pack="asset",
    title=Text("国有/集体资产", "Public asset"),
    grain="one row per asset",
    columns=(
        Column("asset_id", "str", Text("资产编号", "asset id"), key=True, required=True),
        Column(
            "owner_org_id",
            "str",
            Text("权属单位", "owner org id"),
            required=True,
            references="organization",
            note="department, SOE or village collective",
        ),
        Column(
            "kind",
            "enum",
            Text("类型", "kind"),
            required=True,
            values=(
                "building",
                "office",
                "apartment",
                "land",
                "vehicle",
                "equipment",
                "farmland",
                "pond",
                "forest",
            ),
        ),
        Column("area_qty", "decimal", Text("面积", "area qty"), note="m2 or mu", unit="public_asset.unit"),
        Column("unit", "str", Text("单位", "unit")),
        Column("region_code", "code", Text("地区", "region code"), required=True),
        Column("address_norm", "str", Text("地址", "address norm")),
        Column("acquired_at", "date", Text("取得日", "acquired at")),
        Column("book_value", "money", Text("账面值", "book value"), unit="CNY"),
        Column("appraised_value", "money", Text("评估值", "appraised value"), unit="CNY"),
        Column(
            "status",
            "enum",
            Text("状态", "status"),
            required=True,
            values=(
                "in_use",
                "leased",
                "idle",
                "occupied",
                "disposed",
            ),
        ),
        Column("plate_no", "hash", Text("车牌散列", "plate no"), note="vehicles"),
        Column("fuel_norm", "decimal", Text("百公里油耗定额", "fuel norm"), note="L/100 km", unit="L/100 km"),
        Column("tank_litres", "decimal", Text("油箱容积", "tank litres"), note="L", unit="L"),
        Column("custodian_id", "hash", Text("保管人", "custodian id"), references="person"),
    ),
)
