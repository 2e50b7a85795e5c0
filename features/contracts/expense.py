"""Contract of `expense`: one row per expense line."""

from features.contracts.column import Column, Contract
from gnomon.terms import Text

CONTRACT = Contract(
    name="expense",
    pack="asset",
    title=Text("公务支出/报销", "Expense"),
    grain="one row per expense line",
    event=("occurred_at",),
    columns=(
        Column("expense_id", "str", Text("支出号", "expense id"), key=True, required=True),
        Column("org_id", "str", Text("单位", "org id"), required=True, references="organization"),
        Column("person_id", "hash", Text("报销人", "person id"), references="person"),
        Column(
            "category",
            "enum",
            Text("类别", "category"),
            required=True,
            values=(
                "fuel",
                "toll",
                "repair",
                "parking",
                "reception",
                "travel",
                "meeting",
                "training",
                "overseas",
                "office",
                "construction",
                "relief",
                "labour",
            ),
        ),
        Column("asset_id", "str", Text("车辆", "asset id"), references="public_asset"),
        Column("occurred_at", "ts", Text("发生时间", "occurred at"), required=True),
        Column("vendor_id", "str", Text("商户", "vendor id"), references="organization"),
        Column("lon", "decimal", Text("经度", "lon"), unit="degree"),
        Column("lat", "decimal", Text("纬度", "lat"), unit="degree"),
        Column("litres", "decimal", Text("升数", "litres"), unit="L"),
        Column("odometer", "decimal", Text("里程表", "odometer"), unit="km"),
        Column("amount", "money", Text("金额", "amount"), required=True, unit="CNY"),
        Column("headcount", "int", Text("人数", "headcount"), note="guests or travellers", unit="person"),
        Column("staff_count", "int", Text("陪同人数", "staff count"), unit="person"),
        Column("nights", "int", Text("住宿夜数", "nights"), unit="night"),
        Column("std_key", "str", Text("标准键", "std key"), note="key of policy_threshold"),
        Column("invoice_no", "str", Text("发票号", "invoice no")),
        Column("doc_ref", "str", Text("公函/派车单", "doc ref")),
        Column("reimbursed_at", "date", Text("报销日", "reimbursed at")),
        Column("approver_id", "hash", Text("审批人", "approver id"), references="person"),
    ),
)
