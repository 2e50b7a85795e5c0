"""Counts of values in fixed cells: what any number of rows of one column comes down to, in 8 MB and in one pass.

A cell is a span of neighbouring numbers as the machine writes them: sign, exponent and the first 11 bits of the
fraction. Whole numbers up to 4096 have a cell of their own, all others are told to 1 part in 2048. Cells never depend
on the data, so counts of several files, days or machines are added and no order of rows changes anything.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Self

import numpy as np
import numpy.typing as npt

from monitoring.effect import BINS, POINTS, Floats, Summary

Ints = npt.NDArray[np.int64]

DROPPED = 12
"""Low bits of a 32-bit float that do not matter."""
CELLS = 1 << (32 - DROPPED)
HALF = CELLS // 2
BATCH = 1 << 18
"""Rows that are counted at once: they and their cells stay near the processor."""
LARGEST = float(np.finfo(np.float32).max)


def cells_of(values: npt.ArrayLike) -> npt.NDArray[np.int32]:
    """The cell of each value; finite values only. Larger values have larger cells."""
    # Adding 0 turns -0.0 into 0.0, which is the same number and must be the same cell.
    bits = (np.clip(values, -LARGEST, LARGEST).astype(np.float32) + np.float32(0)).view(np.int32)
    # Negative numbers are written as sign and size: turned over, they sort as whole numbers do.
    bits ^= (bits >> 31) & np.int32(0x7FFFFFFF)
    bits >>= DROPPED
    bits += np.int32(HALF)
    return np.asarray(bits, dtype=np.int32)


def values_of(cells: npt.ArrayLike) -> Floats:
    """The number of each cell that lies nearest to zero."""
    ordered = (np.asarray(cells, dtype=np.int32) - np.int32(HALF)) << DROPPED
    bits = np.where(ordered < 0, (ordered | np.int32((1 << DROPPED) - 1)) ^ np.int32(0x7FFFFFFF), ordered)
    return np.asarray(bits.astype(np.int32).view(np.float32), dtype=np.float64)


@dataclass
class Counted:
    """One column, counted."""

    n: int = 0
    """Rows, unknown ones included."""
    counts: Ints = field(default_factory=lambda: np.zeros(CELLS, dtype=np.int64))

    def add(self, values: Floats) -> Self:
        """Count some rows; NaN and infinities are unknown."""
        self.n += values.size
        with np.errstate(invalid="ignore"):
            finite = np.isfinite(values)
        known = values if finite.all() else values[finite]
        for start in range(0, known.size, BATCH):
            cells = cells_of(known[start : start + BATCH])
            low = int(cells.min())
            cells -= np.int32(low)
            found = np.bincount(cells)
            self.counts[low : low + found.size] += found
        return self

    def merge(self, other: Counted) -> Self:
        """Add what was counted elsewhere."""
        self.n += other.n
        self.counts += other.counts
        return self

    def summary(self, edges: tuple[float, ...] | None = None) -> Summary:
        """Counts and quantiles, over the deciles of these rows or over the `edges` of a reference."""
        held = np.flatnonzero(self.counts)
        upto = np.cumsum(self.counts[held])
        known = int(upto[-1]) if held.size else 0

        def quantiles(shares: Floats) -> Floats:
            ranks = np.minimum((shares * known).astype(np.int64), known - 1)
            return values_of(held[np.searchsorted(upto, ranks, side="right")])

        if edges is None:
            edges = tuple(map(float, np.unique(quantiles(np.arange(1, BINS) / BINS)))) if known else ()
        below = np.searchsorted(held, cells_of(np.asarray(edges, dtype=np.float64)), side="right")
        sums = np.concatenate([[0], upto])[below] if known else np.zeros(len(edges), dtype=np.int64)
        counts = np.diff(np.concatenate([[0], sums, [known]]))
        return Summary(
            n=self.n,
            unknown=self.n - known,
            edges=edges,
            counts=tuple(map(int, counts)),
            sketch=tuple(map(float, quantiles((np.arange(POINTS) + 0.5) / POINTS))) if known else (),
            zero=int(self.counts[HALF]),
        )
