"""Cases that people raise: by hand, from a warning that a suppression hid, or out of another system."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from cases import audit, bodies, merging, outbox, queue
from cases.asked import Forbidden
from cases.people import Person
from cases.tables import Case, CaseWarning, IssuedWarning
from cases.tables_work import Hidden
from cases.workflow import CASEWORK, ROLES, SPEAKERS, Role, Side, State
from gnomon.errors import Fault
from gnomon.terms import Severity, Text

MATTER = "matter"
"""Kind of what a case is about when no profiled entity is meant: a project that stands still, a complaint."""


@dataclass(frozen=True, slots=True)
class Raised:
    """A problem as somebody puts it."""

    title: Text
    description: str
    scene: str
    scheme: str
    severity: Severity = Severity.WARN
    entity_kind: str = MATTER
    entity_id: str = ""
    """Empty: a matter of its own."""
    entity_name: str = ""


def raise_case(session: Session, actor: Person, told: Raised, organisation: str = "") -> Case:
    """Raise a case by hand. Another body may be named to handle it, else it is the raiser's own body's.

    Faults: 403 the role; 404 no such body; 409 a case about this entity and scheme is open (its number is in the
    message); 422 no title, description, scene or scheme.
    """
    moment = audit.begin(session)
    if actor.role not in SPEAKERS:
        raise Forbidden("cases.may_not_raise", place="case", role=ROLES[actor.role])
    if not all(one.strip() for one in (told.title.zh, told.title.en, told.description, told.scene, told.scheme)):
        raise Fault("cases.raise_needs", place="case")
    if max(len(told.scene), len(told.scheme)) > 80 or max(len(told.title.zh), len(told.title.en)) > 1000:
        raise Fault("cases.too_long", place="case", most=80)
    body = bodies.required(session, organisation).name if organisation else actor.organisation
    made = make(session, told, moment, "hand")
    made.organisation = body
    bodies.join(session, made, body, Side.LEAD)
    if body != actor.organisation:
        bodies.join(session, made, actor.organisation, Side.HELPER)
    _record(session, made, actor.actor, {"origin": "hand", "organisation": body})
    outbox.put(session, "case.open", made, actor.actor, moment)
    return made


def make(session: Session, told: Raised, moment: datetime, origin: str) -> Case:
    """A new case, not yet on the trail; a fault (409) when one about the same entity and scheme is open."""
    made = Case(
        version=1,
        entity_kind=told.entity_kind,
        entity_id=told.entity_id,
        entity_name=told.entity_name or told.title.zh,
        scheme=told.scheme,
        scene=told.scene,
        title_zh=told.title.zh,
        title_en=told.title.en,
        severity=told.severity.value,
        gravity=1.0 + (told.severity is Severity.ALERT),
        warnings=0,
        as_of=moment,
        state=State.OPEN.value,
        opened_at=moment,
        updated_at=moment,
        moved_at=moment,
        transfers=0,
        urged=0,
        origin=origin,
        description=told.description,
        pool=True,
    )
    if told.entity_id:
        merging.no_other_open(session, made)
    else:
        # Its number is its name: two matters are never the same one.
        made.entity_id = f"new-{secrets.token_hex(8)}"
    session.add(made)
    session.flush()
    if not told.entity_id:
        made.entity_id = str(made.id)
    session.flush()
    return made


def raise_hidden(session: Session, actor: Person, fingerprint: str, reason: str) -> Case:
    """Put a warning that a suppression hid into the queue after all."""
    moment = audit.begin(session)
    if actor.role not in CASEWORK:
        raise Forbidden("cases.may_not_raise", place=fingerprint, role=ROLES[actor.role])
    if not reason.strip():
        raise Fault("cases.raise_needs", place=fingerprint)
    row: IssuedWarning = queue.warning(session, fingerprint, actor)
    if session.get(Hidden, row.id) is None:
        raise Fault("cases.not_hidden", place=fingerprint, status=409)
    session.execute(delete(Hidden).where(Hidden.warning_id == row.id))
    same = (Case.entity_kind == row.entity_kind, Case.entity_id == row.entity_id, Case.scheme == row.scheme)
    stands = Case.state.not_in([State.CLOSED.value, State.MERGED.value])
    held = session.scalar(select(Case).where(*same, stands, Case.parent_id.is_(None)).with_for_update())
    case = queue.open_or_join(session, row, held, moment)
    session.add(CaseWarning(warning_id=row.id, case_id=case.id, joined_at=moment))
    _record(session, case, actor.actor, {"warnings": [row.fingerprint], "reason": reason})
    return case


def _record(session: Session, made: Case, actor: str, after: dict[str, Any]) -> None:
    told = {"version": made.version, "severity": made.severity, "title": made.title_zh, **after}
    audit.record(session, actor, "open", queue.subject(made), None, told)


def may_import(actor: Person) -> None:
    """Raise a fault (403) unless this person may bring in what another system holds."""
    if actor.role not in (Role.SUPERVISOR, Role.SERVICE, Role.ADMINISTRATOR):
        raise Forbidden("cases.may_not_import", place="import", role=ROLES[actor.role])
