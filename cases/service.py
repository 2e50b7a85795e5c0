"""What people do with cases: each action held against the table of moves, and on the trail in its transaction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from cases import audit, people, queue
from cases.people import Person
from cases.tables import Case, CaseCopy, IssuedWarning
from cases.workflow import ACTIONS, CASEWORK, READERS, ROLES, STATES, TERMS, Action, Holder, Move, Role, State, moves
from gnomon.errors import Fault
from gnomon.terms import Outcome, Severity, Text

MOST = 10**9
"""Amounts in yuan and numbers of people beyond this are slips of the pen."""


class Conflict(Fault):
    """The case is not as the person saw it, or its state forbids the action: HTTP 409."""

    def __init__(self, key: str, *, place: str, **values: object) -> None:
        super().__init__(key, place=place, status=409, exit_code=1, **values)


class Forbidden(Fault):
    """This person may not do it: HTTP 403."""

    def __init__(self, key: str, *, place: str, **values: object) -> None:
        super().__init__(key, place=place, status=403, exit_code=1, **values)


@dataclass(frozen=True, slots=True)
class Request:
    """What a person asks for, beside the action itself."""

    reason: str = ""
    outcome: Outcome | None = None
    to: str = ""
    """Name of the person that a case is assigned, transferred or copied to."""
    due: datetime | None = None
    amount_found: Decimal | None = None
    amount_recovered: Decimal | None = None
    people_handled: int | None = None


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
) -> Case:
    """Do one action on a case as it stood at `version`.

    Raises `Fault` and changes nothing: 404 no such case or person; 403 the role, or somebody else owns the case; 409
    the state forbids it (the message says what may be done instead), or the case has changed since; 422 reason,
    outcome or person missing, or an amount that cannot be.
    """
    moment = audit.begin(session)
    found = queue.found(session, case_id, to_change=True)
    move = _move(found, Action(action), actor)
    if found.version != version:
        raise Conflict("cases.changed", place=str(case_id), seen=version, version=found.version)
    asked = Request(reason.strip(), outcome, to.strip(), due, amount_found, amount_recovered, people_handled)
    named = _required(session, found, move, action, asked)
    before = found.as_dict()
    _apply(session, found, move, Action(action), actor, asked, named, moment)
    found.version += 1
    found.updated_at = moment
    session.flush()
    _record(session, found, Action(action), actor, asked, before)
    return found


def allowed(found: Case, person: Person) -> dict[Action, Move]:
    """What this person may do with this case now: the buttons of its page."""
    may = moves(found.state, person.role)
    return {
        action: move
        for action, move in may.items()
        if not _owned_by_other(found, move, person) and not _nobody_to_free(found, move)
    }


def read(session: Session, case_id: int, reader: Person) -> queue.CaseView:
    """A case's page. Who opened it goes on the trail; a copy that was sent to the reader counts as read."""
    _may_read(reader, case_id)
    moment = audit.begin(session)
    copy = session.get(CaseCopy, (case_id, reader.name), populate_existing=True)
    if copy is not None and copy.read_at is None:
        copy.read_at = moment
        session.flush()
    view = queue.case(session, case_id)
    audit.record(session, reader.actor, "read", queue.subject(view.case))
    return view


def read_warning(session: Session, key: int | str, reader: Person) -> IssuedWarning:
    """A warning with its reasons and evidence. Who opened it goes on the trail."""
    _may_read(reader, key)
    found = queue.warning(session, key)
    audit.record(session, reader.actor, "read", audit.Subject("warning", found.fingerprint))
    return found


def _may_read(reader: Person, key: int | str) -> None:
    if reader.role not in READERS:
        raise Forbidden("cases.may_not_read", place=str(key), role=ROLES[reader.role])


def _move(found: Case, action: Action, actor: Person) -> Move:
    place, here = str(found.id), moves(found.state, actor.role)
    if action in here and not _nobody_to_free(found, here[action]):
        move = here[action]
        if _owned_by_other(found, move, actor):
            raise Forbidden("cases.not_owner", place=place, action=move.title, owner=found.owner)
        return move
    if not any(action in moves(state, actor.role) for state in State):
        raise Forbidden("cases.role", place=place, action=ACTIONS[action], role=ROLES[actor.role], roles=_roles(action))
    instead = _listed([ACTIONS[other] for other in allowed(found, actor)])
    raise Conflict(
        "cases.state", place=place, action=ACTIONS[action], state=STATES[State(found.state)], instead=instead
    )


def _owned_by_other(found: Case, move: Move, person: Person) -> bool:
    return (
        move.owner_only
        and found.owner is not None
        and found.owner != person.name
        and person.role is not Role.SUPERVISOR
    )


def _nobody_to_free(found: Case, move: Move) -> bool:
    return move.owner is Holder.NOBODY and found.owner is None


def _required(session: Session, found: Case, move: Move, action: Action, asked: Request) -> Person | None:
    """The person named in the request, once everything that the move needs is there."""
    place = str(found.id)
    if move.needs_reason and not asked.reason:
        raise Fault("cases.needs_reason", place=place, action=move.title)
    if move.needs_outcome and asked.outcome is None:
        raise Fault("cases.needs_outcome", place=place, outcomes=", ".join(Outcome))
    amounts = (asked.amount_found, asked.amount_recovered, asked.people_handled)
    for amount in amounts:
        if amount is not None and not (Decimal(amount).is_finite() and 0 <= amount <= MOST):
            raise Fault("cases.amount", place=place, amount=amount)
    if not move.needs_outcome and (asked.outcome is not None or any(amount is not None for amount in amounts)):
        raise Fault("cases.no_outcome_here", place=place, action=move.title)
    if not move.needs_person:
        return None
    if not asked.to:
        raise Fault("cases.needs_person", place=place, action=move.title)
    named = people.required(session, asked.to)
    if named.role not in (CASEWORK if move.owner is Holder.NAMED else READERS):
        raise Fault("cases.unfit_person", place=place, name=named.name, role=ROLES[named.role], action=move.title)
    return named


def _apply(
    session: Session,
    found: Case,
    move: Move,
    action: Action,
    actor: Person,
    asked: Request,
    named: Person | None,
    moment: datetime,
) -> None:
    found.state = move.to.value
    if move.owner is not Holder.KEPT:
        owner = {Holder.ACTOR: actor, Holder.NAMED: named, Holder.NOBODY: None}[move.owner]
        found.owner = None if owner is None else owner.name
        found.organisation = found.organisation if owner is None else owner.organisation
    if action is Action.CLAIM:
        found.claimed_at = moment
        found.due = found.due or moment + TERMS[Severity(found.severity)]
    elif action is Action.TRANSFER:
        found.transfers += 1
    elif action is Action.SUPERVISE:
        found.urged += 1
    elif action is Action.COPY and named is not None:
        _copy(session, found, named, moment)
    elif action is Action.CLOSE:
        _close(found, asked, moment)
    elif action is Action.REOPEN:
        _reopen(session, found, moment)
    if asked.due is not None:
        found.due = asked.due


def _copy(session: Session, found: Case, named: Person, moment: datetime) -> None:
    if session.get(CaseCopy, (found.id, named.name)) is not None:
        raise Conflict("cases.copied", place=str(found.id), name=named.name)
    session.add(CaseCopy(case_id=found.id, name=named.name, sent_at=moment))


def _close(found: Case, asked: Request, moment: datetime) -> None:
    assert asked.outcome is not None
    found.outcome, found.closing_reason = asked.outcome.value, asked.reason
    found.amount_found, found.amount_recovered = asked.amount_found, asked.amount_recovered
    found.people_handled = asked.people_handled
    found.closed_at, found.withdrawn_at = moment, None


def _reopen(session: Session, found: Case, moment: datetime) -> None:
    same = (Case.entity_kind == found.entity_kind, Case.entity_id == found.entity_id, Case.scheme == found.scheme)
    with session.no_autoflush:
        alive = (Case.state != State.CLOSED.value, Case.parent_id.is_(None), Case.id != found.id)
        other = session.scalar(select(Case.id).where(*same, *alive))
    if other is not None:
        raise Conflict("cases.other_open", place=str(found.id), other=other)
    found.outcome = found.closing_reason = found.amount_found = found.amount_recovered = found.people_handled = None
    found.closed_at, found.withdrawn_at = None, moment


def _record(
    session: Session, found: Case, action: Action, actor: Person, asked: Request, before: dict[str, Any]
) -> None:
    """What changed, before and after, with the reason given and the person named."""
    after = found.as_dict()
    changed = sorted(name for name in after if after[name] != before[name] and name != "updated_at")
    given = {"reason": asked.reason, "to": asked.to}
    told = {name: after[name] for name in changed} | {name: value for name, value in given.items() if value}
    audit.record(
        session, actor.actor, action.value, queue.subject(found), {name: before[name] for name in changed}, told
    )


def _roles(action: Action) -> Text:
    return _listed([title for role, title in ROLES.items() if any(action in moves(state, role) for state in State)])


def _listed(texts: list[Text]) -> Text:
    """Several titles as one text; a dash when there is none."""
    return Text("、".join(text.zh for text in texts) or "无", ", ".join(text.en for text in texts) or "nothing")
