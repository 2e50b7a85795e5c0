"""Suppressions: warnings about one entity stay out of the queue for a while, with reason, approver and report."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from cases import audit, bodies, cursors
from cases.asked import Conflict, Forbidden
from cases.people import Person
from cases.tables import IssuedWarning
from cases.tables_work import Hidden, Suppression
from cases.workflow import CHIEFS, JUDGES, ROLES, Role
from gnomon.errors import Fault
from gnomon.terms import Text

ALL = "*"
LONGEST = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class Report:
    """What one suppression hid."""

    suppression: Suppression
    hidden: int
    """Warnings kept out of the queue so far."""
    gravest: float | None
    """Highest percentile among them."""
    alerts: int


def ask(
    session: Session,
    actor: Person,
    entity_kind: str,
    entity_id: str,
    reason: str,
    expires_at: datetime,
    scheme: str = ALL,
) -> Suppression:
    """Ask that warnings about an entity stay out of the queue; nothing happens until somebody else approves.

    Faults: 403 the role or the body; 422 no reason, or an end that has passed or lies more than a year ahead.
    """
    moment = audit.begin(session)
    _may(session, actor, JUDGES, entity_id)
    if not reason.strip():
        raise Fault("cases.needs_reason", place=entity_id, action=_TITLE)
    if not moment < expires_at <= moment + LONGEST:
        raise Fault("cases.suppress_until", place=entity_id, days=LONGEST.days)
    made = Suppression(entity_kind=entity_kind, entity_id=entity_id, scheme=scheme, reason=reason.strip())
    made.expires_at, made.asked_by, made.asked_at = expires_at, actor.name, moment
    session.add(made)
    session.flush()
    audit.record(session, actor.actor, "suppress_ask", _subject(made), None, made.as_dict())
    return made


def approve(session: Session, number: int, actor: Person) -> Suppression:
    """Let it stand. Faults: 404; 403 the role, the body, or who asked; 409 decided already."""
    moment, found = audit.begin(session), _found(session, number)
    _may(session, actor, CHIEFS, str(number))
    if found.asked_by == actor.name:
        raise Forbidden("cases.same_eyes", place=str(number), action=_TITLE)
    if found.approved_at is not None or found.lifted_at is not None:
        raise Conflict("cases.suppress_decided", place=str(number))
    found.approved_by, found.approved_at = actor.name, moment
    session.flush()
    audit.record(session, actor.actor, "suppress_approve", _subject(found), None, found.as_dict())
    return found


def lift(session: Session, number: int, actor: Person) -> Suppression:
    """End it now (or refuse one that nobody approved)."""
    moment, found = audit.begin(session), _found(session, number)
    _may(session, actor, JUDGES, str(number))
    if found.lifted_at is not None:
        raise Conflict("cases.suppress_decided", place=str(number))
    found.lifted_by, found.lifted_at = actor.name, moment
    session.flush()
    audit.record(session, actor.actor, "suppress_lift", _subject(found), None, found.as_dict())
    return found


def standing(
    session: Session, topics: Iterable[tuple[str, str, str]], moment: datetime
) -> dict[tuple[str, str, str], int]:
    """Which of these topics (kind, id, scheme) a suppression keeps out of the queue now, and which one does."""
    wanted = list(topics)
    if not wanted:
        return {}
    stands = (Suppression.approved_at.is_not(None), Suppression.lifted_at.is_(None), Suppression.expires_at > moment)
    rows = session.scalars(select(Suppression).where(*stands).order_by(Suppression.id.desc())).all()
    by_topic = {(row.entity_kind, row.entity_id, row.scheme): row.id for row in rows}
    found = {}
    for kind, entity, scheme in wanted:
        why = by_topic.get((kind, entity, scheme)) or by_topic.get((kind, entity, ALL))
        if why is not None:
            found[kind, entity, scheme] = why
    return found


def report(
    session: Session,
    reader: Person | None = None,
    since: datetime | None = None,
    *,
    after: Sequence[Any] | None = None,
    limit: int | None = None,
) -> Sequence[Report]:
    """Suppressions that changed since a moment, the newest first, each with what it hid.

    `after` holds the number of the last one read so far. Of bodies, only those of oversight read it (403).
    """
    if reader is not None:
        may_look(session, reader)
    hidden = (
        select(
            Hidden.suppression_id,
            func.count().label("n"),
            func.max(IssuedWarning.percentile).label("top"),
            func.count().filter(IssuedWarning.severity == "alert").label("alerts"),
        )
        .join(IssuedWarning, IssuedWarning.id == Hidden.warning_id)
        .group_by(Hidden.suppression_id)
        .subquery()
    )
    query = select(Suppression, hidden.c.n, hidden.c.top, hidden.c.alerts)
    query = query.join(hidden, hidden.c.suppression_id == Suppression.id, isouter=True)
    if since is not None:
        query = query.where(Suppression.updated_at >= since)
    if after is not None:
        query = query.where(Suppression.id < cursors.values(after, int)[0])
    ordered = query.order_by(Suppression.id.desc()).limit(limit)
    return [Report(row[0], row[1] or 0, row[2], row[3] or 0) for row in session.execute(ordered)]


def warnings(
    session: Session,
    number: int,
    reader: Person,
    since: datetime | None = None,
    *,
    after: Sequence[Any] | None = None,
    limit: int | None = None,
) -> Sequence[IssuedWarning]:
    """The warnings that one suppression hid since a moment, the newest first.

    `after` holds the number of the last one read so far.
    """
    _may(session, reader, JUDGES, str(number))
    held = select(IssuedWarning).join(Hidden, Hidden.warning_id == IssuedWarning.id)
    held = held.where(Hidden.suppression_id == number)
    if since is not None:
        held = held.where(Hidden.hidden_at >= since)
    if after is not None:
        held = held.where(IssuedWarning.id < cursors.values(after, int)[0])
    return session.scalars(held.order_by(IssuedWarning.id.desc()).limit(limit)).all()


def may_look(session: Session, reader: Person) -> None:
    """Raise a fault (403) unless this person may read what was suppressed."""
    _may(session, reader, JUDGES, "report")


def _may(session: Session, actor: Person, roles: frozenset[Role], place: str) -> None:
    if actor.role not in roles or bodies.reach(session, actor) is not None:
        raise Forbidden("cases.may_not_suppress", place=place, role=ROLES[actor.role])


def _found(session: Session, number: int) -> Suppression:
    found = session.get(Suppression, number, with_for_update=True, populate_existing=True)
    if found is None:
        raise Fault("cases.no_suppression", place=str(number), status=404)
    return found


def _subject(made: Suppression) -> audit.Subject:
    return audit.Subject("suppression", str(made.id))


_TITLE = Text("暂停预警", "suppress")
