"""Contract of `asset_transaction`: one row per deal."""

from features.contracts.column import Column, Contract
from gnomon.terms import Text

CONTRACT = Contract(
    name="asset_transaction",
    pack="asset",
    title=Text("资产交易(出租/发包/处置/分配)", "Asset transaction"),
    grain="one row per deal",
    event=("signed_at",),
    columns=(
        Column("txn_id", "str", Text("交易号", "txn id"), key=True, required=True),
        Column("asset_id", "str", Text("资产", "asset id"), required=True, references="public_asset"),
        Column(
            "kind",
            "enum",
            Text("类型", "kind"),
            required=True,
            values=(
                "lease",
                "contract_out",
                "sale",
                "transfer",
                "allocation",
                "write_off",
            ),
            note="lease, contract_out(发包), sale, transfer, allocation(配租), write_off",
        ),
        Column(
            "counterparty_id",
            "str",
            Text("对方", "counterparty id"),
            required=True,
            party=True,
            note="org_id or person_id",
        ),
        Column("actual_user_id", "str", Text("实际使用人", "actual user id"), party=True),
        Column(
            "method",
            "enum",
            Text("方式", "method"),
            required=True,
            values=(
                "auction",
                "listed",
                "negotiated",
                "none",
            ),
        ),
        Column("appraised_value", "money", Text("评估价", "appraised value"), unit="CNY"),
        Column("listed_price", "money", Text("挂牌价", "listed price"), unit="CNY"),
        Column("amount", "money", Text("成交价", "amount"), unit="CNY", note="sale total"),
        Column("annual_rent", "money", Text("年租金", "annual rent"), unit="CNY"),
        Column("area_qty", "decimal", Text("面积", "area qty"), unit="public_asset.unit"),
        Column("signed_at", "date", Text("签订日", "signed at"), required=True),
        Column("start_at", "date", Text("起", "start at")),
        Column("end_at", "date", Text("止", "end at")),
        Column("decision_id", "str", Text("决策", "decision id"), references="decision_record"),
        Column(
            "status",
            "enum",
            Text("状态", "status"),
            required=True,
            values=(
                "active",
                "ended",
                "breached",
            ),
        ),
    ),
)
