"""What silences a warning is few, plausible, and true when scored again."""

from __future__ import annotations

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
    assert 1 < len(found.moves) <= MOST
    for idle in found.moves:
        rest = {m.column: m for m in found.moves if m is not idle}
        weights = {name: 1.0 for name in rest}
        fewer = counterfactual(profiles, PLANTED, weights, forest.score, threshold)
        assert fewer is None or {m.column for m in fewer.moves} != set(rest) or fewer.score < threshold


def test_moves_end_at_values_that_peers_have(forest: Forest, profiles: Profiles) -> None:
    threshold = float(np.quantile(forest.score(profiles), 0.98))
    found = counterfactual(profiles, PLANTED, shares(forest, profiles, PLANTED), forest.score, threshold)
    assert found is not None
    for move in found.moves:
        norm = profiles.norm(PLANTED, move.column)
        assert norm is not None
        assert norm.low <= move.to <= norm.high
        assert move.value == profiles.values.loc[PLANTED, move.column]


def test_a_single_cause_is_a_single_move_to_the_edge(profiles: Profiles) -> None:
    def score(changed: Profiles) -> Floats:
        return changed.values["fund_paid"].to_numpy(float)

    found = counterfactual(profiles, PLANTED, {"fund_paid": 9.0, "fund_per_claim": 5.0}, score, 25.0)
    assert found is not None
    norm = profiles.norm(PLANTED, "fund_paid")
    assert norm is not None
    assert [(move.column, move.to) for move in found.moves] == [("fund_paid", norm.high)]


def test_an_idle_measure_is_taken_out_again(profiles: Profiles) -> None:
    def score(changed: Profiles) -> Floats:
        return changed.values["fund_per_claim"].to_numpy(float)

    found = counterfactual(profiles, PLANTED, {"fund_paid": 9.0, "fund_per_claim": 5.0}, score, 25.0)
    assert found is not None
    assert [move.column for move in found.moves] == ["fund_per_claim"]


def test_deviations_move_with_the_values(profiles: Profiles) -> None:
    def score(changed: Profiles) -> Floats:
        return changed.deviations["fund_paid"].to_numpy(float)

    found = counterfactual(profiles, PLANTED, {"fund_paid": 1.0}, score, 4.0)
    assert found is not None
    assert 0.5 < found.score < 4.0


def test_what_no_plausible_change_silences_has_no_answer(forest: Forest, profiles: Profiles) -> None:
    assert counterfactual(profiles, PLANTED, shares(forest, profiles, PLANTED), forest.score, -99.0) is None
