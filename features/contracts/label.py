"""Contract of `label`: the outcome of a closed case or an earlier inspection, dated, that training learns from."""

from features.contracts.column import Column, Contract
from gnomon.terms import Text

CONTRACT = Contract(
    name="label",
    pack="governance",
    title=Text("标签", "Label"),
    grain="one row per entity, scheme and decision",
    event=("labelled_at",),
    columns=(
        Column("label_id", "str", Text("标签标识", "label id"), key=True, required=True),
        Column("entity_kind", "str", Text("对象类别", "entity kind"), required=True),
        Column("entity_id", "str", Text("对象标识", "entity id"), required=True),
        Column(
            "scheme", "str", Text("问题类型", "scheme"), note="empty when the outcome is about the entity as a whole"
        ),
        Column(
            "outcome",
            "enum",
            Text("结论", "outcome"),
            required=True,
            values=("confirmed", "useful", "false_alarm", "data_error"),
        ),
        Column(
            "as_of", "ts", Text("画像时点", "as of"), note="date of the profile that was judged; null = labelled_at"
        ),
        Column(
            "labelled_at", "ts", Text("结论时间", "labelled at"), required=True, note="nobody knew the outcome before"
        ),
        Column(
            "inclusion",
            "ratio",
            Text("抽中概率", "inclusion probability"),
            note="of an entity drawn at random for a look, 0 to 1; null = somebody had a cause to look",
            unit="1",
        ),
        Column("origin", "str", Text("来源", "origin"), note="case, inspection, import"),
        Column("case_id", "str", Text("办件", "case id")),
    ),
)
