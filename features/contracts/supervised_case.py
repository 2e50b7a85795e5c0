"""Contract of `supervised_case`: one row per warning under handling, inspection finding or audit finding."""

from features.contracts.column import Column, Contract
from gnomon.terms import Text

CONTRACT = Contract(
    name="supervised_case",
    pack="governance",
    title=Text("监督办件/整改任务", "Supervised case"),
    grain="one row per warning under handling, inspection finding or audit finding",
    event=("opened_at",),
    columns=(
        Column("case_id", "str", Text("办件号", "case id"), key=True, required=True),
        Column(
            "source_kind",
            "enum",
            Text("来源", "source kind"),
            required=True,
            values=(
                "model_warning",
                "env_inspection",
                "audit",
                "patrol",
                "hotline",
                "manual",
            ),
        ),
        Column("source_id", "str", Text("来源编号", "source id"), note="warning id"),
        Column("scene", "enum", Text("场景", "scene"), required=True),
        Column("issue_text", "text", Text("问题描述", "issue text")),
        Column("owner_org_id", "str", Text("责任单位", "owner org id"), required=True, references="organization"),
        Column(
            "severity",
            "enum",
            Text("级别", "severity"),
            required=True,
            values=(
                "low",
                "medium",
                "high",
            ),
        ),
        Column("amount_at_stake", "money", Text("涉及金额", "amount at stake"), unit="CNY"),
        Column("amount_recovered", "money", Text("追回金额", "amount recovered"), unit="CNY"),
        Column("opened_at", "ts", Text("交办", "opened at"), required=True),
        Column("accepted_at", "ts", Text("签收", "accepted at")),
        Column("due_at", "ts", Text("时限", "due at")),
        Column("done_reported_at", "ts", Text("上报完成", "done reported at")),
        Column("verified_at", "ts", Text("核验", "verified at")),
        Column(
            "verify_result",
            "enum",
            Text("核验结果", "verify result"),
            values=(
                "pass",
                "fail",
                "partial",
            ),
        ),
        Column("closed_at", "ts", Text("销号", "closed at")),
        Column(
            "closure_code",
            "enum",
            Text("销号类型", "closure code"),
            values=(
                "confirmed",
                "unfounded",
                "rectified",
                "transferred",
                "no_action",
            ),
        ),
        Column("evidence_count", "int", Text("佐证数", "evidence count"), unit="count"),
        Column("handler_id", "hash", Text("办理人", "handler id"), references="person"),
        Column("verifier_id", "hash", Text("核验人", "verifier id"), references="person"),
        Column("lon", "decimal", Text("经度", "lon"), unit="degree"),
        Column("lat", "decimal", Text("纬度", "lat"), unit="degree"),
    ),
)
