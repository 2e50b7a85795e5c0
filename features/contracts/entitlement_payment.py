"""Contract of `entitlement_payment`: one row per payment to a recipient."""

from features.contracts.column import Column, Contract
from gnomon.terms import Text

CONTRACT = Contract(
    name="entitlement_payment",
    pack="benefit",
    title=Text("待遇发放", "Entitlement payment"),
    grain="one row per payment to a recipient",
    event=("paid_at",),
    columns=(
        Column("payment_id", "str", Text("发放标识", "payment id"), key=True, required=True),
        Column("entitlement_id", "str", Text("资格", "entitlement id"), required=True, references="entitlement"),
        Column("person_id", "hash", Text("对象", "person id"), required=True, references="person"),
        Column("programme", "enum", Text("项目", "programme"), required=True, note="as entitlement.programme"),
        Column("period_month", "month", Text("所属月", "period month")),
        Column("paid_at", "date", Text("发放日", "paid at"), required=True),
        Column("amount", "money", Text("金额", "amount"), required=True, unit="CNY"),
        Column("payer_org_id", "str", Text("发放单位", "payer org id"), required=True, references="organization"),
        Column("account_hash", "hash", Text("账户散列", "account hash")),
        Column("account_holder_id", "hash", Text("户主", "account holder id"), references="person"),
        Column("claim_id", "str", Text("关联结算单", "claim id"), references="claim", note="medical assistance only"),
    ),
)
