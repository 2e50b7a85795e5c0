"""Contract of `calendar`: one row per day."""

from features.contracts.column import Column, Contract
from gnomon.terms import Text

CONTRACT = Contract(
    name="calendar",
    pack="reference",
    title=Text("日历", "Calendar"),
    grain="one row per day",
    columns=(
        Column("day", "date", Text("日期", "day"), key=True, required=True),
        Column("is_workday", "bool", Text("工作日", "is workday"), required=True, note="State Council holiday notice"),
        Column("is_school_day", "bool", Text("上课日", "is school day")),
    ),
)
