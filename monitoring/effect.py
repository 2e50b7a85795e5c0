"""How far one column moved: effect sizes between two summaries, and the chance moves that they must exceed.

A summary holds counts and quantiles only, so a reference can be kept for years without the rows it was made of.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from functools import cache
from statistics import NormalDist
from typing import Any, Self

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

BINS = 10
"""PSI is told over the reference's deciles; a value that many rows share closes a bin of its own."""
POINTS = 200
"""Quantiles in a sketch, at the middles of as many equal slices: the outermost 0.25 % on each side is not followed."""
CHANCE = 0.05
"""Share of comparisons in which, nothing having moved, one column or more may look moved by chance."""
FINEST = 1 / 2000
"""The smallest chance that is told for one column: the bridges below are too few for less."""


class Verdict(StrEnum):
    """What is said about one column."""

    STEADY = "steady"
    MOVED = "moved"
    CONSTANT = "constant"
    """One and the same value then and now: nothing to compare and nothing wrong."""
    TOO_FEW = "too_few"
    """Fewer known values than a comparison needs, on one side or both."""
    UNKNOWN = "unknown"
    """No known value on either side."""
    NEW = "new"
    """The reference does not have this column."""
    GONE = "gone"
    """The current profiles do not have this column."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Effect sizes from which a column counts as moved. None of them depends on the number of rows."""

    psi: float = 0.2
    """The usual mark of a population that is no longer the same."""
    distance: float = 0.25
    """Wasserstein distance in units of the reference's spread: a quarter of a standard deviation."""
    unknown: float = 0.1
    """Change of the share of unknown values."""
    rows: int = 50
    """Known values that each side must have before anything is said."""


@dataclass(frozen=True, slots=True)
class Summary:
    """One column in counts and quantiles."""

    n: int
    """Rows, unknown ones included."""
    unknown: int
    edges: tuple[float, ...]
    """Inner bin edges; a value on an edge belongs to the bin below it."""
    counts: tuple[int, ...]
    """Known values per bin, one more than there are edges."""
    sketch: tuple[float, ...]
    """Quantiles at the middles of `POINTS` equal slices; empty when nothing is known."""

    @classmethod
    def of(cls, values: npt.ArrayLike, edges: tuple[float, ...] | None = None) -> Self:
        """Summarise values; NaN and infinities are unknown. `edges` of a reference make two summaries comparable."""
        told = np.asarray(values, dtype=np.float64)
        known = np.sort(told[np.isfinite(told)])
        if edges is None:
            edges = _deciles(known)
        counts = np.bincount(np.searchsorted(np.asarray(edges), known, side="left"), minlength=len(edges) + 1)
        sketch = np.quantile(known, (np.arange(POINTS) + 0.5) / POINTS) if known.size else np.empty(0)
        return cls(
            n=int(told.size),
            unknown=int(told.size - known.size),
            edges=edges,
            counts=tuple(int(count) for count in counts),
            sketch=tuple(float(point) for point in sketch),
        )

    @classmethod
    def read(cls, told: Mapping[str, Any]) -> Self:
        """The summary that `as_dict` wrote."""
        return cls(
            n=int(told["n"]),
            unknown=int(told["unknown"]),
            **{name: tuple(told[name]) for name in ("edges", "counts", "sketch")},
        )

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)

    @property
    def known(self) -> int:
        """Rows whose value is known."""
        return self.n - self.unknown

    @property
    def unknown_share(self) -> float:
        """Share of rows whose value is unknown; 0 when there are no rows."""
        return self.unknown / self.n if self.n else 0.0

    @property
    def median(self) -> float | None:
        """Middle of the known values."""
        return float(np.median(self.sketch)) if self.sketch else None

    @property
    def spread(self) -> float:
        """Standard deviation of the sketch: outliers beyond its ends do not hide a move of all the others."""
        return float(np.std(self.sketch)) if self.sketch else 0.0

    @property
    def constant(self) -> bool:
        """Whether all known values (between the ends of the sketch) are one value."""
        return bool(self.sketch) and self.sketch[0] == self.sketch[-1]


@dataclass(frozen=True, slots=True)
class Effect:
    """The move of one column, and the largest move that chance alone explains for so many rows."""

    psi: float | None
    psi_chance: float | None
    distance: float | None
    """Wasserstein distance in units of the reference's spread."""
    distance_chance: float | None
    verdict: Verdict
    because: tuple[str, ...] = ()
    """Which effects passed their limit: `psi`, `distance`, `unknown`."""


def effect(reference: Summary, current: Summary, limits: Limits | None = None, columns: int = 1) -> Effect:
    """Compare two summaries that share their edges; `columns` is how many are compared at once.

    A column moved when an effect size passes its limit *and* exceeds what chance explains for so few rows. More rows
    make chance smaller and never make an effect larger, so a bigger sample alone raises nothing.
    """
    limits = limits or Limits()
    chance = max(CHANCE / max(columns, 1), FINEST)
    because = ["unknown"] if _unknown_moved(reference, current, limits, chance) else []
    if not reference.known and not current.known:
        return _silent(Verdict.UNKNOWN, because)
    if min(reference.known, current.known) < limits.rows:
        return _silent(Verdict.TOO_FEW, because)
    if reference.constant and current.sketch == reference.sketch:
        return _silent(Verdict.CONSTANT, because)
    psi, psi_chance = _psi(reference, current, chance)
    distance, distance_chance = _distance(reference, current, chance)
    if psi >= limits.psi and psi > psi_chance:
        because.append("psi")
    if (
        distance is not None
        and distance_chance is not None
        and distance >= limits.distance
        and distance > distance_chance
    ):
        because.append("distance")
    verdict = Verdict.MOVED if because else Verdict.STEADY
    return Effect(psi, psi_chance, distance, distance_chance, verdict, tuple(because))


def _silent(verdict: Verdict, because: list[str]) -> Effect:
    return Effect(None, None, None, None, Verdict.MOVED if because else verdict, tuple(because))


def _deciles(known: Floats) -> tuple[float, ...]:
    if not known.size:
        return ()
    return tuple(float(edge) for edge in np.unique(np.quantile(known, np.arange(1, BINS) / BINS)))


def _noise(reference: Summary, current: Summary) -> float:
    return 1 / reference.known + 1 / current.known


def _psi(reference: Summary, current: Summary, chance: float) -> tuple[float, float]:
    """Population stability index, and what it exceeds with probability `chance` when nothing moved.

    Half a row is added to every bin, so an empty bin gives a large index and not an infinite one. Without a move the
    index times `1 / (1/n + 1/m)` is close to chi-squared with bins - 1 degrees of freedom (Yurdakul & Naranjo 2020,
    Journal of Risk Model Validation 14(4)); its quantile is told by Wilson and Hilferty's cube.
    """
    then, now = (np.asarray(side.counts, dtype=np.float64) + 0.5 for side in (reference, current))
    then, now = then / then.sum(), now / now.sum()
    free = max(len(then) - 1, 1)
    quantile = free * (1 - 2 / (9 * free) + NormalDist().inv_cdf(1 - chance) * math.sqrt(2 / (9 * free))) ** 3
    return float(np.sum((now - then) * np.log(now / then))), quantile * _noise(reference, current)


def _distance(reference: Summary, current: Summary, chance: float) -> tuple[float | None, float | None]:
    """First Wasserstein distance in units of the reference's spread, and what it exceeds by chance.

    Without a move the distance is close to `sqrt(1/n + 1/m)` times the area under an absolute Brownian bridge run
    along the values (del Barrio, Giné & Matrán 1999, Annals of Probability 27(2)).
    """
    if reference.spread == 0.0:
        return None, None
    then, now = np.asarray(reference.sketch), np.asarray(current.sketch)
    # Steps of both sides: a tail that only one sample happens to show must not make chance look small.
    steps = (np.diff(then) + np.diff(now)) / 2
    areas = _bridges() @ steps
    by_chance = math.sqrt(_noise(reference, current)) * float(np.quantile(areas, 1 - chance))
    return float(np.mean(np.abs(now - then))) / reference.spread, by_chance / reference.spread


@cache
def _bridges() -> Floats:
    """Absolute Brownian bridges at the steps of a sketch, one a row; always the same ones."""
    walk = np.random.default_rng(20260101).standard_normal((4000, POINTS)).cumsum(axis=1) / math.sqrt(POINTS)
    along = np.arange(1, POINTS + 1) / POINTS
    return np.asarray(np.abs(walk - along * walk[:, -1:])[:, :-1])


def _unknown_moved(reference: Summary, current: Summary, limits: Limits, chance: float) -> bool:
    if min(reference.n, current.n) < limits.rows:
        return False
    pooled = (reference.unknown + current.unknown) / (reference.n + current.n)
    by_chance = NormalDist().inv_cdf(1 - chance) * math.sqrt(pooled * (1 - pooled) * (1 / reference.n + 1 / current.n))
    return abs(current.unknown_share - reference.unknown_share) >= max(limits.unknown, by_chance)
