"""Peers without the entity itself: exactly what a loop over the entities would find."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.leave_one_out import apart, without_itself
from features.norms import Peers, distribution, fit
from features.profiles import NO_NORM
from gnomon.terms import Text

PEERS = Peers((("level",), ()), {}, Text("全部", "all"))


@settings(deadline=None)
@given(
    x=st.lists(st.one_of(st.integers(0, 4).map(float), st.floats(-1e6, 1e6), st.just(float("nan"))), max_size=24),
    log=st.booleans(),
    seed=st.integers(0, 9),
)
def test_each_is_held_against_the_median_and_spread_of_all_others(x: list[float], log: bool, seed: int) -> None:
    y = np.array(x)
    codes = np.random.default_rng(seed).integers(-1, 3, len(y)).astype(np.int64)
    n, center, spread = without_itself(y, codes, 3, log)
    for i in range(len(y)):
        if not np.isfinite(y[i]) or codes[i] < 0:
            assert (n[i], np.isnan(center[i])) == (0, True)
            continue
        others = np.delete(y, i)[np.delete(codes, i) == codes[i]]
        # The scale is the caller's: `distribution` would take the logarithm itself.
        one = distribution(others, np.zeros(len(others), np.int64), 1)
        assert n[i] == one.n[0]
        np.testing.assert_allclose(center[i], one.center[0], rtol=1e-12, atol=1e-12)
        if not log:
            np.testing.assert_allclose(spread[i], one.spread[0], rtol=1e-9, atol=1e-9)


def held(x: list[float], level: list[str], min_peers: int = 5) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    ids = pd.Index([f"E{i}" for i in range(len(x))], name="entity_id")
    values, attributes = pd.DataFrame({"x": x}, index=ids), pd.DataFrame({"level": level}, index=ids, dtype="object")
    norms = fit(values, attributes, PEERS, frozenset(), min_peers)
    found = apart(values, attributes, norms, PEERS, frozenset(), min_peers)
    return norms, found.deviations, found.groups


def test_an_outlier_does_not_widen_the_norm_it_is_held_against() -> None:
    x = [float(i) for i in range(20)] + [1000.0]
    _, deviations, _ = held(x, ["2"] * 21)
    others = np.array(x[:-1])
    spread = 1.4826 * np.median(np.abs(others - np.median(others)))
    assert deviations["x"].iat[-1] == pytest.approx((1000.0 - np.median(others)) / spread)


def test_with_one_peer_too_few_besides_itself_the_parent_group_speaks() -> None:
    norms, _, groups = held([float(i) for i in range(30)] + [1.0, 2.0, 3.0, 4.0, 5.0], ["2"] * 30 + ["3"] * 5)
    assert "level 3" in norms["en"].tolist()
    assert norms["en"].iat[groups["x"].iat[-1]] == "all"


def test_who_alone_differs_from_equal_peers_meets_a_silent_norm() -> None:
    _, deviations, groups = held([1.0] * 20 + [9.0], ["2"] * 21)
    assert np.isnan(deviations["x"].iat[-1])
    assert groups["x"].iat[-1] != NO_NORM
    assert deviations["x"].iat[0] == 0
