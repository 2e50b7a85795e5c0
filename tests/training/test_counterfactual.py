"""What silences a warning is few, plausible, and true when scored again."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from features.profiles import Profiles
from training.counterfactual import MOST, counterfactual
from training.detectors.contract import Floats
from training.detectors.forest import Forest

PLANTED = "E000"


@pytest.fixture(scope="module")
def forest(profiles: Profiles) -> Forest:
    return Forest(trees=100).fit(profiles)


def shares(forest: Forest, profiles: Profiles, entity: str) -> dict[str, float]:
    row = forest.explain(profiles.select([entity])).by_column.iloc[0]
    return {str(name): float(value) for name, value in row.items()}


def test_the_moves_silence_the_model_and_none_is_idle(forest: Forest, profiles: Profiles) -> None:
    threshold = float(np.quantile(forest.score(profiles), 0.98))
    found = counterfactual(profiles, PLANTED, shares(forest, profiles, PLANTED), forest.score, threshold)
    assert found is not None
    assert found.score < threshold <= forest.score(profiles)[0]
    assert 1 < len(found.measures) <= MOST
    for idle in found.measures:
        rest = {moved.main.column for moved in found.measures if moved is not idle}
        fewer = counterfactual(profiles, PLANTED, dict.fromkeys(rest, 1.0), forest.score, threshold)
        assert fewer is None or {moved.main.column for moved in fewer.measures} != rest or fewer.score < threshold


def test_moves_end_at_values_that_peers_have(forest: Forest, profiles: Profiles) -> None:
    threshold = float(np.quantile(forest.score(profiles), 0.98))
    found = counterfactual(profiles, PLANTED, shares(forest, profiles, PLANTED), forest.score, threshold)
    assert found is not None
    for move in (one for moved in found.measures for one in moved.all):
        norm = profiles.norm(PLANTED, move.column)
        assert norm is not None
        assert norm.low <= move.to <= norm.high
        assert move.value == profiles.values.loc[PLANTED, move.column]


def test_the_windows_of_a_measure_move_together_and_with_their_deviations(profiles: Profiles) -> None:
    """`fund_paid` and `fund_per_claim` as two windows of one measure: both lie far above and both come down."""
    window = {"fund_paid": "", "fund_per_claim": "365d"}
    columns = tuple(
        replace(one, measure="fund", window=window[one.name]) if one.name in window else one for one in profiles.columns
    )
    windowed = replace(profiles, columns=columns)
    seen: list[tuple[float, float]] = []

    def score(changed: Profiles) -> Floats:
        values, deviations = (getattr(changed, name)[list(window)].to_numpy(float) for name in ("values", "deviations"))
        seen.append((float(values[0, 1]), float(deviations[0, 1])))
        return np.asarray(values[:, 0] + deviations[:, 0], dtype=float)

    found = counterfactual(windowed, PLANTED, {"fund_paid": 9.0, "fund_per_claim": 5.0}, score, 25.0)
    assert found is not None
    (moved,) = found.measures
    assert (moved.main.column, [one.column for one in moved.along]) == ("fund_paid", ["fund_per_claim"])
    assert moved.along[0].to < 30.0
    assert all(value < 30.0 and deviation < 10.0 for value, deviation in seen), "no window is ever left behind"


def test_a_window_on_the_harmless_side_stays_where_it_is(profiles: Profiles) -> None:
    columns = tuple(
        replace(one, measure="fund") if one.name in ("fund_paid", "bid_variation") else one for one in profiles.columns
    )

    def score(changed: Profiles) -> Floats:
        return np.asarray(changed.values["fund_paid"].to_numpy(float), dtype=float)

    found = counterfactual(replace(profiles, columns=columns), PLANTED, {"fund_paid": 9.0}, score, 25.0)
    assert found is not None
    assert found.measures[0].along == (), "bid_variation of the planted one lies below its norm, not above"


def test_a_single_cause_is_a_single_move_to_the_edge(profiles: Profiles) -> None:
    def score(changed: Profiles) -> Floats:
        return changed.values["fund_paid"].to_numpy(float)

    found = counterfactual(profiles, PLANTED, {"fund_paid": 9.0, "fund_per_claim": 5.0}, score, 25.0)
    assert found is not None
    norm = profiles.norm(PLANTED, "fund_paid")
    assert norm is not None
    assert [(moved.main.column, moved.main.to) for moved in found.measures] == [("fund_paid", norm.high)]


def test_an_idle_measure_is_taken_out_again(profiles: Profiles) -> None:
    def score(changed: Profiles) -> Floats:
        return changed.values["fund_per_claim"].to_numpy(float)

    found = counterfactual(profiles, PLANTED, {"fund_paid": 9.0, "fund_per_claim": 5.0}, score, 25.0)
    assert found is not None
    assert [moved.main.column for moved in found.measures] == ["fund_per_claim"]


def test_deviations_move_with_the_values(profiles: Profiles) -> None:
    def score(changed: Profiles) -> Floats:
        return changed.deviations["fund_paid"].to_numpy(float)

    found = counterfactual(profiles, PLANTED, {"fund_paid": 1.0}, score, 4.0)
    assert found is not None
    assert 0.5 < found.score < 4.0


def test_what_no_plausible_change_silences_has_no_answer(forest: Forest, profiles: Profiles) -> None:
    assert counterfactual(profiles, PLANTED, shares(forest, profiles, PLANTED), forest.score, -99.0) is None
