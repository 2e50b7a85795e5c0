"""Contract of `award`: one row per award decision."""

from features.contracts.column import Column, Contract
from gnomon.terms import Text

CONTRACT = Contract(
    name="award",
    pack="project",
    title=Text("中标/成交", "Award"),
    grain="one row per award decision",
    standard="OCDS awards[]",
    event=("awarded_at",),
    columns=(
        Column("award_id", "str", Text("中标标识", "award id"), key=True, required=True, maps="OCDS awards[]/id"),
        Column(
            "tender_id",
            "str",
            Text("标段", "tender id"),
            references="tender",
            note="null for off-platform direct purchase",
        ),
        Column("bid_id", "str", Text("投标", "bid id"), references="bid", maps="OCDS awards[]/relatedBid"),
        Column("buyer_id", "str", Text("采购人", "buyer id"), required=True, references="organization"),
        Column(
            "supplier_id",
            "str",
            Text("中标人", "supplier id"),
            required=True,
            references="organization",
            maps="OCDS awards[]/suppliers[]/id",
        ),
        Column(
            "amount", "money", Text("中标价", "amount"), required=True, unit="CNY", maps="OCDS awards[]/value/amount"
        ),
        Column("awarded_at", "ts", Text("中标时间", "awarded at"), required=True, maps="OCDS awards[]/date"),
        Column("publicity_days", "decimal", Text("公示天数", "publicity days"), unit="day"),
        Column(
            "status",
            "enum",
            Text("状态", "status"),
            required=True,
            values=(
                "active",
                "cancelled",
                "unsuccessful",
            ),
            maps="OCDS awards[]/status",
        ),
    ),
)
