"""The form of every action, drawn from the table of moves, and what was filled in read back as the action's request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from sqlalchemy.orm import Session
from starlette.datastructures import FormData

from cases import bodies, meetings, people, rectification
from cases.asked import Part
from cases.calendar import ZONE
from cases.tables import Case
from cases.workflow import CASEWORK, READERS, SIDES, Action, Holder, Move, Need, Side
from gnomon.errors import Fault
from gnomon.i18n import both
from gnomon.terms import Outcome, Text

LINES = 4
"""Sub-cases or items that one form offers; more are added by doing it again."""


GROUPS: dict[str, tuple[Action, ...]] = {
    "handle": (
        Action.CLAIM, Action.RESPOND, Action.STEP_IN, Action.RESUME, Action.RECONCILE, Action.DECLINE, Action.CLOSE,
        Action.RECTIFY, Action.SUBMIT, Action.CHECK, Action.REPORT, Action.CONFIRM, Action.REOPEN, Action.REMIND,
        Action.PAUSE, Action.EXTEND, Action.REFUSE, Action.NOTE,
    ),
    "hand_on": (
        Action.ASSIGN, Action.TRANSFER, Action.RETURN, Action.SPLIT, Action.COPY, Action.LIAISON, Action.INVITE,
        Action.MERGE, Action.UNMERGE,
    ),
    "together": (
        Action.SUPERVISE, Action.RESUPERVISE, Action.CONSULT, Action.VOTE, Action.CONCLUDE, Action.CIRCULATE,
    ),
}  # fmt: skip
"""How the actions are laid out on a case's page; a test holds it to the actions that there are."""


def grouped(moves: Mapping[Action, Any]) -> dict[str, dict[Action, Any]]:
    """What may be done, group by group; groups in which nothing may be done are left out."""
    laid = {name: {one: moves[one] for one in actions if one in moves} for name, actions in GROUPS.items()}
    return {name: held for name, held in laid.items() if held}


@dataclass(frozen=True, slots=True)
class Choice:
    """One option of a list."""

    value: str
    text: Text


@dataclass(frozen=True)
class Offered:
    """What the lists of a case's forms offer."""

    workers: Sequence[Choice]
    readers: Sequence[Choice]
    bodies: Sequence[Choice]
    items: Sequence[Choice]
    """Rectification items that can be submitted or checked."""
    consultations: Sequence[Choice]
    """Consultations that still run."""


@dataclass(frozen=True)
class Field:
    """One part of a form."""

    name: str
    kind: str
    """select, many, text, area, number, money, date, answer or parts: how the template draws it."""
    label: str
    """Key of its label."""
    required: bool = False
    choices: Sequence[Choice] = field(default_factory=tuple)


def offered(session: Session, case: Case) -> Offered:
    """What the forms of this case offer to choose from."""
    accounts = [one for one in people.everyone(session) if not one.disabled]
    open_items = [one for one in rectification.items(session, case.id) if one.state != "passed"]
    running = [one for one, _ in meetings.consultations(session, case.id) if one.concluded_at is None]
    return Offered(
        [Choice(one.name, Text(one.display, one.display)) for one in accounts if one.role in CASEWORK],
        [Choice(one.name, Text(one.display, one.display)) for one in accounts if one.role in READERS],
        [Choice(one.name, Text(one.name, one.name)) for one in bodies.everyone(session)],
        [Choice(str(one.id), Text(one.title, one.title)) for one in open_items],
        [Choice(str(one.id), Text(one.topic, one.topic)) for one in running],
    )


def fields(action: Action, move: Move, choices: Offered) -> list[Field]:
    """What the form of this action asks for, in the order of asking; none when a button is enough."""
    asked: list[Field] = []
    if move.needs_outcome:
        asked.append(Field("outcome", "outcome", "outcome", required=True))
        asked += [Field(name, "money", name) for name in ("amount_found", "amount_recovered")]
        asked.append(Field("people_handled", "number", "people_handled"))
    if move.needs_person:
        hands_over = move.owner is Holder.NAMED
        named = choices.workers if hands_over else choices.readers
        either = hands_over and bool(choices.bodies)
        asked.append(Field("to", "select", "to", required=not either, choices=named))
        if either:
            asked.append(Field("organisation", "select", "to_body", choices=choices.bodies))
        if hands_over:
            asked.append(Field("due", "date", "due"))
    asked += [one for need in Need if need in move.needs for one in _needed(need, action, choices)]
    if action is Action.RECTIFY:
        asked.append(Field("part", "parts", "items", choices=choices.bodies))
    if move.needs_reason or asked:
        label = {Action.CONSULT: "topic", Action.CONCLUDE: "minutes"}.get(action)
        label = label or ("reason" if move.needs_reason else "reason_optional")
        asked.append(Field("reason", "area", label, required=move.needs_reason))
    return asked


def _needed(need: Need, action: Action, choices: Offered) -> list[Field]:
    match need:
        case Need.BODY:
            asked = [Field("organisation", "select", "body", required=True, choices=choices.bodies)]
            if action is Action.INVITE:
                sides = [Choice(side.value, SIDES[side]) for side in Side if side is not Side.LEAD]
                asked.append(Field("side", "select", "side", required=True, choices=sides))
            return asked
        case Need.PARTS:
            return [Field("part", "parts", "parts", required=True, choices=choices.workers)]
        case Need.PEOPLE:
            return [Field("people", "many", "people", required=True, choices=choices.readers)]
        case Need.BODIES:
            return [Field("bodies", "many", "bodies", required=True, choices=choices.bodies)]
        case Need.OTHER_CASE:
            return [Field("other", "number", "other_case", required=True)]
        case Need.ITEM:
            return [Field("other", "select", "item", required=True, choices=choices.items)]
        case Need.CONSULTATION:
            return [Field("other", "select", "consultation", required=True, choices=choices.consultations)]
        case Need.ANSWER:
            words = ("yes", "no", "abstain") if action is Action.VOTE else ("yes", "no")
            key = "vote" if action is Action.VOTE else "check"
            answers = [Choice(word, both(f"serving.console.{key}.{word}")) for word in words]
            return [Field("answer", "select", "answer", required=True, choices=answers)]
        case Need.DUE:
            return [Field("due", "date", "due", required=True)]


def filled_in(form: FormData) -> dict[str, Any]:
    """What was filled in, as `cases.service.act` takes it; `Fault` (422) for an amount, number or date that is none."""
    told: Mapping[str, str] = {name: str(value).strip() for name, value in form.items()}
    outcome, side = told.get("outcome", ""), told.get("side", "")
    return {
        "reason": told.get("reason", ""),
        "outcome": Outcome(outcome) if outcome in tuple(Outcome) else None,
        "to": told.get("to", ""),
        "due": day(told.get("due", "")),
        "amount_found": _amount(told.get("amount_found", "")),
        "amount_recovered": _amount(told.get("amount_recovered", "")),
        "people_handled": _number(told.get("people_handled", "")),
        "organisation": told.get("organisation", ""),
        "side": Side(side) if side in tuple(Side) else None,
        "parts": _parts(form),
        "people": [str(one) for one in form.getlist("people")],
        "bodies": [str(one) for one in form.getlist("bodies")],
        "other": _number(told.get("other", "")) or 0,
        "answer": told.get("answer", ""),
    }


def _parts(form: FormData) -> list[Part]:
    names = ("part_title", "part_to", "part_body", "part_due")
    columns = [[str(one).strip() for one in form.getlist(name)] for name in names]
    rows = max((len(one) for one in columns), default=0)
    lines = [[one[at] if at < len(one) else "" for one in columns] for at in range(rows)]
    return [Part(title, to, body, day(due)) for title, to, body, due in lines if title]


def _amount(told: str) -> Decimal | None:
    if not told:
        return None
    try:
        return Decimal(told.replace(",", "").replace("，", ""))
    except InvalidOperation:
        raise Fault("serving.console.amount", place="amount", status=422, value=told[:40]) from None


def _number(told: str) -> int | None:
    if not told:
        return None
    if not told.isdecimal() or len(told) > 18:
        raise Fault("serving.console.whole", place="number", status=422, value=told[:40])
    return int(told)


def day(told: str) -> datetime | None:
    """The end of the day that was filled in, as people here count days; a fault (422) for what is no day."""
    if not told:
        return None
    try:
        return datetime.combine(datetime.fromisoformat(told).date(), time(23, 59, 59), ZONE).astimezone(UTC)
    except ValueError:
        raise Fault("serving.console.day", place="due", status=422, value=told[:40]) from None


def morning(told: str) -> datetime | None:
    """The beginning of the day that was filled in; null for none."""
    end = day(told.strip()[:40])
    return None if end is None else end - timedelta(hours=23, minutes=59, seconds=59)
