"""Contract of `claim`: one row per settled visit or stay."""

from features.contracts.column import Column, Contract
from gnomon.terms import Text

CONTRACT = Contract(
    name="claim",
    pack="medical",
    title=Text("医保结算单", "Claim"),
    grain="one row per settled visit or stay",
    standard="FHIR Claim + ExplanationOfBenefit; NHSA 医保基金结算清单",
    event=(
        "settled_at",
        "service_from",
    ),
    columns=(
        Column(
            "claim_id", "str", Text("结算流水号", "claim id"), key=True, required=True, maps="FHIR Claim.identifier"
        ),
        Column(
            "person_id",
            "hash",
            Text("参保人", "person id"),
            required=True,
            references="person",
            maps="FHIR Claim.patient",
        ),
        Column(
            "institution_id",
            "str",
            Text("定点医药机构", "institution id"),
            schemes=("nhsa-institution",),
            required=True,
            references="organization",
            maps="FHIR Claim.provider; NHSA 定点医疗机构/零售药店代码",
        ),
        Column(
            "claim_type",
            "enum",
            Text("类别", "claim type"),
            required=True,
            values=(
                "outpatient",
                "chronic",
                "inpatient",
                "pharmacy",
                "emergency",
            ),
            maps="FHIR Claim.type",
        ),
        Column("admission_id", "str", Text("住院号", "admission id"), references="admission", note="inpatient only"),
        Column(
            "service_from",
            "ts",
            Text("就诊时间", "service from"),
            required=True,
            maps="FHIR Claim.billablePeriod.start",
        ),
        Column("settled_at", "ts", Text("结算时间", "settled at"), required=True, maps="FHIR Claim.created"),
        Column(
            "dx_primary",
            "code",
            Text("主诊断", "dx primary"),
            schemes=("nhsa-diagnosis",),
            note="ICD-10 医保版",
            maps="FHIR Claim.diagnosis[sequence=1]; NHSA 疾病诊断代码",
        ),
        Column(
            "dx_codes", "list", Text("全部诊断", "dx codes"), schemes=("nhsa-diagnosis",), maps="FHIR Claim.diagnosis[]"
        ),
        Column(
            "total_amount",
            "money",
            Text("总费用", "total amount"),
            required=True,
            unit="CNY",
            note="CNY",
            maps="FHIR ExplanationOfBenefit.total(submitted)",
        ),
        Column(
            "fund_amount",
            "money",
            Text("基金支付", "fund amount"),
            required=True,
            unit="CNY",
            maps="FHIR EOB.total(benefit)",
        ),
        Column("assistance_amount", "money", Text("医疗救助支付", "assistance amount"), unit="CNY"),
        Column("self_amount", "money", Text("个人支付", "self amount"), unit="CNY"),
        Column("drg_code", "code", Text("病组", "drg code"), note="DRG or DIP"),
        Column(
            "auth_method",
            "enum",
            Text("核身方式", "auth method"),
            values=(
                "card",
                "e_credential",
                "face",
                "id_card",
                "manual",
            ),
        ),
        Column("terminal_id", "str", Text("终端", "terminal id")),
        Column(
            "status",
            "enum",
            Text("状态", "status"),
            required=True,
            values=(
                "settled",
                "reversed",
            ),
            maps="FHIR EOB.outcome",
        ),
    ),
)
