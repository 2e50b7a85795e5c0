"""Drugs billed beyond their stock and trace codes sold twice, by hand."""

from __future__ import annotations

import pytest

from tests.features.profile_rows import Row, claim, day
from tests.features.test_kinds import Rows, profiled
from tests.features.test_kinds_medical import DRUG, charge


def movement(number: int, kind: str, quantity: float, on: int, org: str = "H1") -> Row:
    return {
        "movement_id": f"M{number}",
        "org_id": org,
        "item_code": "I1",
        "kind": kind,
        "quantity": quantity,
        "moved_at": day(on),
    }


def sold() -> Rows:
    """Two hospitals bill twelve lines of four tablets at 30 yuan, one a day."""
    claims = [
        claim(n * 100 + i, f"H{n}", f"P{i % 10}", 30.0, day(i), claim_type="outpatient")
        for n in (1, 2)
        for i in range(12)
    ]
    charges = [
        charge(n * 100 + i, f"C{n * 100 + i:04d}", "I1", 30.0, day(i), prescriber_id="D1", quantity=4.0)
        for n in (1, 2)
        for i in range(12)
    ]
    return {"catalog_item": [DRUG], "claim": claims, "claim_item": charges}


def test_what_never_came_in_is_billed_beyond_stock() -> None:
    moves = [movement(1, "purchase_in", 20.0, 0), movement(2, "loss", 2.0, 1), movement(3, "out", 50.0, 2)]
    values = profiled("drug_institution", {**sold(), "stock_movement": moves}).values
    # 48 tablets were billed at 7.5 yuan each, and 18 came in.
    assert values.at["H1/I1", "billed_beyond_stock"] == pytest.approx(30 / 48)
    assert values.at["H1/I1", "billed_beyond_stock_amount"] == pytest.approx(30 * 7.5)
    assert values["billed_beyond_stock"].isna()["H2/I1"], "no movement of stock is unknown, not short"


def test_only_what_was_billed_since_stock_is_recorded_counts() -> None:
    values = profiled("drug_institution", {**sold(), "stock_movement": [movement(1, "purchase_in", 20.0, 6)]}).values
    assert values.at["H1/I1", "billed_beyond_stock"] == pytest.approx((24 - 20) / 24)


def test_a_trace_code_is_told_where_it_was_sold_again_and_not_where_it_was_sold_first() -> None:
    def sale(number: int, org: str, code: str | None, on: int, status: str = "completed") -> Row:
        row = {"dispense_id": f"S{number}", "person_id": "P1", "institution_id": org, "item_code": "I1"}
        return {**row, "quantity": 1.0, "dispensed_at": day(on), "trace_code": code, "status": status}

    sales = [
        sale(1, "H1", "T1", 1), sale(2, "H1", "T1", 3), sale(3, "H2", "T1", 2), sale(4, "H2", "T2", 1),
        sale(5, "H2", None, 4), sale(6, "H2", "T3", 5), sale(7, "H1", "T3", 4, "returned"),
    ]  # fmt: skip
    values = profiled("drug_institution", {**sold(), "dispensing": sales}).values
    assert values[["trace_codes_again", "trace_again_share"]].to_numpy()[0].tolist() == [0.0, 0.0]
    assert values[["trace_codes_again", "trace_again_share"]].to_numpy()[1].tolist() == [1.0, pytest.approx(1 / 3)]
