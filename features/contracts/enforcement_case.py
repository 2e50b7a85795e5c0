"""Contract of `enforcement_case`: one row per enforcement case."""

from features.contracts.column import Column, Contract
from gnomon.terms import Text

CONTRACT = Contract(
    name="enforcement_case",
    pack="governance",
    title=Text("行政执法案件", "Enforcement case"),
    grain="one row per enforcement case",
    event=("found_at",),
    columns=(
        Column("enf_id", "str", Text("案号", "enf id"), key=True, required=True),
        Column(
            "authority_org_id", "str", Text("执法机关", "authority org id"), required=True, references="organization"
        ),
        Column("officer_id", "hash", Text("主办人", "officer id"), references="person"),
        Column("party_id", "str", Text("当事人", "party id"), required=True, party=True),
        Column("violation_code", "code", Text("违法行为", "violation code"), required=True),
        Column("found_at", "ts", Text("发现", "found at"), required=True),
        Column("filed_at", "ts", Text("立案", "filed at")),
        Column("decided_at", "ts", Text("决定", "decided at")),
        Column("penalty_amount", "money", Text("罚款", "penalty amount"), unit="CNY"),
        Column("benchmark_min", "money", Text("裁量下限", "benchmark min"), unit="CNY"),
        Column("benchmark_max", "money", Text("裁量上限", "benchmark max"), unit="CNY"),
        Column("collected_amount", "money", Text("实收", "collected amount"), unit="CNY"),
        Column("closed_at", "ts", Text("结案", "closed at")),
        Column(
            "outcome",
            "enum",
            Text("结果", "outcome"),
            values=(
                "penalty",
                "warning",
                "withdrawn",
                "transferred",
                "none",
            ),
        ),
        Column("lon", "decimal", Text("经度", "lon"), unit="degree"),
        Column("lat", "decimal", Text("纬度", "lat"), unit="degree"),
    ),
)
