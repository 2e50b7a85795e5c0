"""What has changed since: every list in the order of its changes, with a cursor that neither skips nor repeats.

A follower asks again with the cursor of its last answer, for ever. Whatever is written in between comes later in the
same order, because moments are given out to one writer at a time (`audit.begin`). A row that changes again comes again.
Who is let in to a case later is told of the case then; its warnings are read by `pages.warnings(case_id=...)`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, String, literal, or_, select, tuple_
from sqlalchemy.orm import Session

from cases import bodies, cursors, labels, rescreen, suppression
from cases.asked import Forbidden
from cases.people import Person
from cases.tables import Case, IssuedWarning, Trail, plain
from cases.tables_work import Audience, Circular, Consultation, Delivery, Foreign, Notice, Seat, Suppression
from cases.workflow import ROLES, Role
from gnomon.errors import Misuse

MOST = 200
"""Rows that one page may hold."""


class Feed(StrEnum):
    """Which list is followed."""

    WARNINGS = "warnings"
    CASES = "cases"
    TRAIL = "trail"
    """Events about cases; for the system itself (no reader) the whole trail."""
    NOTICES = "notices"
    """The reader's own."""
    SUPPRESSIONS = "suppressions"
    CIRCULARS = "circulars"
    """Those that went to the reader's bodies, one row a body."""
    MEETINGS = "meetings"
    """Consultations; a vote is a change."""
    LABELS = "labels"
    RESCREEN = "rescreen"
    """Records of other platforms; what happens to their case is a change."""
    DEAD = "dead"
    """Messages that were given up, without their text."""


@dataclass(frozen=True, slots=True)
class Changes:
    """One page of a feed."""

    rows: Sequence[dict[str, Any]]
    """Plain JSON values."""
    cursor: str | None
    """Where the reader has come to: give it back next time. Null while there was nothing yet to read."""
    more: bool
    """Whether another page waits already."""


@dataclass(frozen=True, slots=True)
class _Source:
    entities: tuple[Any, ...]
    conditions: tuple[ColumnElement[bool], ...]
    moment: Any
    numbers: tuple[Any, ...]
    told: Callable[..., dict[str, Any]]


def changes(
    session: Session,
    feed: Feed | str,
    reader: Person | None = None,
    *,
    updated_since: datetime | None = None,
    cursor: str | None = None,
    limit: int = 50,
    system: str | None = None,
) -> Changes:
    """Rows that `reader` may see (null: the system itself) and that changed at or after a moment, the oldest first.

    `system` leaves the records of one other platform (feed `rescreen`). Faults: a cursor of another feed (400), a feed
    that the reader's role has no right to (403).
    """
    feed = Feed(feed)
    source = _SOURCES[feed](session, reader)
    keys = (source.moment, *source.numbers)
    query = select(*source.entities, *(key.label(f"key_{n}") for n, key in enumerate(keys))).where(*source.conditions)
    if system is not None and feed is Feed.RESCREEN:
        query = query.where(Foreign.system == system)
    if updated_since is not None:
        query = query.where(source.moment >= updated_since)
    if cursor:
        query = query.where(tuple_(*keys) > _read(cursor, feed, keys))
    most = max(1, min(limit, MOST))
    ordered = query.order_by(*keys).limit(most + 1).execution_options(populate_existing=True)
    rows = session.execute(ordered).all()
    kept = rows[:most]
    if kept:
        cursor = cursors.written([feed.value, *(plain(value) for value in kept[-1][len(source.entities) :])])
    return Changes([source.told(*row[: len(source.entities)]) for row in kept], cursor, len(rows) > most)


def _warnings(session: Session, reader: Person | None) -> _Source:
    seen = (bodies.visible_warnings(session, reader),)
    return _Source((IssuedWarning,), seen, IssuedWarning.issued_at, (IssuedWarning.id,), _warning)


def _cases(session: Session, reader: Person | None) -> _Source:
    seen = (bodies.visible(session, reader),)
    return _Source((Case,), seen, Case.updated_at, (Case.id,), Case.as_dict)


def _trail(session: Session, reader: Person | None) -> _Source:
    seen: tuple[ColumnElement[bool], ...] = ()
    if reader is not None:
        seen = (Trail.subject_kind == "case",)
    seen = (*seen, bodies.visible_events(session, reader))
    return _Source((Trail,), seen, Trail.at, (Trail.seq,), _event)


def _notices(_session: Session, reader: Person | None) -> _Source:
    mine = () if reader is None else (Notice.name == reader.name,)
    return _Source((Notice,), mine, Notice.updated_at, (Notice.id,), Notice.as_dict)


def _suppressions(session: Session, reader: Person | None) -> _Source:
    if reader is not None:
        suppression.may_look(session, reader)
    return _Source((Suppression,), (), Suppression.updated_at, (Suppression.id,), Suppression.as_dict)


def _circulars(session: Session, reader: Person | None) -> _Source:
    seen = bodies.reach(session, reader)
    to_us = () if seen is None else (Audience.body.in_(sorted(seen)),)
    conditions = (Audience.circular_id == Circular.id, *to_us)
    numbers = (Audience.circular_id, Audience.body)
    return _Source((Circular, Audience), conditions, Audience.updated_at, numbers, _circular)


def _meetings(session: Session, reader: Person | None) -> _Source:
    seen: tuple[ColumnElement[bool], ...] = ()
    if reader is not None and bodies.reach(session, reader) is not None:
        called = Consultation.id.in_(select(Seat.consultation_id).where(Seat.name == reader.name))
        visible = Consultation.case_id.in_(select(Case.id).where(bodies.visible(session, reader)))
        seen = (or_(called, visible),)
    return _Source((Consultation,), seen, Consultation.updated_at, (Consultation.id,), Consultation.as_dict)


def _labels(session: Session, reader: Person | None) -> _Source:
    def told(case: Case) -> dict[str, Any]:
        return {name: plain(value) for name, value in labels.label(session, case).items()}

    return _Source((Case,), labels.within(session, reader), labels.labelled_at, (Case.id,), told)


def _rescreen(session: Session, reader: Person | None) -> _Source:
    seen = () if reader is None else (rescreen.readable(session, reader),)
    return _Source((Foreign, Case), (Foreign.case_id == Case.id, *seen), Case.updated_at, (Foreign.id,), _record)


def _dead(_session: Session, reader: Person | None) -> _Source:
    if reader is not None and reader.role not in (Role.SUPERVISOR, Role.ADMINISTRATOR):
        raise Forbidden("cases.may_not_follow", place=Feed.DEAD.value, role=ROLES[reader.role])
    return _Source((Delivery,), (Delivery.dead_at.is_not(None),), Delivery.dead_at, (Delivery.id,), _delivery)


_SOURCES: dict[Feed, Callable[[Session, Person | None], _Source]] = {
    Feed.WARNINGS: _warnings,
    Feed.CASES: _cases,
    Feed.TRAIL: _trail,
    Feed.NOTICES: _notices,
    Feed.SUPPRESSIONS: _suppressions,
    Feed.CIRCULARS: _circulars,
    Feed.MEETINGS: _meetings,
    Feed.LABELS: _labels,
    Feed.RESCREEN: _rescreen,
    Feed.DEAD: _dead,
}


def _warning(row: IssuedWarning) -> dict[str, Any]:
    return {c.key: plain(getattr(row, c.key)) for c in IssuedWarning.__table__.columns if c.key != "pack"}


def _event(row: Trail) -> dict[str, Any]:
    told = {c.key: plain(getattr(row, c.key)) for c in Trail.__table__.columns}
    return {**told, "before": json.loads(row.before), "after": json.loads(row.after)}


def _circular(row: Circular, to: Audience) -> dict[str, Any]:
    return {**row.as_dict(), **to.as_dict()}


def _record(record: Foreign, case: Case) -> dict[str, Any]:
    told = {name: value for name, value in record.as_dict().items() if name != "told"}
    names = ("state", "outcome", "updated_at", "closed_at")
    return {**told, "case": {name: plain(getattr(case, name)) for name in names}}


def _delivery(row: Delivery) -> dict[str, Any]:
    return {name: value for name, value in row.as_dict().items() if name != "told"}


def _read(cursor: str, feed: Feed, keys: Sequence[Any]) -> Any:
    told = cursors.read(cursor)
    if told[:1] != [feed]:
        raise Misuse("cases.cursor", place="cursor")
    kinds = (str if isinstance(key.type, String) else int for key in keys[1:])
    values = cursors.values(told[1:], datetime, *kinds)
    return tuple_(*(literal(value, key.type) for key, value in zip(keys, values, strict=True)))
