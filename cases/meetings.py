"""Consultations with votes and minutes, and circulars that bodies acknowledge."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from cases import audit, bodies, cursors
from cases.asked import Conflict, Forbidden
from cases.people import Person
from cases.tables import Case, CaseCopy
from cases.tables_work import Audience, Body, Circular, Consultation, Seat
from cases.workflow import ACTIONS, SPEAKERS, Action
from gnomon.errors import Fault


def call(
    session: Session, found: Case, topic: str, by: str, people: Sequence[Person], moment: datetime
) -> Consultation:
    """Call people together on a question; whoever could not see the case reads along from now on."""
    made = Consultation(case_id=found.id, topic=topic, called_by=by, called_at=moment)
    session.add(made)
    session.flush()
    for person in {one.name: one for one in people}.values():
        session.add(Seat(consultation_id=made.id, name=person.name))
        sees = bodies.sees(session, person, found.id)
        if not sees and session.get(CaseCopy, (found.id, person.name)) is None:
            session.add(CaseCopy(case_id=found.id, name=person.name, sent_at=moment))
    session.flush()
    return made


def vote(session: Session, found: Case, number: int, by: str, answer: str, comment: str, moment: datetime) -> None:
    """One person's vote: yes, no or abstain. It may be changed until the minutes are written."""
    running = _running(session, found, number)
    seat = session.get(Seat, (running.id, by))
    if seat is None:
        raise Forbidden("cases.no_seat", place=str(found.id), action=ACTIONS[Action.VOTE])
    seat.answer, seat.comment, seat.voted_at = answer, comment or None, moment
    running.updated_at = moment


def conclude(session: Session, found: Case, number: int, by: str, minutes: str, moment: datetime) -> dict[str, int]:
    """Write the minutes; tells how the votes fell, `silent` for those who did not vote."""
    running = _running(session, found, number)
    running.minutes, running.concluded_by, running.concluded_at = minutes, by, moment
    answers = session.scalars(select(Seat.answer).where(Seat.consultation_id == number)).all()
    return dict(Counter(answer or "silent" for answer in answers))


def consultations(session: Session, case_id: int) -> list[tuple[Consultation, Sequence[Seat]]]:
    """The consultations on a case, each with its seats."""
    held = session.scalars(select(Consultation).where(Consultation.case_id == case_id).order_by(Consultation.id))
    seats = select(Seat).order_by(Seat.name)
    return [(one, session.scalars(seats.where(Seat.consultation_id == one.id)).all()) for one in held.all()]


def runs(session: Session, case_id: int, name: str | None = None) -> bool:
    """Whether a consultation runs on the case (to which `name` was called)."""
    query = select(Consultation.id).where(Consultation.case_id == case_id, Consultation.concluded_at.is_(None))
    if name is not None:
        query = query.where(Consultation.id.in_(select(Seat.consultation_id).where(Seat.name == name)))
    return session.scalar(query.limit(1)) is not None


def circulate(
    session: Session, found: Case, told: str, by: str, audience: Sequence[Body], moment: datetime
) -> Circular:
    """Tell bodies about a case."""
    made = Circular(case_id=found.id, told=told, by=by, at=moment)
    session.add(made)
    session.flush()
    session.add_all(Audience(circular_id=made.id, body=name) for name in {one.name for one in audience})
    session.flush()
    return made


def circulars(
    session: Session,
    reader: Person,
    since: datetime | None = None,
    *,
    after: Sequence[Any] | None = None,
    limit: int | None = None,
) -> list[tuple[Circular, Audience]]:
    """What this person's bodies were told (or acknowledged) since a moment, the newest first.

    `after` is number and body of the last one read so far.
    """
    seen = bodies.reach(session, reader)
    query = select(Circular, Audience).join(Audience, Audience.circular_id == Circular.id)
    if seen is not None:
        query = query.where(Audience.body.in_(sorted(seen)))
    if since is not None:
        query = query.where(Audience.updated_at >= since)
    if after is not None:
        number, body = cursors.values(after, int, str)
        query = query.where(or_(Circular.id < number, and_(Circular.id == number, Audience.body > body)))
    ordered = query.order_by(Circular.id.desc(), Audience.body).limit(limit)
    return [(row[0], row[1]) for row in session.execute(ordered)]


def audience(session: Session, case_id: int) -> list[tuple[Circular, Audience]]:
    """Circulars about a case, with who acknowledged."""
    query = select(Circular, Audience).join(Audience, Audience.circular_id == Circular.id)
    query = query.where(Circular.case_id == case_id).order_by(Circular.id, Audience.body)
    return [(row[0], row[1]) for row in session.execute(query)]


def acknowledge(session: Session, number: int, actor: Person) -> Audience:
    """Acknowledge a circular for one's body, once. Faults: 404 it did not go there, 403 the role, 409 done before."""
    moment = audit.begin(session)
    got = session.get(Audience, (number, actor.organisation or ""), with_for_update=True)
    if got is None:
        raise Fault("cases.no_circular", place=str(number), status=404)
    if actor.role not in SPEAKERS:
        raise Forbidden("cases.may_not_speak", place=str(number))
    if got.acknowledged_at is not None:
        raise Conflict("cases.acknowledged", place=str(number), name=got.acknowledged_by)
    got.acknowledged_by, got.acknowledged_at = actor.name, moment
    session.flush()
    audit.record(session, actor.actor, "acknowledge", audit.Subject("circular", str(number)), None, got.as_dict())
    return got


def _running(session: Session, found: Case, number: int) -> Consultation:
    running = session.get(Consultation, number)
    if running is None or running.case_id != found.id:
        raise Fault("cases.no_consultation", place=str(found.id), status=404, number=number)
    if running.concluded_at is not None:
        raise Conflict("cases.concluded", place=str(found.id), number=number)
    return running
