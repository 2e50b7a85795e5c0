"""What warnings are worth over time: how soon somebody acts, what precision to expect before cases close, and which
models should go."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np

from gnomon.i18n import both
from gnomon.terms import RANDOM, Outcome, Text
from monitoring.effect import Floats
from monitoring.outcomes import Funnel, Share, share

if TYPE_CHECKING:
    from cases.worth import Came

JUDGED = (Outcome.CONFIRMED, Outcome.USEFUL, Outcome.FALSE_ALARM)
"""Outcomes that say something about the model; a wrong record says something about its source."""
NEEDED = 30
"""Judged warnings from which scores are calibrated, with `EACH` of either kind."""
EACH = 5
FLOOR = 0.05
"""Precision below which a model costs more looking than it finds, unless a deployment says otherwise."""
ENOUGH = 20
"""Judged cases from which a model may be proposed for retirement."""


@dataclass(frozen=True, slots=True)
class Timing:
    """How long people take to the first action, in days."""

    cases: int
    acted: int
    median: float | None
    """Half of all cases, those that still wait included, are acted on within so many days; null when fewer than half
    are."""
    slow: float | None
    """The same for nine in ten."""


def timing(rows: Iterable[Came], now: datetime) -> Timing:
    """Days from opening to signing for; cases that wait still count as longer than they have waited (Kaplan & Meier
    1958, Journal of the American Statistical Association 53)."""
    by_case = {one.case_id: one for one in rows}.values()
    days = [
        (
            ((one.claimed_at or one.closed_at or now) - one.opened_at).total_seconds() / 86_400,
            one.claimed_at is not None,
        )
        for one in by_case
    ]
    # Of the same day, those that were acted on come first: the others waited at least as long.
    days.sort(key=lambda one: (one[0], not one[1]))
    waiting, left, median, slow = 1.0, len(days), None, None
    for day, acted in days:
        if acted:
            waiting *= 1 - 1 / left
            median = day if median is None and waiting <= 0.5 else median
            slow = day if slow is None and waiting <= 0.1 + 1e-12 else slow
        left -= 1
    return Timing(len(days), sum(acted for _, acted in days), median, slow)


@dataclass(frozen=True, slots=True)
class Expected:
    """Precision that calibrated scores promise for warnings, and what it came to where it is known."""

    model: str
    warnings: int
    learned_from: int
    """Judged warnings that the calibration stands on."""
    value: float | None
    """Null when too few were judged: see `told`."""
    low: float
    high: float
    realised: Share
    """Of those warnings that have been judged since."""

    @property
    def off(self) -> float | None:
        """By how much the promise was too high; null while one of the two is unknown."""
        return None if self.value is None or self.realised.value is None else self.value - self.realised.value

    @property
    def told(self) -> Text:
        """The state in one sentence."""
        if self.value is None:
            return both("monitoring.expected.too_few", rows=self.learned_from, needed=NEEDED)
        span = f"{self.low:.0%}–{self.high:.0%}"
        return both("monitoring.expected.value", value=f"{self.value:.0%}", span=span, warnings=self.warnings)


def expected(model: str, rows: Sequence[Came], since: datetime, until: datetime | None = None) -> Expected:
    """Precision of one model's warnings issued from `since` (to `until`), from what was judged before `since` only.

    Held against what the same warnings came to, it tells how far such a promise can be trusted.
    """
    ours = [one for one in rows if one.model == model]
    known = [one for one in ours if one.outcome in JUDGED and one.closed_at is not None and one.closed_at < since]
    coming = [one for one in ours if one.issued_at >= since and (until is None or one.issued_at < until)]
    judged = [one for one in coming if one.outcome in JUDGED]
    realised = share(sum(one.outcome == Outcome.CONFIRMED for one in judged), len(judged))
    hits = sum(one.outcome == Outcome.CONFIRMED for one in known)
    if len(known) < NEEDED or min(hits, len(known) - hits) < EACH or not coming:
        return Expected(model, len(coming), len(known), None, 0.0, 1.0, realised)
    scores = np.array([one.percentile for one in known])
    told = np.array([one.outcome == Outcome.CONFIRMED for one in known], dtype=np.float64)
    mean, spread = float(scores.mean()), float(scores.std()) or 1.0
    fitted, covariance = _logistic((scores - mean) / spread, told)
    now = (np.array([one.percentile for one in coming]) - mean) / spread
    p = _sigmoid(fitted[0] + fitted[1] * now)
    slope = np.array([np.mean(p * (1 - p)), np.mean(p * (1 - p) * now)])
    # Two sources of doubt: the calibration, and how the coming warnings happen to end.
    error = math.sqrt(float(slope @ covariance @ slope) + float(np.sum(p * (1 - p))) / len(p) ** 2)
    value = float(p.mean())
    low, high = max(0.0, value - 1.96 * error), min(1.0, value + 1.96 * error)
    return Expected(model, len(coming), len(known), value, low, high, realised)


def _sigmoid(x: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-np.clip(x, -30, 30))))


def _logistic(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Platt's calibration (1999) by Newton's steps, the slope held by one unit of ridge; weights and covariance."""
    design = np.column_stack([np.ones_like(x), x])
    ridge = np.diag([1e-6, 1.0])
    weights = np.zeros(2)
    for _ in range(50):
        p = _sigmoid(design @ weights)
        bent = design.T @ (design * (p * (1 - p))[:, None]) + ridge
        step = np.linalg.solve(bent, design.T @ (y - p) - ridge @ weights)
        weights = weights + step
        if float(np.abs(step).max()) < 1e-9:
            break
    return weights, np.asarray(np.linalg.inv(bent), dtype=np.float64)


@dataclass(frozen=True, slots=True)
class Retirement:
    """A model that people are asked to take out of service, and why. Nothing is retired by itself."""

    model: str
    scene: str
    precision: Share
    worth: Share
    floor: float
    warnings: int
    found: str
    lately: Expected | None = None
    """What its scores promised for the latest warnings, and what those came to."""

    @property
    def evidence(self) -> tuple[Text, ...]:
        """What else speaks for or against it, a sentence each."""
        span = f"{self.worth.value or 0:.0%} ({self.worth.low:.0%}–{self.worth.high:.0%})"
        told = [both("monitoring.retirement_worth", span=span, warnings=self.warnings)]
        if self.lately is not None and self.lately.value is not None:
            told.append(self.lately.told)
            if self.lately.off is not None:
                came = f"{self.lately.realised.value or 0:.0%}"
                told.append(both("monitoring.retirement_off", came=came, off=f"{self.lately.off:+.0%}"))
        return tuple(told)

    @property
    def told(self) -> Text:
        """The proposal with its evidence, in one sentence."""
        return both(
            "monitoring.retirement", model=self.model, confirmed=round((self.precision.value or 0) * self.precision.of),
            judged=self.precision.of, high=f"{self.precision.high:.1%}", floor=f"{self.floor:.0%}", found=self.found,
        )  # fmt: skip


def retirements(
    funnels: Iterable[Funnel],
    floor: Callable[[str], float] = lambda model: FLOOR,
    enough: int = ENOUGH,
    lately: Mapping[str, Expected] | None = None,
) -> list[Retirement]:
    """Models whose precision is below their floor beyond doubt: the whole interval lies under it. Looks drawn at random
    are no model, and are meant to find little.

    `lately` is told beside: what was promised for the latest warnings of each model.
    """
    return [
        Retirement(
            one.model, one.scene, one.precision, one.worth, floor(one.model), one.warnings, f"{one.found:.0f}",
            (lately or {}).get(one.model),
        )
        for one in funnels
        if one.model != RANDOM and one.judged >= enough and one.precision.high < floor(one.model)
    ]  # fmt: skip


def floors(default: float, given: Mapping[str, float], schemes: Mapping[str, str]) -> Callable[[str], float]:
    """The floor of each model: its own, else that of its scheme, else the default. `schemes` is scheme by model."""
    return lambda model: given.get(model, given.get(schemes.get(model, ""), default))


@dataclass(frozen=True, slots=True)
class Yield:
    """The funnel of one group of warnings: a model, a scene, a body."""

    name: str
    warnings: int
    cases: int
    closed: int
    clues: int
    """Closed cases that were worth the look: confirmed or useful."""
    confirmed: int
    data_error: Share
    precision: Share
    found: float
    recovered: float
    first_action: Timing


def yields(rows: Iterable[Came], by: Callable[[Came], str | None], now: datetime) -> list[Yield]:
    """The funnel by model, scene or organisation; a case is counted once in each group, its money too."""
    groups: dict[str, list[Came]] = defaultdict(list)
    for one in rows:
        groups[by(one) or ""].append(one)
    return [_yield(name, group, now) for name, group in sorted(groups.items())]


def _yield(name: str, rows: Sequence[Came], now: datetime) -> Yield:
    cases = list({one.case_id: one for one in rows}.values())
    ended = Counter(one.outcome for one in cases if one.outcome is not None)
    judged = sum(ended[outcome] for outcome in JUDGED)
    closed = [one for one in cases if one.outcome is not None]
    return Yield(
        name,
        warnings=len(rows),
        cases=len(cases),
        closed=len(closed),
        clues=ended[Outcome.CONFIRMED] + ended[Outcome.USEFUL],
        confirmed=ended[Outcome.CONFIRMED],
        data_error=share(ended[Outcome.DATA_ERROR], len(closed)),
        precision=share(ended[Outcome.CONFIRMED], judged),
        found=float(sum(one.found for one in closed)),
        recovered=float(sum(one.recovered for one in closed)),
        first_action=timing(rows, now),
    )
