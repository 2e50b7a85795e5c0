"""Contract of `person_relation`: one row per ordered pair and relation."""

from features.contracts.column import Column, Contract
from gnomon.terms import Text

CONTRACT = Contract(
    name="person_relation",
    pack="party",
    title=Text("亲属关系", "Person relation"),
    grain="one row per ordered pair and relation",
    columns=(
        Column("person_id", "hash", Text("甲", "person id"), key=True, required=True, references="person"),
        Column("other_id", "hash", Text("乙", "other id"), key=True, required=True, references="person"),
        Column(
            "relation",
            "enum",
            Text("关系", "relation"),
            key=True,
            required=True,
            values=(
                "spouse",
                "parent",
                "child",
                "sibling",
                "in_law",
                "same_household",
            ),
        ),
        Column(
            "source",
            "enum",
            Text("来源", "source"),
            required=True,
            values=(
                "civil_registry",
                "declaration",
                "inferred",
            ),
        ),
        Column("valid_from", "date", Text("起", "valid from")),
        Column("valid_to", "date", Text("止", "valid to")),
    ),
)
