"""Norms: robust, grouped, with a floor, a back-off and shrinkage."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.norms import AAD_TO_SIGMA, MAD_TO_SIGMA, Peers, Placed, distribution, fit
from features.profiles import NO_NORM
from gnomon.terms import Text

PEERS = Peers(
    (("level", "owner"), ("level",), ()),
    {"level": Text("等级", "level"), "owner=public": Text("公立", "public")},
    Text("全部", "all"),
)


def placed(x: list[float], level: list[str | None], min_peers: int = 5, log: bool = False) -> tuple[pd.DataFrame, ...]:
    ids = pd.Index([f"E{i}" for i in range(len(x))], name="entity_id")
    values = pd.DataFrame({"x": x}, index=ids)
    attributes = pd.DataFrame({"level": level, "owner": ["public"] * len(x)}, index=ids, dtype="object")
    norms = fit(values, attributes, PEERS, frozenset({"x"} if log else ()), min_peers)
    deviations, groups = Placed(norms, ["x"], PEERS).deviations(values, attributes)
    return norms, deviations, groups


def test_the_deviation_is_the_distance_from_the_median_in_robust_spreads() -> None:
    x = [float(i) for i in range(21)] + [100.0]
    _, deviations, _ = placed(x, ["2"] * 22)
    spread = MAD_TO_SIGMA * np.median(np.abs(np.array(x) - np.median(x)))
    assert deviations["x"].iat[-1] == pytest.approx((100.0 - np.median(x)) / spread)


def test_a_spread_is_never_under_a_twentieth_of_the_median() -> None:
    norms, _, _ = placed([1000.0 + 0.001 * i for i in range(30)], ["2"] * 30)
    assert norms["scale"].iat[0] == pytest.approx(0.05 * norms["median"].iat[0])


def test_the_mean_deviation_stands_in_where_most_peers_agree_exactly() -> None:
    x = [0.0] * 25 + [1.0, 2.0, 3.0]
    found = distribution(np.array(x), np.zeros(28, np.int64), 1)
    assert found.spread[0] == pytest.approx(AAD_TO_SIGMA * np.mean(x))


def test_the_norm_is_silent_where_all_peers_agree() -> None:
    norms, deviations, _ = placed([3.0] * 30, ["2"] * 30)
    assert deviations["x"].isna().all()
    assert norms["scale"].eq(0.0).all()


def test_too_few_peers_are_held_against_the_parent_group() -> None:
    norms, _, groups = placed([float(i) for i in range(30)] + [5.0, 6.0], ["2"] * 30 + ["3"] * 2)
    assert norms["en"].iat[groups["x"].iat[0]] == "level 2 × public"
    assert norms["en"].iat[groups["x"].iat[-1]] == "all"


def test_fewer_than_the_minimum_in_all_have_no_norm() -> None:
    _, deviations, groups = placed([1.0, 2.0, 3.0], ["2"] * 3)
    assert deviations["x"].isna().all()
    assert groups["x"].eq(NO_NORM).all()


def test_an_unknown_attribute_is_nobodys_group_of_its_own() -> None:
    norms, _, groups = placed([float(i) for i in range(40)], ["2"] * 20 + [None] * 20)
    assert norms["en"].iat[groups["x"].iat[-1]] == "all"


def test_an_unknown_value_has_neither_deviation_nor_norm() -> None:
    _, deviations, groups = placed([float(i) for i in range(20)] + [np.nan], ["2"] * 21)
    assert np.isnan(deviations["x"].iat[-1])
    assert groups["x"].iat[-1] == NO_NORM


def test_a_small_group_is_drawn_to_its_parent_and_a_large_one_is_not() -> None:
    small = [10.0 + i * 0.1 for i in range(5)]
    large = [100.0 + i * 0.1 for i in range(40)]
    norms, _, _ = placed(small + large, ["1"] * 5 + ["2"] * 40)
    by_group = norms.set_index("en")["median"]
    assert by_group["level 2 × public"] == pytest.approx(np.median(large))
    assert np.median(small) < by_group["level 1 × public"] < np.median(small + large)


def test_skewed_amounts_deviate_on_the_log_scale_and_are_told_in_their_unit() -> None:
    x = [float(10**i) for i in range(1, 8)] * 4
    norms, deviations, _ = placed(x, ["2"] * 28, log=True)
    assert norms["median"].iat[0] == pytest.approx(np.median(x))
    assert deviations["x"].max() < 2.5


@given(st.lists(st.floats(-1e6, 1e6), min_size=8, max_size=40))
def test_the_median_and_quantiles_are_numpys(x: list[float]) -> None:
    found = distribution(np.array(x), np.zeros(len(x), np.int64), 1)
    assert found.median[0] == pytest.approx(np.median(x), abs=1e-9)
    assert found.low[0] == pytest.approx(np.quantile(x, 0.05), abs=1e-6)
    assert found.high[0] == pytest.approx(np.quantile(x, 0.95), abs=1e-6)
