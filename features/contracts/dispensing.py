"""Contract of `dispensing`: one row per dispensed package group."""

from features.contracts.column import ITEMS, Column, Contract
from gnomon.terms import Text

CONTRACT = Contract(
    name="dispensing",
    pack="medical",
    title=Text("发药", "Dispensing"),
    grain="one row per dispensed package group",
    standard="FHIR MedicationDispense",
    event=("dispensed_at",),
    columns=(
        Column(
            "dispense_id",
            "str",
            Text("发药号", "dispense id"),
            key=True,
            required=True,
            maps="FHIR MedicationDispense.identifier",
        ),
        Column("rx_id", "str", Text("处方", "rx id"), references="prescription", maps="FHIR authorizingPrescription"),
        Column("claim_id", "str", Text("结算单", "claim id"), references="claim"),
        Column("person_id", "hash", Text("患者", "person id"), required=True, references="person", maps="FHIR subject"),
        Column(
            "institution_id",
            "str",
            Text("机构", "institution id"),
            schemes=("nhsa-institution",),
            required=True,
            references="organization",
            maps="FHIR performer / location",
        ),
        Column(
            "item_code",
            "code",
            Text("药品", "item code"),
            schemes=ITEMS,
            required=True,
            references="catalog_item",
            maps="FHIR medication[x]",
        ),
        Column(
            "quantity",
            "decimal",
            Text("数量", "quantity"),
            required=True,
            note="base_unit",
            maps="FHIR quantity",
            unit="catalog_item.base_unit",
        ),
        Column("days_supply", "decimal", Text("天数", "days supply"), maps="FHIR daysSupply", unit="day"),
        Column("dispensed_at", "ts", Text("发药时间", "dispensed at"), required=True, maps="FHIR whenHandedOver"),
        Column("unit_price", "money", Text("单价", "unit price"), unit="CNY"),
        Column("trace_code", "str", Text("药品追溯码", "trace code"), note="one row per code when scanned"),
        Column("picker_id", "hash", Text("取药人", "picker id"), references="person", maps="FHIR receiver"),
        Column(
            "status",
            "enum",
            Text("状态", "status"),
            required=True,
            values=(
                "completed",
                "returned",
            ),
            maps="FHIR status",
        ),
    ),
)
