"""Patients' drugs, charged drugs, stays and diseases of institutions, by hand."""
# ruff: noqa: E501 -- one row is one line

from __future__ import annotations

from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from tests.features.profile_rows import claim, day, hospital, line, stay
from tests.features.test_kinds import Rows, profiled

DRUG = {
    "item_code": "I1",
    "item_kind": "drug",
    "name": "Drug",
    "base_unit": "tablet",
    "strength": 10.0,
    "ddd": 20.0,
    "max_daily_dose": 40.0,
}


def charge(number: int, of: str, item: str, amount: float, at: Any, **more: Any) -> dict[str, Any]:
    row = {"line_id": f"L{number}", "claim_id": of, "item_code": item, "quantity": 1.0, "unit_price": amount}
    return {**row, "amount": amount, "fund_amount": amount, "occurred_at": at, **more}


def test_a_patient_collects_many_months_of_a_drug_within_one() -> None:
    rows: Rows = {
        "catalog_item": [DRUG],
        "prescription": [line(i, "H1", "D1", "P1", "I1", 60.0, day(350 + 5 * i)) for i in range(4)]
        + [line(9, "H1", "D1", "P1", "I1", 30.0, day(100)), line(10, "H2", "D1", "P1", "I1", 60.0, day(100))],
    }
    values = profiled("drug_patient", rows).values.loc["P1/I1/H1"]
    # 240 tablets of 10 mg within 30 days, beside 30 defined doses of 20 mg and 30 label doses of 40 mg.
    assert values.month_volume_max == 2400.0
    assert (values.month_to_ddd, values.month_to_label) == (4.0, 2.0)
    assert (values.rx_lines, values.rx_volume) == (5, 2700.0)


def test_charged_drugs_are_told_per_visit_and_per_patient() -> None:
    claims = [claim(i, "H1", f"P{i % 10}", 100.0, day(i)) for i in range(20)]
    rows: Rows = {
        "catalog_item": [DRUG, {**DRUG, "item_code": "I2", "ddd": None}],
        "claim": claims,
        "claim_item": [
            charge(i, f"C{i:04d}", "I1" if i < 12 else "I2", 30.0, day(i), prescriber_id="D1", quantity=4.0)
            for i in range(20)
        ],
    }
    institution = profiled("drug_institution", rows).values.loc["H1/I1"]
    # 12 lines of 4 tablets are 24 doses, over 20 visits with a drug.
    assert institution.ddds_per_100_visits == pytest.approx(120.0)
    assert institution.drug_fund == 360.0
    doctor = profiled("drug_practitioner", rows).values.loc["D1/I1"]
    assert (doctor.drug_amount_per_patient, doctor.drug_amount_share) == (36.0, pytest.approx(360 / 600))
    assert doctor.drug_charged_patients == 10


def test_a_stay_without_care_for_examinations_with_traces_elsewhere() -> None:
    items = {"exam": ("service", "腹部CT检查"), "bed": ("facility", "床位费"), "pill": ("drug", "Drug")}
    rows: Rows = {
        "admission": [stay(1, "H1", "P1", day(0), 6), stay(2, "H1", "P2", day(0), 6)],
        "inpatient_day": [
            {"admission_id": "A0001", "day": day(i).date(), "n_treatments": 0 if i < 3 else 2, "n_vitals": 1, "on_leave": i == 4}
            for i in range(7)
        ],
        "claim": [
            claim(1, "H1", "P1", 100.0, day(6), claim_type="inpatient", admission_id="A0001"),
            claim(2, "H9", "P1", 5.0, day(2), auth_method="face"),
            claim(3, "H9", "P1", 5.0, day(4), auth_method="face"),
            claim(4, "H9", "P2", 5.0, day(2), auth_method="manual"),
        ],
        "claim_item": [
            charge(n, "C0001", code, amount, day(3)) for n, (code, amount) in enumerate([("exam", 70.0), ("bed", 20.0), ("pill", 10.0)])
        ],
        "catalog_item": [
            {"item_code": code, "item_kind": kind, "name": name, "base_unit": "piece"} for code, (kind, name) in items.items()
        ],
    }  # fmt: skip
    values = profiled("stay", rows).values
    # Inner days 1 to 5, the fourth on leave: 1 and 2 idle of 1, 2, 3, 5.
    assert values.at["A0001", "no_care_day_share"] == 0.5
    assert values.at["A0001", "leave_day_share"] == pytest.approx(1 / 7)
    assert (values.at["A0001", "exam_share"], values.at["A0001", "bed_share"]) == (
        pytest.approx(0.7),
        pytest.approx(0.2),
    )
    assert values.at["A0001", "therapy_share"] == pytest.approx(0.1)
    # The visit on the day of leave and the one verified by hand are no traces.
    assert (values.at["A0001", "elsewhere_events"], values.at["A0002", "elsewhere_events"]) == (1, 0)
    assert values.at["A0001", "nights"] == 6.0


def test_an_institution_codes_more_complications_than_others_and_charges_more() -> None:
    rows: Rows = {
        "admission": [
            {**stay(i, "H1" if i < 10 else "H2", f"P{i}", day(i), 3), "cc_level": "CC" if i < 8 or i == 12 else "none"} for i in range(20)
        ],
        "person": [{"person_id": f"P{i}", "birth_date": day(-45 * 365).date()} for i in range(20)],
        "claim": [claim(i, "H1" if i < 10 else "H2", f"P{i}", 1.0, day(i), admission_id=f"A{i:04d}") for i in range(20)],
        "claim_item": [charge(i, f"C{i:04d}", "exam", 200.0 if i < 10 else 100.0, day(i)) for i in range(20)],
        "catalog_item": [{"item_code": "exam", "item_kind": "service", "name": "CT检查", "base_unit": "piece"}],
    }  # fmt: skip
    values = profiled("disease_institution", rows).values
    assert values.at["H1/J18", "complication_share"] == pytest.approx(0.8)
    assert values.at["H1/J18", "complication_gap"] == pytest.approx(0.8 - 0.1)
    assert values.at["H2/J18", "complication_gap"] == pytest.approx(0.1 - 0.8)
    assert values.at["H1/J18", "exam_excess"] > 0 > values.at["H2/J18", "exam_excess"]


def test_beds_machines_and_bills_beyond_what_may_be() -> None:
    rows: Rows = {
        "organization": [hospital("H1"), hospital("H2")],
        "admission": [
            {**stay(i, "H1" if i < 6 else "H2", f"P{i}", day(i % 6), 20), "cc_level": "none", "drg_weight": 0.5, "procedure_codes": [],
             "admit_route": "outpatient" if i < 3 or i == 6 else "emergency"}
            for i in range(12)
        ],
        "capacity": [
            {"org_id": "H1", "resource": "bed", "quantity": 4.0, "valid_from": day(-9).date()},
            {"org_id": "H1", "resource": "ct", "quantity": 1.0, "daily_minutes": 60.0, "valid_from": day(-9).date()},
        ],
        "claim": [
            {**claim(i, "H1" if i < 6 else "H2", f"P{i}", 9.0, day(3), admission_id=f"A{i:04d}"), "dx_codes": ["C50.1"] if i == 0 else ["I10"]}
            for i in range(12)
        ],
        "claim_item": [charge(i, f"C{i:04d}", "ct", 9.0, day(3) + timedelta(minutes=7)) for i in range(12)]
        + [charge(20 + i, f"C{i:04d}", "cancer", 9.0, day(3)) for i in range(2)]
        + [charge(30, "C0000", "ct", 9.0, day(3) + timedelta(minutes=7)), charge(31, "C0000", "part", 1.0, day(3))],
        "catalog_item": [
            {"item_code": "ct", "item_kind": "service", "name": "CT检查", "base_unit": "piece", "required_resource": "ct", "std_minutes": 30.0},
            {"item_code": "cancer", "item_kind": "drug", "name": "Drug", "base_unit": "piece", "is_restricted": True},
        ],
        "catalog_rule": [
            {"rule_id": "U1", "rule_type": "dx_required", "item_code": "cancer", "other_code": "C50, C61", "valid_from": day(-9).date()},
            {"rule_id": "U2", "rule_type": "included_in", "item_code": "part", "other_code": "ct", "valid_from": day(-9).date()},
        ],
    }  # fmt: skip
    values = profiled("institution", rows).values.loc["H1"]
    # Six come before the first leaves, to four beds; seven scans of 30 minutes on a machine of 60.
    assert (values.bed_load_max, values.resource_load_max, values.overload_day_share) == (1.5, 3.5, 1.0)
    # Two of the three patients' scans at the same minute are one person's.
    assert values.duplicate_line_share == pytest.approx(2 / 10)
    assert (values.restricted_unmet_share, values.unbundled_line_share) == (0.5, 1.0)
    assert values.light_stay_share == pytest.approx(0.5 - 1 / 6) or values.light_stay_share == pytest.approx(0.5)
    assert values.light_stay_ratio == pytest.approx(values.light_stay_share * 6 / (6 * 1 / 6))


def test_prescribers_without_a_post_and_a_norm_exceeded_by_one_line() -> None:
    post = {"position_id": "T1", "person_id": "D1", "org_id": "H0", "role": "doctor", "is_public_official": False}
    rows: Rows = {
        "organization": [hospital(f"H{i}") for i in range(10)],
        "position": [{**post, "valid_from": day(0).date(), "valid_to": day(5).date()}],
        "prescription": [
            line(100 * h + i, f"H{h}", f"D{h + 1}", f"P{i}", "I1", 90.0 if (h, i) in ((0, 1), (0, 2)) else 1.0, day(i))
            for h in range(10) for i in range(10)
        ],
    }  # fmt: skip
    profiles = profiled("institution", rows)
    assert profiles.values.at["H0", "no_post_share"] == 0.5
    assert profiles.values.at["H1", "no_post_share"] == 1.0
    assert profiles.values.at["H0", "rx_top_line_share"] == pytest.approx(90 / 188)
    assert profiled("practitioner", rows).values.at["D1", "no_post_share"] == 0.5
    without = {name: some for name, some in rows.items() if name != "position"}
    assert np.isnan(profiled("institution", without).values.at["H0", "no_post_share"])
