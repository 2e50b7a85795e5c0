"""The catalogue's rules keep the detector contract too."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from catalogue import load as catalogue
from features.profiles import Profiles
from training.detectors.rule import Rules


def test_rules_score_explain_and_reload(profiles: Profiles, tmp_path: Path) -> None:
    rules = Rules(tuple(catalogue.load().values())).fit(profiles)
    assert rules.models
    assert all(one.entity == "institution" for one in rules.models)
    score, why = rules.score(profiles), rules.explain(profiles)
    assert np.abs(why.base + why.by_column.sum(axis=1).to_numpy() - score).max() < 1e-9
    rules.save(tmp_path)
    assert np.array_equal(Rules.load(tmp_path).score(profiles), score)


def test_unknown_values_fire_nothing(profiles: Profiles) -> None:
    from dataclasses import replace

    rules = Rules(tuple(catalogue.load().values())).fit(profiles)
    blank = replace(profiles, values=profiles.values * np.nan, deviations=profiles.deviations * np.nan)
    assert (rules.score(blank) == 0.0).all()
