"""Contract of `claim_item`: one row per charged line."""

from features.contracts.column import ITEMS, Column, Contract
from gnomon.terms import Text

CONTRACT = Contract(
    name="claim_item",
    pack="medical",
    title=Text("费用明细", "Claim item"),
    grain="one row per charged line",
    standard="FHIR Claim.item; NHSA 费用明细",
    event=("occurred_at",),
    columns=(
        Column("line_id", "str", Text("明细号", "line id"), key=True, required=True),
        Column("claim_id", "str", Text("结算单", "claim id"), required=True, references="claim"),
        Column(
            "item_code",
            "code",
            Text("项目", "item code"),
            schemes=ITEMS,
            required=True,
            references="catalog_item",
            maps="FHIR Claim.item.productOrService",
        ),
        Column(
            "quantity",
            "decimal",
            Text("数量", "quantity"),
            required=True,
            note="in catalog_item.base_unit",
            maps="FHIR Claim.item.quantity",
            unit="catalog_item.base_unit",
        ),
        Column(
            "unit_price",
            "money",
            Text("单价", "unit price"),
            required=True,
            unit="CNY",
            maps="FHIR Claim.item.unitPrice",
        ),
        Column("amount", "money", Text("金额", "amount"), required=True, unit="CNY", maps="FHIR Claim.item.net"),
        Column(
            "fund_amount",
            "money",
            Text("纳入基金金额", "fund amount"),
            required=True,
            unit="CNY",
            maps="FHIR EOB.item.adjudication(benefit)",
        ),
        Column("occurred_at", "ts", Text("发生时间", "occurred at"), required=True, maps="FHIR Claim.item.serviced[x]"),
        Column(
            "prescriber_id",
            "hash",
            Text("开单医师", "prescriber id"),
            references="person",
            maps="FHIR Claim.careTeam; NHSA 医保医师代码",
        ),
        Column("executor_id", "hash", Text("执行人", "executor id"), references="person"),
        Column("dept_code", "code", Text("科室", "dept code")),
    ),
)
