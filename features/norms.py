"""Norms: what an entity's peers do, robustly, with a minimum number of peers and small groups drawn to their parent."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.profiles import NO_NORM
from features.rates import (
    NAMES,
    Chance,
    Moments,
    Rates,
    apart_drawn,
    by_group,
    by_size,
    drawn,
    not_beyond,
    prior,
    quantile,
)
from gnomon.terms import Text

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
T = TypeVar("T")

MAD_TO_SIGMA = 1.4826
"""Makes the median absolute deviation of normal data its standard deviation."""
AAD_TO_SIGMA = 1.2533
"""Does the same for the mean absolute deviation: the fallback where over half of the peers agree exactly."""
FLOOR = 0.05
"""Least spread as a share of the median; on the log scale, the least spread itself."""
FULL_WEIGHT = 4
"""A group of this many times the minimum stands on its own; a smaller one is drawn to its parent in proportion."""


@dataclass(frozen=True)
class Peers:
    """How peer groups are made: attribute combinations, finest first, each a subset of the one before."""

    levels: tuple[tuple[str, ...], ...]
    titles: Mapping[str, Text]
    """What an attribute is called, and under `attribute=value` what a value is called."""
    everybody: Text

    def group(self, level: int, values: Sequence[str]) -> Text:
        """A peer group in words."""
        names = self.levels[level]
        if not names:
            return self.everybody
        told = [self._told(name, value) for name, value in zip(names, values, strict=True)]
        return Text(" × ".join(one.zh for one in told), " × ".join(one.en for one in told))

    def _told(self, name: str, value: str) -> Text:
        if f"{name}={value}" in self.titles:
            return self.titles[f"{name}={value}"]
        title = self.titles.get(name, Text(name, name))
        return Text(f"{title.zh} {value}", f"{title.en} {value}")


@dataclass(frozen=True)
class Spread:
    """Distribution of one column in every group of one level; NaN where nobody is known."""

    n: Ints
    median: Floats
    low: Floats
    high: Floats
    center: Floats
    """Median on the scale that deviations are taken on."""
    spread: Floats
    """Robust spread on that scale; NaN where all peers agree: the norm is silent."""


def fit(
    values: pd.DataFrame,
    attributes: pd.DataFrame,
    peers: Peers,
    log: frozenset[str],
    min_peers: int,
    rates: Rates | None = None,
) -> pd.DataFrame:
    """The norms of every column in every peer group of at least `min_peers`.

    Returns one row per column and group: column, zh, en, n, median, scale, low, high (in the measure's unit), and
    what placing a further entity takes: level, key, center, spread, log, and of rates the chance and the moments.
    """
    rates = rates or Rates()
    parts = [_level(attributes, names) for names in peers.levels]
    parents = [
        _parents(codes, parts[i + 1][0], len(keys)) if i + 1 < len(parts) else np.empty(0, np.int64)
        for i, (codes, keys) in enumerate(parts)
    ]
    told = [[peers.group(level, key) for key in keys] for level, (_, keys) in enumerate(parts)]

    def of_column(column: str) -> list[dict[str, npt.NDArray[Any]]]:
        found = []
        x = values[column].to_numpy(float)
        ranked = by_size(x)
        above: Spread | None = None
        for level in reversed(range(len(parts))):
            codes, keys = parts[level]
            own = distribution(x, codes, len(keys), column in log, ranked)
            rate, whole = rates.of(column), None
            if rate is not None:
                y, whole = apart_drawn(x, *rate, codes, len(keys))
                scale = distribution(y, codes, len(keys))
                own = replace(own, center=scale.center, spread=scale.spread)
            above = own if above is None else _drawn(own, above, parents[level], min_peers)
            kept = np.flatnonzero(own.n >= min_peers)
            if len(kept):
                rows = _rows(column, level, kept, above, keys, told[level], column in log)
                found.append(rows | _moments(kept, whole, rates.chance.get(column)))
        return found

    found = [rows for one in each(of_column, values.columns) for rows in one]
    found = found or [_rows("", 0, _NOBODY, None, [], [], False) | _moments(_NOBODY, None, None)]
    norms = pd.DataFrame({name: np.concatenate([part[name] for part in found]) for name in found[0]})
    return norms.astype({name: "str" for name in ("column", "zh", "en", "key", "chance")})


_NOBODY = np.empty(0, np.int64)


def _moments(kept: Ints, whole: Moments | None, chance: Chance | None) -> dict[str, npt.NDArray[Any]]:
    """What a rate's prior is made of; unknown for what is no rate."""
    parts = {
        f"rate_{name}": np.full(len(kept), np.nan) if whole is None else np.asarray(getattr(whole, name)[kept])
        for name in NAMES
    }
    return parts | {"chance": np.full(len(kept), chance or "", dtype=object)}


class Placed:
    """Norms made ready for placing entities among their peers; build once, place many."""

    def __init__(self, norms: pd.DataFrame, columns: Sequence[str], peers: Peers) -> None:
        self._peers = peers
        self._columns = list(columns)
        place = {name: number for number, name in enumerate(self._columns)}
        self._center, self._spread = norms["center"].to_numpy(float), norms["spread"].to_numpy(float)
        logs = dict(zip(norms["column"], norms["log"], strict=True))
        self._log = np.array([bool(logs.get(name, False)) for name in self._columns], dtype=bool)
        self._priors = Priors(norms)
        self._levels: list[tuple[dict[str, int], npt.NDArray[np.int32]]] = []
        column = np.array([place.get(name, -1) for name in norms["column"]], dtype=np.int64)
        told = norms["key"].tolist()
        for level in range(len(peers.levels)):
            here = np.flatnonzero((norms["level"].to_numpy() == level) & (column >= 0))
            keys = {key: number for number, key in enumerate(dict.fromkeys(told[row] for row in here))}
            numbers = np.full((len(keys) + 1, len(self._columns)), NO_NORM, dtype=np.int32)
            numbers[[keys[told[row]] for row in here], column[here]] = here
            self._levels.append((keys, numbers))

    @property
    def log(self) -> npt.NDArray[np.bool_]:
        """Which columns deviate on the log scale."""
        return self._log

    def numbers(self, attributes: pd.DataFrame) -> list[npt.NDArray[np.int32]]:
        """Per level, finest first: the number of the norm of each entity and column, `NO_NORM` where there is none."""
        found = []
        for names, (keys, numbers) in zip(self._peers.levels, self._levels, strict=True):
            # An unknown group reads the last row, which holds no norms.
            codes, groups = _level(attributes, names)
            known = [keys.get(SEPARATOR.join(group), len(keys)) for group in groups]
            found.append(numbers[np.array([*known, len(keys)], dtype=np.int64)[codes]])
        return found

    @property
    def priors(self) -> Priors:
        """The priors of the norms that are of rates."""
        return self._priors

    def deviations(
        self, values: pd.DataFrame, attributes: pd.DataFrame, trials: pd.DataFrame | None = None
    ) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Robust z of each value in its finest group with a norm, and the number of that norm.

        For entities that took no part in the norms; see `features.leave_one_out` for those who did.
        """
        x = values[self._columns].to_numpy(float)
        groups = np.full(x.shape, NO_NORM, dtype=np.int32)
        for numbers in self.numbers(attributes):
            groups = np.where(groups == NO_NORM, numbers, groups)
        groups = np.where(np.isfinite(x), groups, NO_NORM).astype(np.int32)
        center, spread = np.append(self._center, np.nan)[groups], np.append(self._spread, np.nan)[groups]
        y = np.where(self._log, scaled(x), x)
        trials = pd.DataFrame() if trials is None else trials
        for column in self._priors.columns:
            if column not in trials:
                continue
            at = self._columns.index(column)
            drawn_to = self._priors.drawn(column, x[:, at], trials[column].to_numpy(float), groups[:, at])
            y[:, at] = not_beyond(drawn_to, x[:, at], center[:, at])
        z = (y - center) / spread
        return (
            pd.DataFrame(z, index=values.index, columns=self._columns),
            pd.DataFrame(groups, index=values.index, columns=self._columns),
        )


class Priors:
    """What stored norms of rates draw further rates to."""

    def __init__(self, norms: pd.DataFrame) -> None:
        # Norms that were stored before rates were drawn say nothing of it.
        chance = norms["chance"] if "chance" in norms else pd.Series("", index=norms.index)
        told = dict(zip(norms["column"], chance, strict=True))
        self._chance = {column: Chance(one) for column, one in told.items() if one}
        self._moments = Moments(*(norms[f"rate_{name}"].to_numpy(float) for name in NAMES)) if self._chance else None

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of rates."""
        return tuple(self._chance)

    def of(
        self, column: str, groups: npt.NDArray[np.integer], then: tuple[Floats, Floats] | None = None
    ) -> tuple[Floats, Floats]:
        """The peers' rate and its weight for each entity, by the number of its norm.

        `then` are the rate and trials by which an entity took part in that norm: it is taken out of its own prior.
        """
        assert self._moments is not None
        of = self._moments.at(np.maximum(groups, 0))
        rate, weight = prior(of if then is None else of.without(*then), self._chance[column])
        return np.where(groups == NO_NORM, np.nan, rate), weight

    def drawn(
        self,
        column: str,
        x: Floats,
        trials: Floats,
        groups: npt.NDArray[np.integer],
        then: tuple[Floats, Floats] | None = None,
    ) -> Floats:
        """Rates drawn to their peers'."""
        return drawn(x, trials, *self.of(column, groups, then))


def scaled(x: Floats) -> Floats:
    """log1p that keeps the sign: the scale on which skewed amounts are compared."""
    return np.asarray(np.sign(x) * np.log1p(np.abs(x)))


def each(function: Callable[[str], T], columns: Iterable[str]) -> list[T]:
    """What a function says of every column, in their order; columns are worked at side by side."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(function, columns))


def distribution(x: Floats, codes: Ints, groups: int, log: bool = False, ranked: Ints | None = None) -> Spread:
    """Robust distribution of `x` in groups 0 … groups-1; code -1 and NaN take no part. `ranked` is `by_size(x)`."""
    order = by_group(by_size(x) if ranked is None else ranked, codes, groups)
    value, code = x[order], codes[order]
    n = np.bincount(code, minlength=groups).astype(np.int64)
    start = np.concatenate([[0], np.cumsum(n)[:-1]]).astype(np.int64)
    median, low, high = (quantile(value, start, n, q) for q in (0.5, 0.05, 0.95))
    center = median
    if log:
        value = scaled(value)
        center = quantile(value, start, n, 0.5)
    distance = np.abs(value - center[code])
    mean = np.divide(np.bincount(code, weights=distance, minlength=groups), n, out=np.full(groups, np.nan), where=n > 0)
    distance = distance[by_group(np.argsort(distance), code, groups)]
    spread = MAD_TO_SIGMA * quantile(distance, start, n, 0.5)
    spread = np.where(spread > 0, spread, AAD_TO_SIGMA * mean)
    floor = np.full(groups, FLOOR) if log else FLOOR * np.abs(center)
    # Rounding noise of a mean over equal values is no spread.
    silent = ~(spread > 1e-12 * np.maximum(1.0, np.abs(center)))
    return Spread(n, median, low, high, center, np.where(silent, np.nan, np.maximum(spread, floor)))


def _drawn(own: Spread, parent: Spread, parents: Ints, min_peers: int) -> Spread:
    """Small groups drawn to their parent; a group of `FULL_WEIGHT` times the minimum is left alone."""
    weight = np.minimum(1.0, own.n / (FULL_WEIGHT * min_peers))

    def drawn(mine: Floats, above: Floats) -> Floats:
        return np.where(weight >= 1, mine, weight * mine + (1 - weight) * above[parents])

    return Spread(
        own.n,
        *(drawn(getattr(own, name), getattr(parent, name)) for name in ("median", "low", "high", "center", "spread")),
    )


def _level(attributes: pd.DataFrame, names: tuple[str, ...]) -> tuple[Ints, list[tuple[str, ...]]]:
    """Group code of each entity (-1 where an attribute is unknown) and the groups' attribute values."""
    if not names:
        return np.zeros(len(attributes), np.int64), [()]
    if len(attributes) <= FEW:
        return _level_of_few(attributes, names)
    numbered = [pd.factorize(attributes[name].astype("str"), sort=True) for name in names]
    shape = tuple(len(values) for _, values in numbered)
    known = np.logical_and.reduce([numbers >= 0 for numbers, _ in numbered])
    codes = np.full(len(attributes), -1, np.int64)
    if not known.any():
        return codes, []
    combined = np.ravel_multi_index([numbers[known] for numbers, _ in numbered], shape)
    found, codes[known] = np.unique(combined, return_inverse=True)
    told = [values.take(at).tolist() for (_, values), at in zip(numbered, np.unravel_index(found, shape), strict=True)]
    return codes, list(zip(*told, strict=True))


def _level_of_few(attributes: pd.DataFrame, names: tuple[str, ...]) -> tuple[Ints, list[tuple[str, ...]]]:
    rows = list(zip(*(attributes[name].tolist() for name in names), strict=True))
    told = [None if any(value is None or value != value for value in row) else tuple(map(str, row)) for row in rows]
    groups = sorted({row for row in told if row is not None})
    number = {group: code for code, group in enumerate(groups)}
    return np.array([-1 if row is None else number[row] for row in told], np.int64), groups


def group_codes(attributes: pd.DataFrame, names: tuple[str, ...]) -> tuple[Ints, int]:
    """Group number of each entity, -1 where an attribute is unknown, and how many groups there are."""
    codes, keys = _level(attributes, names)
    return codes, len(keys)


def _parents(codes: Ints, above: Ints, groups: int) -> Ints:
    found = np.zeros(groups, np.int64)
    found[codes[codes >= 0]] = above[codes >= 0]
    return found


FEW = 50
"""Up to so many entities are told apart one by one: setting up what is fast on many takes longer than they do."""
SEPARATOR = "\x1f"
"""Between the attribute values of a group's key; occurs in no attribute."""


def _rows(
    column: str,
    level: int,
    kept: Ints,
    found: Spread | None,
    keys: Sequence[tuple[str, ...]],
    told: Sequence[Text],
    log: bool,
) -> dict[str, npt.NDArray[Any]]:
    def of(name: str) -> Floats:
        return getattr(found, name)[kept] if found is not None else np.empty(0)

    center, spread = of("center"), of("spread")
    # On the log scale: one spread up from the median, told in the measure's own unit.
    scale = np.expm1(np.abs(center) + spread) - np.expm1(np.abs(center)) if log else spread
    return {
        "column": np.full(len(kept), column, dtype=object),
        "zh": np.array([told[i].zh for i in kept], dtype=object),
        "en": np.array([told[i].en for i in kept], dtype=object),
        "n": of("n").astype(np.int64),
        "median": of("median"),
        "scale": np.nan_to_num(scale, nan=0.0),
        "low": of("low"),
        "high": of("high"),
        "level": np.full(len(kept), level, np.int64),
        "key": np.array([SEPARATOR.join(keys[i]) for i in kept], dtype=object),
        "center": center,
        "spread": spread,
        "log": np.full(len(kept), log, dtype=bool),
    }
