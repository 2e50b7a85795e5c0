# ruff: noqa: E501 -- one reported figure is one line
"""Institutions: totals that a source reports ready-made (US Medicare provider totals), and ratios between them."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from features.measures.declare import Behind, Compute, Rows, View, ratio
from features.measures.institution import INSTITUTION
from features.measures.tables import Tables
from gnomon.terms import Direction, Text

HIGH, NONE = Direction.HIGH, Direction.NONE

TOTALS: tuple[tuple[str, str, str, str, str, Direction, bool], ...] = (
    ("reported_reimbursed_sum", "InscClaimAmtReimbursed_sum", "申报支付总额", "reported payments", "CNY", HIGH, True),
    ("reported_reimbursed_mean", "InscClaimAmtReimbursed_mean", "申报次均支付", "reported payment per claim", "CNY", HIGH, True),
    ("reported_reimbursed_std", "InscClaimAmtReimbursed_std", "申报支付标准差", "reported deviation of payments", "CNY", HIGH, True),
    ("reported_deductible_sum", "DeductibleAmtPaid_sum", "申报自付总额", "reported deductibles", "CNY", HIGH, True),
    ("reported_deductible_mean", "DeductibleAmtPaid_mean", "申报次均自付", "reported deductible per claim", "CNY", NONE, True),
    ("reported_claims", "TotalClaims", "申报结算数", "reported claims", "", HIGH, True),
    ("reported_beneficiaries", "UniqueBeneficiaries", "申报患者数", "reported beneficiaries", "", HIGH, True),
    ("reported_inpatient_claims", "InpatientClaims", "申报住院结算数", "reported inpatient claims", "", HIGH, True),
    ("reported_outpatient_claims", "OutpatientClaims", "申报门诊结算数", "reported outpatient claims", "", HIGH, True),
    ("reported_claims_per_beneficiary", "ClaimsPerBeneficiary", "申报人均结算数", "reported claims per beneficiary", "claims/patient", HIGH, False),
    ("reported_inpatient_ratio", "InpatientRatio", "申报住院占比", "reported share of inpatient claims", "%", HIGH, False),
    ("reported_attending", "UniqueAttendingPhysicians", "申报主治医师数", "reported attending physicians", "", NONE, True),
    ("reported_operating", "UniqueOperatingPhysicians", "申报手术医师数", "reported operating physicians", "", NONE, True),
    ("reported_other_physicians", "UniqueOtherPhysicians", "申报其他医师数", "reported other physicians", "", NONE, True),
    ("reported_physicians", "TotalUniquePhysicians", "申报医师数", "reported physicians", "", NONE, True),
    ("reported_claim_days_mean", "AvgClaimDuration", "申报平均结算天数", "reported mean days of a claim", "days", HIGH, False),
    ("reported_claim_days_max", "MaxClaimDuration", "申报最长结算天数", "reported longest claim", "days", HIGH, False),
    ("reported_stay_days_mean", "AvgHospitalStay", "申报平均住院日", "reported mean stay", "days", HIGH, False),
    ("reported_stay_days_max", "MaxHospitalStay", "申报最长住院日", "reported longest stay", "days", HIGH, False),
    ("reported_diagnoses", "UniqueDiagnoses", "申报诊断种数", "reported distinct diagnoses", "", NONE, True),
    ("reported_procedures", "UniqueProcedures", "申报操作种数", "reported distinct procedures", "", NONE, True),
    ("reported_male_ratio", "AvgMaleRatio", "申报男性占比", "reported share of men", "%", NONE, False),
    ("reported_renal_rate", "AvgRenalDiseaseRate", "申报肾病占比", "reported share of renal disease", "%", NONE, False),
    ("reported_states", "UniqueStates", "申报患者州数", "reported states of beneficiaries", "", HIGH, False),
    ("reported_counties", "UniqueCounties", "申报患者县数", "reported counties of beneficiaries", "", HIGH, True),
    ("reported_part_a_months", "AvgPartACoverage", "申报住院参保月数", "reported months of part A cover", "months", NONE, False),
    ("reported_part_b_months", "AvgPartBCoverage", "申报门诊参保月数", "reported months of part B cover", "months", NONE, False),
    ("reported_beneficiary_inpatient", "AvgBeneIPReimbursement", "患者年均住院支付", "beneficiaries' yearly inpatient payments", "CNY", HIGH, True),
    ("reported_beneficiary_outpatient", "AvgBeneOPReimbursement", "患者年均门诊支付", "beneficiaries' yearly outpatient payments", "CNY", HIGH, True),
)  # fmt: skip
"""Column, metric code, title zh and en, unit, direction, skewed."""

RATIOS: tuple[tuple[str, str, str, str, str, str, Direction], ...] = (
    ("reported_reimbursed_per_beneficiary", "InscClaimAmtReimbursed_sum", "UniqueBeneficiaries", "申报人均支付", "reported payments per beneficiary", "CNY", HIGH),
    ("reported_reimbursed_per_physician", "InscClaimAmtReimbursed_sum", "TotalUniquePhysicians", "申报医师均支付", "reported payments per physician", "CNY", HIGH),
    ("reported_claims_per_physician", "TotalClaims", "UniqueAttendingPhysicians", "申报医师均结算数", "reported claims per attending physician", "claims/physician", HIGH),
    ("reported_beneficiaries_per_physician", "UniqueBeneficiaries", "TotalUniquePhysicians", "申报医师均患者数", "reported beneficiaries per physician", "patients/physician", HIGH),
    ("reported_deductible_share", "DeductibleAmtPaid_sum", "InscClaimAmtReimbursed_sum", "申报自付与支付之比", "reported deductibles to payments", "%", NONE),
    ("reported_reimbursed_cv", "InscClaimAmtReimbursed_std", "InscClaimAmtReimbursed_mean", "申报支付离散度", "reported variation of payments", "%", NONE),
    ("reported_diagnoses_per_claim", "UniqueDiagnoses", "TotalClaims", "申报诊断种数与结算数之比", "reported diagnoses per claim", "diagnoses/claim", NONE),
    ("reported_procedures_per_stay", "UniqueProcedures", "InpatientClaims", "申报操作种数与住院数之比", "reported procedures per inpatient claim", "procedures/stay", NONE),
    ("reported_counties_per_beneficiary", "UniqueCounties", "UniqueBeneficiaries", "申报县数与患者数之比", "reported counties per beneficiary", "counties/patient", HIGH),
)  # fmt: skip
"""Column, metric above, metric below, title zh and en, unit, direction."""


def totals(tables: Tables) -> ir.Table:
    """One row per reported figure of the newest period that the institution reported."""
    total = tables.reported_total
    newest = ibis.window(group_by=["org_id", "metric"])
    total = total.mutate(newest=total.period_to.max().over(newest))
    total = total.filter(total.period_to == total.newest)
    return total.select("metric", "value", "event_at", entity_id="org_id")


REPORTED = View("reported", totals, ("reported_total",), "reported_total", "metric")


def figure(rows: Rows, metric: str) -> ir.Value:
    """The newest value of one metric; null when it is not reported."""
    return ibis.ifelse(rows.metric == metric, rows.value, ibis.null()).max()


def _total(name: str, metric: str) -> Compute:
    def compute(rows: Rows) -> ir.Value:
        return figure(rows, metric)

    compute.__name__ = name
    compute.__doc__ = f"The reported total `{metric}` of the newest period."
    return compute


def _ratio(name: str, above: str, below: str) -> Compute:
    def compute(rows: Rows) -> ir.Value:
        return ratio(figure(rows, above), figure(rows, below))

    compute.__name__ = name
    compute.__doc__ = f"The reported total `{above}` over `{below}`."
    return compute


def _of(*metrics: str) -> Behind:
    return Behind(where=lambda rows: rows.metric.isin(list(metrics)))


for _name, _metric, _zh, _en, _unit, _direction, _log in TOTALS:
    INSTITUTION.measure(REPORTED, Text(_zh, _en), _unit, _direction, log=_log, behind=_of(_metric))(
        _total(_name, _metric)
    )
for _name, _above, _below, _zh, _en, _unit, _direction in RATIOS:
    INSTITUTION.measure(REPORTED, Text(_zh, _en), _unit, _direction, log=True, behind=_of(_above, _below))(
        _ratio(_name, _above, _below)
    )
