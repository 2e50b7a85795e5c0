"""Rates drawn to their peers' rate: 2 of 2 is not held to be twice as far from the norm as 200 of 400.

Empirical Bayes with the prior by the method of moments, as in the catalogue's conventions. Shares of n trials are
beta-binomial: Kleinman (1973), "Proportions with extraneous variance", JASA 68, 46-54, with weights n. Events per
exposure are gamma-Poisson: Marshall (1991), "Mapping disease and mortality rates using empirical Bayes estimators",
Applied Statistics 40, 283-294.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
import numpy.typing as npt
import pandas as pd

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


class Chance(StrEnum):
    """What a rate's hits vary by when nothing but chance is at work."""

    SHARE = "share"
    """Hits among n trials: binomial."""
    COUNT = "count"
    """Events over an exposure: Poisson."""


@dataclass(frozen=True)
class Rates:
    """Which columns of a profile are rates, and of how many trials each is."""

    trials: pd.DataFrame = field(default_factory=pd.DataFrame)
    """float64, the entities of the values, one column per rate."""
    chance: Mapping[str, Chance] = field(default_factory=dict)

    def of(self, column: str) -> tuple[Floats, Chance] | None:
        """Trials and chance of a column; None when it is no rate."""
        if column not in self.chance:
            return None
        return self.trials[column].to_numpy(float), self.chance[column]


@dataclass(frozen=True)
class Moments:
    """What the prior of a peer group is made of; a member is taken out by subtraction."""

    members: Floats
    trials: Floats
    trials2: Floats
    """Sum of squared trials."""
    hits: Floats
    hits2: Floats
    """Sum of squared hits over trials."""
    low: Floats
    high: Floats
    """Fences of the group's rates: what lies beyond them makes no prior."""

    def at(self, place: npt.NDArray[np.integer]) -> Moments:
        """Those of the groups at these places."""
        return Moments(*(getattr(self, name)[place] for name in NAMES))

    def without(self, x: Floats, trials: Floats) -> Moments:
        """The same group without one member of this rate and these trials; unknown rates were never in it."""
        part = np.isfinite(x) & (trials > 0) & (x >= self.low) & (x <= self.high)
        n, k = np.where(part, trials, 0.0), np.where(part, x * trials, 0.0)
        square = np.where(part, k * x, 0.0)
        return Moments(
            self.members - part, self.trials - n, self.trials2 - n * n, self.hits - k, self.hits2 - square,
            self.low, self.high,
        )  # fmt: skip


NAMES = ("members", "trials", "trials2", "hits", "hits2", "low", "high")
FENCE = 1.5
"""Interquartile ranges beyond the quartiles at which a rate stands outside: the catalogue's UF and LF."""


def moments(x: Floats, trials: Floats, codes: Ints, groups: int) -> Moments:
    """Moments of rates in groups 0 … groups-1; code -1, unknown rates and rates of no trial take no part.

    Nor do rates beyond their group's fences: one that towers would make its own peers' prior. A group whose middle
    half agrees has no fences.
    """
    part = np.isfinite(x) & (trials > 0) & (codes >= 0)
    low, high = _fences(x[part], codes[part], groups)
    at = np.maximum(codes, 0)
    part &= (x >= low[at]) & (x <= high[at]) if groups else part
    n, code = trials[part], codes[part]
    k = x[part] * n

    def summed(weights: Floats) -> Floats:
        return np.asarray(np.bincount(code, weights=weights, minlength=groups), dtype=np.float64)

    return Moments(summed(np.ones_like(n)), summed(n), summed(n * n), summed(k), summed(k * x[part]), low, high)


def quantile(ordered: Floats, start: Ints, n: Ints, q: float) -> Floats:
    """Quantile of each group of a sorted array, linearly interpolated; NaN for an empty group."""
    found = np.full(len(n), np.nan)
    some = n > 0
    at = start[some] + q * (n[some] - 1)
    below = np.floor(at).astype(np.int64)
    above = np.minimum(below + 1, start[some] + n[some] - 1)
    found[some] = ordered[below] + (at - below) * (ordered[above] - ordered[below])
    return found


def by_size(x: Floats) -> Ints:
    """Places of the known values in order of size."""
    known = np.flatnonzero(np.isfinite(x))
    return known[np.argsort(x[known])]


def by_group(ranked: Ints, codes: Ints, groups: int) -> Ints:
    """Places, given in order of size, in order of their groups 0 … groups-1, and of size in each; code -1 is left out.

    So that one order of size serves however values are grouped.
    """
    code = codes[ranked]
    order = ranked[code >= 0]
    if groups < 2:
        return order
    code = code[code >= 0]
    # Few codes are sorted by counting when they are told in 16 bits, several times as fast.
    return order[np.argsort(code.astype(np.uint16) if groups <= 1 << 16 else code, kind="stable")]


def _fences(x: Floats, codes: Ints, groups: int) -> tuple[Floats, Floats]:
    low, high = np.full(groups, -np.inf), np.full(groups, np.inf)
    value = x[by_group(np.argsort(x), codes, groups)]
    n = np.bincount(codes, minlength=groups)
    start, some = np.cumsum(n) - n, n > 0

    first, third = (quantile(value, start, n, q)[some] for q in (0.25, 0.75))
    width = np.where(third > first, FENCE * (third - first), np.inf)
    low[some], high[some] = first - width, third + width
    return low, high


def prior(of: Moments, chance: Chance) -> tuple[Floats, Floats]:
    """The peers' rate and how many trials it is worth: the mean of the prior, and a + b (or its exposure).

    Where the peers differ by no more than chance, the moments give an infinite weight, that would silence everybody:
    a prior is never worth more than the trials of one (average) peer. Fewer than two peers have no prior.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        rate = of.hits / of.trials
        free = of.members - 1
        apiece = (of.trials - of.trials2 / of.trials) / free
        scatter = of.hits2 - of.hits * rate
        if chance is Chance.SHARE:
            within = rate * (1 - rate)
            rho = (scatter / within - free) / (free * (apiece - 1))
            weight = 1 / rho - 1
        else:
            rho = (scatter - free * rate) / (free * apiece)
            weight = rate / rho
        weight = np.where(np.isfinite(weight) & (rho > 0), np.clip(weight, 0.0, apiece), apiece)
    some = (of.members >= 2) & (of.trials > 0) & np.isfinite(apiece)
    return np.where(some, rate, np.nan), np.where(some, np.maximum(weight, 0.0), 0.0)


def drawn(x: Floats, trials: Floats, rate: Floats, weight: Floats) -> Floats:
    """The rates with `weight` trials at the peers' `rate` added to their own; as they are where either is unknown.

    >>> drawn(np.array([1.0, 0.5]), np.array([2.0, 400.0]), np.array([0.1, 0.1]), np.array([8.0, 8.0])).round(3)
    array([0.28 , 0.492])
    """
    known = (trials > 0) & np.isfinite(rate)
    n = np.where(known, trials, 1.0)
    return np.where(known, (x * n + np.where(known, rate * weight, 0.0)) / (n + weight), x)


def not_beyond(y: Floats, x: Floats, center: Floats) -> Floats:
    """Drawn rates `y` of the rates `x`, drawn no further than to the middle of the peers.

    The peers' rate lies above their middle where few have all of it. Who has none of two trials would be drawn past the
    middle otherwise, and be held suspicious for having been seen twice only.

    >>> not_beyond(np.array([0.07, 0.28]), np.array([0.0, 1.0]), np.array([0.01, 0.01])).tolist()
    [0.01, 0.28]
    """
    return np.where(x <= center, np.minimum(y, center), np.maximum(y, center))


def apart_drawn(x: Floats, trials: Floats, chance: Chance, codes: Ints, groups: int) -> tuple[Floats, Moments]:
    """Each rate drawn to the rate of the others of its group, itself left out, and the moments of whole groups."""
    whole = moments(x, trials, codes, groups)
    y, some = x.copy(), codes >= 0
    others = whole.at(codes[some]).without(x[some], trials[some])
    y[some] = drawn(x[some], trials[some], *prior(others, chance))
    return y, whole
