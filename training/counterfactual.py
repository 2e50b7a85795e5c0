"""What would have to be different for a warning not to fire: the smallest set of measures moved to what peers do.

Pure: profiles, contributions and any scoring of profiles go in. Measures are moved greedily by contribution and every
answer is verified by scoring again, for rules and models alike. Moves stay among values that peers really have: the
nearest end of the peers' middle 90% where that is enough, else their median.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from features.profiles import NO_NORM, Profiles
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
class Moves:
    """Moves that silence the warning together, none of them idle, and the score that is then left."""

    moves: tuple[Move, ...]
    score: float


def counterfactual(
    profiles: Profiles, entity_id: str, contributions: Mapping[str, float], score: Scoring, threshold: float
) -> Moves | None:
    """The moves after which the score of one entity is below `threshold`; None when `MOST` moves do not get there.

    `score` gives a number for each of the profiles that it is handed, on the scale of `threshold`.
    """
    one = profiles.select([entity_id])
    able = _movable(profiles, one, contributions)
    chosen: list[Move] = []
    for move in able[:MOST]:
        chosen.append(move)
        if float(score(_moved(profiles, one, chosen))[0]) < threshold:
            break
    else:
        return None
    chosen = _without_idle(profiles, one, chosen, score, threshold)
    chosen = _nearest(profiles, one, chosen, score, threshold)
    return Moves(tuple(chosen), float(score(_moved(profiles, one, chosen))[0]))


def _movable(profiles: Profiles, one: Profiles, contributions: Mapping[str, float]) -> list[Move]:
    """Moves to the peers' median of every column that raises the score, the weightiest first."""
    entity = one.ids[0]
    raising = sorted((name for name, share in contributions.items() if share > 0.0), key=lambda x: -contributions[x])
    moves = []
    for name in raising:
        value, norm = float(one.values[name].iloc[0]), profiles.norm(entity, name)
        if norm is not None and np.isfinite(value) and value != norm.median:
            moves.append(Move(name, value, norm.median))
    return moves


def _without_idle(profiles: Profiles, one: Profiles, moves: list[Move], score: Scoring, threshold: float) -> list[Move]:
    kept = moves
    for move in reversed(moves[:-1]):
        fewer = [other for other in kept if other is not move]
        if float(score(_moved(profiles, one, fewer))[0]) < threshold:
            kept = fewer
    return kept


def _nearest(profiles: Profiles, one: Profiles, moves: list[Move], score: Scoring, threshold: float) -> list[Move]:
    """The same moves, each only as far as the edge of the peers' middle where that silences the warning as well."""
    kept = list(moves)
    for number, move in enumerate(moves):
        norm = profiles.norm(one.ids[0], move.column)
        if norm is None:
            continue
        edge = norm.high if move.value > norm.median else norm.low
        if not (norm.median < edge < move.value or move.value < edge < norm.median):
            continue
        nearer = [*kept[:number], Move(move.column, move.value, edge), *kept[number + 1 :]]
        if float(score(_moved(profiles, one, nearer))[0]) < threshold:
            kept = nearer
    return kept


def _moved(profiles: Profiles, one: Profiles, moves: Sequence[Move]) -> Profiles:
    """The entity after the moves."""
    values, deviations = one.values.copy(), one.deviations.copy()
    for move in moves:
        values[move.column] = move.to
        deviations[move.column] = _deviation(profiles, one, move)
    return replace(one, values=values, deviations=deviations)


def _deviation(profiles: Profiles, one: Profiles, move: Move) -> float:
    """Deviation of a value that peers have: read off the peers between whose values it lies."""
    group = int(one.groups[move.column].iloc[0])
    peers = (profiles.groups[move.column].to_numpy() == group) if group != NO_NORM else np.zeros(0, dtype=bool)
    norm = profiles.norm(one.ids[0], move.column)
    if norm is None or move.to == norm.median:
        return 0.0
    value = profiles.values[move.column].to_numpy(float)[peers]
    deviation = profiles.deviations[move.column].to_numpy(float)[peers]
    known = np.isfinite(value) & np.isfinite(deviation)
    if known.sum() < 2:
        # Records held against norms of others have no peers beside them: the norm's own spread is what is known.
        return (move.to - norm.median) / norm.scale if norm.scale > 0.0 else 0.0
    order = np.argsort(value[known], kind="stable")
    return float(np.interp(move.to, value[known][order], deviation[known][order]))
