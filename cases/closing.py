"""How a case ends: what has to be done before, a second pair of eyes, and taking it up again."""

from __future__ import annotations

import json
from decimal import Decimal

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from cases import bodies, merging, notices, policy, rectification
from cases.asked import Conflict, Forbidden
from cases.people import Person
from cases.step import Step
from cases.tables import Case, plain
from cases.tables_work import Party
from cases.workflow import ENDED, SIDES, Side, State
from gnomon.terms import Outcome, Text


def proposed_by(found: Case) -> str | None:
    """Who proposed the closing that waits for a second pair of eyes."""
    return None if found.proposal is None else json.loads(found.proposal)["by"]


def close(step: Step) -> State:
    """Where closing leads: to the end, or to a second pair of eyes."""
    assert step.asked.outcome is not None
    _may_end(step)
    asked, found, outcome = step.asked, step.found, step.asked.outcome
    waits = outcome.value in policy.four_eyes(step.session)
    if waits and step.move.pending is not None:
        names = ("amount_found", "amount_recovered", "people_handled")
        money = {name: plain(getattr(asked, name)) for name in names}
        told = {"by": step.actor.name, "outcome": outcome.value, "reason": asked.reason, **money}
        found.proposal = json.dumps(told, ensure_ascii=False)
        notices.tell_chiefs(step.session, found, "proposed", step.moment, by=step.actor.display)
        return step.move.pending
    money = {"found": asked.amount_found, "recovered": asked.amount_recovered}
    _end(step, outcome, asked.reason, money, asked.people_handled)
    return step.move.to


def reconcile(step: Step) -> None:
    """The second pair of eyes agrees: the case ends as it was proposed. A fault (403) for the first pair."""
    found = step.found
    assert found.proposal is not None
    told = json.loads(found.proposal)
    if told["by"] == step.actor.name:
        raise Forbidden("cases.same_eyes", place=step.place, action=step.move.title)
    _may_end(step)
    names = {"found": told["amount_found"], "recovered": told["amount_recovered"]}
    money = {name: None if value is None else Decimal(value) for name, value in names.items()}
    _end(step, Outcome(told["outcome"]), told["reason"], money, told["people_handled"])
    found.proposal = None
    step.made["proposed_by"] = told["by"]


def decline(step: Step) -> None:
    """The second pair of eyes does not agree."""
    by = proposed_by(step.found)
    step.found.proposal = None
    if by is not None:
        notices.tell(step.session, [by], step.found, "declined", step.moment, reason=step.asked.reason)


def reopen(step: Step) -> None:
    """Take up again what had ended; every side confirms anew."""
    found = step.found
    parent = None if found.parent_id is None else step.session.get(Case, found.parent_id)
    if parent is not None and parent.state in ENDED:
        raise Conflict("cases.parent_closed", place=step.place, parent=parent.id)
    merging.no_other_open(step.session, found)
    found.outcome = found.closing_reason = found.amount_found = found.amount_recovered = found.people_handled = None
    found.closed_at, found.withdrawn_at = None, step.moment
    for party in confirming(step.session, found):
        party.confirmed_by = party.confirmed_at = None


def confirming(session: Session, found: Case) -> list[Party]:
    """The sides whose confirmation the case waits for before it ends."""
    return [party for party in bodies.sides(session, found) if party.side not in (Side.LEAD, Side.HELPER)]


def to_confirm(session: Session, found: Case, person: Person) -> list[Party]:
    """The sides that this person may confirm for and has not: those of their body, and of departments under it."""
    seen = bodies.reach(session, person) or frozenset({person.organisation or ""})
    return [party for party in confirming(session, found) if party.confirmed_at is None and party.body in seen]


def _may_end(step: Step) -> None:
    session, found = step.session, step.found
    parts = select(func.count()).where(Case.parent_id == found.id, Case.state.not_in([s.value for s in ENDED]))
    if open_parts := session.scalar(parts):
        raise Conflict("cases.parts_open", place=step.place, count=open_parts)
    if items := rectification.unfinished(session, found.id):
        raise Conflict("cases.items_open", place=step.place, count=items)
    silent = [party for party in confirming(session, found) if party.confirmed_at is None]
    if silent:
        told = [Text(f"{p.body}（{SIDES[Side(p.side)].zh}）", f"{p.body} ({SIDES[Side(p.side)].en})") for p in silent]
        listed = Text("、".join(one.zh for one in told), ", ".join(one.en for one in told))
        raise Conflict("cases.sides_silent", place=step.place, sides=listed)


def _end(
    step: Step, outcome: Outcome, reason: str, money: dict[str, Decimal | None], people_handled: int | None
) -> None:
    found = step.found
    found.outcome, found.closing_reason = outcome.value, reason
    found.amount_found, found.amount_recovered = money["found"], money["recovered"]
    found.people_handled = people_handled
    found.closed_at, found.withdrawn_at = step.moment, None
    parent = None if found.parent_id is None else step.session.get(Case, found.parent_id)
    if parent is not None and parent.owner is not None:
        notices.tell(step.session, [parent.owner], parent, "part_closed", step.moment, part=found.id)
