"""Working days: the shipped calendar of China's public holidays, and what a deployment adds to it. No database here.

`holidays/cn.csv` holds weekdays off and weekends worked from 2015 on. Up to 2026 they are the arrangements that the
State Council published; for 2027 only the statutory days are known, without the days swapped for them. Days that the
file does not name are working days from Monday to Friday.
"""

from __future__ import annotations

import csv
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from functools import cache, cached_property
from importlib import resources

from gnomon.errors import Misuse

ZONE = timezone(timedelta(hours=8), "CST")
"""China has one zone and no summer time."""
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class WorkCalendar:
    """Which days count."""

    off: frozenset[date]
    """Weekdays that are free."""
    worked: frozenset[date]
    """Saturdays and Sundays that are worked."""

    def works(self, day: date) -> bool:
        """Whether people work on this day.

        >>> chinese().works(date(2026, 10, 7)), chinese().works(date(2026, 10, 10))
        (False, True)
        """
        return day in self.worked or (day.weekday() < 5 and day not in self.off)

    def after(self, moment: datetime, days: int) -> datetime:
        """The end of the working day that lies `days` working days after the day of `moment`, in UTC.

        The day itself does not count: what is signed for on a Friday and due after one working day is due on Monday.
        """
        day = moment.astimezone(ZONE).date()
        while days > 0:
            day += _DAY
            days -= self.works(day)
        return datetime.combine(day, time(23, 59, 59), ZONE).astimezone(UTC)

    def between(self, earlier: datetime, later: datetime) -> int:
        """Working days after the day of `earlier` up to and with the day of `later`; negative the other way round."""
        return self.passed(earlier.astimezone(ZONE).date(), later.astimezone(ZONE).date())

    def passed(self, earlier: date, later: date) -> int:
        """Working days after one day up to and with another; negative the other way round."""
        return self._until(later) - self._until(earlier)

    def _until(self, day: date) -> int:
        """Working days from the year 1 up to and with this day. The first day of the year 1 was a Monday."""
        number = day.toordinal()
        weeks, rest = divmod(number, 7)
        free, worked = self._exceptions
        return 5 * weeks + min(rest, 5) - bisect_right(free, number) + bisect_right(worked, number)

    @cached_property
    def _exceptions(self) -> tuple[list[int], list[int]]:
        """Numbers of the weekdays that nobody works on and of the weekends that people work on, in order."""
        free = [day.toordinal() for day in self.off - self.worked if day.weekday() < 5]
        return sorted(free), sorted(day.toordinal() for day in self.worked if day.weekday() >= 5)

    def changed(self, rows: Iterable[tuple[date, str]]) -> WorkCalendar:
        """The same calendar with further days: `off` or `work`; the later word on a day counts."""
        off, worked = set(self.off), set(self.worked)
        for day, kind in rows:
            off.discard(day)
            worked.discard(day)
            (off if kind == "off" else worked).add(day)
        return WorkCalendar(frozenset(off), frozenset(worked))


@cache
def chinese() -> WorkCalendar:
    """The shipped calendar."""
    told = resources.files("cases").joinpath("holidays/cn.csv").read_text(encoding="utf-8")
    return WorkCalendar(frozenset(), frozenset()).changed(read(told.splitlines(), "cn.csv"))


def read(lines: Iterable[str], place: str) -> list[tuple[date, str]]:
    """Days of a calendar file: `day,kind,name` with `off` or `work`; a fault names the line that is wrong."""
    rows = []
    for number, row in enumerate(csv.DictReader(lines), 2):
        try:
            day, kind = date.fromisoformat(row["day"]), row["kind"]
        except (KeyError, TypeError, ValueError):
            raise Misuse("cases.calendar", place=f"{place}:{number}") from None
        if kind not in {"off", "work"}:
            raise Misuse("cases.calendar", place=f"{place}:{number}")
        rows.append((day, kind))
    return rows
