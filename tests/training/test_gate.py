"""The gate looks at every group, a shadow tells the difference, and verdicts hold what they were made of."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from features.profiles import Profiles
from training import bundle, fairness
from training.bundle import Bundle
from training.detectors.forest import Forest
from training.gate import judge
from training.shadow import shadow


def bundled(folder: Path, profiles: Profiles, **settings: int) -> Bundle:
    forest = Forest(trees=60, **settings).fit(profiles)
    bundle.write(folder, profiles.entity, {"forest": forest}, "forest", {"forest": forest.score(profiles)}, {})
    return Bundle.load(folder)


def scores(bundle: Bundle, target: pd.Series, profiles: Profiles, accused: str | None) -> pd.DataFrame:
    """Out-of-fold scores as a run keeps them: the confirmed on top, and all honest of one level above other honest."""
    level = profiles.attributes["level"].reindex(target.index)
    rank = target * 10.0 + (0.0 if accused is None else (level == accused) * 11.0)
    noise = np.random.default_rng(0).random(len(target)) * 0.1
    return pd.DataFrame({"forest": rank + noise, "label": target}, index=target.index)


@pytest.fixture
def known(profiles: Profiles) -> pd.Series:
    rng = np.random.default_rng(3)
    return pd.Series((rng.random(len(profiles.ids)) < 0.2).astype(float), index=profiles.values.index)


def test_a_gain_bought_by_accusing_one_level_is_refused(tmp_path: Path, profiles: Profiles, known: pd.Series) -> None:
    ours, theirs = bundled(tmp_path / "a", profiles), bundled(tmp_path / "b", profiles, seed=2)
    rng = np.random.default_rng(1)
    worse = pd.DataFrame({"forest": rng.random(len(known)), "label": known}, index=known.index)
    fair = judge("2", (ours, scores(ours, known, profiles, None)), (theirs, worse), profiles, known, 120)
    assert fair.passed
    unfair = judge("2", (ours, scores(ours, known, profiles, "1")), (theirs, worse), profiles, known, 120)
    assert not unfair.passed
    assert "level = 1" in unfair.reason.en
    assert "level = 1" in unfair.reason.zh
    rows = {(row["by"], row["group"]): row for row in unfair.figures["groups"]}
    assert rows["level", "1"]["harmed"]
    assert not rows["level", "0"]["harmed"]
    assert {by for by, _ in rows} == {"level", "size"}


def test_a_group_too_small_is_told_and_not_judged(profiles: Profiles, known: pd.Series) -> None:
    few = known.copy()
    few[(profiles.attributes["level"] == "1") & (np.arange(len(few)) > 30)] = np.nan
    mine = np.where(profiles.attributes["level"] == "1", 9.0, 0.0)
    rows = fairness.compared(profiles, mine, -mine, few, 40)
    (row,) = (one for one in rows if one["group"] == "1")
    assert (row["honest"] < fairness.FEWEST, row["harmed"]) == (True, False)
    assert row["candidate_false"] > row["champion_false"]
    assert fairness.harmed(rows) is None


def test_a_shadow_of_itself_agrees_whole(tmp_path: Path, profiles: Profiles) -> None:
    one = bundled(tmp_path / "a", profiles)
    told = shadow(one, one, profiles, 20)
    assert (told.overlap, told.rank_correlation) == (1.0, pytest.approx(1.0))
    assert told.only_champion == told.only_candidate == ()


def test_a_shadow_names_who_would_be_asked_instead(tmp_path: Path, profiles: Profiles) -> None:
    one, other = bundled(tmp_path / "a", profiles), bundled(tmp_path / "b", profiles, seed=9)
    told = shadow(one, other, profiles, 30)
    assert 0.5 < told.overlap < 1.0
    assert len(told.only_champion) == len(told.only_candidate) == round(30 * (1.0 - told.overlap))
    assert told.as_dict()["budget"] == 30


def test_no_group_is_made_of_an_attribute_that_tells_everybody_apart(profiles: Profiles) -> None:
    named = replace(profiles, attributes=profiles.attributes.assign(region=list(profiles.ids)))
    assert "region" not in fairness.groups(named)
