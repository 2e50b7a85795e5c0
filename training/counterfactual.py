"""What would have to be different for a warning not to fire: the smallest set of measures moved to what peers do.

Pure: profiles, contributions and any scoring of profiles go in. A measure moves as a whole: its windows are sums and
shares of the same rows, and nobody could change one of them alone, nor a value and not its deviation. Measures are
moved greedily by contribution and every answer is verified by scoring again, for rules and models alike. Moves stay
among values that peers really have: the nearest end of the peers' middle 90% where that is enough, else their median.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import chain, islice

import numpy as np

from features.profiles import NO_NORM, Profiles
from gnomon.terms import Norm
from training.detectors.contract import Floats

MOST = 6
"""More measures moved at once describe another entity, not this one."""
Scoring = Callable[[Profiles], Floats]


@dataclass(frozen=True, slots=True)
class Move:
    """One profile column taken from its value to one that peers have."""

    column: str
    value: float
    to: float


@dataclass(frozen=True, slots=True)
class Moved:
    """One measure moved: the column that weighs most, and its other windows, which move along."""

    main: Move
    along: tuple[Move, ...] = ()

    @property
    def all(self) -> tuple[Move, ...]:
        """Every column that moves."""
        return (self.main, *self.along)


@dataclass(frozen=True, slots=True)
class Moves:
    """Measures that silence the warning together, none of them idle, and the score that is then left."""

    measures: tuple[Moved, ...]
    score: float


def counterfactual(
    profiles: Profiles, entity_id: str, contributions: Mapping[str, float], score: Scoring, threshold: float
) -> Moves | None:
    """The moves after which the score of one entity is below `threshold`; None when `MOST` measures do not get there.

    `contributions` are by profile column; `score` gives a number for each of the profiles that it is handed, on the
    scale of `threshold`.
    """
    one = profiles.select([entity_id])

    @cache
    def deviation(move: Move) -> float:
        return _deviation(profiles, one, move)

    def after(moves: Sequence[Moved]) -> float:
        return float(score(_changed(one, moves, deviation))[0])

    chosen: list[Moved] = []
    for move in _movable(profiles, one, contributions):
        chosen.append(move)
        if after(chosen) < threshold:
            break
    else:
        return None
    for move in reversed(chosen[:-1]):
        fewer = [other for other in chosen if other is not move]
        if after(fewer) < threshold:
            chosen = fewer
    for number, move in enumerate(chosen):
        nearer = [*chosen[:number], _to_edge(profiles, entity_id, move), *chosen[number + 1 :]]
        if nearer != chosen and after(nearer) < threshold:
            chosen = nearer
    return Moves(tuple(chosen), after(chosen))


def _movable(profiles: Profiles, one: Profiles, contributions: Mapping[str, float]) -> list[Moved]:
    """The `MOST` measures that raise the score most, each at the peers' median in all its windows."""
    windows: dict[str, list[str]] = {}
    for name in profiles.values.columns:
        windows.setdefault(profiles.column(str(name)).measure, []).append(str(name))
    shares: dict[str, float] = {}
    heaviest: dict[str, str] = {}
    for name, share in contributions.items():
        measure = profiles.column(name).measure
        shares[measure] = shares.get(measure, 0.0) + share
        if measure not in heaviest or share > contributions[heaviest[measure]]:
            heaviest[measure] = name
    raising = sorted((name for name, share in shares.items() if share > 0.0), key=lambda name: -shares[name])
    moves = (_whole(profiles, one, heaviest[name], windows[name]) for name in raising)
    return list(islice((move for move in moves if move is not None), MOST))


def _whole(profiles: Profiles, one: Profiles, main: str, windows: Sequence[str]) -> Moved | None:
    """A measure moved to the peers' median: windows that lie on the other side of it stay where they are."""
    first = _to_median(profiles, one, main)
    if first is None:
        return None
    above = first.value > first.to
    others = (_to_median(profiles, one, name) for name in windows if name != main)
    return Moved(first, tuple(move for move in others if move is not None and (move.value > move.to) == above))


def _to_median(profiles: Profiles, one: Profiles, name: str) -> Move | None:
    value, norm = float(one.values[name].iloc[0]), profiles.norm(one.ids[0], name)
    if norm is None or not np.isfinite(value) or value == norm.median:
        return None
    return Move(name, value, norm.median)


def _to_edge(profiles: Profiles, entity_id: str, moved: Moved) -> Moved:
    """The same measure moved only as far as the edge of the peers' middle 90%, where that is nearer."""
    near = [_edge(move, profiles.norm(entity_id, move.column)) for move in moved.all]
    return Moved(near[0], tuple(near[1:]))


def _edge(move: Move, norm: Norm | None) -> Move:
    if norm is None:
        return move
    edge = norm.high if move.value > norm.median else norm.low
    between = norm.median < edge < move.value or move.value < edge < norm.median
    return Move(move.column, move.value, edge) if between else move


def _changed(one: Profiles, moves: Sequence[Moved], deviation: Callable[[Move], float]) -> Profiles:
    """The entity after the moves."""
    values, deviations = one.values.copy(), one.deviations.copy()
    for move in chain.from_iterable(moved.all for moved in moves):
        values[move.column] = move.to
        deviations[move.column] = deviation(move)
    return replace(one, values=values, deviations=deviations)


def _deviation(profiles: Profiles, one: Profiles, move: Move) -> float:
    """Deviation of a value that peers have: read off the peers between whose values it lies."""
    norm = profiles.norm(one.ids[0], move.column)
    if norm is None or move.to == norm.median:
        return 0.0
    group = int(one.groups[move.column].iloc[0])
    peers = (profiles.groups[move.column].to_numpy() == group) if group != NO_NORM else np.zeros(0, dtype=bool)
    value = profiles.values[move.column].to_numpy(float)[peers]
    deviation = profiles.deviations[move.column].to_numpy(float)[peers]
    known = np.isfinite(value) & np.isfinite(deviation)
    if known.sum() < 2:
        # Records held against norms of others have no peers beside them: the norm's own spread is what is known.
        return (move.to - norm.median) / norm.scale if norm.scale > 0.0 else 0.0
    order = np.argsort(value[known], kind="stable")
    return float(np.interp(move.to, value[known][order], deviation[known][order]))
