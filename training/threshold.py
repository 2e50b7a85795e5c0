"""Which entities to ask about, given their scores: as many as can be reviewed, a target precision, or a limit on the
share of false discoveries. Pure functions; what they need besides scores comes from `training.calibration`.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from gnomon.errors import Fault, Misuse
from training.calibration import Calibration

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Aim:
    """What a learned model's threshold is to keep to; exactly one of the three is given."""

    budget: int | None = None
    """So many entities to look at."""
    precision: float | None = None
    """Expected share of hits among those asked about."""
    fdr: float | None = None
    """Limit on the expected share of false ones among those asked about."""

    @property
    def by(self) -> str:
        """`budget`, `precision` or `fdr`."""
        return "precision" if self.precision is not None else "fdr" if self.fdr is not None else "budget"

    @property
    def value(self) -> float:
        """The number that was given."""
        return float(getattr(self, self.by))


def aim(budget: int | None, precision: float | None, fdr: float | None, otherwise: int) -> Aim:
    """The one aim that was given, or a budget of `otherwise`; raises `Misuse` for two, or for a share that is none."""
    if sum(one is not None for one in (budget, precision, fdr)) > 1:
        raise Misuse("training.threshold.two_ways", place="--budget --precision --fdr")
    for name, share in (("--precision", precision), ("--fdr", fdr)):
        if share is not None and not 0.0 < share < 1.0:
            raise Misuse("training.threshold.share", place=name, value=share)
    if precision is None and fdr is None:
        return Aim(budget=otherwise if budget is None else budget)
    return Aim(precision=precision, fdr=fdr)


@dataclass(frozen=True, slots=True)
class Expected:
    """What is known beforehand about those asked about; None where nothing is."""

    precision: float | None
    """Mean calibrated probability of being confirmed when looked at."""
    low: float | None
    high: float | None
    """95% interval (Clopper and Pearson 1934) from labelled entities at or above the threshold, scored out of fold."""
    seen: int
    """How many labelled entities that were."""
    confirmed: int
    false_share: float | None
    """Lowest limit on false discoveries at which as many would be asked about; 1 is no limit at all."""

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {k: round(v, 6) if isinstance(v, float) else v for k, v in asdict(self).items()}


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
    aim(None, precision, fdr, len(score))
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


def expected(score: Floats, calibration: Calibration | None, fires: Flags) -> Expected:
    """What may be expected of those who are asked about among all of `score`."""
    if calibration is None or not fires.any():
        return Expected(None, None, None, 0, 0, None)
    count, p = int(fires.sum()), calibration.p_value(score)
    false = min(1.0, float(len(score) * p[fires].max() / count))
    probability = calibration.probability(score[fires])
    if probability is None:
        return Expected(None, None, None, 0, 0, false)
    told, line = float(probability.mean()), float(score[fires].min())
    confirmed = int((np.asarray(calibration.confirmed) >= line).sum())
    seen = confirmed + int((np.asarray(calibration.reference) >= line).sum())
    low, high = _clopper_pearson(confirmed, seen)
    # Among these very entities the calibrated mean is the better guess; the interval must not exclude it.
    return Expected(told, min(low, told), max(high, told), seen, confirmed, false)


def lowest_fdr(score: Floats, calibration: Calibration) -> float:
    """The lowest limit on false discoveries at which anybody at all would be asked about; 1 where there is none."""
    if not len(score):
        return 1.0
    p = np.sort(calibration.p_value(score))
    return float(min(1.0, (len(p) * p / np.arange(1, len(p) + 1)).min()))


def _clopper_pearson(hits: int, of: int) -> tuple[float, float]:
    if not of:
        return 0.0, 1.0
    from scipy.special import betaincinv

    low = 0.0 if hits == 0 else float(betaincinv(hits, of - hits + 1.0, 0.025))
    return low, 1.0 if hits == of else float(betaincinv(hits + 1.0, of - hits, 0.975))


def _capped(score: Floats, fires: Flags, budget: int | None, by: str) -> Chosen:
    kept = fires.copy()
    if budget is not None:
        order = np.argsort(-np.where(fires, score, -np.inf), kind="stable")
        kept[order[budget:]] = False
    return Chosen(kept, float(score[kept].min()) if kept.any() else float("inf"), by)
