"""Contract of `bid`: one row per bidder and lot."""

from features.contracts.column import Column, Contract
from gnomon.terms import Text

CONTRACT = Contract(
    name="bid",
    pack="project",
    title=Text("投标", "Bid"),
    grain="one row per bidder and lot",
    standard="OCDS bids/details[] (bid extension)",
    event=("submitted_at",),
    columns=(
        Column("bid_id", "str", Text("投标标识", "bid id"), key=True, required=True, maps="OCDS bids/details[]/id"),
        Column(
            "tender_id",
            "str",
            Text("标段", "tender id"),
            required=True,
            references="tender",
            maps="OCDS bids/details[]/relatedLots",
        ),
        Column(
            "bidder_id",
            "str",
            Text("投标人", "bidder id"),
            required=True,
            references="organization",
            maps="OCDS bids/details[]/tenderers[]/id",
        ),
        Column("consortium_id", "str", Text("联合体", "consortium id")),
        Column("amount", "money", Text("报价", "amount"), unit="CNY", maps="OCDS bids/details[]/value/amount"),
        Column("submitted_at", "ts", Text("递交时间", "submitted at"), maps="OCDS bids/details[]/date"),
        Column(
            "status",
            "enum",
            Text("状态", "status"),
            required=True,
            values=(
                "valid",
                "disqualified",
                "withdrawn",
                "pending",
            ),
            maps="OCDS bids/details[]/status",
        ),
        Column("disqualify_reason", "text", Text("否决原因", "disqualify reason")),
        Column("score_total", "decimal", Text("总分", "score total"), unit="point"),
        Column("is_winner", "bool", Text("是否中标", "is winner"), required=True, maps="OCDS awards[]/relatedBid"),
        Column("bond_account_hash", "hash", Text("保证金转出账户", "bond account hash")),
        Column("agent_person_id", "hash", Text("授权代表", "agent person id"), references="person"),
        Column("pm_person_id", "hash", Text("拟派项目经理", "pm person id"), references="person"),
    ),
)
