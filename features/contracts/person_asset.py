"""Contract of `person_asset`: one row per person and asset found by the means check (经济状况核对)."""

from features.contracts.column import Column, Contract
from gnomon.terms import Text

CONTRACT = Contract(
    name="person_asset",
    pack="party",
    title=Text("人员财产核对", "Person asset"),
    grain="one row per person and asset found by the means check (经济状况核对)",
    columns=(
        Column("person_id", "hash", Text("人员", "person id"), key=True, required=True, references="person"),
        Column(
            "kind",
            "enum",
            Text("类型", "kind"),
            key=True,
            required=True,
            values=(
                "vehicle",
                "real_estate",
                "business",
                "deposit",
                "securities",
                "pension",
                "vessel",
            ),
        ),
        Column("asset_ref", "str", Text("资产标识", "asset ref"), key=True, required=True),
        Column("value", "money", Text("价值", "value"), unit="CNY"),
        Column("valid_from", "date", Text("起", "valid from")),
        Column("valid_to", "date", Text("止", "valid to")),
    ),
)
