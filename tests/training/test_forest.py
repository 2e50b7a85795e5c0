"""The forest as served equals scikit-learn's, and its contributions equal shap's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn.ensemble import IsolationForest

from features.profiles import Profiles
from gnomon.errors import Fault
from training.detectors import trees
from training.detectors.forest import Forest


@pytest.fixture(scope="module")
def pair(profiles: Profiles) -> tuple[Forest, IsolationForest, np.ndarray]:
    ours = Forest(trees=60, seed=4).fit(profiles)
    rows = ours.design.matrix(profiles).astype(np.float32)
    return ours, IsolationForest(n_estimators=60, max_samples=256, random_state=4).fit(rows), rows


def test_two_to_the_score_is_the_anomaly_score_of_scikit_learn(pair, profiles: Profiles) -> None:
    ours, theirs, rows = pair
    assert np.abs(2.0 ** ours.score(profiles) + theirs.score_samples(rows)).max() < 1e-9


def test_contributions_equal_those_of_shap(pair, profiles: Profiles) -> None:
    shap = pytest.importorskip("shap")
    ours, theirs, rows = pair
    path = np.asarray(shap.TreeExplainer(theirs).shap_values(rows), dtype=float)
    # shap explains the mean path length; the score is minus that length over c(psi).
    told = ours.design.told(-path / float(trees.average_path_length([256])[0]), profiles)
    why = ours.explain(profiles)
    assert np.abs(why.by_column.to_numpy() - told.to_numpy()).max() < 1e-9


def test_a_row_on_a_threshold_goes_where_scikit_learn_sends_it(tmp_path: Path) -> None:
    rows = np.repeat(np.array([[0.1], [0.2], [0.3], [0.7]]), 20, axis=0)
    theirs = IsolationForest(n_estimators=25, random_state=0).fit(rows.astype(np.float32))
    path = tmp_path / "forest.txt"
    path.write_text(trees.isolation_text(theirs), encoding="ascii")
    raw = trees.raw(trees.booster(path), rows.astype(np.float32).astype(float))
    assert np.abs(2.0**-raw + theirs.score_samples(rows.astype(np.float32))).max() < 1e-9


def test_nothing_that_deviates_is_a_fault(profiles: Profiles) -> None:
    from dataclasses import replace

    flat = replace(profiles, deviations=profiles.deviations * np.nan)
    with pytest.raises(Fault, match="no measure with a suspicious direction"):
        Forest().fit(flat)
