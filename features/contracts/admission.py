"""Contract of `admission`: one row per stay."""

from features.contracts.column import Column, Contract
from gnomon.terms import Text

CONTRACT = Contract(
    name="admission",
    pack="medical",
    title=Text("住院", "Admission"),
    grain="one row per stay",
    standard="FHIR Encounter (class IMP); 住院病案首页",
    event=("admit_at",),
    columns=(
        Column(
            "admission_id",
            "str",
            Text("住院号", "admission id"),
            key=True,
            required=True,
            maps="FHIR Encounter.identifier",
        ),
        Column(
            "person_id",
            "hash",
            Text("患者", "person id"),
            required=True,
            references="person",
            maps="FHIR Encounter.subject",
        ),
        Column(
            "institution_id",
            "str",
            Text("医院", "institution id"),
            schemes=("nhsa-institution",),
            required=True,
            references="organization",
            maps="FHIR Encounter.serviceProvider",
        ),
        Column("admit_at", "ts", Text("入院", "admit at"), required=True, maps="FHIR Encounter.period.start"),
        Column(
            "discharge_at",
            "ts",
            Text("出院", "discharge at"),
            note="null while in hospital",
            maps="FHIR Encounter.period.end",
        ),
        Column(
            "admit_route",
            "enum",
            Text("入院途径", "admit route"),
            values=(
                "emergency",
                "outpatient",
                "transfer",
                "other",
            ),
            maps="FHIR hospitalization.admitSource",
        ),
        Column("dept_code", "code", Text("科室", "dept code")),
        Column("attending_id", "hash", Text("主治医师", "attending id"), references="person"),
        Column(
            "dx_primary",
            "code",
            Text("主诊断", "dx primary"),
            schemes=("nhsa-diagnosis",),
            required=True,
            note="ICD-10",
            maps="FHIR Encounter.diagnosis",
        ),
        Column("dx_codes", "list", Text("诊断", "dx codes"), schemes=("nhsa-diagnosis",)),
        Column(
            "procedure_codes",
            "list",
            Text("手术操作", "procedure codes"),
            schemes=("nhsa-procedure",),
            note="ICD-9-CM-3 医保版",
            maps="FHIR Procedure",
        ),
        Column("drg_weight", "decimal", Text("权重", "drg weight"), note="RW of the DRG/DIP", unit="1"),
        Column(
            "cc_level",
            "enum",
            Text("并发症等级", "cc level"),
            values=(
                "none",
                "CC",
                "MCC",
            ),
        ),
    ),
)
