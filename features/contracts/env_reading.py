"""Contract of `env_reading`: one row per site, pollutant, hour."""

from features.contracts.column import Column, Contract
from gnomon.terms import Text

CONTRACT = Contract(
    name="env_reading",
    pack="governance",
    title=Text("污染源在线监测", "Env reading"),
    grain="one row per site, pollutant, hour",
    event=("measured_at",),
    columns=(
        Column("site_id", "str", Text("监测点", "site id"), key=True, required=True),
        Column("org_id", "str", Text("排污单位", "org id"), required=True, references="organization"),
        Column("pollutant", "code", Text("因子", "pollutant"), key=True, required=True, note="COD, NH3N, SO2, NOx, PM"),
        Column("measured_at", "ts", Text("时间", "measured at"), key=True, required=True, note="hourly mean"),
        Column("value", "decimal", Text("浓度", "value"), note="mg/L or mg/m3; null = missing", unit="mg/L or mg/m3"),
        Column("limit_value", "decimal", Text("限值", "limit value"), unit="mg/L or mg/m3"),
        Column(
            "flag",
            "enum",
            Text("标记", "flag"),
            values=(
                "ok",
                "calibration",
                "maintenance",
                "fault",
            ),
        ),
        Column("flow", "decimal", Text("流量", "flow"), note="m3/h", unit="m3/h"),
        Column("power_kwh", "decimal", Text("治污设施用电", "power kwh"), note="kWh per hour", unit="kWh/h"),
    ),
)
