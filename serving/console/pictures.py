"""Geometry of the small pictures: the bar of a reason, the strip of its norm, and series. All lengths are percent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gnomon.terms import Norm, Reason


@dataclass(frozen=True, slots=True)
class Bar:
    """A contribution drawn from the axis: to the right it raises the score, to the left it lowers it."""

    x: float
    width: float
    axis: float
    up: bool


@dataclass(frozen=True, slots=True)
class Strip:
    """Where a value lies beside the middle nine tenths of its peers and their median."""

    band: float
    band_width: float
    median: float
    value: float
    outside: bool
    """The value is outside the 5-95 % range."""


@dataclass(frozen=True, slots=True)
class Curve:
    """A series as a line with dots, over the band of its intervals; gaps where nothing is known."""

    lines: tuple[str, ...]
    """`points` of one polyline for each unbroken stretch."""
    dots: tuple[tuple[float, float], ...]
    band: tuple[str, ...]
    """`points` of one polygon for each stretch with intervals."""
    top: float
    """The value at the upper edge."""


Spot = tuple[float | None, float | None, float | None]
"""Value, and both ends of its interval."""


def curve(spots: Sequence[Spot], top: float | None = None) -> Curve:
    """One series from left to right, 0 at the lower edge; `top` is the largest value drawn when it is not given.

    >>> curve([(0.0, None, None), (None, None, None), (1.0, 0.5, 1.0)], 1.0).dots
    ((0.0, 100.0), (100.0, 0.0))
    """
    highest = top or max((one for spot in spots for one in spot if one is not None), default=0.0) or 1.0
    step = 100 / max(len(spots) - 1, 1)

    def at(place: int, value: float) -> tuple[float, float]:
        return round(place * step, 2), round(100 - min(value / highest, 1.0) * 100, 2)

    def told(points: Sequence[tuple[float, float]]) -> str:
        return " ".join(f"{x},{y}" for x, y in points)

    known = _stretches([value is not None for value, _, _ in spots])
    sure = _stretches([low is not None and high is not None for _, low, high in spots])
    lines = tuple(told([at(place, spots[place][0] or 0.0) for place in run]) for run in known if len(run) > 1)
    band = tuple(
        told([at(p, spots[p][2] or 0.0) for p in run] + [at(p, spots[p][1] or 0.0) for p in reversed(run)])
        for run in sure
        if len(run) > 1
    )
    dots = tuple(at(place, spots[place][0] or 0.0) for run in known for place in run)
    return Curve(lines, dots, band, highest)


def _stretches(known: Sequence[bool]) -> list[list[int]]:
    """Places in a row that are known.

    >>> _stretches([True, True, False, True])
    [[0, 1], [3]]
    """
    found: list[list[int]] = []
    for place, here in enumerate(known):
        if here and place and known[place - 1]:
            found[-1].append(place)
        elif here:
            found.append([place])
    return found


def bars(reasons: Sequence[Reason]) -> list[Bar]:
    """One bar a reason, all on one scale."""
    shares = [reason.contribution for reason in reasons]
    low, high = min(0.0, *shares, 0.0), max(0.0, *shares, 0.0)
    span = (high - low) or 1.0
    axis = -low / span * 100
    drawn = []
    for share in shares:
        width = max(abs(share) / span * 100, 0.4)
        drawn.append(Bar(axis if share >= 0 else axis - width, width, axis, share >= 0))
    return drawn


def strip(value: float | None, norm: Norm | None) -> Strip | None:
    """The strip of one value; None when there is nothing to hold it against.

    >>> s = strip(10.0, Norm(None, 30, 1.0, 0.2, 0.0, 2.0))
    >>> round(s.value), round(s.median), s.outside
    (96, 10, True)
    """
    if value is None or norm is None:
        return None
    low = min(0.0, norm.low, value)
    high = max(norm.high, norm.median, value)
    span = (high - low) * 1.04 or 1.0

    def at(x: float) -> float:
        return (x - low) / span * 100

    width = max(at(norm.high) - at(norm.low), 0.8)
    return Strip(at(norm.low), width, at(norm.median), at(value), not norm.low <= value <= norm.high)
