"""Geometry of the two small pictures on a reason: its bar, and the strip of its norm. All lengths are percent."""

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
