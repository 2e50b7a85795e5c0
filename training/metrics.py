"""Figures of a ranking against labels, with intervals by bootstrap over groups."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
DRAWS = 400
ROW_DRAWS = 8_000_000
FEWEST_POSITIVES = 30
"""A ranking of fewer confirmed entities than this tells little."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured figure: mean over repeats, 95% interval, spread between seeds."""

    value: float
    low: float
    high: float
    spread: float = 0.0
    """Standard deviation between repeats that differ in their seed."""

    def as_dict(self) -> dict[str, float | None]:
        """Plain JSON values; a figure that cannot be computed is null."""
        told = {"value": self.value, "low": self.low, "high": self.high, "spread": self.spread}
        return {name: round(one, 6) if np.isfinite(one) else None for name, one in told.items()}


def roc_auc(target: Flags, score: Floats) -> float:
    """Chance that a random positive outranks a random negative; ties count half. NaN with one class."""
    positives = int(target.sum())
    negatives = len(target) - positives
    if not positives or not negatives:
        return float("nan")
    _, place, counts = np.unique(score, return_inverse=True, return_counts=True)
    rank = np.cumsum(counts) - (counts - 1) / 2.0
    above = float(rank[place][target].sum()) - positives * (positives + 1) / 2.0
    return above / (positives * negatives)


def auc_interval(value: float, positives: int, negatives: int) -> tuple[float, float]:
    """95% interval of a ROC AUC that holds for a handful of positives too, where resampling them tells nothing.

    Score interval with the variance of Hanley and McNeil: Newcombe 2006, Statistics in Medicine 25, 559–573, method 5.

    >>> [round(end, 2) for end in auc_interval(0.9, 1, 800)], [round(end, 2) for end in auc_interval(0.9, 300, 800)]
    ([0.36, 0.99], [0.88, 0.92])
    """
    if not positives or not negatives or not np.isfinite(value):
        return float("nan"), float("nan")
    middle = (positives + negatives) / 2.0 - 1.0

    def beyond(truth: float) -> bool:
        """Whether the value would surprise if this were the truth."""
        variance = truth * (1.0 - truth) / (positives * negatives)
        variance *= 1.0 + middle * ((1.0 - truth) / (2.0 - truth) + truth / (1.0 + truth))
        return abs(truth - value) > 1.959964 * float(np.sqrt(variance))

    ends = []
    for outer in (0.0, 1.0):
        inner = value
        for _ in range(50):
            half = (outer + inner) / 2.0
            outer, inner = (half, inner) if beyond(half) else (outer, half)
        ends.append(inner)
    return ends[0], ends[1]


def average_precision(target: Flags, score: Floats) -> float:
    """Mean precision over the positives, ties taken together (as scikit-learn defines it). NaN without positives."""
    positives = int(target.sum())
    if not positives:
        return float("nan")
    order = np.argsort(-score, kind="stable")
    hits, ranked = target[order].cumsum(), score[order]
    ends = np.append(np.nonzero(ranked[1:] != ranked[:-1])[0], len(ranked) - 1)
    precision, recall = hits[ends] / (ends + 1.0), hits[ends] / positives
    return float((np.diff(np.append(0.0, recall)) * precision).sum())


def balanced_accuracy(target: Flags, fires: Flags) -> float:
    """Mean of the share of positives that fire and of negatives that do not."""
    if target.all() or not target.any():
        return float("nan")
    return float((fires[target].mean() + (~fires[~target]).mean()) / 2.0)


def at_budget(target: Flags, score: Floats, share: float) -> tuple[float, float]:
    """Precision and recall among the top `share` of entities (at least one)."""
    top = np.argsort(-score, kind="stable")[: max(1, round(share * len(score)))]
    hits = float(target[top].sum())
    return hits / len(top), hits / float(target.sum()) if target.any() else float("nan")


def ranking(target: Flags, score: Floats, fires: Flags, share: float) -> dict[str, float]:
    """Every figure of one ranking."""
    precision, recall = at_budget(target, score, share)
    return {
        "roc_auc": roc_auc(target, score),
        "average_precision": average_precision(target, score),
        "balanced_accuracy": balanced_accuracy(target, fires),
        "precision_at_budget": precision,
        "recall_at_budget": recall,
    }


def best_threshold(target: Flags, score: Floats) -> float:
    """The score at or above which balanced accuracy is best; `inf` with one class."""
    if target.all() or not target.any():
        return float("inf")
    order = np.argsort(-score, kind="stable")
    hits = target[order].cumsum() / target.sum()
    misses = (~target[order]).cumsum() / (~target).sum()
    ranked = score[order]
    ends = np.append(np.nonzero(ranked[1:] != ranked[:-1])[0], len(order) - 1)
    return float(ranked[ends[int(np.argmax((hits - misses)[ends]))]])


def figures(
    measure: Callable[[npt.NDArray[np.int64], int], Mapping[str, float]],
    groups: npt.NDArray[Any],
    repeats: int,
    seed: int = 0,
    draws: int | None = None,
) -> dict[str, Figure]:
    """Figures of `measure(rows, repeat)` over all rows, with 95% intervals from resampling whole groups.

    Default draws: `DRAWS`, fewer (50 at least) where rows are so many that the interval is narrow anyway.
    """
    if draws is None:
        draws = max(50, min(DRAWS, ROW_DRAWS // max(1, len(groups))))
    whole = np.arange(len(groups))
    told = [measure(whole, repeat) for repeat in range(repeats)]
    _, place = np.unique(groups, return_inverse=True)
    order, sizes = np.argsort(place, kind="stable"), np.bincount(place)
    starts = np.cumsum(sizes) - sizes
    rng = np.random.default_rng(seed)
    drawn: list[Mapping[str, float]] = []
    for draw in range(draws):
        picked = rng.integers(0, len(sizes), len(sizes))
        # The rows of each group that was picked, one group after the other.
        many = sizes[picked]
        within = np.arange(many.sum()) - np.repeat(np.cumsum(many) - many, many)
        drawn.append(measure(order[np.repeat(starts[picked], many) + within], draw % repeats))
    out = {}
    for name in told[0]:
        values = np.array([one[name] for one in told])
        spread = np.array([one[name] for one in drawn])
        sound = spread[np.isfinite(spread)]
        low, high = np.quantile(sound, [0.025, 0.975]) if len(sound) else (np.nan, np.nan)
        out[name] = Figure(float(values.mean()), float(low), float(high), float(values.std()))
    return out
