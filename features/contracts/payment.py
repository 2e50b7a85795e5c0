"""Contract of `payment`: one row per payment or due instalment."""

from features.contracts.column import Column, Contract
from gnomon.terms import Text

CONTRACT = Contract(
    name="payment",
    pack="project",
    title=Text("支付", "Payment"),
    grain="one row per payment or due instalment",
    standard="OCDS contracts[]/implementation/transactions[]",
    event=(
        "paid_at",
        "due_at",
    ),
    columns=(
        Column(
            "payment_id", "str", Text("支付号", "payment id"), key=True, required=True, maps="OCDS transactions[]/id"
        ),
        Column("contract_id", "str", Text("合同", "contract id"), references="contract"),
        Column(
            "txn_id", "str", Text("资产交易", "txn id"), references="asset_transaction", note="rent and transfer income"
        ),
        Column(
            "payer_id",
            "str",
            Text("付款方", "payer id"),
            required=True,
            party=True,
            note="org_id or person_id",
            maps="OCDS transactions[]/payer",
        ),
        Column("payee_id", "str", Text("收款方", "payee id"), party=True, maps="OCDS transactions[]/payee"),
        Column("payee_account_hash", "hash", Text("收款账户", "payee account hash")),
        Column(
            "kind",
            "enum",
            Text("类型", "kind"),
            required=True,
            values=(
                "advance",
                "progress",
                "final",
                "retention",
                "bond_in",
                "bond_out",
                "wage_account",
                "rent",
                "compensation",
                "expense",
                "loan",
            ),
        ),
        Column("due_at", "date", Text("应付日", "due at")),
        Column("accepted_at", "date", Text("验收或结算确认日", "accepted at")),
        Column("paid_at", "date", Text("实付日", "paid at"), note="null = unpaid", maps="OCDS transactions[]/date"),
        Column(
            "amount",
            "money",
            Text("金额", "amount"),
            required=True,
            unit="CNY",
            maps="OCDS transactions[]/value/amount",
        ),
        Column("invoice_no", "str", Text("发票号", "invoice no")),
        Column("purpose", "text", Text("用途", "purpose")),
        Column("approver_id", "hash", Text("审批人", "approver id"), references="person"),
    ),
)
