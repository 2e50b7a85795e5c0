"""Agencies, experts, bids, designers, vehicles by quarter and what suppliers and buyers leave, by hand."""
# ruff: noqa: E501 -- one row is one line

from __future__ import annotations

import numpy as np
import pytest

from features.measures.benford import PAIRS
from tests.features.profile_rows import award, bids, day, tender, threshold
from tests.features.test_kinds import Rows, contract, profiled


def test_an_agency_rejects_and_one_supplier_wins() -> None:
    rows: Rows = {
        "tender": [tender(i, day(i), agency_id="A1", published_at=day(i), deadline_at=day(i + 10)) for i in range(5)],
        "bid": [row for i in range(5) for row in bids(i, {"F1": 90.0, "F2": 100.0, "F3": 110.0})],
    }
    for row in rows["bid"]:
        row["status"] = "disqualified" if row["bidder_id"] == "F3" else "valid"
    values = profiled("agency", rows).values.loc["A1"]
    assert (values.tenders_count, values.top_winner_share) == (5, 1.0)
    assert (values.rejected_share, values.days_to_bid_mean) == (pytest.approx(1 / 3), 10.0)
    assert profiled("buyer", rows).values.at["B1", "rejected_share"] == pytest.approx(1 / 3)
    assert profiled("supplier", rows).values.at["F3", "rejected_share"] == 1.0


def test_an_expert_leans_to_one_bidder_beyond_being_mild() -> None:
    rows: Rows = {
        "tender": [tender(i, day(i)) for i in range(4)],
        "bid": [row for i in range(4) for row in bids(i, {"F1": 90.0, "F2": 100.0})],
        "evaluation_score": [
            {"tender_id": f"T{i:03d}", "bid_id": f"T{i:03d}-{firm}", "expert_id": expert, "criterion": "C1", "max_score": 10.0,
             "score": {"X1F1": 9.0 + 0.1 * i, "X1F2": 6.0}.get(expert + firm, 6.0)}
            for i in range(4) for firm in ("F1", "F2") for expert in ("X1", "X2", "X3")
        ],
    }  # fmt: skip
    values = profiled("expert_bidder", rows).values
    assert values.at["X1/F1", "score_lean_mean"] == pytest.approx(0.3 + 0.01 * 1.5)
    assert values.at["X1/F1", "judged_win_share"] == 1.0
    assert values.at["X2/F2", "score_lean_mean"] > 0
    assert values.at["X1/F1", "score_lean_z"] > 10


def test_a_winning_bid_is_unbalanced_where_quantities_grow() -> None:
    prices = {"F1": 300.0, "F2": 100.0, "F3": 101.0, "F4": 99.0, "F5": 100.0}
    rows: Rows = {
        "tender": [tender(1, day(1))],
        "bid": bids(1, prices, winner="F1"),
        "bid_item": [
            {"bid_id": f"T001-{firm}", "line_no": n, "item_code": f"I{n}", "quantity": 10.0,
             "unit_price": (price if n == 0 else 100.0 + n * (firm == "F1")), "amount": 10.0}
            for firm, price in prices.items() for n in range(5)
        ],
        "award": [{**award(1, "B1", "F1", 300.0, day(2), "T001"), "bid_id": "T001-F1"}],
        "contract": [contract(1, award_id="W001")],
        "contract_amendment": [
            {"amendment_id": "M1", "contract_id": "K1", "amended_at": day(9).date(), "delta_amount": 5.0, "item_code": "I0",
             "delta_qty": 20.0}
        ],
    }  # fmt: skip
    values = profiled("bid", rows).values.loc["T001-F1"]
    assert values.unbalanced_items >= 1
    assert values.unbalanced_share >= 0.2
    assert values.price_change_correlation == pytest.approx(1 / np.sqrt(2), abs=0.05)


def test_designs_change_and_audits_are_lenient() -> None:
    project = {"owner_org_id": "B1", "region_code": "460100", "sector": "road", "name": "Road", "settlement_claimed": 100.0,
               "settlement_audited": 98.0, "budget_amount": 90.0}  # fmt: skip
    rows: Rows = {
        "project": [{**project, "project_id": f"J{i}"} for i in range(3)],
        "contract": [contract(i, project_id=f"J{i}") for i in range(3)]
        + [contract(10 + i, project_id=f"J{i}", kind="design", supplier_id="Z1") for i in range(3)],
        "contract_amendment": [
            {"amendment_id": f"M{i}", "contract_id": "K1", "amended_at": day(9).date(), "delta_amount": d, "reason_code": why}
            for i, (d, why) in enumerate([(20.0, "design_error"), (-10.0, "quantity"), (50.0, "policy")])
        ],
        "project_event": [
            {"event_id": f"E{i}", "project_id": f"J{i}", "stage": "9", "event_type": "settlement_audited", "event_at": day(50),
             "actor_org_id": "Z2"}
            for i in range(3)
        ],
    }  # fmt: skip
    values = profiled("consultant", rows).values
    assert values.at["Z1", "design_change_rate"] == pytest.approx(30 / 300)
    assert values.at["Z1", "design_changes"] == pytest.approx(2 / 3)
    assert values.at["Z2", "settlement_cut_mean"] == pytest.approx(0.02)
    assert values.at["Z2", "over_budget_share"] == 1.0
    assert profiled("supplier", {**rows, "award": [award(1, "B1", "F1", 1.0, day(0))]}).values.at[
        "F1", "settlement_cut_mean"
    ] == pytest.approx(0.02)


def test_a_buyer_stays_just_under_the_threshold_and_spends_without_competition() -> None:
    rows: Rows = {
        "tender": [tender(i, day(i), method="direct" if i < 3 else "open") for i in range(6)],
        "award": [award(i, "B1", f"F{i}", 95.0 if i < 5 else 105.0, day(i), f"T{i:03d}") for i in range(6)],
        "policy_threshold": [threshold(100.0)],
        "bid": bids(0, {"F0": 95.0}),
    }
    values = profiled("buyer", rows).values.loc["B1"]
    assert values.under_threshold_share == pytest.approx(5 / 6)
    assert values.closed_amount_share == pytest.approx(285 / 580)


def test_amounts_that_begin_with_every_digit_alike_do_not_conform() -> None:
    natural = [10 ** (3 * (i + 0.5) / 3000) * 10 for i in range(3000)]
    made_up = [float(10 + i % 90) * (1, 10, 100)[i % 3] for i in range(3000)]
    rows: Rows = {
        "award": [award(i, "B1", "F1", round(x, 2), day(0)) for i, x in enumerate(natural)]
        + [award(5000 + i, "B2", "F1", x, day(0)) for i, x in enumerate(made_up)],
    }
    values = profiled("buyer", rows).values
    assert values.at["B1", "benford_deviation"] < 0.0012
    law = np.log10(1 + 1 / np.arange(10, 100))
    assert values.at["B2", "benford_deviation"] == pytest.approx(np.abs(1 / 90 - law).sum() / PAIRS, rel=0.05)
    assert values.at["B2", "benford_deviation"] > 0.0022


def test_the_usual_bidders_stay_away_when_one_supplier_comes() -> None:
    with_s = {i: {"S": 90.0, "F1": 95.0} for i in range(6)}
    without = {i: {"F1": 95.0, "F2": 96.0, "F3": 97.0} for i in range(6, 12)}
    rows: Rows = {
        "tender": [tender(i, day(i)) for i in range(12)],
        "bid": [row for i, prices in (with_s | without).items() for row in bids(i, prices)],
        "award": [award(i, "B1", "S", 90.0, day(i), f"T{i:03d}") for i in range(6)],
    }
    # Usual beside S: F1, F2, F3. With S two of three are away; without S none is, so there is no ratio.
    assert np.isnan(profiled("supplier_buyer", rows).values.at["S/B1", "absence_lift"])
    rows["bid"] = [row for row in rows["bid"] if (row["tender_id"], row["bidder_id"]) != ("T006", "F2")]
    assert profiled("supplier_buyer", rows).values.at["S/B1", "absence_lift"] == pytest.approx((2 / 3) / (1 / 18))


def test_a_tender_with_a_cheaper_bid_rejected_and_two_bids_from_one_machine() -> None:
    rows: Rows = {
        "tender": [tender(1, day(5), deadline_at=day(4), award_criteria="lowest", estimated_value=100.0, bond_amount=3.0)],
        "bid": bids(1, {"F1": 80.0, "F2": 88.0, "F3": 95.0}, winner="F2"),
        "bid_file": [
            {"file_id": f"D{n}", "bid_id": f"T001-{firm}", "kind": "boq", "mac": mac, "created_at": day(1)}
            for n, (firm, mac) in enumerate([("F1", "AA:1"), ("F2", "AA:1"), ("F3", "00:00:00:00:00:00"), ("F3", "BB:2")])
        ],
    }  # fmt: skip
    rows["bid"][0]["status"] = "disqualified"
    rows["bid"][1]["submitted_at"] = day(4.5)
    values = profiled("tender", rows).values.loc["T001"]
    assert values.rejected_lowest_cost == pytest.approx(0.1)
    assert (values.winner_late_days, values.bid_bond_share) == (pytest.approx(0.5), pytest.approx(0.03))
    assert values.shared_machine_share == pytest.approx(2 / 3)


def test_a_contract_is_changed_under_the_limit_and_paid_to_somebody_else() -> None:
    rows: Rows = {
        "contract": [contract(1, performance_bond=20.0, pm_person_id="P1", project_id="J1")],
        "policy_threshold": [threshold(50.0, "amendment.approval.limit")],
        "contract_amendment": [
            {"amendment_id": f"M{i}", "contract_id": "K1", "amended_at": day(10 if i < 2 else 20 + i).date(), "delta_amount": x}
            for i, x in enumerate((48.0, 49.0, 47.0, 52.0))
        ],
        "payment": [
            {"payment_id": f"Y{i}", "contract_id": "K1", "payer_id": "B1", "payee_id": payee, "kind": "progress", "amount": 10.0,
             "paid_at": day(30).date()}
            for i, payee in enumerate(("F1", "F9"))
        ],
        "site_attendance": [
            {"project_id": "J1", "person_id": person, "day": day(i).date(), "role": "worker"}
            for i in range(4) for person in (("P1", "P2") if i == 0 else ("P2",))
        ],
    }  # fmt: skip
    values = profiled("contract", rows).values.loc["K1"]
    assert (values.change_under_limit_share, values.split_changes) == (0.75, 2)
    assert (values.wrong_payee_share, values.performance_bond_share) == (0.5, pytest.approx(0.2))
    assert values.manager_absent_share == 0.75


def test_a_vehicle_drinks_more_than_its_norm_in_one_quarter() -> None:
    rows: Rows = {
        "vehicle_trip": [
            {"trip_id": f"T{i}", "asset_id": "A1", "start_at": day(i * 30), "end_at": day(i * 30), "distance_km": 250.0,
             "odometer_end": 1000.0 + 300 * i}
            for i in range(4)
        ],
        "expense": [
            {"expense_id": "X1", "org_id": "G1", "category": "fuel", "asset_id": "A1", "occurred_at": day(1), "litres": 90.0,
             "amount": 600.0},
            {"expense_id": "X2", "org_id": "G1", "category": "repair", "asset_id": "A1", "occurred_at": day(2), "amount": 500.0,
             "vendor_id": "F1", "invoice_no": "N0007"},
            {"expense_id": "X3", "org_id": "G1", "category": "repair", "asset_id": "A1", "occurred_at": day(9), "amount": 300.0,
             "vendor_id": "F1", "invoice_no": "N0008"},
        ],
        "public_asset": [
            {"asset_id": "A1", "owner_org_id": "G1", "kind": "vehicle", "region_code": "460100", "status": "in_use",
             "fuel_norm": 10.0, "tank_litres": 60.0, "custodian_id": "P1", "book_value": 900.0, "acquired_at": day(-730).date()}
        ],
        "asset_transaction": [
            {"txn_id": "X1", "asset_id": "A1", "kind": "write_off", "counterparty_id": "F3", "method": "none",
             "signed_at": day(200).date(), "status": "ended"}
        ],
        "position": [
            {"position_id": "T1", "person_id": "P1", "org_id": "G1", "role": "driver", "is_public_official": True,
             "valid_from": day(-900).date(), "valid_to": day(260).date()}
        ],
    }  # fmt: skip
    quarter = profiled("vehicle_quarter", rows).values.loc["A1/2025Q1"]
    # January to March: three trips of 250 km, 90 litres.
    assert quarter.litres_per_100km == pytest.approx(12.0)
    assert quarter.fuel_to_norm == pytest.approx(1.2)
    vehicle = profiled("vehicle", rows).values.loc["A1"]
    assert (vehicle.overfull_refuels, vehicle.odometer_gap) == (1, pytest.approx(0.2))
    assert vehicle.repairs_per_10000km == pytest.approx(8000.0)
    garage = profiled("garage", rows).values.loc["F1"]
    assert (garage.repeated_share, garage.consecutive_invoice_share) == (0.5, 0.5)
    custodian = profiled("custodian", rows).values.loc["G1/P1"]
    assert (custodian.write_offs, custodian.written_off_share, custodian.farewell_share) == (1, 1.0, 1.0)
    assert custodian.life_at_write_off == pytest.approx(930 / 365.25 / 8, rel=0.01)


def test_a_unit_receives_over_the_standard_and_pays_persons() -> None:
    paid = {
        "org_id": "G1",
        "category": "reception",
        "vendor_id": "F1",
        "std_key": "reception.per_head",
        "occurred_at": day(3),
    }
    rows: Rows = {
        "organization": [{"org_id": "G1", "name": "Office", "roles": ["gov_dept"], "region_code": "460100", "level": "city"}],
        "expense": [
            {**paid, "expense_id": "X1", "amount": 1500.0, "headcount": 10, "staff_count": 6, "doc_ref": "L1"},
            {**paid, "expense_id": "X2", "amount": 500.0, "headcount": 10, "staff_count": 2},
        ],
        "policy_threshold": [threshold(100.0, "reception.per_head")],
        "public_asset": [{"asset_id": "A1", "owner_org_id": "G1", "kind": "office", "region_code": "460100", "status": "idle", "area_qty": 300.0}],
        "payment": [
            {"payment_id": f"Y{i}", "payer_id": "G1", "payee_id": payee, "kind": kind, "amount": amount, "paid_at": day(9).date()}
            for i, (payee, kind, amount) in enumerate([("G1", "expense", 1000.0), ("P1", "loan", 3000.0)])
        ],
    }  # fmt: skip
    values = profiled("spending_unit", rows).values.loc["G1"]
    assert (values.reception_per_head, values.over_standard_share) == (100.0, 0.5)
    assert (values.crowded_reception_share, values.unlettered_share, values.split_share) == (0.5, 0.5, 1.0)
    assert (values.idle_area, values.to_persons_share, values.loans) == (300.0, 0.75, 1)


def test_a_project_begins_before_it_may_and_is_not_settled() -> None:
    project = {"project_id": "J1", "name": "Road", "owner_org_id": "B1", "region_code": "460100", "sector": "road"}
    events = (("fs_approved", 20), ("start", 5), ("acceptance", 100), ("permit", 30))
    rows: Rows = {
        "project": [project],
        "project_event": [
            {"event_id": f"E{i}", "project_id": "J1", "stage": "1", "event_type": kind, "event_at": day(at)}
            for i, (kind, at) in enumerate(events)
        ],
        "decision_record": [
            {"decision_id": "Q1", "org_id": "B1", "subject_id": "J1", "decided_at": day(1).date(), "members_total": 9, "attended": 6, "votes_for": 3}
        ],
    }  # fmt: skip
    values = profiled("project", rows).values.loc["J1"]
    assert (values.begun_early_days, values.unsettled_days, values.papers_share) == (25.0, 300.0, 0.4)
    assert (values.decision_attendance, values.decision_consent) == (pytest.approx(2 / 3), 0.5)
