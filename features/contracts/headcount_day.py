"""Contract of `headcount_day`: one row per organisation and day (school, care home, canteen)."""

from features.contracts.column import Column, Contract
from gnomon.terms import Text

CONTRACT = Contract(
    name="headcount_day",
    pack="asset",
    title=Text("人数日报", "Headcount day"),
    grain="one row per organisation and day (school, care home, canteen)",
    event=("day",),
    columns=(
        Column("org_id", "str", Text("单位", "org id"), key=True, required=True, references="organization"),
        Column("day", "date", Text("日期", "day"), key=True, required=True),
        Column("n_registered", "int", Text("在册", "n registered"), required=True, unit="person"),
        Column("n_present", "int", Text("实到", "n present"), unit="person"),
        Column("n_meals_charged", "int", Text("计费用餐数", "n meals charged"), unit="meal"),
        Column("n_subsidised", "int", Text("补助人数", "n subsidised"), unit="person"),
        Column("meal_income", "money", Text("餐费收入", "meal income"), unit="CNY"),
    ),
)
