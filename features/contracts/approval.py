"""Contract of `approval`: one row per application."""

from features.contracts.column import Column, Contract
from gnomon.terms import Text

CONTRACT = Contract(
    name="approval",
    pack="governance",
    title=Text("行政审批", "Approval"),
    grain="one row per application",
    event=("accepted_at",),
    columns=(
        Column("approval_id", "str", Text("办件号", "approval id"), key=True, required=True),
        Column(
            "applicant_id", "str", Text("申请人", "applicant id"), required=True, party=True, note="org_id or person_id"
        ),
        Column("item_code", "code", Text("事项编码", "item code"), required=True, note="national service-item code"),
        Column(
            "authority_org_id", "str", Text("审批机关", "authority org id"), required=True, references="organization"
        ),
        Column("officer_id", "hash", Text("经办人", "officer id"), references="person"),
        Column("accepted_at", "ts", Text("受理", "accepted at"), required=True),
        Column(
            "statutory_days",
            "int",
            Text("法定时限", "statutory days"),
            required=True,
            note="working days",
            unit="working day",
        ),
        Column("committed_days", "int", Text("承诺时限", "committed days"), note="working days", unit="working day"),
        Column(
            "suspended_days",
            "int",
            Text("暂停天数", "suspended days"),
            note="special procedures, corrections",
            unit="working day",
        ),
        Column("decided_at", "ts", Text("决定", "decided at")),
        Column(
            "result",
            "enum",
            Text("结果", "result"),
            values=(
                "granted",
                "refused",
                "withdrawn",
                "pending",
            ),
        ),
        Column("n_supplements", "int", Text("补正次数", "n supplements"), unit="count"),
        Column("intermediary_id", "str", Text("中介服务机构", "intermediary id"), references="organization"),
        Column("fee_amount", "money", Text("收费", "fee amount"), unit="CNY"),
        Column("project_id", "str", Text("项目", "project id"), references="project"),
    ),
)
