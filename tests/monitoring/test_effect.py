"""Effect sizes tell a move from chance, and never from the number of rows alone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring.effect import Effect, Limits, Summary, Verdict, effect


def measured(then: object, now: object, columns: int = 1) -> Effect:
    reference = Summary.of(np.asarray(then, dtype=float))
    return effect(reference, Summary.of(np.asarray(now, dtype=float), reference.edges), columns=columns)


@pytest.mark.parametrize("n", [1_000, 10_000, 1_000_000])
def test_a_move_too_small_to_matter_stays_steady_however_many_rows_there_are(n: int) -> None:
    then = np.random.default_rng(1).normal(size=n)
    assert measured(then, then + 0.05).verdict is Verdict.STEADY


@pytest.mark.parametrize("n", [200, 2_000, 200_000])
def test_a_move_of_half_a_spread_is_told_at_any_size(n: int) -> None:
    draw = np.random.default_rng(2)
    found = measured(draw.normal(size=n), draw.normal(0.5, 1.0, size=n))
    assert found.verdict is Verdict.MOVED
    assert "distance" in found.because
    assert found.distance == pytest.approx(0.5, abs=0.2)


@pytest.mark.parametrize(
    "draw",
    [
        pytest.param(lambda rng, n: rng.normal(size=n), id="normal"),
        pytest.param(lambda rng, n: rng.lognormal(0, 1.5, n), id="heavy tail"),
        pytest.param(lambda rng, n: np.where(rng.random(n) < 0.8, 0, rng.lognormal(0, 1, n)), id="mostly zero"),
        pytest.param(lambda rng, n: (rng.random(n) < 0.03).astype(float), id="rare flag"),
    ],
)
@pytest.mark.parametrize("n", [50, 200, 1_000])
def test_two_draws_of_one_population_are_seldom_told_apart(draw: object, n: int) -> None:
    rng = np.random.default_rng(3)
    moved = sum(
        measured(draw(rng, n), draw(rng, n), columns=50).verdict is Verdict.MOVED  # type: ignore[operator]
        for _ in range(100)
    )
    assert moved <= 2


def test_a_change_of_shape_with_the_same_middle_is_told() -> None:
    rng = np.random.default_rng(4)
    found = measured(rng.normal(size=2_000), rng.normal(0, 3, size=2_000))
    assert {"psi", "distance"} <= set(found.because)


def test_a_feed_that_sends_zeros_is_told() -> None:
    rng = np.random.default_rng(5)
    assert measured(rng.lognormal(size=500), np.zeros(500)).verdict is Verdict.MOVED


def test_values_that_become_unknown_are_told_even_when_the_known_ones_stay() -> None:
    rng = np.random.default_rng(6)
    now = rng.normal(size=1_000)
    now[:300] = np.nan
    assert measured(rng.normal(size=1_000), now).because == ("unknown",)


def test_a_column_that_became_wholly_unknown_moved() -> None:
    found = measured(np.arange(100.0), np.full(100, np.nan))
    assert (found.verdict, found.psi) == (Verdict.MOVED, None)


def test_a_constant_measure_is_constant_and_a_changed_constant_moved() -> None:
    assert measured(np.ones(100), np.ones(100)).verdict is Verdict.CONSTANT
    assert measured(np.ones(100), np.full(100, 2.0)).verdict is Verdict.MOVED


def test_too_few_known_values_say_nothing() -> None:
    assert measured(np.arange(100.0), np.arange(14.0) + 1e6).verdict is Verdict.TOO_FEW


def test_nothing_known_on_either_side_is_unknown() -> None:
    assert measured(np.full(80, np.nan), np.full(80, np.nan)).verdict is Verdict.UNKNOWN


def test_a_summary_survives_being_written() -> None:
    summary = Summary.of([1.0, 2.0, np.nan, 3.0])
    assert Summary.read(summary.as_dict()) == summary
    assert (summary.n, summary.unknown, summary.median) == (4, 1, 2.0)


@given(st.lists(st.floats(allow_nan=True, allow_infinity=True, width=32), max_size=120))
def test_any_column_against_itself_never_moved(values: list[float]) -> None:
    assert measured(values, values).verdict is not Verdict.MOVED


@given(
    st.lists(st.floats(-1e9, 1e9), min_size=50, max_size=80), st.lists(st.floats(-1e9, 1e9), min_size=50, max_size=80)
)
def test_effects_are_finite_whatever_the_values(then: list[float], now: list[float]) -> None:
    found = measured(then, now)
    assert all(one is None or np.isfinite(one) for one in (found.psi, found.distance, found.psi_chance))


def test_limits_are_effect_sizes() -> None:
    rng = np.random.default_rng(7)
    then = Summary.of(rng.normal(size=5_000))
    now = Summary.of(rng.normal(0.4, 1, size=5_000), then.edges)
    assert effect(then, now).verdict is Verdict.MOVED
    assert effect(then, now, Limits(psi=1.0, distance=0.5)).verdict is Verdict.STEADY
