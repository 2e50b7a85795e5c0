"""The state of each source against its own history: late, thin, refused, unknown, broken. Never against a guess.

A source that has sent fewer than `HISTORY` times has no history yet and is told so; it raises nothing.
"""

from __future__ import annotations

import itertools
import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from gnomon.i18n import both
from gnomon.terms import Text
from monitoring.arrivals import Arrival
from monitoring.outcomes import share

HISTORY = 5
"""Arrivals that make a history, the newest not counted."""
LATE = 2.0
"""A source is late when it has been silent for so many times its usual pause, and longer than ever before."""
THIN = math.log(3)
"""A volume is told when it is at least three times smaller or larger than usual …"""
SPREADS = 4.0
"""… and so many of its own spreads away."""
RISE = 0.1
"""A share (refused, unknown, broken) is told when it has risen by at least so much."""


FEW = 20
"""Rows from which a share is told."""


class Sign(StrEnum):
    """What is wrong with a source."""

    LATE = "late"
    VOLUME = "volume"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    BROKEN = "broken"
    CLOCK = "clock"
    """Its last arrival lies in the future: some clock has jumped, and nothing can be said about freshness."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """One thing that is wrong with one source."""

    source: str
    sign: Sign
    what: str
    """Table or `table.column`; empty when the source as a whole is meant."""
    usual: float
    now: float

    @property
    def key(self) -> str:
        """Same source, sign and column: the same alert."""
        return f"feed:{self.source}:{self.sign}:{self.what}"

    @property
    def told(self) -> Text:
        """The trouble in one sentence."""
        figures = {
            Sign.LATE: (f"{self.usual:.1f}", f"{self.now:.1f}"),
            Sign.CLOCK: ("", f"{self.now:.1f}"),
            Sign.VOLUME: (f"{self.usual:.0f}", f"{self.now:.0f}"),
        }
        usual, now = figures.get(self.sign, (f"{self.usual:.0%}", f"{self.now:.0%}"))
        return both(f"monitoring.feed.{self.sign}", source=self.source, what=self.what, usual=usual, now=now)


@dataclass(frozen=True, slots=True)
class FeedHealth:
    """One source."""

    source: str
    arrivals: int
    last: datetime
    pause: float | None
    """Usual days between arrivals; null without a history."""
    troubles: tuple[Trouble, ...]

    @property
    def known(self) -> bool:
        """Whether there is a history to judge by."""
        return self.arrivals > HISTORY

    @property
    def told(self) -> Text:
        """The state in one sentence."""
        if not self.known:
            return both("monitoring.feed.no_history", rows=self.arrivals - 1, needed=HISTORY)
        return both("monitoring.feed.troubles" if self.troubles else "monitoring.feed.well", many=len(self.troubles))


def health(by_source: Mapping[str, Sequence[Arrival]], now: datetime) -> list[FeedHealth]:
    """Every source, judged by what it has sent before."""
    return [_judged(source, list(past), now) for source, past in sorted(by_source.items()) if past]


def _judged(source: str, past: list[Arrival], now: datetime) -> FeedHealth:
    # A clock that was set back makes arrivals stand in the wrong order; the lake's versions never do.
    past.sort(key=lambda one: one.version)
    newest, before = past[-1], past[:-1]
    if newest.at > now + timedelta(minutes=5):
        ahead = (newest.at - now).total_seconds() / 86_400
        return FeedHealth(source, len(past), newest.at, None, (Trouble(source, Sign.CLOCK, "", 0.0, ahead),))
    if len(before) < HISTORY:
        return FeedHealth(source, len(past), newest.at, None, ())
    # A pause below zero is a clock that was set back; it says nothing about the source.
    steps = [(b.at - a.at).total_seconds() / 86_400 for a, b in itertools.pairwise(past)]
    pauses = [one for one in steps if one >= 0]
    pause = statistics.median(pauses) if pauses else None
    found = list(_late(source, newest, pauses, now))
    found += _volume(source, newest, before)
    if any(one.total + one.refused for one in before):
        counts = {"": (newest.refused, newest.total + newest.refused)}
        found += _risen(source, Sign.REFUSED, counts, [{"": (one.refused, one.total + one.refused)} for one in before])
    found += _risen(source, Sign.UNKNOWN, newest.unknown, [one.unknown for one in before])
    found += _risen(source, Sign.BROKEN, newest.broken, [one.broken for one in before])
    return FeedHealth(source, len(past), newest.at, pause, tuple(found))


def _late(source: str, newest: Arrival, pauses: Sequence[float], now: datetime) -> Iterable[Trouble]:
    if not pauses:
        return
    silent = (now - newest.at).total_seconds() / 86_400
    usual = statistics.median(pauses)
    if silent > LATE * usual and silent > max(pauses) * 1.1:
        yield Trouble(source, Sign.LATE, "", usual, silent)


def _volume(source: str, newest: Arrival, before: Sequence[Arrival]) -> list[Trouble]:
    found = []
    for table in sorted({*newest.rows, *(name for one in before for name in one.rows)}):
        sizes = [math.log1p(max(one.rows.get(table, 0), 0)) for one in before]
        usual = statistics.median(sizes)
        spread = 1.4826 * statistics.median(abs(one - usual) for one in sizes)
        size = math.log1p(max(newest.rows.get(table, 0), 0))
        if abs(size - usual) > max(THIN, SPREADS * spread):
            found.append(Trouble(source, Sign.VOLUME, table, math.expm1(usual), newest.rows.get(table, 0)))
    return found


def _risen(
    source: str, sign: Sign, now: Mapping[str, tuple[int, int]], before: Sequence[Mapping[str, tuple[int, int]]]
) -> list[Trouble]:
    """Shares that rose above every arrival before by more than `RISE`, beyond what few rows explain."""
    found = []
    for name, (hits, of) in sorted(now.items()):
        past = [one[name] for one in before if name in one and one[name][1] > 0]
        if not past or of < FEW:
            continue
        usual = statistics.median(bad / rows for bad, rows in past)
        highest = max(bad / rows for bad, rows in past)
        told = share(hits, of)
        # Nearly whole already: a rise of a tenth cannot show, and there is nothing left to lose.
        if hits / of - usual >= RISE and told.low > highest:
            found.append(Trouble(source, sign, name, usual, hits / of))
    return found
