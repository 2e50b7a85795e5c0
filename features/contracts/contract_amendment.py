"""Contract of `contract_amendment`: one row per amendment line."""

from features.contracts.column import Column, Contract
from gnomon.terms import Text

CONTRACT = Contract(
    name="contract_amendment",
    pack="project",
    title=Text("合同变更/签证", "Contract amendment"),
    grain="one row per amendment line",
    standard="OCDS contracts[]/amendments[]",
    event=("amended_at",),
    columns=(
        Column(
            "amendment_id",
            "str",
            Text("变更号", "amendment id"),
            key=True,
            required=True,
            maps="OCDS contracts[]/amendments[]/id",
        ),
        Column("contract_id", "str", Text("合同", "contract id"), required=True, references="contract"),
        Column(
            "amended_at", "date", Text("变更日", "amended at"), required=True, maps="OCDS contracts[]/amendments[]/date"
        ),
        Column("works_done_at", "date", Text("实施日", "works done at"), note="when the changed work was done"),
        Column(
            "delta_amount",
            "money",
            Text("增减金额", "delta amount"),
            required=True,
            unit="CNY",
            maps="OCDS amendments[] (release diff)",
        ),
        Column("new_end_at", "date", Text("新工期", "new end at")),
        Column(
            "reason_code",
            "enum",
            Text("原因", "reason code"),
            values=(
                "design_error",
                "owner_request",
                "geology",
                "price",
                "policy",
                "force_majeure",
                "quantity",
                "other",
            ),
            maps="OCDS contracts[]/amendments[]/rationale",
        ),
        Column("reason_text", "text", Text("原因说明", "reason text")),
        Column("item_code", "code", Text("清单项", "item code"), references="catalog_item"),
        Column("delta_qty", "decimal", Text("工程量增减", "delta qty"), unit="catalog_item.base_unit"),
        Column("unit_price", "money", Text("单价", "unit price"), unit="CNY"),
        Column("approver_id", "hash", Text("审批人", "approver id"), references="person"),
        Column("approved_at", "date", Text("审批日", "approved at")),
    ),
)
