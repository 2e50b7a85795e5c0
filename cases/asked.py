"""What a person asks for with an action, and whether it holds everything that the move needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy.orm import Session

from cases import bodies, people
from cases.people import Person
from cases.tables import Case
from cases.tables_work import Body
from cases.workflow import CASEWORK, READERS, ROLES, SIDES, Action, Holder, Move, Need, Side
from gnomon.errors import Fault
from gnomon.terms import Outcome

MOST = 10**9
"""Amounts in yuan and numbers of people beyond this are slips of the pen."""
LONGEST = 20_000
"""Characters of a reason, a set of minutes, a title."""
MANY = 100
"""Parts, items, people or bodies in one request."""


class Conflict(Fault):
    """The case is not as the person saw it, or its state forbids the action: HTTP 409."""

    def __init__(self, key: str, *, place: str, **values: object) -> None:
        super().__init__(key, place=place, status=409, exit_code=1, **values)


class Forbidden(Fault):
    """This person may not do it: HTTP 403."""

    def __init__(self, key: str, *, place: str, **values: object) -> None:
        super().__init__(key, place=place, status=403, exit_code=1, **values)


@dataclass(frozen=True, slots=True)
class Part:
    """A sub-case or a rectification item: what it is about, who is to do it, by when."""

    title: str
    to: str = ""
    """Account of the person (sub-cases)."""
    organisation: str = ""
    due: datetime | None = None


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
    organisation: str = ""
    side: Side | None = None
    parts: Sequence[Part] = ()
    """Sub-cases of a split, items of a rectification."""
    people: Sequence[str] = ()
    bodies: Sequence[str] = ()
    other: int = 0
    """Number of another case, of an item or of a consultation."""
    answer: str = ""

    def told(self) -> dict[str, Any]:
        """What was given beside the case's own columns, as the trail keeps it."""
        plain: dict[str, Any] = {"reason": self.reason, "to": self.to, "organisation": self.organisation}
        plain |= {"side": self.side and self.side.value, "other": self.other, "answer": self.answer}
        plain |= {"people": list(self.people), "bodies": list(self.bodies)}
        plain["parts"] = [
            {"title": p.title, "to": p.to, "organisation": p.organisation, "due": p.due and p.due.isoformat()}
            for p in self.parts
        ]
        return {name: value for name, value in plain.items() if value}


@dataclass(frozen=True, slots=True)
class Named:
    """The accounts and bodies that a request names, found."""

    person: Person | None = None
    body: Body | None = None
    people: Sequence[Person] = ()
    bodies: Sequence[Body] = ()


def required(session: Session, found: Case, move: Move, action: Action, asked: Request) -> Named:
    """Who the request names, once everything that the move needs is there. Raises `Fault` (404 or 422) else."""
    place = str(found.id)
    _texts(place, asked)
    if move.needs_reason and not asked.reason:
        raise Fault("cases.needs_reason", place=place, action=move.title)
    if move.needs_outcome and asked.outcome is None:
        raise Fault("cases.needs_outcome", place=place, outcomes=", ".join(Outcome))
    _amounts(place, move, asked)
    for need, there in _needs(move, asked):
        if not there:
            raise Fault(f"cases.needs_{need.value}", place=place, action=move.title)
    body = bodies.required(session, asked.organisation) if asked.organisation else None
    seats = tuple(_reader(session, place, move, name) for name in asked.people)
    told = tuple(bodies.required(session, name) for name in asked.bodies)
    for part in asked.parts:
        _part(session, place, move, part)
    return Named(_person(session, place, move, asked, body), body, seats, told)


def _texts(place: str, asked: Request) -> None:
    if max(map(len, (asked.reason, asked.to, asked.organisation, *(part.title for part in asked.parts)))) > LONGEST:
        raise Fault("cases.too_long", place=place, most=LONGEST)
    if max(len(asked.parts), len(asked.people), len(asked.bodies)) > MANY:
        raise Fault("cases.too_many", place=place, most=MANY)


def _amounts(place: str, move: Move, asked: Request) -> None:
    amounts = (asked.amount_found, asked.amount_recovered, asked.people_handled)
    for amount in amounts:
        if amount is not None and not (Decimal(amount).is_finite() and 0 <= amount <= MOST):
            raise Fault("cases.amount", place=place, amount=amount)
    if not move.needs_outcome and (asked.outcome is not None or any(amount is not None for amount in amounts)):
        raise Fault("cases.no_outcome_here", place=place, action=move.title)


def _needs(move: Move, asked: Request) -> list[tuple[Need, bool]]:
    answers = ("yes", "no") if Need.ITEM in move.needs else ("yes", "no", "abstain")
    there = {
        Need.BODY: bool(asked.organisation),
        Need.PARTS: bool(asked.parts),
        Need.PEOPLE: bool(asked.people),
        Need.BODIES: bool(asked.bodies),
        Need.OTHER_CASE: asked.other > 0,
        Need.ITEM: asked.other > 0,
        Need.CONSULTATION: asked.other > 0,
        Need.ANSWER: asked.answer in answers,
        Need.DUE: asked.due is not None,
    }
    return [(need, there[need]) for need in Need if need in move.needs]


def _person(session: Session, place: str, move: Move, asked: Request, body: Body | None) -> Person | None:
    if not move.needs_person:
        return None
    hands_over = move.owner is Holder.NAMED
    if not asked.to:
        if hands_over and body is not None:
            return None
        raise Fault("cases.needs_person", place=place, action=move.title)
    named = people.required(session, asked.to)
    if named.role not in (CASEWORK if hands_over else READERS):
        raise Fault("cases.unfit_person", place=place, name=named.name, role=ROLES[named.role], action=move.title)
    return named


def _reader(session: Session, place: str, move: Move, name: str) -> Person:
    named = people.required(session, name)
    if named.role not in READERS:
        raise Fault("cases.unfit_person", place=place, name=named.name, role=ROLES[named.role], action=move.title)
    return named


def _part(session: Session, place: str, move: Move, part: Part) -> None:
    if not part.title.strip():
        raise Fault("cases.needs_title", place=place, action=move.title)
    if part.to and people.required(session, part.to).role not in CASEWORK:
        role = ROLES[people.required(session, part.to).role]
        raise Fault("cases.unfit_person", place=place, name=part.to, role=role, action=move.title)
    if part.organisation:
        bodies.required(session, part.organisation)


def side_of(asked: Request) -> Side:
    """The side that a body is invited on: helping, when none was named; nobody is invited to lead."""
    if asked.side is Side.LEAD:
        raise Fault("cases.lead_side", place=asked.organisation, side=SIDES[Side.LEAD])
    return asked.side or Side.HELPER
