"""Contract of `budget_line`: one row per organisation, year, category, month."""

from features.contracts.column import Column, Contract
from gnomon.terms import Text

CONTRACT = Contract(
    name="budget_line",
    pack="asset",
    title=Text("预算执行", "Budget line"),
    grain="one row per organisation, year, category, month",
    standard="OCDS planning/budget (weak)",
    columns=(
        Column("org_id", "str", Text("单位", "org id"), key=True, required=True, references="organization"),
        Column("fiscal_year", "int", Text("年度", "fiscal year"), key=True, required=True),
        Column(
            "category",
            "enum",
            Text("类别", "category"),
            key=True,
            required=True,
            note="vehicle, reception, overseas, meeting, training, works, ...",
        ),
        Column("month", "int", Text("月份", "month"), key=True, required=True),
        Column("budget_amount", "money", Text("年度预算", "budget amount"), required=True, unit="CNY"),
        Column("executed_amount", "money", Text("当月执行", "executed amount"), required=True, unit="CNY"),
    ),
)
