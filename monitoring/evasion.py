"""Signs that a rule is being evaded: values that gather just under its threshold, entities under other names."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import Literal, TypeVar

import numpy as np
import numpy.typing as npt

from gnomon.i18n import both
from gnomon.terms import Text
from monitoring.cells import Ints
from monitoring.effect import Floats

WIDTH = 0.05
"""A window just under the threshold, as a share of the threshold; the one just over it is as wide."""
AROUND = 6
"""Windows on either side from which the density is told that would stand there without evasion."""
SEVERAL, HEAP = 5, 0.2
"""Equal values are a heap when there are so many, and so many of all those around them."""
DIFFERENT = 3
"""Different values that a window must hold; else each value is a window of its own."""
FREE = 4
"""What is free in the cubic."""
NEEDED = 50
"""Values around the threshold from which anything is said."""
CHANCE = 0.01
"""Of what is told, so large a share at most was found by chance; `together` sees to it."""
EXCESS = 1.3
"""Values just under the threshold must be so many times what is expected: a small excess is no sign, however sure."""


@dataclass(frozen=True, slots=True)
class Bunching:
    """One threshold and the values near it."""

    column: str
    threshold: float
    state: str
    """told, too_few, coarse or no_threshold."""
    near: int
    """Values around the threshold."""
    under: int
    over: int
    expected_under: float
    expected_over: float
    chance: float | None
    """How likely chance alone puts as many just under; null when nothing is said."""
    cut: float = CHANCE
    """Chance up to which it is told."""
    title: Text | None = None
    """What the column is called; its name where that is not known."""

    @property
    def found(self) -> bool:
        """Whether values gather just under the threshold and lack just over it."""
        if self.chance is None:
            return False
        return self.chance <= self.cut and self.under >= EXCESS * self.expected_under and self.over < self.expected_over

    @property
    def told(self) -> Text:
        """The state in one sentence."""
        called = self.title or self.column
        if self.state != "told":
            return both(f"monitoring.bunching.{self.state}", column=called, rows=self.near, needed=NEEDED)
        word = "found" if self.found else "none"
        expected = f"{self.expected_under:.0f}"
        return both(
            f"monitoring.bunching.{word}", column=called, threshold=f"{self.threshold:g}", under=self.under,
            expected=expected,
        )  # fmt: skip


def bunching(column: str, values: npt.ArrayLike, threshold: float, fires_at: bool = False) -> Bunching:
    """Whether values bunch just under a threshold above which a rule fires (from which on, when it `fires_at` it).

    The density that would stand there is a cubic through the logarithms of the windows around (Saez 2010, American
    Economic Journal: Economic Policy 2(3); Kleven 2016, Annual Review of Economics 8), the two windows at the threshold
    left out; how far the count under it lies above is told by Poisson's law. Values that heap anyway, at round numbers
    or simple fractions, scatter around the cubic, and the law's spread is widened by as much (quasi-Poisson,
    McCullagh & Nelder 1989, section 6.2). Where a window would hold three different values or fewer, as of counts, each
    value is a window of its own.
    """
    told = np.asarray(values, dtype=np.float64)
    known = told[np.isfinite(told)]
    if not math.isfinite(threshold) or threshold == 0.0:
        return Bunching(column, threshold, "no_threshold", 0, 0, 0, 0.0, 0.0, None)
    near = int(np.count_nonzero(np.abs(known - threshold) <= abs(threshold) * WIDTH * (AROUND + 1)))
    counts, at = _windows(known, threshold, fires_at)
    under, over = (int(counts[one]) if 0 <= one < len(counts) else 0 for one in (at, at + 1))
    around = np.ones(len(counts), dtype=bool)
    around[[one for one in (at, at + 1) if 0 <= one < len(counts)]] = False
    if near < NEEDED or min(at, len(counts) - at - 2) < 2 or np.count_nonzero(counts[around]) <= FREE:
        state = "too_few" if near < NEEDED else "coarse"
        return Bunching(column, threshold, state, near, under, over, 0.0, 0.0, None)
    places = np.arange(len(counts)) - at - 0.5
    weights = np.sqrt(counts[around] + 0.5)
    bent = np.polynomial.polynomial.polyfit(places[around], np.log(counts[around] + 0.5), FREE - 1, w=weights)
    expected = np.exp(np.polynomial.polynomial.polyval(places, bent))
    off = (counts[around] - expected[around]) ** 2 / np.maximum(expected[around], 0.5)
    scatter = max(1.0, float(off.sum()) / (np.count_nonzero(around) - FREE))
    # What the cubic itself may be wrong by is added to Poisson's own doubt.
    doubt = scatter * (expected[at] + expected[at] ** 2 * FREE / counts[around].sum())
    chance = 1 - NormalDist().cdf((under - 0.5 - expected[at]) / math.sqrt(doubt))
    return Bunching(column, threshold, "told", near, under, over, float(expected[at]), float(expected[at + 1]), chance)


def _windows(known: Floats, threshold: float, fires_at: bool) -> tuple[Floats, int]:
    """Values counted in windows along the threshold, and which window ends at it; no window where values are coarse."""
    width = abs(threshold) * WIDTH
    distinct, each = np.unique(known, return_counts=True)
    close = distinct[np.abs(distinct - threshold) <= width * (AROUND + 1)]
    gap = float(np.median(np.diff(close))) if len(close) > 2 else math.inf
    side: Literal["left", "right"] = "left" if fires_at else "right"
    if width < DIFFERENT * gap:
        below = int(np.searchsorted(distinct, threshold, side=side))
        return _one_by_one(distinct, each, below)
    # Whole numbers sit on the edges: every window holds as many of them.
    edges = threshold + round(width / gap) * gap * np.arange(-AROUND - 1, AROUND + 2)
    smooth = known[~np.isin(known, _heaps(distinct, each, threshold, width))]
    return np.diff(np.searchsorted(np.sort(smooth), edges, side=side)).astype(np.float64), AROUND


def _one_by_one(distinct: Floats, each: Ints, below: int) -> tuple[Floats, int]:
    """Each value a window of its own, where they are evenly spaced as counts are; `below` of them are not over."""
    first = max(0, below - AROUND - 1)
    told, counts = distinct[first : below + AROUND + 1], each[first : below + AROUND + 1]
    if not 0 < below < len(distinct):
        return np.empty(0), -1
    steps = np.diff(told) / np.min(np.diff(told))
    if steps.max() > AROUND or np.any(np.abs(steps - np.round(steps)) > 1e-6):
        return np.empty(0), -1
    places = np.concatenate([[0], np.cumsum(np.round(steps).astype(np.int64))])
    found = np.zeros(places[-1] + 1)
    found[places] = counts
    return found, int(places[below - 1 - first])


def _heaps(distinct: Floats, each: Ints, threshold: float, width: float) -> Floats:
    """Values that many share because they are round, when the threshold is one of them: they say nothing about it.

    It is one when some other value within a factor of two stands out of its surroundings at least half as far: a third
    beside a half, a full hundred thousand beside another. Where it stands out alone, somebody aims at it.
    """
    upto = np.concatenate([[0], np.cumsum(each)])
    low, high = (np.searchsorted(distinct, distinct + end * width, side="right") for end in (-1.0, 1.0))
    stands_out = each / (upto[high] - upto[low] - each + 1)
    heaps = (each >= SEVERAL) & (stands_out >= HEAP)
    here = heaps & (distinct == threshold)
    alike = heaps & ~here & (distinct >= threshold / 2) & (distinct <= threshold * 2)
    if not here.any() or not alike.any() or stands_out[alike].max() < stands_out[here][0] / 2:
        return np.empty(0)
    return np.asarray(distinct[heaps], dtype=np.float64)


@dataclass(frozen=True, slots=True)
class Published:
    """A measure before and after its threshold was made known."""

    column: str
    over_before: float
    """Share over the threshold."""
    over_after: float
    under_before: float
    """Share in the band just under it."""
    under_after: float
    chance: float | None
    cut: float = CHANCE
    """Chance up to which it is told."""
    title: Text | None = None
    """What the column is called; its name where that is not known."""

    @property
    def found(self) -> bool:
        """Whether what was over has moved to just under."""
        return (
            self.chance is not None
            and self.chance <= self.cut
            and self.over_after < self.over_before
            and self.under_after > self.under_before
        )

    @property
    def told(self) -> Text:
        """The state in one sentence."""
        called = self.title or self.column
        if self.chance is None:
            return both("monitoring.published.too_few", column=called, needed=NEEDED)
        shares = {
            name: f"{getattr(self, name):.1%}" for name in ("over_before", "over_after", "under_before", "under_after")
        }
        return both(f"monitoring.published.{'found' if self.found else 'none'}", column=called, **shares)


Sign = TypeVar("Sign", Bunching, Published)


def together(signs: Sequence[Sign]) -> list[Sign]:
    """The same signs, each told at the chance that many thresholds at once leave it.

    Of those told, `CHANCE` at most are expected to be chance alone (Benjamini & Hochberg 1995, Journal of the Royal
    Statistical Society B 57(1)).
    """
    known = sorted(one.chance for one in signs if one.chance is not None)
    held = [rank * CHANCE / len(known) for rank, p in enumerate(known, 1) if p <= rank * CHANCE / len(known)]
    cut = max(held, default=CHANCE / max(len(known), 1))
    return [replace(one, cut=cut) for one in signs]


def published(
    column: str,
    before: npt.ArrayLike,
    after: npt.ArrayLike,
    threshold: float,
    band: float = 0.2,
    fires_at: bool = False,
) -> Published:
    """Whether values moved from over a threshold to the band just under it after it was published.

    Both must happen: a fall alone may be better conduct, which is what a threshold is for.
    """
    sides = []
    for values in (before, after):
        told = np.asarray(values, dtype=np.float64)
        known = told[np.isfinite(told)]
        beyond = known >= threshold if fires_at else known > threshold
        low = threshold - abs(threshold) * band
        sides.append((int(np.sum(beyond)), int(np.sum((known > low) & ~beyond)), known.size))
    (over_b, under_b, n_b), (over_a, under_a, n_a) = sides
    if min(n_b, n_a) < NEEDED:
        return Published(column, 0.0, 0.0, 0.0, 0.0, None)
    # Of those in the band or over it, how many stay under: does the split change?
    split_b, split_a = over_b + under_b, over_a + under_a
    chance: float | None = None
    if min(split_b, split_a) >= NEEDED / 5:
        pooled = (under_b + under_a) / (split_b + split_a)
        noise = math.sqrt(pooled * (1 - pooled) * (1 / split_b + 1 / split_a))
        chance = 1 - NormalDist().cdf((under_a / split_a - under_b / split_b) / noise) if noise else 1.0
    return Published(column, over_b / n_b, over_a / n_a, under_b / n_b, under_a / n_a, chance)


@dataclass(frozen=True, slots=True)
class Successor:
    """An entity that was there before and one that began, who share so much that they may be the same."""

    gone: str
    new: str
    shared: tuple[str, ...]
    """What they share: `phone`, `legal_person`, `address` …"""


Marks = Collection[tuple[str, str]]
"""Kind of mark and value: `("phone", "…")`. An entity may have several of a kind; pseudonyms serve as well."""


def successors(
    gone: Mapping[str, Marks],
    new: Mapping[str, Marks],
    least: int = 2,
    common: int = 5,
) -> list[Successor]:
    """Renames and splits: entities that were there before against those that appeared lately, by their marks.

    Parameters
    ----------
    gone, new:
        Marks by entity id.
    least:
        Kinds of marks that two must share.
    common:
        A value that more entities than this have says nothing: an office tower, an agency's telephone.
    """
    holders: dict[tuple[str, str], list[str]] = {}
    for entity, marks in gone.items():
        for mark in set(marks):
            holders.setdefault(mark, []).append(entity)
    spread = Counter({mark: len(found) for mark, found in holders.items()})
    spread.update(mark for marks in new.values() for mark in set(marks))
    found = []
    for entity, marks in sorted(new.items()):
        shared: dict[str, set[str]] = {}
        for mark in set(marks):
            if spread[mark] <= common:
                for before in holders.get(mark, ()):
                    shared.setdefault(before, set()).add(mark[0])
        found += [
            Successor(before, entity, tuple(sorted(names)))
            for before, names in sorted(shared.items())
            if len(names) >= least and before != entity
        ]
    return found
