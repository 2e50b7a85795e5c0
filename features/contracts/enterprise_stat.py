"""Contract of `enterprise_stat`: one row per enterprise and period."""

from features.contracts.column import Column, Contract
from gnomon.terms import Text

CONTRACT = Contract(
    name="enterprise_stat",
    pack="governance",
    title=Text("企业统计", "Enterprise stat"),
    grain="one row per enterprise and period",
    event=("period",),
    columns=(
        Column("org_id", "str", Text("企业", "org id"), key=True, required=True, references="organization"),
        Column("period", "month", Text("报告期", "period"), key=True, required=True),
        Column("revenue", "money", Text("营业收入", "revenue"), unit="CNY"),
        Column("output_value", "money", Text("产值", "output value"), unit="CNY"),
        Column("employees", "int", Text("从业人数", "employees"), unit="person"),
        Column("electricity_kwh", "decimal", Text("用电量", "electricity kwh"), unit="kWh"),
        Column("tax_paid", "money", Text("税款", "tax paid"), unit="CNY"),
        Column("invoice_amount", "money", Text("开票额", "invoice amount"), unit="CNY"),
        Column("overdue_receivable", "money", Text("逾期应收", "overdue receivable"), unit="CNY"),
        Column("reporter_ip", "str", Text("填报IP", "reporter ip")),
    ),
)
