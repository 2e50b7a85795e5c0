"""Contract of `decision_record`: one row per decision (三重一大, 四议两公开)."""

from features.contracts.column import Column, Contract
from gnomon.terms import Text

CONTRACT = Contract(
    name="decision_record",
    pack="asset",
    title=Text("集体决策记录", "Decision record"),
    grain="one row per decision (三重一大, 四议两公开)",
    event=("decided_at",),
    columns=(
        Column("decision_id", "str", Text("决策号", "decision id"), key=True, required=True),
        Column("org_id", "str", Text("单位", "org id"), required=True, references="organization"),
        Column(
            "subject_id", "str", Text("事项对象", "subject id"), required=True, note="project_id, txn_id, contract_id"
        ),
        Column("decided_at", "date", Text("日期", "decided at"), required=True),
        Column("members_total", "int", Text("应到", "members total"), unit="person"),
        Column("attended", "int", Text("实到", "attended"), unit="person"),
        Column("votes_for", "int", Text("同意", "votes for"), unit="person"),
        Column("public_from", "date", Text("公示起", "public from")),
        Column("public_to", "date", Text("公示止", "public to")),
    ),
)
