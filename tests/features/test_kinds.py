"""Pairs, patients, projects, contracts, departments, officers and vehicles, on rows small enough to check by hand."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from features.build import build
from features.engine import Engine
from features.measures import entities
from features.profiles import Profiles
from tests.features.profile_rows import award, bids, claim, day, line, table, tender

Rows = dict[str, list[dict[str, Any]]]


def profiled(kind: str, rows: Rows, days: float = 400) -> Profiles:
    return build(Engine.of({name: table(name, some) for name, some in rows.items()}), kind, day(days), min_peers=5)


def test_at_least_twelve_kinds_of_entities_are_profiled() -> None:
    assert len(entities()) >= 12


def test_a_patient_of_many_institutions_for_one_drug() -> None:
    rows: Rows = {
        "claim": [claim(i, f"H{i}", "P1", 10.0, day(1) + timedelta(minutes=i)) for i in range(3)]
        + [claim(9, "H1", "P2", 10.0, day(1))],
        "prescription": [line(i, f"H{i}", "D1", "P1", "I1", 1.0, day(i)) for i in range(4)]
        + [line(8, "H9", "D1", "P1", "I1", 1.0, day(90))],
    }
    values = profiled("patient", rows).values
    assert values.at["P1", "institutions_per_day_max"] == 3
    assert values.at["P1", "same_drug_institutions_max"] == 4
    assert (values.at["P1", "claims_count"], values.at["P2", "fund_paid"]) == (3, 10.0)


@pytest.mark.parametrize(("kind", "pair"), [("drug_institution", "H1/I1"), ("drug_practitioner", "D1/I1")])
def test_a_drug_of_ten_patients_makes_a_pair_and_fewer_do_not(kind: str, pair: str) -> None:
    rows: Rows = {
        "prescription": [line(i, "H1", "D1", f"P{i}", "I1", 2.0 if i else 50.0, day(i)) for i in range(10)]
        + [line(50 + i, "H2", "D2", f"P{i}", "I1", 2.0, day(i)) for i in range(9)]
    }
    values = profiled(kind, rows).values
    assert list(values.index) == [pair]
    assert values.at[pair, "rx_patients"] == 10
    assert values.at[pair, "volume_per_patient"] == 2.0
    assert values.at[pair, "top_patient_share"] == pytest.approx(0.1)


def test_two_firms_that_meet_and_win_in_turn() -> None:
    rows: Rows = {
        "tender": [tender(i, day(i)) for i in range(4)],
        "bid": [row for i in range(4) for row in bids(i, {"F1": 100.0 + i % 2, "F2": 101.0 - i % 2, "F3": 200.0})],
    }
    values = profiled("supplier_pair", rows).values
    assert list(values.index) == ["F1/F2", "F1/F3", "F2/F3"]
    assert (values.at["F1/F2", "meetings_count"], values.at["F1/F2", "rotation_share"]) == (4, 1.0)
    assert (values.at["F1/F3", "one_sided_share"], values.at["F1/F3", "rotation_share"]) == (0.5, 0.0)
    assert np.isnan(values.at["F1/F2", "ties"])


def test_a_supplier_that_takes_most_of_a_buyer() -> None:
    rows: Rows = {"award": [award(i, "B1", "F1" if i < 4 else "F2", 10.0, day(i)) for i in range(5)]}
    values = profiled("supplier_buyer", rows).values
    assert values.at["F1/B1", "share_of_buyer"] == pytest.approx(0.8)
    assert values.at["F1/B1", "share_of_supplier"] == 1.0
    assert np.isnan(values.at["F2/B1", "share_of_supplier"])


def contract(number: int, **more: Any) -> dict[str, Any]:
    base = {"contract_id": f"K{number}", "buyer_id": "B1", "supplier_id": "F1", "kind": "works", "amount": 100.0}
    return {**base, "signed_at": day(0).date(), **more}


def test_a_contract_is_changed_and_paid_late() -> None:
    rows: Rows = {
        "contract": [contract(1, filed_at=day(10).date(), start_at=day(-5).date()), contract(2)],
        "contract_amendment": [
            {"amendment_id": "M1", "contract_id": "K1", "amended_at": day(5).date(), "delta_amount": 30.0,
             "works_done_at": day(4).date(), "approved_at": day(6).date()},
            {"amendment_id": "M2", "contract_id": "K1", "amended_at": day(6).date(), "delta_amount": -5.0},
        ],
        "payment": [
            {"payment_id": "Y1", "contract_id": "K1", "payer_id": "B1", "kind": "progress", "amount": 60.0,
             "due_at": day(20).date(), "paid_at": day(50).date()},
            {"payment_id": "Y2", "contract_id": "K1", "payer_id": "B1", "kind": "progress", "amount": 40.0,
             "due_at": day(390).date()},
        ],
    }  # fmt: skip
    values = profiled("contract", rows).values
    assert (values.at["K1", "change_ratio"], values.at["K1", "amendments_count"]) == (pytest.approx(0.3), 2)
    assert (values.at["K1", "filing_days"], values.at["K1", "begun_before_signing_days"]) == (10, 5)
    assert (values.at["K1", "paid_share"], values.at["K1", "overdue_open"]) == (pytest.approx(0.6), 1)
    assert values.at["K1", "overdue_days_max"] == 30
    assert values.at["K1", "approved_after_work_share"] == 1.0
    assert np.isnan(values.at["K2", "change_ratio"])


def test_a_project_costs_more_than_its_budget() -> None:
    project = {"project_id": "J1", "name": "Road", "owner_org_id": "B1", "region_code": "460100", "sector": "road"}
    project |= {"estimate_amount": 1000.0, "budget_amount": 800.0, "scale_qty": 10.0}
    project |= {"settlement_claimed": 1000.0, "settlement_audited": 900.0}
    rows: Rows = {
        "project": [project],
        "contract": [contract(1, project_id="J1"), contract(2, project_id="J1")],
        "project_event": [
            {"event_id": "E1", "project_id": "J1", "stage": "construction", "event_type": "progress",
             "event_at": day(12), "due_at": day(2)},
        ],
    }  # fmt: skip
    values = profiled("project", rows).values.loc["J1"]
    assert (values.unit_cost, values.settlement_cut) == (100.0, pytest.approx(0.1))
    assert values.settlement_over_budget == pytest.approx(0.125)
    assert (values.contracts_to_budget, values.delay_days_max) == (0.25, 10.0)


def test_a_department_replies_late_and_with_the_same_words() -> None:
    asked = {"channel": "phone", "topic_code": "noise", "handler_org_id": "G1", "received_at": day(0)}
    rows: Rows = {
        "service_request": [
            {
                **asked,
                "request_id": "R1",
                "due_at": day(5),
                "replied_at": day(9),
                "reply_text": "done",
                "satisfaction": 1,
            },
            {
                **asked,
                "request_id": "R2",
                "due_at": day(5),
                "replied_at": day(1),
                "reply_text": "done",
                "satisfaction": 5,
            },
            {**asked, "request_id": "R3", "reopened_of_id": "R2", "received_at": day(399)},
        ]
    }
    values = profiled("department", rows).values.loc["G1"]
    assert (values.requests_count, values.requests_count_90d) == (3, 1)
    assert (values.overdue_share, values.dissatisfied_share, values.copied_reply_share) == (0.5, 0.5, 0.5)
    assert values.reopened_share == pytest.approx(1 / 3)
    assert values.reply_days_mean == 5.0


def test_an_officer_stops_the_clock_and_serves_one_applicant() -> None:
    base = {"item_code": "permit", "authority_org_id": "G1", "officer_id": "D1", "statutory_days": 10}
    rows: Rows = {
        "approval": [
            {**base, "approval_id": f"V{i}", "applicant_id": "F1" if i < 8 else f"F{i}", "accepted_at": day(i),
             "decided_at": day(i + (12 if i == 0 else 4)), "suspended_days": int(i == 1)}
            for i in range(10)
        ]
    }  # fmt: skip
    values = profiled("officer", rows).values.loc["D1"]
    assert (values.clock_stopped_share, values.overdue_share) == (pytest.approx(0.1), pytest.approx(0.1))
    assert values.top_applicant_share == pytest.approx(0.8)


def test_a_vehicle_drinks_more_than_it_drives() -> None:
    rows: Rows = {
        "vehicle_trip": [
            {"trip_id": f"T{i}", "asset_id": "A1", "start_at": day(i), "end_at": day(i), "distance_km": 500.0}
            for i in range(4)
        ],
        "expense": [
            {"expense_id": "X1", "org_id": "G1", "category": "fuel", "asset_id": "A1", "occurred_at": day(1),
             "litres": 400.0, "amount": 3000.0},
        ],
    }  # fmt: skip
    values = profiled("vehicle", rows).values.loc["A1"]
    assert (values.litres_per_100km, values.cost_per_100km) == (20.0, 150.0)
    assert (values.trips_count, values.unordered_share) == (4, 1.0)
