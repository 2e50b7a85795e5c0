"""Contract of `policy_threshold`: one row per key, region, validity."""

from features.contracts.column import Column, Contract
from gnomon.terms import Text

CONTRACT = Contract(
    name="policy_threshold",
    pack="reference",
    title=Text("政策标准", "Policy threshold"),
    grain="one row per key, region, validity",
    columns=(
        Column(
            "key",
            "str",
            Text("标准键", "key"),
            key=True,
            required=True,
            note="e.g. tender.works.mandatory, reception.per_head",
        ),
        Column("region_code", "code", Text("地区", "region code"), key=True, required=True, note="000000 = national"),
        Column("valid_from", "date", Text("起", "valid from"), key=True, required=True),
        Column("valid_to", "date", Text("止", "valid to")),
        Column("value", "decimal", Text("数值", "value"), required=True, unit="policy_threshold.unit"),
        Column("unit", "str", Text("单位", "unit"), required=True),
        Column("legal_basis", "str", Text("依据", "legal basis"), required=True),
    ),
)
