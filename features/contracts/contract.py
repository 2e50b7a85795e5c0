"""Contract of `contract`: one row per contract, subcontracts included."""

from features.contracts.column import Column, Contract
from gnomon.terms import Text

CONTRACT = Contract(
    name="contract",
    pack="project",
    title=Text("合同", "Contract"),
    grain="one row per contract, subcontracts included",
    standard="OCDS contracts[]",
    event=("signed_at",),
    columns=(
        Column(
            "contract_id", "str", Text("合同号", "contract id"), key=True, required=True, maps="OCDS contracts[]/id"
        ),
        Column("award_id", "str", Text("中标", "award id"), references="award", maps="OCDS contracts[]/awardID"),
        Column("project_id", "str", Text("项目", "project id"), references="project"),
        Column(
            "parent_contract_id",
            "str",
            Text("总包合同", "parent contract id"),
            references="contract",
            note="set for a subcontract",
            maps="OCDS contracts[]/relatedProcesses (subContract)",
        ),
        Column("buyer_id", "str", Text("甲方", "buyer id"), required=True, references="organization"),
        Column("supplier_id", "str", Text("乙方", "supplier id"), required=True, references="organization"),
        Column(
            "kind",
            "enum",
            Text("类型", "kind"),
            required=True,
            values=(
                "works",
                "supervision",
                "design",
                "survey",
                "consultancy",
                "agency",
                "goods",
                "service",
                "labour",
            ),
        ),
        Column(
            "amount", "money", Text("合同价", "amount"), required=True, unit="CNY", maps="OCDS contracts[]/value/amount"
        ),
        Column("signed_at", "date", Text("签订日", "signed at"), required=True, maps="OCDS contracts[]/dateSigned"),
        Column("start_at", "date", Text("起", "start at"), maps="OCDS contracts[]/period/startDate"),
        Column("end_at", "date", Text("止", "end at"), maps="OCDS contracts[]/period/endDate"),
        Column("payment_term_days", "int", Text("付款期限", "payment term days"), note="days", unit="day"),
        Column("performance_bond", "money", Text("履约保证金", "performance bond"), unit="CNY"),
        Column("retention_pct", "ratio", Text("质保金比例", "retention pct"), note="0-100", unit="%"),
        Column("filed_at", "date", Text("备案日", "filed at")),
        Column("pm_person_id", "hash", Text("项目经理", "pm person id"), references="person"),
    ),
)
