"""Contract of `inpatient_day`: one row per stay and calendar day."""

from features.contracts.column import Column, Contract
from gnomon.terms import Text

CONTRACT = Contract(
    name="inpatient_day",
    pack="medical",
    title=Text("住院日志", "Inpatient day"),
    grain="one row per stay and calendar day",
    event=("day",),
    columns=(
        Column("admission_id", "str", Text("住院号", "admission id"), key=True, required=True, references="admission"),
        Column("day", "date", Text("日期", "day"), key=True, required=True),
        Column("bed_id", "str", Text("床位", "bed id")),
        Column("n_nursing", "int", Text("护理记录数", "n nursing"), note="null = feed absent", unit="count"),
        Column("n_vitals", "int", Text("体征记录数", "n vitals"), unit="count"),
        Column("n_orders_done", "int", Text("执行医嘱数", "n orders done"), unit="count"),
        Column(
            "n_treatments",
            "int",
            Text("治疗操作数", "n treatments"),
            note="drug administration, procedure, therapy, imaging",
            unit="count",
        ),
        Column("on_leave", "bool", Text("请假", "on leave")),
    ),
)
