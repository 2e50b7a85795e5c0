"""From warning to case, exactly once; and the lists that people read the queue by."""

from __future__ import annotations

import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import and_, select, tuple_
from sqlalchemy.orm import Session

from cases import audit, bodies, merging, outbox, suppression
from cases.pages import Order, Page, cases, warnings
from cases.people import Person
from cases.tables import Case, CaseCopy, CaseWarning, IssuedWarning, Trail, make_findable
from cases.tables_work import Hidden, Party
from cases.workflow import ENDED, Side, State
from gnomon import tracing
from gnomon.database import IN_LIST, parts, write
from gnomon.errors import Fault
from gnomon.terms import Severity, Warned

__all__ = ["CaseView", "HandedOver", "Order", "Page", "case", "case_of", "cases", "hand_over", "warning", "warnings"]

_BEGINNING = re.compile("[0-9a-f]{8,63}")
LINKED = 100
"""Steps that an action on a case is linked to, at most."""
_STANDS = and_(Case.state.not_in([state.value for state in ENDED]), Case.parent_id.is_(None))
Topic = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class HandedOver:
    """What became of the warnings that were handed over; the four add up to their number."""

    new: int
    """Opened a case."""
    joined: int
    """Joined a case that was open already."""
    known: int
    """Had been handed over before (same fingerprint): nothing done."""
    suppressed: int = 0
    """Stored and counted, but kept out of the queue by a suppression that stands."""


@dataclass(frozen=True)
class CaseView:
    """A case with everything on its page."""

    case: Case
    warnings: Sequence[IssuedWarning]
    """Gravest first."""
    trail: Sequence[Trail]
    """Oldest first."""
    copies: Sequence[CaseCopy]


def hand_over(session: Session, warnings: Sequence[Warned], run_id: str, actor: str) -> HandedOver:
    """Put warnings into the queue: rows, cases and trail in the caller's transaction.

    Idempotent: a warning already known by its fingerprint changes nothing, so whoever was killed half-way simply runs
    again. Warnings about one entity and scheme join the one open case; a closed case is never reopened by a warning, a
    new one is opened that names the earlier. Raises `ValueError` for a warning whose contributions do not add up.
    """
    moment = audit.begin(session)
    fresh = unknown(session, warnings)
    by_topic: dict[Topic, list[IssuedWarning]] = defaultdict(list)
    for fingerprint, warned in fresh.items():
        warned.check()
        by_topic[_topic(warned)].append(_row(warned, fingerprint, moment, run_id))
    _issue(session, [row for rows in by_topic.values() for row in rows])
    quiet = suppression.standing(session, by_topic, moment)
    hidden = [(row, quiet[topic]) for topic in quiet for row in by_topic.pop(topic)]
    opened, before = _cases(session, by_topic, moment)
    _open(session, opened, moment)
    held = {**{_topic(case): case for case in opened}, **before}
    links = [(row, held[topic]) for topic, rows in by_topic.items() for row in rows]
    write(
        session, CaseWarning, [{"warning_id": row.id, "case_id": case.id, "joined_at": moment} for row, case in links]
    )
    write(session, Hidden, [{"warning_id": row.id, "suppression_id": why, "hidden_at": moment} for row, why in hidden])
    joined = list({case.id: case for case in before.values()}.values())
    audit.record_all(session, _events(actor, links, hidden, opened, joined))
    for kind, touched in (("case.open", opened), ("case.join", joined)):
        for one in touched if outbox.listens(session) else ():
            outbox.put(session, kind, one, actor, moment)
    return HandedOver(len(opened), len(links) - len(opened), len(warnings) - len(fresh), len(hidden))


def case(session: Session, case_id: int) -> CaseView:
    """A case with its warnings, trail and copies; a fault (404) when there is none. `service.read` also records it."""
    kept = found(session, case_id)
    held = select(IssuedWarning).join(CaseWarning, CaseWarning.warning_id == IssuedWarning.id)
    held = held.where(CaseWarning.case_id == case_id)
    gravest = (IssuedWarning.severity, IssuedWarning.percentile.desc(), IssuedWarning.id)
    return CaseView(
        kept,
        session.scalars(held.order_by(*gravest)).all(),
        audit.events(session, subject(kept)),
        session.scalars(select(CaseCopy).where(CaseCopy.case_id == case_id).order_by(CaseCopy.sent_at)).all(),
    )


def led_here(session: Session, case_id: int) -> list[str]:
    """W3C `traceparent` of the hand-overs that issued the warnings of a case, the newest first; none untraced."""
    if not tracing.on():
        return []
    issued = select(Trail.after).join(IssuedWarning, IssuedWarning.fingerprint == Trail.subject_id)
    issued = issued.join(CaseWarning, CaseWarning.warning_id == IssuedWarning.id)
    issued = issued.where(CaseWarning.case_id == case_id, Trail.subject_kind == "warning", Trail.action == audit.ISSUE)
    told = (json.loads(after).get("trace", "") for after in session.scalars(issued.order_by(Trail.seq.desc())))
    return [trace for trace in dict.fromkeys(told) if trace][:LINKED]


def found(session: Session, case_id: int, to_change: bool = False, reader: Person | None = None) -> Case:
    """The case alone, as it stands now, locked when it is to change.

    A fault (404) when there is none, or none that `reader` may see: the two look alike.
    """
    # A number that no database can hold is no case's number either.
    known = 0 < case_id < 2**63
    case = session.get(Case, case_id, with_for_update=to_change or None, populate_existing=True) if known else None
    if case is None or (reader is not None and not bodies.sees(session, reader, case_id)):
        raise Fault("cases.no_case", place=str(case_id), status=404)
    return case


def warning(session: Session, key: int | str, reader: Person | None = None) -> IssuedWarning:
    """A warning by number or fingerprint (eight characters of it are enough when no other begins so)."""
    query = select(IssuedWarning).where(bodies.visible_warnings(session, reader))
    if str(key).isdecimal() and len(str(key)) < 19:
        query = query.where(IssuedWarning.id == int(key))
    else:
        # Between the beginning and the next one: LIKE would not use the index in most locales of PostgreSQL.
        begins = IssuedWarning.fingerprint.between(str(key), f"{key}g")
        query = query.where(begins if _BEGINNING.fullmatch(str(key)) else IssuedWarning.fingerprint == str(key))
    hits = session.scalars(query.limit(2)).all()
    if len(hits) != 1:
        raise Fault("cases.no_warning", place=str(key), status=404)
    return hits[0]


def case_of(session: Session, warning_id: int) -> int | None:
    """The case that holds a warning."""
    return session.scalar(select(CaseWarning.case_id).where(CaseWarning.warning_id == warning_id))


def subject(case: Case) -> audit.Subject:
    """How the trail names a case."""
    return audit.Subject("case", str(case.id))


def unknown(session: Session, warnings: Sequence[Warned]) -> dict[str, Warned]:
    """Warnings not in the database yet, by fingerprint."""
    by_fingerprint = {warned.fingerprint: warned for warned in warnings}
    for part in parts(by_fingerprint):
        known = select(IssuedWarning.fingerprint).where(IssuedWarning.fingerprint.in_(part))
        for fingerprint in session.scalars(known):
            del by_fingerprint[fingerprint]
    return by_fingerprint


def _issue(session: Session, rows: Sequence[IssuedWarning]) -> None:
    """Write warnings in bulk, and learn their numbers."""
    write(session, IssuedWarning, [_stored(row) for row in rows])
    by_fingerprint = {row.fingerprint: row for row in rows}
    for part in parts(by_fingerprint):
        numbers = select(IssuedWarning.fingerprint, IssuedWarning.id).where(IssuedWarning.fingerprint.in_(part))
        for fingerprint, number in session.execute(numbers):
            by_fingerprint[fingerprint].id = number


def _open(session: Session, opened: Sequence[Case], moment: datetime) -> None:
    """Write new cases in bulk, learn their numbers, and put them into the queues that their scenes go to."""
    routes = bodies.routes(session) if opened else {}
    for case in opened:
        case.pool = not routes.get(case.scene)
        make_findable(case)
    write(session, Case, [_stored(case) for case in opened])
    by_topic = {_topic(case): case for case in opened}
    for part in parts(by_topic, IN_LIST // 3):
        same = tuple_(Case.entity_kind, Case.entity_id, Case.scheme).in_(part)
        numbers = select(Case.entity_kind, Case.entity_id, Case.scheme, Case.id)
        for kind, entity, scheme, number in session.execute(numbers.where(same, _STANDS)):
            by_topic[kind, entity, scheme].id = number
    to = [(case, body) for case in opened for body in routes.get(case.scene, ())]
    write(session, Party, [bodies.seat(case.id, body, Side.LEAD, moment) for case, body in to])


def _stored(row: IssuedWarning | Case) -> dict[str, Any]:
    return {name: getattr(row, name) for name in _columns(row.__class__)}


@cache
def _columns(mapped: Any) -> tuple[str, ...]:
    """All but the number, which the database gives."""
    return tuple(column.key for column in mapped.__table__.columns if column.key != "id")


def _cases(
    session: Session, by_topic: dict[Topic, list[IssuedWarning]], moment: datetime
) -> tuple[list[Case], dict[Topic, Case]]:
    """The cases that these warnings open, and by topic those they join (brought up to date)."""
    before: dict[Topic, Case] = {}
    ended: dict[Topic, Case] = {}
    # In the order of their numbers: the latest ended one stays.
    for case in _about(session, by_topic):
        (ended if case.state in ENDED else before)[_topic(case)] = case
    opened = []
    for topic, rows in by_topic.items():
        last = ended.get(topic)
        if topic not in before and last is not None and last.state == State.MERGED:
            into = merging.standing(session, last)
            if into is not None:
                before[topic] = into
        held = before.get(topic)
        if held is None:
            held = _new(rows[0], moment, None if last is None else last.id)
            opened.append(held)
        else:
            held.version += 1
        _join(held, rows, moment)
    return opened, before


def open_or_join(session: Session, row: IssuedWarning, held: Case | None, moment: datetime) -> Case:
    """The case that one warning joins, or opens when there is none that it could join."""
    case = _new(row, moment, None) if held is None else held
    case.version += held is not None
    _join(case, [row], moment)
    session.add(case)
    session.flush()
    for body in bodies.routes(session).get(case.scene, ()) if held is None else ():
        bodies.join(session, case, body, Side.LEAD)
    return case


def _about(session: Session, topics: Iterable[Topic]) -> Iterator[Case]:
    for part in parts(topics, IN_LIST // 3):
        same = tuple_(Case.entity_kind, Case.entity_id, Case.scheme).in_(part)
        query = select(Case).where(same, Case.parent_id.is_(None)).order_by(Case.id)
        yield from session.scalars(query.execution_options(populate_existing=True))


def _new(row: IssuedWarning, moment: datetime, earlier: int | None) -> Case:
    return Case(
        version=1,
        entity_kind=row.entity_kind,
        entity_id=row.entity_id,
        entity_name=row.entity_name,
        scheme=row.scheme,
        scene=row.scene,
        gravity=-1.0,
        warnings=0,
        as_of=row.as_of,
        state=State.OPEN.value,
        severity=row.severity,
        opened_at=moment,
        moved_at=moment,
        pool=True,
        transfers=0,
        urged=0,
        level=0,
        refusals=0,
        shuffled=False,
        paused_days=0,
        origin="warning",
        earlier_id=earlier,
    )


def _join(held: Case, rows: list[IssuedWarning], moment: datetime) -> None:
    held.warnings += len(rows)
    held.as_of = max(held.as_of, *(row.as_of for row in rows))
    held.updated_at = moment
    for row in rows:
        gravity = row.percentile + (1.0 if row.severity == Severity.ALERT else 0.0)
        if gravity > held.gravity:
            title = json.loads(row.pack)["title"]
            held.gravity, held.severity = gravity, row.severity
            held.title_zh, held.title_en = title["zh"], title["en"]


def _row(warned: Warned, fingerprint: str, moment: datetime, run_id: str) -> IssuedWarning:
    return IssuedWarning(
        fingerprint=fingerprint,
        model=warned.model,
        model_version=warned.model_version,
        scene=warned.scene,
        scheme=warned.scheme,
        severity=warned.severity.value,
        entity_kind=warned.entity_kind,
        entity_id=warned.entity_id,
        entity_name=warned.entity_name,
        as_of=warned.as_of,
        lake_version=warned.lake_version,
        score=warned.score,
        percentile=warned.percentile,
        issued_at=moment,
        run_id=run_id,
        pack=_PACK.encode(warned),
    )


def _told(value: Any) -> Any:
    """What `Warned.as_dict` says, without copying what it holds."""
    return (
        value.isoformat() if isinstance(value, datetime) else {n: getattr(value, n) for n in _fields(value.__class__)}
    )


@cache
def _fields(kind: Any) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))


_PACK = json.JSONEncoder(default=_told, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def _events(
    actor: str,
    links: list[tuple[IssuedWarning, Case]],
    hidden: list[tuple[IssuedWarning, int]],
    opened: list[Case],
    before: list[Case],
) -> Iterator[audit.Event]:
    held: dict[int, list[str]] = defaultdict(list)
    # Whoever works on the case months later finds the run, and the files behind it, by this.
    traced = {"trace": tracing.context()} if tracing.on() else {}
    for row, case in links:
        held[case.id].append(row.fingerprint)
        pack = hashlib.sha256(row.pack.encode()).hexdigest()
        after: dict[str, Any] = {"case": case.id, "model": row.model, "run": row.run_id, "pack_sha256": pack}
        yield audit.Event(actor, audit.ISSUE, audit.Subject("warning", row.fingerprint), None, after | traced)
    for row, why in hidden:
        pack = hashlib.sha256(row.pack.encode()).hexdigest()
        after = {"suppression": why, "model": row.model, "run": row.run_id, "pack_sha256": pack}
        yield audit.Event(actor, audit.ISSUE, audit.Subject("warning", row.fingerprint), None, after | traced)
    for action, touched in (("open", opened), ("join", before)):
        for case in touched:
            after = {"version": case.version, "severity": case.severity, "warnings": held[case.id]}
            after |= {"earlier": case.earlier_id} if action == "open" else {}
            yield audit.Event(actor, action, subject(case), None, after)


def _topic(about: Warned | Case | IssuedWarning) -> Topic:
    return about.entity_kind, about.entity_id, about.scheme
