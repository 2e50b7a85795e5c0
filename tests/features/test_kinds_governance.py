"""Villages, schools, deals, outlets, authorities, cases and officials, on rows small enough to check by hand."""

from __future__ import annotations

# ruff: noqa: E501 -- one row is one line
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from tests.features.profile_rows import day
from tests.features.test_kinds import Rows, profiled


def test_a_village_pays_the_dead_and_into_others_accounts() -> None:
    spell = {"programme": "dibao", "valid_from": day(0).date(), "status": "active", "handler_org_id": "V1"}
    insured = {**spell, "programme": "bmi_resident"}
    rows: Rows = {
        "entitlement": [{**insured, "entitlement_id": f"I{i}", "person_id": f"P{i}"} for i in range(10)]
        + [{**spell, "entitlement_id": f"E{i}", "person_id": f"P{i}", "approver_id": "A1"} for i in range(3)]
        + [{**spell, "entitlement_id": "E9", "person_id": "P9", "valid_to": day(40).date(), "status": "ended"}],
        "entitlement_payment": [
            {"payment_id": f"Y{i}", "entitlement_id": f"E{i % 3}", "person_id": f"P{i % 3}", "programme": "dibao",
             "paid_at": day(100 + i).date(), "amount": 500.0, "payer_org_id": "G1", "account_hash": f"H{i % 2}",
             "account_holder_id": "P0"}
            for i in range(6)
        ],
        "person": [{"person_id": "P1", "death_date": day(102).date()}],
    }  # fmt: skip
    values = profiled("village", rows).values.loc["V1"]
    assert values.poor_share == pytest.approx(0.3)
    assert values.short_spell_share == 1.0
    assert values.other_account_share == pytest.approx(4 / 6)
    # P1 is registered: paid on days 101 and 104, the second after death; the others are in no register.
    assert values.after_death_share == pytest.approx(0.5)
    assert values.payments_per_recipient == 2.0


def test_a_school_charges_more_meals_than_it_has_heads_and_its_peers_are_of_the_same_month() -> None:
    school = {"org_id": "S1", "name": "School", "roles": ["school"], "region_code": "460105", "level": "primary"}
    rows: Rows = {
        "organization": [school],
        "headcount_day": [
            {"org_id": "S1", "day": day(i).date(), "n_registered": 100, "n_present": 80, "n_meals_charged": 80 + 20 * (i % 2),
             "meal_income": 800.0}
            for i in range(10)
        ],
        "stock_movement": [
            {"movement_id": "M1", "org_id": "S1", "item_code": "rice", "kind": "purchase_in", "quantity": 100.0,
             "unit_price": 6.0, "counterparty_id": "F1", "moved_at": day(3)},
        ],
        "price_reference": [
            {"item_code": "rice", "region_code": "460105", "month": "2025-01", "ref_price": 4.0, "source": "official_info_price"}
        ],
    }  # fmt: skip
    profiles = profiled("school_month", rows)
    values = profiles.values.loc["S1/2025-01"]
    assert values.meals_to_present == pytest.approx(900 / 800)
    assert (values.overcharged_day_share, values.present_share) == (0.5, pytest.approx(0.8))
    assert values.food_over_reference == pytest.approx(0.5)
    assert values.food_per_meal == pytest.approx(600 / 900)
    assert profiles.attributes.at["S1/2025-01", "season"] == "01"
    bought = profiled("item_supplier", rows).values.loc["S1/rice/F1"]
    assert (bought.excess_over_reference, bought.share_of_item) == (200.0, 1.0)


def test_a_lease_below_its_appraisal_and_a_sale_below_book() -> None:
    deal = {
        "asset_id": "A1",
        "counterparty_id": "F1",
        "method": "negotiated",
        "signed_at": day(0).date(),
        "status": "active",
    }
    rows: Rows = {
        "public_asset": [
            {"asset_id": "A1", "owner_org_id": "V1", "kind": "farmland", "area_qty": 50.0, "region_code": "460105",
             "status": "leased", "book_value": 2000.0}
        ],
        "asset_transaction": [
            {**deal, "txn_id": "X1", "kind": "lease", "annual_rent": 500.0, "appraised_value": 1000.0,
             "start_at": day(0).date(), "end_at": (day(0) + timedelta(days=3653)).date(), "actual_user_id": "F2"},
            {**deal, "txn_id": "X2", "kind": "sale", "amount": 1500.0, "appraised_value": 3000.0, "listed_price": 1000.0},
        ],
    }  # fmt: skip
    values = profiled("asset_deal", rows).values
    assert (values.at["X1", "rent_per_area"], values.at["X1", "rent_to_appraised"]) == (10.0, 0.5)
    assert values.at["X1", "term_years"] == pytest.approx(10.0, abs=0.01)
    assert (values.at["X1", "used_by_other"], values.at["X1", "same_party_deals"]) == (1, 2)
    assert (values.at["X2", "price_to_appraised"], values.at["X2", "price_to_book"]) == (0.5, 0.75)
    assert np.isnan(values.at["X2", "rent_per_area"])


def test_an_outlet_stands_still_and_stops_just_under_the_limit() -> None:
    base = {"site_id": "S1", "org_id": "F1", "pollutant": "COD", "limit_value": 50.0, "flow": 10.0, "power_kwh": 5.0}
    readings = [47.0] * 20 + [46.0 + 0.1 * i for i in range(10)] + [52.0]
    rows: Rows = {
        "env_reading": [
            {**base, "measured_at": day(0) + timedelta(hours=i), "value": x} for i, x in enumerate(readings)
        ]
        + [{**base, "measured_at": day(0) + timedelta(hours=40 + i), "value": None, "flow": 20.0} for i in range(9)]
    }
    values = profiled("outlet", rows).values.loc["S1/COD"]
    assert values.flat_hours_max == 20
    assert values.near_limit_share == pytest.approx(30 / 31)
    assert values.over_limit_share == pytest.approx(1 / 31)
    assert (values.out_share, values.busy_out_share) == (pytest.approx(9 / 40), 1.0)


def test_an_authority_punishes_below_the_limit_and_a_repeat_no_harder() -> None:
    base = {
        "authority_org_id": "G1",
        "officer_id": "D1",
        "party_id": "F1",
        "violation_code": "V1",
        "outcome": "penalty",
    }
    base |= {"benchmark_min": 100.0, "benchmark_max": 300.0}
    fines = (200.0, 150.0, 50.0)
    rows: Rows = {
        "enforcement_case": [
            {**base, "enf_id": f"N{i}", "found_at": day(i), "penalty_amount": fine} for i, fine in enumerate(fines)
        ]
    }
    values = profiled("authority", rows).values.loc["G1/V1"]
    assert values.penalty_position_mean == pytest.approx((0.5 + 0.25 - 0.25) / 3)
    assert (values.below_minimum_share, values.repeat_mild_share) == (pytest.approx(1 / 3), 1.0)
    assert profiled("enforcement_officer", rows).values.at["D1", "below_minimum_share"] == pytest.approx(1 / 3)


def test_a_party_complained_of_without_a_case_and_one_with() -> None:
    asked = {"channel": "12345", "topic_code": "noise"}
    rows: Rows = {
        "service_request": [
            {**asked, "request_id": f"R{i}", "object_id": "F1" if i < 6 else "F2", "received_at": day(i)}
            for i in range(12)
        ],
        "enforcement_case": [
            {"enf_id": "N1", "authority_org_id": "G1", "party_id": "F2", "violation_code": "V1", "found_at": day(3)}
        ],
    }
    values = profiled("complained_party", rows).values
    assert (values.at["F1", "complaints_without_case"], values.at["F2", "complaints_without_case"]) == (6, 0)
    assert values.at["F2", "cases_per_complaint"] == pytest.approx(1 / 6)


def test_cases_closed_alone_within_minutes() -> None:
    def step(i: int, kind: str, actor: str, minutes: float) -> dict[str, Any]:
        at = day(i) + timedelta(minutes=minutes)
        return {"event_id": f"E{i}{kind}", "case_kind": "enforcement_case", "case_id": f"N{i}", "seq": int(minutes > 0),
                "event_type": kind, "event_at": at, "actor_id": actor}  # fmt: skip

    steps = [step(i, "created", "D1", 0) for i in range(4)]
    steps += [step(i, "closed", "D1" if i < 3 else "D2", 4) for i in range(4)]
    values = profiled("enforcement_officer", {"workflow_event": steps}).values.loc["D1"]
    assert (values.same_actor_share, values.close_minutes_median) == (0.75, pytest.approx(4))


def test_a_handler_closes_without_evidence_and_a_scene_goes_quiet() -> None:
    base = {
        "source_kind": "model_warning",
        "scene": "ecology",
        "owner_org_id": "G1",
        "severity": "high",
        "handler_id": "D1",
    }
    rows: Rows = {
        "supervised_case": [
            {**base, "case_id": f"S{i}", "opened_at": day(10 * i), "closed_at": day(10 * i + 5), "evidence_count": i % 2,
             "verified_at": day(10 * i + 4), "closure_code": "unfounded" if i < 4 else "confirmed"}
            for i in range(16)
        ]
    }  # fmt: skip
    handler = profiled("case_handler", rows).values.loc["D1"]
    assert (handler.unfounded_share, handler.no_evidence_share) == (0.25, 0.5)
    assert profiled("supervised_unit", rows).values.at["G1", "unfounded_share"] == 0.25
    quiet = profiled("unit_scene", rows, days=200).values.loc["G1/ecology"]
    assert (quiet.warnings_count, quiet.warnings_to_past) == (16, 0.0)


def test_an_officials_household_gains_more_than_it_earns() -> None:
    rows: Rows = {
        "position": [
            {"position_id": "T1", "person_id": "P1", "org_id": "G1", "role": "official", "is_public_official": True,
             "valid_from": day(-900).date()}
        ],
        "person": [{"person_id": p, "household_id": "U1"} for p in ("P1", "P2")],
        "person_asset": [
            {"person_id": "P2", "kind": "real_estate", "asset_ref": "A1", "value": 900.0, "valid_from": day(100).date()},
            {"person_id": "P2", "kind": "vehicle", "asset_ref": "A2", "value": 50.0, "valid_from": day(-3000).date()},
        ],
        "social_insurance": [
            {"person_id": "P1", "org_id": "G1", "month": f"2025-{m:02d}", "contribution_base": 30.0} for m in range(1, 11)
        ],
        "org_interest": [
            {"interest_id": "O1", "org_id": "F1", "holder_id": "P1", "holder_kind": "person",
             "interest_type": "shareholding", "directness": "direct"}
        ],
        "entitlement_payment": [
            {"payment_id": "Y1", "entitlement_id": "E1", "person_id": "P7", "programme": "medical_assistance",
             "paid_at": day(5).date(), "amount": 80.0, "payer_org_id": "G1", "account_holder_id": "P1"}
        ],
    }  # fmt: skip
    values = profiled("official", rows).values.loc["P1"]
    assert (values.assets_value, values.homes, values.assets_to_income) == (950.0, 1, pytest.approx(3.0))
    assert (values.firms_held, values.benefits_drawn, values.benefits_received) == (1, 0, 1)


def test_a_recipient_is_paid_in_custody_and_its_household_owns_and_serves() -> None:
    rows: Rows = {
        "person": [
            {"person_id": "P1", "household_id": "U1", "custody_from": day(20).date(), "custody_to": day(50).date()},
            {"person_id": "P2", "household_id": "U1"},
        ],
        "entitlement": [
            {"entitlement_id": "E1", "person_id": "P1", "programme": "dibao", "valid_from": day(0).date(), "status": "active"}
        ],
        "entitlement_payment": [
            {"payment_id": f"Y{i}", "entitlement_id": "E1", "person_id": "P1", "programme": "dibao",
             "paid_at": day(10 + 20 * i).date(), "amount": 500.0, "payer_org_id": "G1"}
            for i in range(4)
        ],
        "person_asset": [{"person_id": "P2", "kind": "vehicle", "asset_ref": "A1", "value": 9.0}],
        "position": [
            {"position_id": "T1", "person_id": "P2", "org_id": "G1", "role": "official", "is_public_official": True,
             "valid_from": day(0).date()}
        ],
    }  # fmt: skip
    values = profiled("recipient", rows).values.loc["P1"]
    assert (values.custody_payments, values.after_death_payments) == (1, 0)
    assert (values.asset_kinds, values.household_posts) == (1, 1)


def test_an_enterprise_reports_what_no_machine_made_and_takes_a_peak_back() -> None:
    stat = {"org_id": "F1", "electricity_kwh": 10.0, "employees": 2, "tax_paid": 5.0, "revenue": 100.0}
    output = (100.0, 1000.0, 100.0)
    rows: Rows = {
        "enterprise_stat": [
            {**stat, "period": f"2025-{m + 1:02d}", "output_value": x, "reporter_ip": "10.0.0.1"} for m, x in enumerate(output)
        ]
        + [{**stat, "org_id": "F2", "period": "2025-01", "output_value": 1.0, "reporter_ip": "10.0.0.1"}],
        "enforcement_case": [
            {"enf_id": f"N{i}", "authority_org_id": f"G{i % 2}", "party_id": "F1", "violation_code": "V1",
             "found_at": day(i), "penalty_amount": 10.0}
            for i in range(3)
        ],
    }  # fmt: skip
    values = profiled("enterprise", rows).values.loc["F1"]
    assert (values.output_per_kwh, values.tax_to_revenue) == (40.0, pytest.approx(0.05))
    assert values.output_peak == pytest.approx(np.log(1001 / 101))
    assert (values.shared_reporter_firms, values.authorities, values.cases_count) == (2, 2, 3)
    assert values.fines_to_revenue == pytest.approx(0.1)
    assert values.repeated_violation_share == pytest.approx(2 / 3)


def test_requests_of_a_topic_are_held_against_the_same_quarter() -> None:
    asked = {"channel": "12345", "topic_code": "noise", "handler_org_id": "G1", "object_id": "F1"}
    rows: Rows = {
        "service_request": [
            {
                **asked,
                "request_id": f"R{i}",
                "received_at": day(i * 30),
                "due_at": day(i * 30 + 1),
                "replied_at": day(i * 30 + 2),
            }
            for i in range(5)
        ]
    }
    profiles = profiled("topic_department", rows)
    assert list(profiles.values.index) == ["G1/noise/2025Q1", "G1/noise/2025Q2"]
    assert list(profiles.attributes["season"]) == ["Q1", "Q2"]
    assert profiles.values.at["G1/noise/2025Q1", "overdue_share"] == 1.0


def test_approvals_by_item_are_withdrawn_and_sent_again_and_one_applicant_is_fast() -> None:
    base = {"item_code": "permit", "authority_org_id": "G1", "officer_id": "D1", "statutory_days": 10}
    rows: Rows = {
        "approval": [
            {**base, "approval_id": f"V{i}", "applicant_id": "F1" if i < 3 else f"F{i}", "accepted_at": day(30 * i),
             "decided_at": day(30 * i + (1 if i < 3 else 8)), "result": "granted"}
            for i in range(9)
        ]
        + [{**base, "approval_id": "W1", "applicant_id": "F8", "accepted_at": day(244), "decided_at": day(246), "result": "withdrawn"},
           {**base, "approval_id": "W2", "applicant_id": "F8", "accepted_at": day(250), "decided_at": day(258), "result": "granted"}],
    }  # fmt: skip
    values = profiled("authority_item", rows).values.loc["G1/permit"]
    assert (values.approvals_count, values.resubmitted_share) == (11, pytest.approx(1 / 11))
    pair = profiled("officer_applicant", rows).values
    assert pair.at["D1/F1", "speed_log_mean"] == pytest.approx(np.log(1 / 8))
    assert np.isnan(pair.at["D1/F5", "speed_log_mean"])
