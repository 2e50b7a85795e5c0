"""Three lists from one source: 问题清单 what was found, 履职清单 who did what about it, 发展清单 what came of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, case, func, literal, literal_column, or_, select, tuple_
from sqlalchemy.orm import Session

from cases import bodies, cursors, policy
from cases.calendar import ZONE
from cases.people import Person
from cases.tables import Case, Moment, plain
from cases.tables_work import Item
from cases.workflow import State
from gnomon.database import IN_LIST
from gnomon.terms import Outcome, Text


class Kind(StrEnum):
    """Which of the three."""

    PROBLEMS = "problems"
    DUTIES = "duties"
    DEVELOPMENTS = "developments"


KINDS: dict[Kind, Text] = {
    Kind.PROBLEMS: Text("问题清单", "problems"),
    Kind.DUTIES: Text("履职清单", "duties"),
    Kind.DEVELOPMENTS: Text("发展清单", "developments"),
}


_PROBLEM = (
    "id", "parent_id", "scene", "scheme", "severity", "entity_kind", "entity_id", "entity_name", "warnings", "state",
    "organisation", "owner", "liaison", "opened_at", "due", "level", "transfers", "outcome", "amount_found",
)  # fmt: skip
_NOBODY: Any = literal_column("''")
_WHO = (func.coalesce(Case.organisation, _NOBODY), func.coalesce(Case.owner, _NOBODY))
_WORTH = (Outcome.CONFIRMED.value, Outcome.USEFUL.value)
_GROWN = or_(Case.outcome.in_(_WORTH), Case.id.in_(select(Item.case_id)))
"""What belongs to the third list: a finding, or something ordered to be put right."""


def rows(
    session: Session,
    kind: Kind,
    reader: Person | None = None,
    since: datetime | None = None,
    scene: str | None = None,
    now: datetime | None = None,
    *,
    after: Sequence[Any] | None = None,
    limit: int | None = None,
) -> list[dict[str, Any]]:
    """One of the three lists as plain rows, of the cases that `reader` may see and that changed since a moment.

    Problems and developments go by number, duties by body and person. `after` is the `key` of the last row read so far;
    a fault (400) for what is none. Without `limit` the list comes whole.
    """
    within, moment = _within(session, reader, since, scene), now or datetime.now(UTC)
    if kind is Kind.DUTIES:
        return list(_duties(session, within, moment, cursors.values(after, str, str), limit))
    query = select(Case).where(*within)
    if after is not None:
        query = query.where(Case.id > cursors.values(after, int)[0])
    if kind is Kind.DEVELOPMENTS:
        query = query.where(_GROWN)
    found = session.scalars(query.order_by(Case.id).limit(limit)).all()
    return [_problem(one, moment) for one in found] if kind is Kind.PROBLEMS else list(_developments(session, found))


def key(kind: Kind, row: dict[str, Any]) -> list[Any]:
    """Where a row stands in its list: what a cursor holds."""
    return [row["organisation"] or "", row["owner"] or ""] if kind is Kind.DUTIES else [row["id"]]


def total(
    session: Session,
    kind: Kind,
    reader: Person | None = None,
    since: datetime | None = None,
    scene: str | None = None,
) -> int:
    """How many rows the whole list has."""
    within = _within(session, reader, since, scene)
    if kind is Kind.DUTIES:
        return session.scalar(select(func.count()).select_from(select(*_WHO).where(*within).distinct().subquery())) or 0
    grown = (_GROWN,) if kind is Kind.DEVELOPMENTS else ()
    return session.scalar(select(func.count()).select_from(Case).where(*within, *grown)) or 0


def _within(
    session: Session, reader: Person | None, since: datetime | None, scene: str | None
) -> tuple[ColumnElement[bool], ...]:
    within = [bodies.visible(session, reader), Case.state != State.MERGED.value]
    if since is not None:
        within.append(Case.updated_at >= since)
    if scene is not None:
        within.append(Case.scene == scene)
    return tuple(within)


def _problem(one: Case, moment: datetime) -> dict[str, Any]:
    late = one.due is not None and one.due < (one.closed_at or moment)
    return {**{name: plain(getattr(one, name)) for name in _PROBLEM}, "title": one.title, "overdue": late}


def _duties(
    session: Session,
    within: tuple[ColumnElement[bool], ...],
    moment: datetime,
    after: Sequence[Any],
    limit: int | None,
) -> Iterator[dict[str, Any]]:
    """What each person of each body did about the problems that came to them."""
    late = Case.due < func.coalesce(Case.closed_at, literal(moment, Moment))
    counted = {
        "cases": func.count(),
        "signed": func.count(Case.claimed_at),
        "closed": func.count(Case.closed_at),
        # Past their date, open or closed too late.
        "overdue": func.count(case((late, 1))),
        "urged": func.sum(Case.urged),
        "transfers": func.sum(Case.transfers),
        "refusals": func.sum(Case.refusals),
    }
    query = select(*_WHO, *counted.values()).where(*within).group_by(*_WHO)
    if after:
        query = query.where(tuple_(*_WHO) > tuple_(*after))
    found = session.execute(query.order_by(*_WHO).limit(limit)).all()
    worked = _worked(session, within, found) if found else {}
    for body, owner, *numbers in found:
        told = dict(zip(counted, map(int, numbers), strict=True))
        days = worked.get((body, owner), 0)
        mean = days / told["closed"] if told["closed"] else None
        yield {"organisation": body or None, "owner": owner or None, **told, "working_days": days} | {
            "mean_working_days": mean
        }


def _worked(
    session: Session, within: tuple[ColumnElement[bool], ...], found: Sequence[Any]
) -> dict[tuple[str, str], int]:
    """Working days that closed cases took, from sign-in to the end, without pauses, of these people."""
    days, held = policy.work_calendar(session), defaultdict[tuple[str, str], int](int)
    first, last = (tuple_(*found[at][:2]) for at in (0, -1))
    here = (tuple_(*_WHO) >= first, tuple_(*_WHO) <= last, Case.closed_at.is_not(None))
    # Cases begun and ended on the same days took the same time: the database counts them, however many there are.
    began, ended = _day(session, func.coalesce(Case.claimed_at, Case.opened_at)), _day(session, Case.closed_at)
    query = select(*_WHO, began, ended, func.count(), func.sum(Case.paused_days)).where(*within, *here)
    for body, owner, since, until, cases, paused in session.execute(query.group_by(*_WHO, began, ended)):
        held[body, owner] += int(cases) * days.passed(_read_day(since), _read_day(until)) - int(paused)
    return held


def _day(session: Session, moment: Any) -> ColumnElement[str]:
    """The day of a moment as people here count days (`cases.calendar.ZONE`), as text.

    Constants are written out: PostgreSQL does not take two parameters of the same value for the same group.
    """
    if session.get_bind().dialect.name == "sqlite":
        return func.date(moment, literal_column(_AHEAD))
    return func.to_char(func.timezone(literal_column(f"INTERVAL {_AHEAD}"), moment), literal_column("'YYYY-MM-DD'"))


_AHEAD = f"'{ZONE.utcoffset(None) // timedelta(hours=1):+d} hours'"
"""How far the clocks here are before UTC, as both databases read it."""
_read_day = cache(date.fromisoformat)


def _developments(session: Session, found: Sequence[Case]) -> Iterator[dict[str, Any]]:
    numbers = [one.id for one in found]
    counted = select(Item.case_id, func.count(), func.count().filter(Item.state == "passed")).group_by(Item.case_id)
    if len(numbers) <= IN_LIST:
        counted = counted.where(Item.case_id.in_(numbers))
    items = {row[0]: (row[1], row[2]) for row in session.execute(counted)}
    for one in found:
        ordered, passed = items.get(one.id, (0, 0))
        yield {
            "id": one.id,
            "title": one.title,
            "scene": one.scene,
            "organisation": one.organisation,
            "outcome": one.outcome,
            "amount_found": str(one.amount_found or Decimal(0)),
            "amount_recovered": str(one.amount_recovered or Decimal(0)),
            "people_handled": one.people_handled or 0,
            "items": ordered,
            "items_passed": passed,
            "closed_at": plain(one.closed_at),
            "result": one.closing_reason,
        }
