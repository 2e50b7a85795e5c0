"""A detector written elsewhere keeps the same contract, through an adapter (extra `pyod`)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from features.profiles import Profiles
from training.detectors.contract import Detector

pytestmark = pytest.mark.extra
PLANTED, HARMLESS = "E000", "E001"


@pytest.fixture(scope="module")
def fitted(profiles: Profiles) -> Detector:
    pytest.importorskip("pyod", reason="the extra pyod is not installed")
    from training.detectors.outside import Neighbours

    return Neighbours().fit(profiles)


def test_the_planted_outlier_ranks_first_and_the_harmless_one_does_not(fitted: Detector, profiles: Profiles) -> None:
    rank = pd.Series(fitted.score(profiles), index=profiles.values.index).rank(ascending=False)
    assert rank[PLANTED] == 1
    assert rank[HARMLESS] > 20


def test_contributions_add_up_to_the_score(fitted: Detector, profiles: Profiles) -> None:
    shown = profiles.select(profiles.ids[:50])
    why = fitted.explain(shown)
    assert np.abs(why.base + why.by_column.sum(axis=1).to_numpy() - fitted.score(shown)).max() < 1e-9


def test_a_reloaded_detector_scores_and_explains_the_same(fitted: Detector, profiles: Profiles, tmp_path: Path) -> None:
    shown = profiles.select(profiles.ids[:20])
    fitted.save(tmp_path)
    again = type(fitted).load(tmp_path)
    assert np.array_equal(again.score(shown), fitted.score(shown))
    pd.testing.assert_frame_equal(again.explain(shown).by_column, fitted.explain(shown).by_column)
    assert not list(tmp_path.glob("*.pkl"))
