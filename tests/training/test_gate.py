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
from training.gate import MARGIN, judge
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


def ranked(known: pd.Series, wrong: int, noise: float = 0.0) -> pd.DataFrame:
    """Out-of-fold scores that rank all hits on top, but for the last `wrong` of them, who come last."""
    hits = known[known == 1.0].index
    score = known * 10.0 + np.random.default_rng(5).random(len(known)) * (0.1 + noise)
    score[hits[len(hits) - wrong :]] -= 20.0
    return pd.DataFrame({"forest": score, "label": known}, index=known.index)


@pytest.fixture
def pair(tmp_path: Path, profiles: Profiles) -> tuple[Bundle, Bundle]:
    return bundled(tmp_path / "a", profiles), bundled(tmp_path / "b", profiles, seed=2)


def test_a_lower_estimate_within_chance_needs_a_reason(
    pair: tuple[Bundle, Bundle], profiles: Profiles, known: pd.Series
) -> None:
    few = known.copy()
    few.iloc[90:] = np.nan
    candidate, champion = ((one, ranked(few.dropna(), wrong)) for one, wrong in zip(pair, (2, 1), strict=True))
    refused = judge("2", candidate, champion, profiles, few, 20)
    figures = refused.figures
    assert figures["candidate"] < figures["champion"] - MARGIN
    assert figures["gain_high"] >= 0.0
    assert not refused.passed
    assert "--although" in refused.reason.en
    assert "--although" in refused.reason.zh
    assert not judge("2", candidate, champion, profiles, few, 20, drifted=True).passed
    spoken = judge("2", candidate, champion, profiles, few, 20, although="the champion reads a source that ends")
    assert spoken.passed
    assert "although it does: the champion reads a source that ends" in spoken.reason.en


def test_a_little_lower_passes_for_a_champion_that_has_drifted(
    pair: tuple[Bundle, Bundle], profiles: Profiles, known: pd.Series
) -> None:
    candidate, champion = (pair[0], ranked(known, 0, noise=10.2)), (pair[1], ranked(known, 0, noise=9.9))
    calm = judge("2", candidate, champion, profiles, known, 20)
    assert -MARGIN <= calm.figures["candidate"] - calm.figures["champion"] < 0.0
    assert not calm.passed
    moved = judge("2", candidate, champion, profiles, known, 20, drifted=True)
    assert moved.passed
    assert "has drifted" in moved.reason.en


def test_lower_beyond_chance_passes_for_no_reason_at_all(
    pair: tuple[Bundle, Bundle], profiles: Profiles, known: pd.Series
) -> None:
    worse, champion = (pair[0], ranked(known, int(known.sum()))), (pair[1], ranked(known, 0))
    verdict = judge("2", worse, champion, profiles, known, 20, drifted=True, although="because")
    assert not verdict.passed
    assert "more than chance explains" in verdict.reason.en


def test_the_gate_tells_what_the_queue_would_get_with_its_interval(
    pair: tuple[Bundle, Bundle], profiles: Profiles, known: pd.Series
) -> None:
    candidate, champion = (pair[0], ranked(known, 0)), (pair[1], ranked(1.0 - known, 0).assign(label=known))
    verdict = judge("2", candidate, champion, profiles, known, 20)
    told = verdict.figures
    assert (told["candidate_at_budget"], told["champion_at_budget"]) == (1.0, 0.0)
    assert (told["gain_at_budget_low"], told["gain_at_budget_high"]) == (1.0, 1.0)
    reached = 20 / known.sum()
    assert (told["candidate_reached"], told["champion_reached"]) == (pytest.approx(reached, abs=1e-6), 0.0)
    assert 0.0 < told["gain_reached_low"] < reached < told["gain_reached_high"]
    assert verdict.passed
    assert f"capacity of 20 it reaches {reached:.0%} of the known hits against 0%" in verdict.reason.en
    assert f"按队列容量 20，可覆盖已知查实对象的 {reached:.0%}" in verdict.reason.zh


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
