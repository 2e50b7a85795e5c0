"""Scores as probabilities and p-values, and thresholds that keep what they promise."""

from __future__ import annotations

import json

import numpy as np
import pytest

from gnomon.errors import Fault, Misuse
from training import calibration, threshold
from training.calibration import Calibration, p_values
from training.sampling import Draw, drawn, places, weighted, weights

SEEDS = 300


def sample(rng: np.random.Generator, count: int, guilty: float) -> tuple[np.ndarray, np.ndarray]:
    target = rng.random(count) < guilty
    return rng.normal(0.0, 1.0, count) + 3.0 * target, target.astype(float)


@pytest.mark.parametrize("count", [120, 4_000])
def test_probabilities_match_how_often_scores_are_confirmed(count: int) -> None:
    rng = np.random.default_rng(0)
    read = calibration.learned(*sample(rng, count, 0.3))
    assert read.kind == ("platt" if count < 1_000 else "isotonic")
    score, target = sample(rng, 20_000, 0.3)
    told = read.probability(score)
    assert told is not None
    for low, high in ((0.0, 0.3), (0.3, 0.7), (0.7, 1.0)):
        band = (told >= low) & (told <= high)
        assert abs(told[band].mean() - target[band].mean()) < 0.12
    assert np.all(np.diff(told[np.argsort(score)]) >= 0.0)


def test_a_calibration_reads_back_from_json() -> None:
    read = calibration.learned(*sample(np.random.default_rng(1), 500, 0.3))
    assert Calibration.of(json.loads(json.dumps(read.as_dict()))) == read


def test_without_labels_there_is_no_probability() -> None:
    read = calibration.unlabelled(np.arange(10.0))
    assert read.probability(np.zeros(3)) is None
    with pytest.raises(Fault, match="no probabilities"):
        threshold.choose(np.zeros(3), read, precision=0.5)


def test_the_realised_share_of_false_discoveries_stays_under_the_nominal_one() -> None:
    false, found = [], []
    for seed in range(SEEDS):
        rng = np.random.default_rng(seed)
        reference, _ = sample(rng, 1_000, 0.0)
        score, target = sample(rng, 1_000, 0.05)
        fires = threshold.benjamini_hochberg(p_values(reference, score), 0.2)
        false.append(float((target[fires] == 0.0).mean()) if fires.any() else 0.0)
        found.append(float(fires[target == 1.0].mean()))
    assert np.mean(false) <= 0.2
    assert np.mean(found) > 0.3


def test_a_reference_with_guilty_entities_finds_less_and_accuses_no_more() -> None:
    false = []
    for seed in range(SEEDS):
        rng = np.random.default_rng(seed)
        reference, _ = sample(rng, 1_000, 0.05)
        score, target = sample(rng, 1_000, 0.05)
        fires = threshold.benjamini_hochberg(p_values(reference, score), 0.2)
        false.append(float((target[fires] == 0.0).mean()) if fires.any() else 0.0)
    assert np.mean(false) <= 0.2


def test_a_target_precision_is_reached_on_new_entities() -> None:
    rng = np.random.default_rng(3)
    read = calibration.learned(*sample(rng, 3_000, 0.2))
    score, target = sample(rng, 5_000, 0.2)
    chosen = threshold.choose(score, read, precision=0.8)
    assert 0.75 < target[chosen.fires].mean() < 0.9
    assert chosen.threshold == score[chosen.fires].min()


def test_the_budget_caps_every_way() -> None:
    read = calibration.learned(*sample(np.random.default_rng(4), 500, 0.3))
    score, _ = sample(np.random.default_rng(5), 300, 0.3)
    for way in ({}, {"fdr": 0.2}, {"precision": 0.5}):
        assert threshold.choose(score, read, budget=7, **way).fires.sum() == 7
    assert threshold.choose(score, read, fdr=0.2, precision=None).by == "fdr"


def test_two_ways_at_once_or_no_share_are_refused() -> None:
    read = calibration.unlabelled(np.arange(10.0))
    with pytest.raises(Misuse, match="one aim"):
        threshold.choose(np.zeros(3), read, precision=0.5, fdr=0.1)
    with pytest.raises(Misuse, match="between 0 and 1"):
        threshold.choose(np.zeros(3), read, fdr=5.0)


def test_random_looks_are_a_declared_share_and_drawn_the_same_again() -> None:
    ids = [f"E{n}" for n in range(100)]
    draw = drawn(ids, ids[:10], places(40, 0.1), "2025-06-30")
    assert len(draw.ids) == 4
    assert not set(draw.ids) & set(ids[:10])
    assert draw == drawn(ids[::-1], ids[:10], 4, "2025-06-30")
    assert draw != drawn(ids, ids[:10], 4, "2025-07-31")


def test_random_looks_correct_what_outcomes_of_warnings_alone_get_wrong() -> None:
    """Warnings follow an old model; the new one is judged for all entities from what was looked at."""
    share, naive, corrected, truth = 0.1, [], [], []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        old, new = rng.normal(size=2_000), rng.normal(size=2_000)
        target = (rng.random(2_000) < 1.0 / (1.0 + np.exp(4.0 - 1.5 * old - 1.5 * new))).astype(float)
        ids = [f"E{n}" for n in range(2_000)]
        suspected = {ids[n] for n in np.argsort(-old)[:200]}
        draw = drawn(ids, suspected, 100, str(seed))
        weight = weights(ids, suspected, draw)
        seen = np.where(weight > 0.0, target, np.nan)
        truth.append(weighted(target, new, np.ones(2_000), share)["base_rate"])
        corrected.append(weighted(seen, new, weight, share)["base_rate"])
        naive.append(np.nanmean(seen))
    assert abs(np.mean(corrected) - np.mean(truth)) < 0.01
    assert np.mean(naive) > np.mean(truth) + 0.1


def test_weights_of_one_give_the_plain_figures() -> None:
    from training import metrics

    rng = np.random.default_rng(7)
    score, target = sample(rng, 500, 0.2)
    told = weighted(target, score.round(1), np.ones(500), 0.1)
    assert told["roc_auc"] == pytest.approx(metrics.roc_auc(target > 0.5, score.round(1)))
    assert told["average_precision"] == pytest.approx(metrics.average_precision(target > 0.5, score.round(1)))


def test_nobody_drawn_means_no_probability() -> None:
    assert drawn(["a"], ["a"], 3, "x") == Draw((), 0.0)
