"""How far one column moved: effect sizes between two summaries, and the chance moves that they must exceed.

A summary holds counts and quantiles only, so a reference can be kept for years without the rows it was made of.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
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
CRITERIA = 3
"""Effects that are looked at in one column, each with a third of the column's chance."""
DEEPEST = 1 / 200
"""Beyond this chance the area under a bridge is told by the shape of its tail: the bridges below are too few."""


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
    zero: int = 0
    """Values that are exactly 0: a feed that sends zeros shows here."""

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
            zero=int(np.count_nonzero(known == 0.0)),
        )

    @classmethod
    def read(cls, told: Mapping[str, Any]) -> Self:
        """The summary that `as_dict` wrote."""
        return cls(
            n=int(told["n"]),
            unknown=int(told["unknown"]),
            zero=int(told.get("zero", 0)),
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
    def zero_share(self) -> float:
        """Share of the known values that are exactly 0; 0 when nothing is known."""
        return self.zero / self.known if self.known else 0.0

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
    chance: float | None = None
    """How likely chance alone makes the most telling effect as large, all effects of the column counted; null when
    nothing could be compared."""


def effect(
    reference: Summary,
    current: Summary,
    limits: Limits | None = None,
    columns: int = 1,
    chance: float | None = None,
) -> Effect:
    """Compare two summaries that share their edges.

    A column moved when an effect size passes its limit *and* exceeds what chance explains for so few rows. More rows
    make chance smaller and never make an effect larger, so a bigger sample alone raises nothing.

    Parameters
    ----------
    columns:
        How many are compared at once, when nothing better is known than to share the chance among them.
    chance:
        What one column may be wrong by; `judge` finds it for a whole set.
    """
    limits = limits or Limits()
    allowed = (CHANCE / max(columns, 1) if chance is None else chance) / CRITERIA
    found = {"unknown": _unknown(reference, current, limits)}
    if not reference.known and not current.known:
        return _told(Verdict.UNKNOWN, found, allowed)
    if min(reference.known, current.known) < limits.rows:
        return _told(Verdict.TOO_FEW, found, allowed)
    if reference.constant and current.sketch == reference.sketch:
        return _told(Verdict.CONSTANT, found, allowed)
    psi, psi_chance, psi_p = _psi(reference, current, allowed)
    distance, distance_chance, distance_p = _distance(reference, current, allowed)
    found["psi"] = psi >= limits.psi, psi_p
    found["distance"] = distance is not None and distance >= limits.distance, distance_p
    return replace(
        _told(Verdict.STEADY, found, allowed),
        psi=psi, psi_chance=psi_chance, distance=distance, distance_chance=distance_chance,
    )  # fmt: skip


def judge(
    reference: Mapping[str, Summary], current: Mapping[str, Summary], limits: Limits | None = None
) -> tuple[dict[str, Effect], float]:
    """Compare all columns at once; the effects by column, and the chance at which each was told.

    Of the columns that are told to have moved, at most `CHANCE` is expected to have moved by chance alone (Benjamini &
    Hochberg 1995, Journal of the Royal Statistical Society B 57(1)). Hundreds of measures cost less than when they
    share one chance among them, and one measure costs the same.
    """
    names = [*reference, *(name for name in current if name not in reference)]
    first = {name: _one(name, reference, current, limits, CHANCE) for name in names}
    chances = sorted(one.chance for one in first.values() if one.chance is not None)
    told = [rank * CHANCE / len(chances) for rank, p in enumerate(chances, 1) if p <= rank * CHANCE / len(chances)]
    cut = max(told, default=CHANCE / max(len(chances), 1))
    return {name: _one(name, reference, current, limits, cut) for name in names}, cut


def _one(
    name: str,
    reference: Mapping[str, Summary],
    current: Mapping[str, Summary],
    limits: Limits | None,
    chance: float,
) -> Effect:
    if name not in reference or name not in current:
        verdict = Verdict.GONE if name in reference else Verdict.NEW
        return Effect(None, None, None, None, verdict)
    return effect(reference[name], current[name], limits, chance=chance)


def _told(verdict: Verdict, found: Mapping[str, tuple[bool, float | None]], allowed: float) -> Effect:
    """The verdict, unless an effect that is large enough is more than chance explains."""
    because = tuple(name for name, (large, p) in found.items() if large and p is not None and p <= allowed)
    known = [p for _, p in found.values() if p is not None]
    chance = min(1.0, CRITERIA * min(known)) if known else None
    return Effect(None, None, None, None, Verdict.MOVED if because else verdict, because, chance)


def _deciles(known: Floats) -> tuple[float, ...]:
    if not known.size:
        return ()
    return tuple(float(edge) for edge in np.unique(np.quantile(known, np.arange(1, BINS) / BINS)))


def _noise(reference: Summary, current: Summary) -> float:
    return 1 / reference.known + 1 / current.known


def _psi(reference: Summary, current: Summary, chance: float) -> tuple[float, float, float]:
    """Population stability index, what it exceeds with probability `chance` when nothing moved, and its own chance.

    Half a row is added to every bin, so an empty bin gives a large index and not an infinite one. Without a move the
    index times `1 / (1/n + 1/m)` is close to chi-squared with bins - 1 degrees of freedom (Yurdakul & Naranjo 2020,
    Journal of Risk Model Validation 14(4)); its quantile is told by Wilson and Hilferty's cube.
    """
    then, now = (np.asarray(side.counts, dtype=np.float64) + 0.5 for side in (reference, current))
    then, now = then / then.sum(), now / now.sum()
    free = max(len(then) - 1, 1)
    wide = math.sqrt(2 / (9 * free))
    quantile = free * (1 - 2 / (9 * free) + NormalDist().inv_cdf(1 - chance) * wide) ** 3
    noise = _noise(reference, current)
    index = float(np.sum((now - then) * np.log(now / then)))
    return index, quantile * noise, chi_squared_beyond(index / noise, free)


def chi_squared_beyond(value: float, free: int) -> float:
    """Chance that chi-squared with `free` degrees of freedom exceeds `value` (Wilson & Hilferty's cube).

    >>> [round(chi_squared_beyond(value, free), 3) for value, free in ((16.919, 9), (3.841, 1))]
    [0.05, 0.047]
    """
    wide = 2 / (9 * free)
    return _beyond(((max(value, 0.0) / free) ** (1 / 3) - 1 + wide) / math.sqrt(wide))


def _distance(reference: Summary, current: Summary, chance: float) -> tuple[float | None, float | None, float | None]:
    """First Wasserstein distance in units of the reference's spread, what it exceeds by chance, and its own chance.

    Without a move the distance is close to `sqrt(1/n + 1/m)` times the area under an absolute Brownian bridge run
    along the values (del Barrio, Giné & Matrán 1999, Annals of Probability 27(2)). Far out, the chance of an area
    falls like `exp(-c area²)`, as that of every norm of a Gaussian process does.
    """
    if reference.spread == 0.0:
        return None, None, None
    then, now = np.asarray(reference.sketch), np.asarray(current.sketch)
    # Steps of both sides: a tail that only one sample happens to show must not make chance look small.
    steps = (np.diff(then) + np.diff(now)) / 2
    areas = np.sort(_bridges() @ steps) * math.sqrt(_noise(reference, current)) / reference.spread
    far = float(np.quantile(areas, 1 - DEEPEST))
    distance = float(np.mean(np.abs(now - then))) / reference.spread
    if chance >= DEEPEST or far == 0.0:
        by_chance = float(np.quantile(areas, 1 - chance))
    else:
        by_chance = far * math.sqrt(math.log(chance) / math.log(DEEPEST))
    if distance <= far or far == 0.0:
        own = 1.0 - float(np.searchsorted(areas, distance, side="left")) / len(areas)
    else:
        own = DEEPEST ** ((distance / far) ** 2)
    return distance, by_chance, own


@cache
def _bridges() -> Floats:
    """Absolute Brownian bridges at the steps of a sketch, one a row; always the same ones."""
    walk = np.random.default_rng(20260101).standard_normal((4000, POINTS)).cumsum(axis=1) / math.sqrt(POINTS)
    along = np.arange(1, POINTS + 1) / POINTS
    return np.asarray(np.abs(walk - along * walk[:, -1:])[:, :-1])


def _unknown(reference: Summary, current: Summary, limits: Limits) -> tuple[bool, float | None]:
    """Whether the share of unknown values moved by as much as matters, and the chance of it (two-sided)."""
    if min(reference.n, current.n) < limits.rows:
        return False, None
    pooled = (reference.unknown + current.unknown) / (reference.n + current.n)
    moved = abs(current.unknown_share - reference.unknown_share)
    noise = math.sqrt(pooled * (1 - pooled) * (1 / reference.n + 1 / current.n))
    return moved >= limits.unknown, 2 * _beyond(moved / noise) if noise else 1.0


def _beyond(deviations: float) -> float:
    """Chance that a normal value lies further out; never 0."""
    return max(math.erfc(deviations / math.sqrt(2)) / 2, 1e-300)
