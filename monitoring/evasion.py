"""Signs that a rule is being evaded: values that gather just under its threshold, entities under other names."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from gnomon.i18n import both
from gnomon.terms import Text

WIDTH = 0.05
"""A window just under the threshold, as a share of the threshold; the one just over it is as wide."""
AROUND = 6
"""Windows on either side from which the density is told that would stand there without evasion."""
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
    """told, too_few or no_threshold."""
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

    @property
    def found(self) -> bool:
        """Whether values gather just under the threshold and lack just over it."""
        if self.chance is None:
            return False
        return self.chance <= self.cut and self.under >= EXCESS * self.expected_under and self.over < self.expected_over

    @property
    def told(self) -> Text:
        """The state in one sentence."""
        if self.state != "told":
            return both(f"monitoring.bunching.{self.state}", column=self.column, rows=self.near, needed=NEEDED)
        word = "found" if self.found else "none"
        expected = f"{self.expected_under:.0f}"
        return both(
            f"monitoring.bunching.{word}", column=self.column, threshold=f"{self.threshold:g}", under=self.under,
            expected=expected,
        )  # fmt: skip


def bunching(column: str, values: npt.ArrayLike, threshold: float) -> Bunching:
    """Whether values bunch just under a threshold above which a rule fires.

    The density that would stand there is a parabola through the logarithms of the windows around (Saez 2010, American
    Economic Journal: Economic Policy 2(3); Kleven 2016, Annual Review of Economics 8), the two windows at the threshold
    left out; how far the count under it lies above is told by Poisson's law.
    """
    told = np.asarray(values, dtype=np.float64)
    known = told[np.isfinite(told)]
    width = abs(threshold) * WIDTH
    if not math.isfinite(threshold) or width == 0.0:
        return Bunching(column, threshold, "no_threshold", 0, 0, 0, 0.0, 0.0, None)
    # Whole numbers and round amounts sit on the edges: the threshold itself is not above it.
    edges = threshold + width * np.arange(-AROUND - 1, AROUND + 2)
    counts, _ = np.histogram(-known, np.sort(-edges))
    counts = counts[::-1].astype(np.float64)
    near = int(counts.sum())
    under, over = int(counts[AROUND]), int(counts[AROUND + 1])
    if near < NEEDED:
        return Bunching(column, threshold, "too_few", near, under, over, 0.0, 0.0, None)
    places = np.arange(len(counts)) - AROUND - 0.5
    around = np.ones(len(counts), dtype=bool)
    around[[AROUND, AROUND + 1]] = False
    weights = np.sqrt(counts[around] + 0.5)
    bent = np.polynomial.polynomial.polyfit(places[around], np.log(counts[around] + 0.5), 2, w=weights)
    expected = np.exp(np.polynomial.polynomial.polyval(places, bent))
    # What the parabola itself may be wrong by is added to Poisson's own doubt.
    doubt = expected[AROUND] + expected[AROUND] ** 2 * 3 / counts[around].sum()
    z = (under - 0.5 - expected[AROUND]) / math.sqrt(doubt)
    chance = 1 - NormalDist().cdf(z)
    return Bunching(
        column, threshold, "told", near, under, over, float(expected[AROUND]), float(expected[AROUND + 1]), chance
    )


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
        if self.chance is None:
            return both("monitoring.published.too_few", column=self.column, needed=NEEDED)
        shares = {
            name: f"{getattr(self, name):.1%}" for name in ("over_before", "over_after", "under_before", "under_after")
        }
        return both(f"monitoring.published.{'found' if self.found else 'none'}", column=self.column, **shares)


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
    column: str, before: npt.ArrayLike, after: npt.ArrayLike, threshold: float, band: float = 0.2
) -> Published:
    """Whether values moved from over a threshold to the band just under it after it was published.

    Both must happen: a fall alone may be better conduct, which is what a threshold is for.
    """
    sides = []
    for values in (before, after):
        told = np.asarray(values, dtype=np.float64)
        known = told[np.isfinite(told)]
        over, low = int(np.sum(known > threshold)), threshold - abs(threshold) * band
        sides.append((over, int(np.sum((known > low) & (known <= threshold))), known.size))
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
