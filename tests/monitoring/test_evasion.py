"""Values that gather under a threshold are told from values that just end there."""

from __future__ import annotations

import numpy as np
import pytest

from monitoring.evasion import bunching, published, successors


def test_tenders_kept_just_under_a_threshold_are_found() -> None:
    rng = np.random.default_rng(1)
    amounts = rng.lognormal(np.log(400), 0.4, 8_000)
    over = (amounts > 400) & (amounts < 430) & (rng.random(8_000) < 0.6)
    amounts[over] = rng.uniform(385, 400, int(over.sum()))
    found = bunching("amount", amounts, 400.0)
    assert found.found
    assert "just under the threshold 400" in found.told.en


@pytest.mark.parametrize("spread", [0.1, 0.4, 1.5])
def test_values_without_evasion_are_seldom_told(spread: float) -> None:
    told = sum(
        bunching("amount", np.random.default_rng(seed).lognormal(np.log(380), spread, 4_000), 400.0).found
        for seed in range(100)
    )
    assert told <= 3


def test_few_values_constant_values_and_odd_thresholds_say_so() -> None:
    assert bunching("amount", [399.0] * 14, 400.0).told.en == "amount: not enough values near the threshold: 14 of 50."
    assert bunching("amount", [1.0] * 500, 0.0).state == "no_threshold"
    assert bunching("amount", [np.nan, np.inf] * 100, 400.0).state == "too_few"
    assert not bunching("amount", [np.nan], float("nan")).found


def test_a_move_from_over_to_under_after_publishing_is_found_and_better_conduct_is_not() -> None:
    rng = np.random.default_rng(2)
    before = rng.lognormal(np.log(90), 0.3, 3_000)
    evading = np.where((before > 100) & (before < 125), rng.uniform(90, 100, 3_000), before)
    assert published("price", before, evading, 100.0).found
    assert not published("price", before, before * 0.7, 100.0).found
    assert not published("price", before, rng.lognormal(np.log(90), 0.3, 3_000), 100.0).found
    assert published("price", before[:10], before, 100.0).chance is None


def test_a_renamed_firm_is_found_by_its_marks_and_an_office_tower_is_none() -> None:
    gone = {"OLD": {"phone": "1", "legal_person": "A", "address": "T"}}
    new = {
        "NEW": {"phone": "1", "legal_person": "A", "address": "T"},
        "OTHER": {"phone": None, "legal_person": "B", "address": "T"},
    }
    (found,) = successors(gone, new)
    assert (found.gone, found.new, found.shared) == ("OLD", "NEW", ("address", "legal_person", "phone"))
    tower = {f"N{n}": {"phone": "9", "address": "T"} for n in range(9)}
    assert successors({"OLD": {"phone": "9", "address": "T"}}, tower) == []
    assert successors({"OLD": {"phone": None, "address": None}}, {"NEW": {"phone": None, "address": None}}) == []
