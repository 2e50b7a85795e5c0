"""Contract of `prescription`: one row per prescribed line."""

from features.contracts.column import ITEMS, Column, Contract
from gnomon.terms import Text

CONTRACT = Contract(
    name="prescription",
    pack="medical",
    title=Text("处方明细", "Prescription"),
    grain="one row per prescribed line",
    standard="FHIR MedicationRequest; CMS Part D (aggregate only)",
    event=("prescribed_at",),
    columns=(
        Column(
            "rx_id", "str", Text("处方号", "rx id"), key=True, required=True, maps="FHIR MedicationRequest.identifier"
        ),
        Column("rx_line", "int", Text("行号", "rx line"), key=True, required=True),
        Column(
            "person_id",
            "hash",
            Text("患者", "person id"),
            required=True,
            references="person",
            maps="FHIR MedicationRequest.subject",
        ),
        Column(
            "institution_id",
            "str",
            Text("机构", "institution id"),
            schemes=("nhsa-institution",),
            required=True,
            references="organization",
        ),
        Column(
            "prescriber_id",
            "hash",
            Text("医师", "prescriber id"),
            required=True,
            references="person",
            maps="FHIR MedicationRequest.requester; CMS Prscrbr_NPI",
        ),
        Column(
            "item_code",
            "code",
            Text("药品", "item code"),
            schemes=ITEMS,
            required=True,
            references="catalog_item",
            maps="FHIR MedicationRequest.medication[x]; CMS Gnrc_Name",
        ),
        Column(
            "prescribed_at",
            "ts",
            Text("开具时间", "prescribed at"),
            required=True,
            maps="FHIR MedicationRequest.authoredOn",
        ),
        Column(
            "quantity",
            "decimal",
            Text("数量", "quantity"),
            required=True,
            note="base_unit",
            maps="FHIR MedicationRequest.dispenseRequest.quantity",
            unit="catalog_item.base_unit",
        ),
        Column(
            "days_supply",
            "decimal",
            Text("天数", "days supply"),
            note="days",
            maps="FHIR dispenseRequest.expectedSupplyDuration; CMS Tot_Day_Suply",
            unit="day",
        ),
        Column(
            "daily_dose",
            "decimal",
            Text("日剂量", "daily dose"),
            note="strength unit",
            maps="FHIR dosageInstruction",
            unit="strength unit per day",
        ),
        Column(
            "rx_type",
            "enum",
            Text("处方类型", "rx type"),
            required=True,
            values=(
                "normal",
                "emergency",
                "chronic_long",
                "narcotic",
                "tcm",
            ),
        ),
        Column(
            "dx_codes",
            "list",
            Text("诊断", "dx codes"),
            schemes=("nhsa-diagnosis",),
            maps="FHIR MedicationRequest.reasonCode",
        ),
        Column("claim_id", "str", Text("结算单", "claim id"), references="claim"),
    ),
)
