"""Peers without the entity itself: the exact median and spread of everybody else in each of its groups.

Taking one value out of a sorted group leaves one of three medians, so each group has three centres at most; the spread
around each is found in the sorted values by bisection. Nothing is computed entity by entity.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from features.norms import (
    AAD_TO_SIGMA,
    FLOOR,
    FULL_WEIGHT,
    MAD_TO_SIGMA,
    Floats,
    Ints,
    Peers,
    Placed,
    each,
    group_codes,
    scaled,
)
from features.profiles import NO_NORM
from features.rates import Rates, apart_drawn, by_group, by_size, not_beyond


@dataclass(frozen=True)
class Apart:
    """Entities held against everybody else. All frames have the index and the columns of the values."""

    deviations: pd.DataFrame
    groups: pd.DataFrame
    """Number of the stored norm: the whole group's, the entity among them."""
    centers: pd.DataFrame
    """Median of the peers without the entity, on the scale that deviations are taken on."""
    spreads: pd.DataFrame


def apart(
    values: pd.DataFrame,
    attributes: pd.DataFrame,
    norms: pd.DataFrame,
    peers: Peers,
    log: frozenset[str],
    min_peers: int,
    rates: Rates | None = None,
) -> Apart:
    """Hold each entity against its peers without itself: at least `min_peers` of them, else those of the parent group.

    A small group is drawn to its parent by the same weights as the stored norms, the entity taken out of both. A rate
    is drawn to the rate of the others, and held against theirs, each drawn in the same way.
    """
    rates = rates or Rates()
    columns = list(values.columns)
    levels = [group_codes(attributes, names) for names in peers.levels]
    numbers = Placed(norms, columns, peers).numbers(attributes)
    # Column by column in memory, for that is how they are filled.
    z, center, spread = (np.full(values.shape, np.nan, order="F") for _ in range(3))
    groups = np.full(values.shape, NO_NORM, np.int32, order="F")

    def of_column(column: str) -> None:
        place, x = columns.index(column), values[column].to_numpy(float)
        y = scaled(x) if column in log else x
        ranked = by_size(y)
        if not len(ranked):
            return
        rate, own = rates.of(column), y
        above: tuple[Floats, Floats] | None = None
        for level in reversed(range(len(levels))):
            codes, many = levels[level]
            if rate is not None:
                y = apart_drawn(x, *rate, codes, many)[0]
                ranked = by_size(y)
            others, middle, width = without_itself(y, codes, many, column in log, ranked)
            if above is not None:
                weight = np.minimum(1.0, others / (FULL_WEIGHT * min_peers))
                middle = np.where(weight >= 1, middle, weight * middle + (1 - weight) * above[0])
                width = np.where(weight >= 1, width, weight * width + (1 - weight) * above[1])
            above = middle, width
            number = numbers[level][:, place]
            held = (others >= min_peers) & (number != NO_NORM)
            for of, known in ((center, middle), (spread, width), (groups, number)):
                np.copyto(of[:, place], known, where=held)
            own = y if rate is None else np.where(held, y, own)
        if rate is not None:
            own = not_beyond(own, x, center[:, place])
        z[:, place] = (own - center[:, place]) / spread[:, place]

    each(of_column, columns)
    made = (pd.DataFrame(one, index=values.index, columns=columns) for one in (z, groups, center, spread))
    return Apart(*made)


def without_itself(
    y: Floats, codes: Ints, groups: int, log: bool = False, ranked: Ints | None = None
) -> tuple[Ints, Floats, Floats]:
    """Number, median and robust spread of the other known values in each entity's group.

    Zero and NaN where the entity's own value or group is unknown, and NaN spread where all others agree. `ranked` is
    `by_size(y)`.
    """
    order = by_group(by_size(y) if ranked is None else ranked, codes, groups)
    value, code = y[order], codes[order]
    n = np.bincount(code, minlength=groups).astype(np.int64)
    start = (np.cumsum(n) - n).astype(np.int64)
    half, odd = n // 2, n % 2
    # One of (at most) three medians is left: that of who stands before the middle, in it (if one does), or after it.
    parts = np.stack([half, odd, n - half - odd], axis=1).ravel()

    def of_part(told: Floats) -> Floats:
        """For every value in order, what is told by kind of median and by group."""
        return np.repeat(told.T.ravel(), parts)

    size = np.repeat(n, n)
    middle, width = np.full(len(y), np.nan), np.full(len(y), np.nan)
    others = np.zeros(len(y), np.int64)
    others[order] = size - 1
    some = np.flatnonzero(n > 1)
    if not len(some):
        return others, middle, width
    m = n[some] - 1
    low, high = (m - 1) // 2, m // 2
    centers, nearest = np.full((3, groups), np.nan), np.full((4, 3, groups), np.nan)
    for which in range(3):
        # Taking out an early value shifts every later one down by one place.
        gone = (np.zeros_like(m), half[some], n[some] - 1)[which]
        first, last = start[some] + low + (low >= gone), start[some] + high + (high >= gone)
        centers[which, some] = around = value[first] + 0.5 * (value[last] - value[first])
        for number, k in enumerate((low, low + 1, high, high + 1)):
            nearest[number, which, some] = _nearest(value, start[some], n[some], around, np.minimum(k, n[some] - 1))
    center, near = of_part(centers), [of_part(one) for one in nearest]
    distance = np.abs(value - center)
    # The entity's own distance is among the sorted ones: what comes after it moves down by one.
    one, two = (np.where(distance <= near[k], near[k + 1], near[k]) for k in (0, 2))
    sigma = MAD_TO_SIGMA * (one + 0.5 * (two - one))
    agree = np.flatnonzero(~(sigma > 0))
    kind = np.repeat(np.tile(np.arange(3), groups), parts)[agree]
    for which in np.unique(kind):
        here = agree[kind == which]
        every = np.bincount(code, weights=np.abs(value - np.nan_to_num(centers[which, code])), minlength=groups)
        sigma[here] = AAD_TO_SIGMA * ((every[code[here]] - distance[here]) / np.maximum(size[here] - 1, 1))
    least = np.maximum(1.0, np.abs(center))
    floor = FLOOR if log else FLOOR * np.abs(center)
    middle[order] = center
    width[order] = np.where(sigma > 1e-12 * least, np.maximum(sigma, floor), np.nan)
    return others, middle, width


def _nearest(value: Floats, start: Ints, n: Ints, center: Floats, k: Ints) -> Floats:
    """The k-th smallest distance (from 0) of each group's sorted values to its centre, by bisection."""
    low, high = np.zeros_like(n), n - 1 - k
    while (low < high).any():
        middle = (low + high) // 2
        right = np.minimum(middle + k + 1, n - 1)
        further = (center - value[start + middle] > value[start + right] - center) & (low < high)
        low, high = np.where(further, middle + 1, low), np.where(further | (low >= high), high, middle)
    return np.asarray(np.maximum(center - value[start + low], value[start + low + k] - center))


def rejoined(
    held: tuple[pd.DataFrame, pd.DataFrame],
    known: tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame],
    scale: pd.DataFrame,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Deviations and groups of new values of entities, some of which took part in the stored norms themselves.

    `held` are the deviations and groups against the stored norms, `known` the groups, centers and spreads of the
    stored profiles: who stands among them is held against everybody else, as it was then. `scale` are the values of
    those on the scale of the deviations, by entity.
    """
    z, groups = (frame.copy() for frame in held)
    again = scale.index
    then, center, spread = (frame.loc[again, scale.columns].to_numpy() for frame in known)
    y = scale.to_numpy(float)
    usable = np.isfinite(y) & (then != NO_NORM)
    z.loc[again] = np.where(usable, (y - center) / spread, z.loc[again].to_numpy())
    groups.loc[again] = np.where(usable, then, groups.loc[again].to_numpy()).astype(np.int32)
    return z, groups
