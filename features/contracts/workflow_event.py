"""Contract of `workflow_event`: one row per step of any case."""

from features.contracts.column import Column, Contract
from gnomon.terms import Text

CONTRACT = Contract(
    name="workflow_event",
    pack="governance",
    title=Text("流转日志", "Workflow event"),
    grain="one row per step of any case",
    event=("event_at",),
    columns=(
        Column("event_id", "str", Text("事件", "event id"), key=True, required=True),
        Column(
            "case_kind",
            "enum",
            Text("对象类型", "case kind"),
            required=True,
            values=(
                "service_request",
                "approval",
                "supervised_case",
                "enforcement_case",
                "amendment",
            ),
        ),
        Column("case_id", "str", Text("对象编号", "case id"), required=True),
        Column("seq", "int", Text("序号", "seq"), required=True),
        Column(
            "event_type",
            "enum",
            Text("动作", "event type"),
            required=True,
            values=(
                "created",
                "assigned",
                "accepted",
                "returned",
                "transferred",
                "extended",
                "urged",
                "replied",
                "closed",
                "reopened",
                "verified",
                "escalated",
                "viewed",
                "edited",
            ),
        ),
        Column("event_at", "ts", Text("时间", "event at"), required=True),
        Column("from_org_id", "str", Text("来源单位", "from org id"), references="organization"),
        Column("to_org_id", "str", Text("去向单位", "to org id"), references="organization"),
        Column("actor_id", "hash", Text("操作人", "actor id"), references="person"),
        Column("text", "text", Text("说明", "text")),
        Column("attachment_hashes", "list", Text("附件散列", "attachment hashes")),
    ),
)
