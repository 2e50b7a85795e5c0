"""How well resolution does on labelled records: precision and recall over pairs, with 95% intervals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import comb, sqrt

from features.resolution.links import Link, entities

Interval = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Quality:
    """Pairs of records that are one entity: linked, found, true."""

    linked: int
    """Pairs that the links put together, those that hang together through others included."""
    right: int
    true: int

    @property
    def precision(self) -> float:
        """Share of the linked pairs that are one entity."""
        return self.right / self.linked if self.linked else float("nan")

    @property
    def recall(self) -> float:
        """Share of the pairs of one entity that were linked."""
        return self.right / self.true if self.true else float("nan")

    @property
    def precision_interval(self) -> Interval:
        """95%, Wilson (1927). Pairs of one entity are not independent, so the true interval is somewhat wider."""
        return wilson(self.right, self.linked)

    @property
    def recall_interval(self) -> Interval:
        """95%, Wilson (1927); see `precision_interval`."""
        return wilson(self.right, self.true)


def measured(links: Iterable[Link], truth: Mapping[str, int]) -> Quality:
    """Links against the entity that each record truly tells of."""
    found = entities(links)
    both = Counter((entity, truth[record]) for record, entity in found.items())
    clusters = Counter(found.values())
    linked = sum(comb(n, 2) for n in clusters.values())
    right = sum(comb(n, 2) for n in both.values())
    return Quality(linked, right, sum(comb(n, 2) for n in Counter(truth.values()).values()))


def wilson(hits: int, n: int, z: float = 1.959964) -> Interval:
    """Wilson's score interval of a share."""
    if n == 0:
        return float("nan"), float("nan")
    share = hits / n
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z * sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return (max(0.0, centre - half) if hits else 0.0), (min(1.0, centre + half) if hits < n else 1.0)
