"""Contract of `reported_total`: a figure that a source reports about an organisation in bulk, its rows not being given."""

from features.contracts.column import Column, Contract
from gnomon.terms import Text

CONTRACT = Contract(
    name="reported_total",
    pack="reference",
    title=Text("上报汇总数", "Reported total"),
    grain="one row per organisation, metric and period",
    event=("period_to",),
    columns=(
        Column("org_id", "str", Text("机构", "org id"), key=True, required=True, references="organization"),
        Column("metric", "code", Text("指标代码", "metric"), key=True, required=True),
        Column("period_to", "date", Text("期末", "period to"), key=True, required=True),
        Column("period_from", "date", Text("期初", "period from")),
        Column("value", "decimal", Text("数值", "value"), required=True, unit="reported_total.unit"),
        Column("unit", "str", Text("单位", "unit")),
    ),
)
