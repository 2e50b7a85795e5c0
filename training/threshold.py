"""Which entities to ask about, given their scores: as many as can be reviewed, a target precision, or a limit on the
share of false discoveries. Pure functions; what they need besides scores comes from `training.calibration`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gnomon.errors import Fault, Misuse
from training.calibration import Calibration

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Chosen:
    """Who is asked about, and the score from which."""

    fires: Flags
    threshold: float
    """Score of the last one asked about; `inf` when nobody is."""
    by: str
    """`budget`, `precision` or `fdr`."""


def choose(
    score: Floats,
    calibration: Calibration,
    *,
    budget: int | None = None,
    precision: float | None = None,
    fdr: float | None = None,
) -> Chosen:
    """Exactly one of the three ways, `budget` also as a cap on the other two.

    Raises `Misuse` for a share outside 0 to 1 or for two ways at once, `Fault` for a precision without labels.
    """
    if precision is not None and fdr is not None:
        raise Misuse("training.threshold.two_ways", place="--precision --fdr")
    for name, share in (("--precision", precision), ("--fdr", fdr)):
        if share is not None and not 0.0 < share < 1.0:
            raise Misuse("training.threshold.share", place=name, value=share)
    if precision is not None:
        probability = calibration.probability(score)
        if probability is None:
            raise Fault("training.threshold.no_probability", place="--precision")
        return _capped(score, by_precision(score, probability, precision), budget, "precision")
    if fdr is not None:
        return _capped(score, benjamini_hochberg(calibration.p_value(score), fdr), budget, "fdr")
    return _capped(score, np.ones(len(score), dtype=bool), budget, "budget")


def benjamini_hochberg(p: Floats, level: float) -> Flags:
    """The hypotheses rejected at a false-discovery rate (Benjamini and Hochberg 1995).

    Valid for conformal p-values of one reference, which are positively dependent (Bates and others 2023, theorem 2).

    >>> benjamini_hochberg(np.array([0.01, 0.9, 0.03, 0.2]), 0.1).tolist()
    [True, False, True, False]
    """
    if not len(p):
        return np.zeros(0, dtype=bool)
    ordered = np.sort(p)
    passes = np.flatnonzero(ordered <= level * np.arange(1, len(p) + 1) / len(p))
    return p <= ordered[passes[-1]] if len(passes) else np.zeros(len(p), dtype=bool)


def by_precision(score: Floats, probability: Floats, target: float) -> Flags:
    """The most top scores whose mean probability is at least `target`; ties stay together.

    >>> by_precision(np.array([3.0, 2.0, 1.0]), np.array([0.9, 0.5, 0.1]), 0.6).tolist()
    [True, True, False]
    """
    fires = np.zeros(len(score), dtype=bool)
    if not len(score):
        return fires
    order = np.argsort(-score, kind="stable")
    mean = np.cumsum(probability[order]) / np.arange(1, len(order) + 1)
    ends = np.append(score[order][1:] != score[order][:-1], True)
    sound = np.flatnonzero((mean >= target) & ends)
    if len(sound):
        fires[order[: sound[-1] + 1]] = True
    return fires


def _capped(score: Floats, fires: Flags, budget: int | None, by: str) -> Chosen:
    kept = fires.copy()
    if budget is not None:
        order = np.argsort(-np.where(fires, score, -np.inf), kind="stable")
        kept[order[budget:]] = False
    return Chosen(kept, float(score[kept].min()) if kept.any() else float("inf"), by)
