"""Contract of `identity`: which records of firms and of persons are one, as people accepted it."""

from features.contracts.column import Column, Contract
from gnomon.terms import Text

CONTRACT = Contract(
    name="identity",
    pack="party",
    title=Text("主体归并", "Identity"),
    grain="one row per record that was ever held to be one entity with another",
    written_by="gnomon resolve",
    columns=(
        Column("kind", "enum", Text("类别", "kind"), key=True, required=True, values=("firm", "person")),
        Column("record_id", "str", Text("记录标识", "record id"), key=True, required=True, note="org_id or person_id"),
        Column(
            "entity_id",
            "str",
            Text("归并后标识", "entity id"),
            required=True,
            note="the record that stands for all of them; itself = it stands alone",
        ),
        Column("link_ids", "list", Text("所依据的链接", "link ids"), note="see gnomon resolve --list"),
        Column(
            "decided_by",
            "str",
            Text("决定人", "decided by"),
            note="who accepted or undid a link of the record last; null where equal codes held without anybody",
        ),
        Column("decided_at", "ts", Text("决定时间", "decided at"), note="when; null as decided_by"),
    ),
)
