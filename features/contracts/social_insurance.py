"""Contract of `social_insurance`: one row per person, employer, month."""

from features.contracts.column import Column, Contract
from gnomon.terms import Text

CONTRACT = Contract(
    name="social_insurance",
    pack="party",
    title=Text("社保缴费", "Social insurance"),
    grain="one row per person, employer, month",
    event=("month",),
    columns=(
        Column("person_id", "hash", Text("人员", "person id"), key=True, required=True, references="person"),
        Column("org_id", "str", Text("缴费单位", "org id"), key=True, required=True, references="organization"),
        Column("month", "month", Text("月份", "month"), key=True, required=True),
        Column("contribution_base", "money", Text("缴费基数", "contribution base"), unit="CNY", note="CNY/month"),
    ),
)
