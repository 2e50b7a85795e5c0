"""Figures are honest: groups stay together, nothing is learned from noise, metrics equal scikit-learn's."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics as theirs

from features.profiles import Profiles
from gnomon.errors import Misuse
from training import metrics
from training.detectors.boosting import Boosting
from training.evaluate import Maker, evaluate, split
from training.metrics import FEWEST_POSITIVES

FAST: dict[str, Maker] = {"boosting": lambda seed: Boosting(seed=seed)}


def test_metrics_equal_those_of_scikit_learn_ties_included() -> None:
    rng = np.random.default_rng(0)
    target, score = rng.random(300) < 0.2, np.round(rng.normal(size=300), 1)
    assert metrics.roc_auc(target, score) == pytest.approx(theirs.roc_auc_score(target, score), abs=1e-12)
    assert metrics.average_precision(target, score) == pytest.approx(
        theirs.average_precision_score(target, score), abs=1e-12
    )
    fires = score >= metrics.best_threshold(target, score)
    assert metrics.balanced_accuracy(target, fires) == pytest.approx(
        theirs.balanced_accuracy_score(target, fires), abs=1e-12
    )


def test_a_single_positive_tells_next_to_nothing_and_many_tell_as_much_as_resampling_says() -> None:
    low, high = metrics.auc_interval(0.5, 1, 900)
    assert low < 0.2
    assert high > 0.8
    assert metrics.auc_interval(1.0, 2, 900)[0] < 0.85
    rng = np.random.default_rng(0)
    target = rng.random(800) < 0.25
    score = rng.normal(size=800) + 1.5 * target
    auc = metrics.roc_auc(target, score)
    drawn = metrics.figures(lambda rows, _: {"roc_auc": metrics.roc_auc(target[rows], score[rows])}, np.arange(800), 1)
    ends = metrics.auc_interval(auc, int(target.sum()), int((~target).sum()))
    assert ends == pytest.approx((drawn["roc_auc"].low, drawn["roc_auc"].high), abs=0.01)


def test_no_group_stands_on_both_sides_and_positives_are_spread() -> None:
    rng = np.random.default_rng(0)
    groups = rng.integers(0, 60, 500).astype(str)
    target = rng.random(500) < 0.3
    fold = split(target, groups, 5, 3)
    assert all(len(set(fold[groups == one])) == 1 for one in set(groups))
    assert np.ptp([target[fold == one].mean() for one in range(5)]) < 0.15


def test_a_learnable_rule_is_learned_and_stands_beside_its_baselines(profiles: Profiles, labels: pd.Series) -> None:
    told = evaluate(profiles, labels, makers=FAST, folds=4)
    assert set(told.figures) == {"boosting", "boosting, rates only", "total: fund_paid"}
    ours, trivial = told.figures["boosting"]["roc_auc"], told.figures["total: fund_paid"]["roc_auc"]
    assert ours.low > trivial.high
    assert ours.low < ours.value < ours.high
    fifths, joined = told.bands[:5], told.bands[5:]
    assert [one["joined"] for one in fifths] == [None] * 5
    assert all(one["low"] <= one["roc_auc"] <= one["high"] for one in told.bands if one["roc_auc"] is not None)
    assert all(one["positives"] >= FEWEST_POSITIVES for one in joined)
    assert told.as_dict()["figures"]["boosting"]["precision_at_budget"]["value"] > 0.8


def test_noise_is_not_learned(profiles: Profiles) -> None:
    noise = pd.Series((np.random.default_rng(3).random(len(profiles.values)) < 0.4).astype(float), profiles.ids)
    told = evaluate(profiles, noise, makers=FAST, rates_only=False)
    assert told.figures["boosting"]["roc_auc"].value == pytest.approx(0.5, abs=0.1)


def test_a_label_that_follows_the_group_cannot_be_learned_across_groups(profiles: Profiles) -> None:
    rng = np.random.default_rng(0)
    group = pd.Series(rng.integers(0, 20, len(profiles.values)).astype(str), profiles.ids, name="region")
    label = (group.astype(int) % 2).astype(float)
    values = profiles.values.copy()
    # Each group carries a mark of its own, as ids and calendars do; between groups the mark says nothing.
    values["beds"] = group.map({str(one): float(one) * 1.618 % 1 for one in range(20)})
    from dataclasses import replace

    marked = replace(profiles, values=values)
    loose = evaluate(marked, label, makers=FAST, rates_only=False).figures["boosting"]["roc_auc"].value
    tight = evaluate(marked, label, makers=FAST, rates_only=False, group=group).figures["boosting"]["roc_auc"].value
    assert loose > 0.95
    assert tight < 0.8


def test_more_folds_than_groups_is_misuse(profiles: Profiles, labels: pd.Series) -> None:
    group = pd.Series(["a", "b"] * 200, profiles.ids, name="region")
    with pytest.raises(Misuse, match="5 folds cannot be made of 2 groups"):
        evaluate(profiles, labels, makers=FAST, group=group)
