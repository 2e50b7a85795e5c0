"""Precision is promised before cases close and held against what they came to; weak models are proposed to go."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import numpy as np
import pytest

from cases.worth import Came
from gnomon.terms import RANDOM, Outcome
from monitoring.outcomes import Funnel
from monitoring.series import precision
from monitoring.worth import expected, floors, retirements, timing, yields

START = datetime(2026, 1, 1, tzinfo=UTC)


def row(
    number: int,
    day: float = 0.0,
    outcome: Outcome | None = None,
    percentile: float = 0.9,
    claimed: datetime | None = None,
) -> Came:
    opened = START + timedelta(days=day)
    closed = opened + timedelta(days=5) if outcome else None
    found = Decimal(100 if outcome == "confirmed" else 0)
    return Came(
        "W001", "rules@a", "medical", "institution", "A bureau", opened, percentile, "dose", number, opened, claimed,
        closed, outcome, found, Decimal(0),
    )  # fmt: skip


def judged(n: int, day: float, seed: int) -> list[Came]:
    """Cases that are confirmed the more often, the higher their percentile."""
    rng = np.random.default_rng(seed)
    told = []
    for number in range(n):
        percentile = float(rng.uniform(0.8, 1.0))
        hit = rng.random() < (percentile - 0.8) * 5 * 0.8
        told.append(row(seed * 1000 + number, day, Outcome.CONFIRMED if hit else Outcome.FALSE_ALARM, percentile))
    return told


def test_a_promise_is_kept_within_its_interval() -> None:
    kept = 0
    for seed in range(40):
        rows = judged(150, 0, seed * 2 + 1) + judged(150, 100, seed * 2 + 2)
        found = expected("W001", rows, START + timedelta(days=50))
        assert found.value is not None
        kept += found.low <= (found.realised.value or 0) <= found.high
    assert kept >= 34


def test_too_few_judged_cases_promise_nothing() -> None:
    found = expected("W001", [*judged(14, 0, 1), row(9, 100)], START + timedelta(days=50))
    assert (found.value, found.off) == (None, None)
    assert found.told.en == "Not enough judged warnings to estimate from: 14 of 30."
    assert expected("W001", [], START).value is None


def test_only_what_was_known_before_is_learned_from() -> None:
    rows = judged(150, 0, 1) + judged(150, 100, 2)
    assert expected("W001", rows, START + timedelta(days=50)).learned_from == 150


def test_cases_that_still_wait_count_in_the_time_to_the_first_action() -> None:
    acted = [row(n, 0, claimed=START + timedelta(days=2)) for n in range(4)]
    waiting = [row(n, 0) for n in range(10, 20)]
    now = START + timedelta(days=30)
    assert timing(acted, now).median == pytest.approx(2.0)
    assert timing(acted + waiting, now).median is None
    assert timing([], now).cases == 0


def test_the_funnel_counts_a_case_once_and_errors_of_data_apart() -> None:
    rows = [row(1, 0, Outcome.CONFIRMED), row(1, 0, Outcome.CONFIRMED), row(2, 0, Outcome.DATA_ERROR), row(3)]
    (found,) = yields(rows, lambda one: one.scene, START + timedelta(days=9))
    assert (found.warnings, found.cases, found.clues, found.confirmed, found.found) == (4, 3, 1, 1, 100.0)
    assert (found.precision.value, found.data_error.value) == (1.0, 0.5)
    assert yields(rows, lambda one: one.organisation, START)[0].name == "A bureau"


def funnel(confirmed: int, false_alarm: int) -> Funnel:
    closed = confirmed + false_alarm
    return Funnel("W001", "s", closed, closed, closed, closed, confirmed, 0, false_alarm, 0, Decimal(0), Decimal(0))


def test_a_model_is_proposed_for_retirement_only_beyond_doubt() -> None:
    assert retirements([funnel(0, 30)]) == []
    assert retirements([funnel(0, 19)], floor=lambda model: 0.9) == []
    (found,) = retirements([funnel(1, 199)])
    assert "1 of 200" in found.told.en
    assert retirements([funnel(20, 180)]) == []
    assert retirements([replace(funnel(0, 300), model=RANDOM)]) == []


def test_a_floor_is_the_models_own_before_its_schemes_before_the_deployments() -> None:
    floor = floors(
        0.05, {"W001": 0.3, "over-prescribing": 0.2}, {"W001": "over-prescribing", "W002": "over-prescribing"}
    )
    assert [floor(name) for name in ("W001", "W002", "W003")] == [0.3, 0.2, 0.05]
    assert retirements([funnel(20, 180)], floor) != []


def test_a_proposal_brings_its_evidence() -> None:
    rows = judged(150, 0, 1) + judged(150, 100, 2)
    promise = expected("W001", rows, START + timedelta(days=50))
    (found,) = retirements([funnel(1, 199)], lately={"W001": promise})
    told = [one.en for one in found.evidence]
    assert told[0].startswith("Confirmed or worth the look: ")
    assert "are expected to be confirmed" in told[1]
    assert "the estimate was off by" in told[2]


def test_a_promise_for_one_month_learns_from_what_was_known_before_it_and_looks_no_further() -> None:
    rows = judged(150, 0, 1) + judged(60, 100, 2) + judged(60, 140, 3)
    months = precision("W001", rows, START + timedelta(days=150))
    assert [f"{one.since:%Y-%m}" for one in months] == ["2026-01", "2026-04", "2026-05"]
    assert [one.promise.warnings for one in months] == [150, 60, 60]
    assert [one.promise.learned_from for one in months] == [0, 150, 210]
    assert months[0].promise.value is None
