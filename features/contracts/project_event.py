"""Contract of `project_event`: one row per event, approval, progress report or document in a project."""

from features.contracts.column import Column, Contract
from gnomon.terms import Text

CONTRACT = Contract(
    name="project_event",
    pack="project",
    title=Text("项目节点", "Project event"),
    grain="one row per event, approval, progress report or document in a project",
    standard="OCDS contracts[]/implementation/milestones[], documents[]",
    event=("event_at",),
    columns=(
        Column("event_id", "str", Text("节点标识", "event id"), key=True, required=True),
        Column("project_id", "str", Text("项目", "project id"), required=True, references="project"),
        Column("contract_id", "str", Text("合同", "contract id"), references="contract", maps="OCDS contracts[]/id"),
        Column("stage", "enum", Text("环节", "stage"), required=True, note="see CATALOG section 4"),
        Column(
            "event_type",
            "enum",
            Text("类型", "event type"),
            required=True,
            values=(
                "proposal_approved",
                "fs_submitted",
                "fs_approved",
                "design_approved",
                "budget_approved",
                "permit",
                "start",
                "progress",
                "completion",
                "acceptance",
                "settlement_submitted",
                "settlement_audited",
                "archive",
                "document",
            ),
            maps="OCDS milestones[]/type, code",
        ),
        Column("event_at", "ts", Text("时间", "event at"), required=True, maps="OCDS milestones[]/dateMet"),
        Column("due_at", "ts", Text("应完成时间", "due at"), maps="OCDS milestones[]/dueDate"),
        Column("amount", "money", Text("金额", "amount"), unit="CNY", maps="OCDS milestones[]/value"),
        Column("progress_pct", "ratio", Text("形象进度", "progress pct"), note="0-100, cumulative", unit="%"),
        Column(
            "measured_amount",
            "money",
            Text("累计计量金额", "measured amount"),
            unit="CNY",
            note="certified by the supervisor",
        ),
        Column("actor_org_id", "str", Text("责任单位", "actor org id"), references="organization"),
        Column("actor_person_id", "hash", Text("责任人", "actor person id"), references="person"),
        Column("text", "text", Text("文本", "text"), note="document text for similarity"),
        Column("file_hash", "hash", Text("文件散列", "file hash")),
    ),
)
