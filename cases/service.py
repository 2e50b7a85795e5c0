"""What people do with cases: each action held against the table of moves, and on the trail in its transaction."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, select, tuple_
from sqlalchemy.orm import Session, object_session

from cases import audit, bodies, closing, meetings, outbox, queue, rectification, steps
from cases.asked import Conflict, Forbidden, Part, Request, required
from cases.people import Person
from cases.step import Step
from cases.tables import Case, CaseCopy, CaseWarning, IssuedWarning
from cases.tables_work import Party
from cases.workflow import ACTIONS, MOVES, READERS, ROLES, STATES, Action, Holder, Move, Role, Side, State, moves
from gnomon import tracing
from gnomon.terms import Outcome, Text

__all__ = [
    "Action",
    "Conflict",
    "Forbidden",
    "Part",
    "Request",
    "act",
    "allowed",
    "read",
    "read_warning",
    "take_next",
]

_LOOKED_AT = 50
"""Cases that a search for the next one looks at, at a time."""


def act(
    session: Session,
    case_id: int,
    action: Action,
    actor: Person,
    version: int,
    reason: str = "",
    outcome: Outcome | None = None,
    *,
    to: str = "",
    due: datetime | None = None,
    amount_found: Decimal | None = None,
    amount_recovered: Decimal | None = None,
    people_handled: int | None = None,
    organisation: str = "",
    side: Side | None = None,
    parts: Sequence[Part] = (),
    people: Sequence[str] = (),
    bodies: Sequence[str] = (),
    other: int = 0,
    answer: str = "",
) -> Case:
    """Do one action on a case as it stood at `version`.

    Raises `Fault` and changes nothing: 404 no such case (or none that this person may see), person or body; 403 the
    role or the side, or somebody else owns the case, or the same eyes would look twice; 409 the state forbids it (the
    message says what may be done instead), or the case has changed since; 422 something that the move needs is missing,
    or an amount that cannot be.
    """
    audit.begin(session)
    found = queue.found(session, case_id, to_change=True, reader=actor)
    move = _move(session, found, Action(action), actor)
    if found.version != version:
        raise Conflict("cases.changed", place=str(case_id), seen=version, version=found.version)
    money = (amount_found, amount_recovered, people_handled)
    asked = Request(
        reason.strip(),
        outcome,
        to.strip(),
        due,
        *money,
        organisation.strip(),
        side,
        parts,
        people,
        bodies,
        other,
        answer,
    )
    # A savepoint: what a step had begun before it found a reason to refuse is undone, whatever the caller does next.
    with (
        tracing.span(
            "case.act", links=queue.led_here(session, case_id), case=case_id, action=Action(action).value
        ) as told,
        session.begin_nested(),
    ):
        named = required(session, found, move, Action(action), asked)
        before = found.as_dict()
        step = Step(session, found, move, Action(action), actor, asked, named, audit.begin(session))
        steps.apply(step)
        found.version += 1
        found.updated_at = step.moment
        session.flush()
        _record(step, before)
        told.tell(state=found.state)
    return found


def take_next(session: Session, actor: Person, scene: str | None = None, entity_kind: str | None = None) -> Case | None:
    """Sign for the gravest open case that nobody owns and this person may sign for; null when none is left."""
    audit.begin(session)
    query = select(Case).where(Case.state == State.OPEN.value, Case.owner.is_(None), bodies.visible(session, actor))
    for column, value in ((Case.scene, scene), (Case.entity_kind, entity_kind)):
        if value is not None:
            query = query.where(column == value)
    claim, after = MOVES[State.OPEN, Action.CLAIM], list[ColumnElement[bool]]()
    ordered = query.order_by(Case.gravity.desc(), Case.id.desc()).limit(_LOOKED_AT)
    while rows := session.scalars(ordered.where(*after)).all():
        for found in rows:
            may = bodies.role_in(session, actor, found) in claim.by
            if may and _stands(claim, _sides(session, actor, found)):
                return act(session, found.id, Action.CLAIM, actor, found.version)
        after = [tuple_(Case.gravity, Case.id) < tuple_(rows[-1].gravity, rows[-1].id)]
    return None


def allowed(found: Case, person: Person) -> dict[Action, Move]:
    """What this person may do with this case now: the buttons of its page."""
    session = object_session(found)
    if session is None or not bodies.sees(session, person, found.id):
        return {}
    standing = _sides(session, person, found)
    may = moves(found.state, bodies.role_in(session, person, found))
    return {
        action: move
        for action, move in may.items()
        if _stands(move, standing)
        and not _owned_by_other(session, found, move, person)
        and not _nobody_to_free(found, move)
        and not (action is Action.RECONCILE and closing.proposed_by(found) == person.name)
        and _is_there(session, found, action, person)
    }


def read(session: Session, case_id: int, reader: Person) -> queue.CaseView:
    """A case's page. Who opened it goes on the trail; a copy or a hand-over to the reader's body counts as received."""
    moment = audit.begin(session)
    found = queue.found(session, case_id, reader=reader)
    _may_read(session, reader, found, case_id)
    copy = session.get(CaseCopy, (case_id, reader.name), populate_existing=True)
    if copy is not None and copy.read_at is None:
        copy.read_at = moment
    here = select(Party).where(Party.case_id == case_id, Party.body == reader.organisation)
    for party in session.scalars(here.where(Party.received_at.is_(None))):
        party.received_by, party.received_at = reader.name, moment
    session.flush()
    view = queue.case(session, case_id)
    audit.record(session, reader.actor, "read", queue.subject(view.case))
    return view


def read_warning(session: Session, key: int | str, reader: Person) -> IssuedWarning:
    """A warning with its reasons and evidence. Who opened it goes on the trail."""
    found = queue.warning(session, key, reader)
    case_id = session.scalar(select(CaseWarning.case_id).where(CaseWarning.warning_id == found.id))
    _may_read(session, reader, None if case_id is None else session.get(Case, case_id), key)
    audit.record(session, reader.actor, "read", audit.Subject("warning", found.fingerprint))
    return found


def _may_read(session: Session, reader: Person, found: Case | None, key: int | str) -> None:
    role = reader.role if found is None else bodies.role_in(session, reader, found)
    if role not in READERS:
        raise Forbidden("cases.may_not_read", place=str(key), role=ROLES[role])


def _move(session: Session, found: Case, action: Action, actor: Person) -> Move:
    place, role = str(found.id), bodies.role_in(session, actor, found)
    here = moves(found.state, role)
    if action in here and not _nobody_to_free(found, here[action]):
        move = here[action]
        if not _stands(move, _sides(session, actor, found)):
            raise Forbidden("cases.side", place=place, action=move.title)
        if _owned_by_other(session, found, move, actor):
            raise Forbidden("cases.not_owner", place=place, action=move.title, owner=found.owner)
        return move
    if not any(action in moves(state, role) for state in State):
        raise Forbidden("cases.role", place=place, action=ACTIONS[action], role=ROLES[role], roles=_roles(action))
    instead = _listed([ACTIONS[other] for other in allowed(found, actor)])
    raise Conflict(
        "cases.state", place=place, action=ACTIONS[action], state=STATES[State(found.state)], instead=instead
    )


def _sides(session: Session, person: Person, found: Case) -> frozenset[Side] | None:
    return bodies.sides_of(session, person, found)


def _stands(move: Move, standing: frozenset[Side] | None) -> bool:
    return standing is None or not move.sides or bool(move.sides & standing)


def _owned_by_other(session: Session, found: Case, move: Move, person: Person) -> bool:
    if not move.owner_only or found.owner is None or found.owner == person.name:
        return False
    standing = _sides(session, person, found)
    chief = bodies.role_in(session, person, found) is Role.SUPERVISOR
    return not (chief and (standing is None or Side.LEAD in standing))


def _is_there(session: Session, found: Case, action: Action, person: Person) -> bool:
    """Whether there is anything to do it to: an item, a seat, a side that has not confirmed."""
    if action in (Action.SUBMIT, Action.CHECK):
        return rectification.awaits(session, found.id, action is Action.CHECK)
    if action in (Action.VOTE, Action.CONCLUDE):
        return meetings.runs(session, found.id, person.name if action is Action.VOTE else None)
    if action is Action.CONFIRM:
        return bool(closing.to_confirm(session, found, person))
    return True


def _nobody_to_free(found: Case, move: Move) -> bool:
    return move.owner is Holder.NOBODY and found.owner is None


def _record(step: Step, before: dict[str, Any]) -> None:
    """What changed, before and after, with what was given; and the messages that other systems wait for."""
    session, found = step.session, step.found
    after = found.as_dict()
    changed = sorted(name for name in after if after[name] != before[name] and name != "updated_at")
    told = {name: after[name] for name in changed} | step.asked.told() | step.made
    was = {name: before[name] for name in changed}
    audit.record(session, step.actor.actor, step.action.value, queue.subject(found), was, told)
    outbox.put(session, f"case.{step.action.value}", found, step.actor.actor, step.moment)


def _roles(action: Action) -> Text:
    return _listed([title for role, title in ROLES.items() if any(action in moves(state, role) for state in State)])


def _listed(texts: list[Text]) -> Text:
    """Several titles as one text; a dash when there is none."""
    return Text("、".join(text.zh for text in texts) or "无", ", ".join(text.en for text in texts) or "nothing")
