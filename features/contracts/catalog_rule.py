"""Contract of `catalog_rule`: one row per rule on one item or a pair."""

from features.contracts.column import ITEMS, Column, Contract
from gnomon.terms import Text

CONTRACT = Contract(
    name="catalog_rule",
    pack="reference",
    title=Text("规则知识库", "Catalog rule"),
    grain="one row per rule on one item or a pair",
    standard="NHSA 智能监管规则库(知识库) (from memory)",
    columns=(
        Column("rule_id", "str", Text("规则", "rule id"), key=True, required=True),
        Column(
            "rule_type",
            "enum",
            Text("规则类型", "rule type"),
            required=True,
            values=(
                "mutually_exclusive",
                "included_in",
                "dx_required",
                "dx_excluded",
                "max_per_day",
                "max_per_stay",
                "facility_level_min",
                "substitute_of",
                "once_in_life",
            ),
        ),
        Column("item_code", "code", Text("项目", "item code"), schemes=ITEMS, required=True, references="catalog_item"),
        Column("other_code", "code", Text("对方编码", "other code"), note="item code, or ICD-10 prefix list"),
        Column("param", "decimal", Text("参数", "param"), note="count, level, days"),
        Column(
            "scope",
            "enum",
            Text("范围", "scope"),
            values=(
                "same_timestamp",
                "same_day",
                "same_stay",
                "lifetime",
            ),
        ),
        Column("valid_from", "date", Text("起", "valid from"), required=True),
        Column("valid_to", "date", Text("止", "valid to")),
    ),
)
