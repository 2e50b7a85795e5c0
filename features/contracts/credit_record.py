"""Contract of `credit_record`: one row per sanction or listing."""

from features.contracts.column import Column, Contract
from gnomon.terms import Text

CONTRACT = Contract(
    name="credit_record",
    pack="project",
    title=Text("信用惩戒", "Credit record"),
    grain="one row per sanction or listing",
    standard="OCDS parties[]/details (local); OCP R046",
    event=("effective_from",),
    columns=(
        Column("record_id", "str", Text("记录", "record id"), key=True, required=True),
        Column("party_id", "str", Text("主体", "party id"), required=True, party=True, note="org_id or person_id"),
        Column(
            "kind",
            "enum",
            Text("类型", "kind"),
            required=True,
            values=(
                "blacklist",
                "bid_ban",
                "admin_penalty",
                "judgment_defaulter",
                "wage_arrears",
                "quality_incident",
                "tax_violation",
            ),
        ),
        Column("sector", "code", Text("领域", "sector")),
        Column("effective_from", "date", Text("生效", "effective from"), required=True),
        Column("effective_to", "date", Text("失效", "effective to")),
        Column("issuer_org_id", "str", Text("作出机关", "issuer org id"), references="organization"),
        Column("published_at", "date", Text("公布日", "published at")),
        Column("repaired_at", "date", Text("信用修复日", "repaired at")),
    ),
)
