"""Contract of `evaluation_score`: one row per expert, bid, criterion."""

from features.contracts.column import Column, Contract
from gnomon.terms import Text

CONTRACT = Contract(
    name="evaluation_score",
    pack="project",
    title=Text("评标打分", "Evaluation score"),
    grain="one row per expert, bid, criterion",
    columns=(
        Column("tender_id", "str", Text("标段", "tender id"), key=True, required=True, references="tender"),
        Column("bid_id", "str", Text("投标", "bid id"), key=True, required=True, references="bid"),
        Column("expert_id", "hash", Text("评委", "expert id"), key=True, required=True, references="person"),
        Column("criterion", "str", Text("评分项", "criterion"), key=True, required=True),
        Column("score", "decimal", Text("得分", "score"), required=True, unit="point"),
        Column("max_score", "decimal", Text("满分", "max score"), required=True, unit="point"),
    ),
)
