"""Warnings of other platforms: taken in once, scored by our models too, answered with what became of them."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, String, cast, exists, literal, or_, select, tuple_
from sqlalchemy.orm import Session

from cases import audit, bodies, cursors, outbox, queue, raising
from cases.people import Person
from cases.raising import Raised
from cases.tables import Case, Moment, Trail
from cases.tables_work import Foreign
from cases.workflow import ENDED, Side
from gnomon.errors import Fault
from gnomon.terms import Severity, Text


@dataclass(frozen=True, slots=True)
class Theirs:
    """One warning of another platform."""

    system: str
    id: str
    title: str
    scene: str
    scheme: str
    entity_kind: str
    entity_id: str
    entity_name: str = ""
    score: float | None = None
    severity: Severity = Severity.WARN
    description: str = ""
    told: dict[str, Any] = field(default_factory=dict)
    """The record as it came."""


@dataclass(frozen=True, slots=True)
class Ours:
    """What our models say about the same entity and scheme."""

    model: str
    score: float
    percentile: float
    warns: bool


@dataclass(frozen=True, slots=True)
class Screened:
    """What became of one."""

    record: Foreign
    known: bool
    """Came before: nothing was done."""


Judge = Callable[[str, str, str], Ours | None]
"""(entity kind, entity id, scheme) → our verdict; null when our models cannot judge."""


def rescreen(session: Session, theirs: Sequence[Theirs], judge: Judge, actor: Person) -> list[Screened]:
    """Take in warnings of other platforms. Each is scored by ours, both scores are kept, and it joins the open case
    about the same entity and scheme or opens one. The same system and number again changes nothing.

    Faults: 403 the role; 422 a warning without system, number, title, scene, scheme or entity.
    """
    moment = audit.begin(session)
    raising.may_import(actor)
    done = []
    for one in theirs:
        named = (one.system, one.id, one.title, one.scene, one.scheme, one.entity_kind, one.entity_id)
        if not all(part.strip() for part in named):
            raise Fault("cases.foreign_needs", place=f"{one.system}/{one.id}")
        same = (Foreign.system == one.system, Foreign.foreign_id == one.id, Foreign.body == "")
        known = session.scalar(select(Foreign).where(*same))
        if known is not None:
            done.append(Screened(known, True))
            continue
        ours = judge(one.entity_kind, one.entity_id, one.scheme)
        done.append(Screened(_take(session, one, ours, actor, moment), False))
    return done


def statuses(
    session: Session,
    system: str,
    updated_since: datetime | None = None,
    *,
    after: Sequence[Any] | None = None,
    limit: int = 50,
    reader: Person | None = None,
) -> list[tuple[Foreign, Case]]:
    """What became of one system's warnings, by their number; with `updated_since` those whose case has changed since,
    the longest unchanged first. `after` is the `key` of the last one read so far. `reader` leaves the cases that this
    person may see, and the records that their account sent."""
    query = select(Foreign, Case).join(Case, Case.id == Foreign.case_id).where(Foreign.system == system)
    if reader is not None:
        query = query.where(readable(session, reader))
    if updated_since is None:
        query = query.where(Foreign.id > (cursors.values(after, int) or (0,))[0]).order_by(Foreign.id)
    else:
        query = query.where(Case.updated_at >= updated_since).order_by(Case.updated_at, Foreign.id)
        if after is not None:
            at, number = cursors.values(after, datetime, int)
            query = query.where(tuple_(Case.updated_at, Foreign.id) > tuple_(literal(at, Moment), number))
    return [(row[0], row[1]) for row in session.execute(query.limit(max(1, limit)))]


def key(told: tuple[Foreign, Case], updated_since: datetime | None = None) -> list[Any]:
    """Where an answer stands in the order of `statuses`: what a cursor holds."""
    record, case = told
    return [record.id] if updated_since is None else [case.updated_at.isoformat(), record.id]


def readable(session: Session, reader: Person) -> ColumnElement[bool]:
    """The condition on `foreign_record` and `case_file` that leaves what this person may see, or sent."""
    return or_(bodies.visible(session, reader), _sent_by(reader))


def may_read(session: Session, reader: Person, record: Foreign) -> bool:
    """Whether this person may see the record's case, or sent the record."""
    here = (Foreign.id == record.id, Foreign.case_id == Case.id, readable(session, reader))
    return bool(session.scalar(select(exists().where(*here))))


def _sent_by(person: Person) -> ColumnElement[bool]:
    """Whether the trail names this person as who brought the record in."""
    number = literal(',"id":') + cast(Foreign.id, String) + literal(",")
    about = (Trail.subject_kind == "case", Trail.subject_id == cast(Foreign.case_id, String))
    by = Trail.actor.in_([person.name, person.by_way_of("token").actor, person.by_way_of("cli").actor])
    return exists().where(*about, Trail.action.in_(("open", "join")), by, Trail.after.contains(number))


def record(session: Session, number: int) -> Foreign:
    """One record by our number for it."""
    return session.get_one(Foreign, number)


def records(session: Session, case_id: int) -> Sequence[Foreign]:
    """Records of other systems that lie behind a case."""
    return session.scalars(select(Foreign).where(Foreign.case_id == case_id).order_by(Foreign.id)).all()


def agreement(session: Session) -> dict[str, dict[str, int]]:
    """By system: how often our models agreed, stayed silent, or could not judge."""
    found: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for system, verdict in session.execute(select(Foreign.system, Foreign.verdict)):
        found[system][verdict] += 1
    return {system: dict(counts) for system, counts in found.items()}


def _take(session: Session, one: Theirs, ours: Ours | None, actor: Person, moment: datetime) -> Foreign:
    same = (Case.entity_kind == one.entity_kind, Case.entity_id == one.entity_id, Case.scheme == one.scheme)
    stands = (Case.state.not_in([state.value for state in ENDED]), Case.parent_id.is_(None))
    case = session.scalar(select(Case).where(*same, *stands).with_for_update())
    action = "open" if case is None else "join"
    if case is None:
        raised = Raised(
            Text(one.title, one.title), one.description or one.title, one.scene, one.scheme, one.severity,
            one.entity_kind, one.entity_id, one.entity_name,
        )  # fmt: skip
        case = raising.make(session, raised, moment, "rescreen")
        case.gravity = (ours.percentile if ours else 0.0) + (one.severity is Severity.ALERT)
        for body in bodies.routes(session).get(one.scene, ()):
            bodies.join(session, case, body, Side.LEAD)
    else:
        case.version += 1
        case.updated_at = moment
    made = Foreign(system=one.system, foreign_id=one.id, told=json.dumps(one.told, ensure_ascii=False, default=str))
    made.their_score, made.case_id, made.received_at = one.score, case.id, moment
    made.verdict = "unknown" if ours is None else "agreed" if ours.warns else "quiet"
    if ours is not None:
        made.our_model, made.our_score, made.our_percentile = ours.model, ours.score, ours.percentile
    session.add(made)
    session.flush()
    after = {**made.as_dict(), "version": case.version}
    del after["told"]
    audit.record(session, actor.actor, action, queue.subject(case), None, after)
    outbox.put(session, f"case.{action}", case, actor.actor, moment)
    return made
