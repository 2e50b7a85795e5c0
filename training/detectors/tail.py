"""How many of a population are at least as far out as a value: the tail of a distribution, kept small."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from training.design import Floats

KEPT = 2_000
"""A population up to this size is kept whole."""
SPREAD, EXTREME = 500, 500
"""Of a larger one: so many values evenly over all of it, and so many more that grow denser towards the far end."""


@dataclass(frozen=True)
class Tail:
    """Values in rising order, and the share of the population at or above each."""

    values: Floats
    shares: Floats

    @classmethod
    def of(cls, population: Floats) -> Self:
        """The tail of a population; NaN takes no part."""
        ordered = np.sort(population[np.isfinite(population)])
        count = len(ordered)
        if count > KEPT:
            even = np.linspace(0, count - 1, SPREAD)
            far = count - np.geomspace(1, count, EXTREME)
            values = np.unique(ordered[np.concatenate([even, far]).astype(np.int64)])
        else:
            values = np.unique(ordered)
        above = count - np.searchsorted(ordered, values, side="left")
        return cls(values, above / (count + 1.0))

    def p_value(self, value: Floats) -> Floats:
        """Share of the population that is at least as far out, 1 where the value is unknown.

        Conformal (Vovk, Gammerman and Shafer 2005): the value itself is counted, so that one beyond all others has
        1 / (n + 1). Between two values that were kept the larger share is told, never the smaller.

        >>> Tail.of(np.array([1.0, 2.0, 3.0])).p_value(np.array([0.0, 2.5, 9.0, np.nan])).tolist()
        [1.0, 0.5, 0.25, 1.0]
        """
        if not len(self.values):
            return np.ones(len(value))
        # The last kept value at or under this one; nobody under the lowest is out at all.
        place = np.searchsorted(self.values, value, side="right") - 1
        return np.where(np.isnan(value) | (place < 0), 1.0, self.shares[np.maximum(place, 0)])

    def surprise(self, value: Floats) -> Floats:
        """`-log` of the p-value: 0 where the value is unknown."""
        return np.asarray(-np.log(self.p_value(value)), dtype=float)

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values; `read` reads them back."""
        return {"values": self.values.tolist(), "shares": self.shares.tolist()}

    @classmethod
    def read(cls, told: Mapping[str, Any]) -> Self:
        """What `as_dict` told."""
        return cls(np.asarray(told["values"], dtype=float), np.asarray(told["shares"], dtype=float))
