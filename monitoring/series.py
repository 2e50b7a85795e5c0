"""Series over time for the eye: comparisons one after the other, and precision promised beside what it came to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from monitoring.comparison import SCORE, Drift, Light
from monitoring.worth import Expected, expected

if TYPE_CHECKING:
    from cases.worth import Came

MONTHS = 12


@dataclass(frozen=True, slots=True)
class Compared:
    """One comparison as a point in time."""

    at: datetime
    light: Light
    moved: int
    columns: int
    psi: float | None
    """Population stability index of the served score; null when the score could not be compared."""


def comparisons(history: Sequence[Drift]) -> list[Compared]:
    """The comparisons of one kind of entity, the oldest first; `history` is the newest first."""
    told = []
    for one in reversed(history):
        score = next((row for row in one.columns if row.column == SCORE), None)
        told.append(Compared(one.as_of, one.light, len(one.moved), len(one.columns), score.psi if score else None))
    return told


@dataclass(frozen=True, slots=True)
class Month:
    """Warnings of one model that were issued in one month: what was promised before, and what they came to."""

    since: datetime
    promise: Expected


def precision(model: str, rows: Sequence[Came], now: datetime, months: int = MONTHS) -> list[Month]:
    """The last `months` months in which the model warned, the oldest first."""
    first = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    told = []
    for back in range(months):
        since = _months_before(first, back)
        found = expected(model, rows, since, _months_before(first, back - 1))
        if found.warnings:
            told.append(Month(since, found))
    return told[::-1]


def _months_before(month: datetime, many: int) -> datetime:
    count = month.year * 12 + month.month - 1 - many
    return month.replace(year=count // 12, month=count % 12 + 1)
