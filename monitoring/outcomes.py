"""What warnings were worth: the funnel of each warning model and its precision with an interval."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from cases.tally import Tally, tally
from gnomon.terms import Outcome

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from cases.people import Person

Z = 1.959964
"""Two-sided 95 % quantile of the normal distribution."""


@dataclass(frozen=True, slots=True)
class Share:
    """A share of cases and what it could be given how few there are (Wilson 1927, 95 %)."""

    of: int
    value: float | None
    """Null when there is nothing to divide by."""
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Funnel:
    """One warning model from warning to money."""

    model: str
    scene: str
    warnings: int
    cases: int
    signed: int
    """Cases that somebody has signed for."""
    closed: int
    confirmed: int
    useful: int
    false_alarm: int
    data_error: int
    found: Decimal
    """Yuan found."""
    recovered: Decimal
    """Yuan recovered."""

    @property
    def judged(self) -> int:
        """Closed cases that say something about the model: a wrong record says something about its source."""
        return self.confirmed + self.useful + self.false_alarm

    @property
    def precision(self) -> Share:
        """Confirmed among judged."""
        return share(self.confirmed, self.judged)

    @property
    def worth(self) -> Share:
        """Confirmed or worth the look, among judged."""
        return share(self.confirmed + self.useful, self.judged)

    @property
    def data_errors(self) -> Share:
        """Wrong records among all closed cases."""
        return share(self.data_error, self.closed)

    def as_dict(self) -> dict[str, Any]:
        """Plain values, the shares with their intervals."""
        told: dict[str, Any] = {name: getattr(self, name) for name in self.__dataclass_fields__}
        told |= {"found": str(self.found), "recovered": str(self.recovered)}
        for name in ("precision", "worth", "data_errors"):
            one: Share = getattr(self, name)
            told |= {name: one.value, f"{name}_low": one.low, f"{name}_high": one.high}
        return told


def funnel(session: Session, since: datetime | None = None, reader: Person | None = None) -> list[Funnel]:
    """The funnel of every model that warned at or after `since` (ever when None), by model id.

    `reader` leaves the cases that this person may see; null counts all, for the system itself.

    Session is the caller's. Cases that hold warnings of several models count, money included, once for each: the sum
    over models is not the sum over cases.
    """
    return funnels(tally(session, since, reader))


def funnels(tallies: Iterable[Tally]) -> list[Funnel]:
    """Funnels out of counted warnings."""
    by_model: dict[tuple[str, str], list[Tally]] = defaultdict(list)
    for one in tallies:
        by_model[one.model, one.scene].append(one)
    return [_funnel(model, scene, rows) for (model, scene), rows in sorted(by_model.items())]


def share(hits: int, of: int) -> Share:
    """`hits / of` with its Wilson interval; nothing known is everything between 0 and 1.

    >>> share(0, 0)
    Share(of=0, value=None, low=0.0, high=1.0)
    >>> [round(x, 3) for x in (share(8, 10).low, share(8, 10).high)]
    [0.49, 0.943]
    """
    if of == 0:
        return Share(0, None, 0.0, 1.0)
    p, z2 = hits / of, Z * Z
    middle = (p + z2 / (2 * of)) / (1 + z2 / of)
    half = Z / (1 + z2 / of) * math.sqrt(p * (1 - p) / of + z2 / (4 * of * of))
    return Share(of, p, max(0.0, middle - half), min(1.0, middle + half))


def _funnel(model: str, scene: str, rows: Sequence[Tally]) -> Funnel:
    closed = [one for one in rows if one.state == "closed"]
    ended = {outcome: sum(one.cases for one in closed if one.outcome == outcome) for outcome in Outcome}
    return Funnel(
        model,
        scene,
        warnings=sum(one.warnings for one in rows),
        cases=sum(one.cases for one in rows),
        signed=sum(one.signed for one in rows),
        closed=sum(one.cases for one in closed),
        **{outcome.value: cases for outcome, cases in ended.items()},
        found=sum((one.found for one in closed), Decimal(0)),
        recovered=sum((one.recovered for one in closed), Decimal(0)),
    )
