"""Reasons are compared with those of refits, and counted."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from features.profiles import Profiles
from training import stability
from training.detectors.forest import Forest


@pytest.fixture(scope="module")
def refitted(profiles: Profiles) -> stability.Refitted:
    forest = Forest(trees=60).fit(profiles)
    return stability.reasons(forest, lambda seed: Forest(trees=60, seed=seed), profiles)


def test_reasons_of_clear_outliers_stay_when_rows_are_drawn_again(refitted: stability.Refitted) -> None:
    told = refitted.figures
    assert 0.7 < told["reason_stability"] <= 1.0
    assert told["reason_stability.low"] <= told["reason_stability"]
    assert 1.0 <= told["reasons_for_80_percent"] <= 4.0


def test_scores_out_of_bag_are_one_a_left_out_entity(refitted: stability.Refitted, profiles: Profiles) -> None:
    count = int(np.isfinite(refitted.out_of_bag).sum())
    assert 0.6 * len(profiles.ids) < count < len(profiles.ids)


def test_a_sample_holds_as_many_of_each_label_as_there_are(profiles: Profiles) -> None:
    labels = pd.Series(np.nan, profiles.values.index)
    labels.iloc[:12], labels.iloc[12:40] = 1.0, 0.0
    for seed in range(20):
        drawn = stability.resampled(profiles, np.random.default_rng(seed), labels)
        originals = [one.rsplit("#", 1)[0] for one in drawn.ids]
        told = labels.reindex(originals).value_counts(dropna=False).to_dict()
        assert (told[1.0], told[0.0], len(originals)) == (12, 28, len(profiles.ids))
    # Without labels every entity is as likely as any other.
    plain = stability.resampled(profiles, np.random.default_rng(0)).ids
    picked = np.random.default_rng(0).integers(0, len(profiles.ids), len(profiles.ids))
    assert [one.rsplit("#", 1)[0] for one in plain] == [profiles.ids[at] for at in picked]


def test_overlap_counts_raising_columns_only() -> None:
    ours = pd.DataFrame([[3.0, 2.0, -9.0]], columns=["a", "b", "c"])
    theirs = pd.DataFrame([[3.0, -1.0, 9.0]], columns=["a", "b", "c"])
    assert stability.overlap(ours, ours).tolist() == [1.0]
    assert stability.overlap(ours, theirs).tolist() == [0.5]
