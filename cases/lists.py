"""Three lists from one source: 问题清单 what was found, 履职清单 who did what about it, 发展清单 what came of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from cases import bodies, policy
from cases.people import Person
from cases.tables import Case, plain
from cases.tables_work import Item
from cases.workflow import State
from gnomon.terms import Outcome, Text


class Kind(StrEnum):
    """Which of the three."""

    PROBLEMS = "problems"
    DUTIES = "duties"
    DEVELOPMENTS = "developments"


KINDS: dict[Kind, Text] = {
    Kind.PROBLEMS: Text("问题清单", "problems"),
    Kind.DUTIES: Text("履职清单", "duties"),
    Kind.DEVELOPMENTS: Text("发展清单", "developments"),
}


@dataclass
class Duty:
    """What one person of one body did about the problems that came to them."""

    organisation: str | None
    owner: str | None
    cases: int = 0
    signed: int = 0
    closed: int = 0
    overdue: int = 0
    """Past their date, open or closed too late."""
    urged: int = 0
    transfers: int = 0
    refusals: int = 0
    working_days: int = 0
    """Of the closed cases, from sign-in to the end, without pauses."""


def rows(
    session: Session,
    kind: Kind,
    reader: Person | None = None,
    since: datetime | None = None,
    scene: str | None = None,
    now: datetime | None = None,
) -> list[dict[str, Any]]:
    """One of the three lists as plain rows, of the cases that `reader` may see and that changed since a moment."""
    query = select(Case).where(bodies.visible(session, reader), Case.state != State.MERGED.value)
    if since is not None:
        query = query.where(Case.updated_at >= since)
    if scene is not None:
        query = query.where(Case.scene == scene)
    found = session.scalars(query.order_by(Case.id)).all()
    moment = now or datetime.now(UTC)
    if kind is Kind.PROBLEMS:
        return [_problem(case, moment) for case in found]
    return list(_duties(session, found, moment) if kind is Kind.DUTIES else _developments(session, found))


def _problem(case: Case, moment: datetime) -> dict[str, Any]:
    names: tuple[str, ...] = (
        "id",
        "parent_id",
        "scene",
        "scheme",
        "severity",
        "entity_kind",
        "entity_id",
        "entity_name",
        "warnings",
    )
    names += ("state", "organisation", "owner", "liaison", "opened_at", "due", "level", "transfers", "outcome")
    late = case.due is not None and case.due < (case.closed_at or moment)
    told = {name: plain(getattr(case, name)) for name in names}
    return {**told, "title": case.title, "overdue": late, "amount_found": plain(case.amount_found)}


def _duties(session: Session, found: Sequence[Case], moment: datetime) -> Iterator[dict[str, Any]]:
    days, held = policy.work_calendar(session), dict[tuple[str | None, str | None], Duty]()
    for case in found:
        one = held.setdefault((case.organisation, case.owner), Duty(case.organisation, case.owner))
        one.cases += 1
        one.signed += case.claimed_at is not None
        one.overdue += case.due is not None and case.due < (case.closed_at or moment)
        one.urged, one.transfers = one.urged + case.urged, one.transfers + case.transfers
        one.refusals += case.refusals
        if case.closed_at is not None:
            one.closed += 1
            one.working_days += days.between(case.claimed_at or case.opened_at, case.closed_at) - case.paused_days
    for key in sorted(held, key=lambda pair: (pair[0] or "", pair[1] or "")):
        one = held[key]
        mean = one.working_days / one.closed if one.closed else None
        yield {**{name: getattr(one, name) for name in Duty.__dataclass_fields__}, "mean_working_days": mean}


def _developments(session: Session, found: Sequence[Case]) -> Iterator[dict[str, Any]]:
    counted = select(Item.case_id, func.count(), func.count().filter(Item.state == "passed")).group_by(Item.case_id)
    items = {row[0]: (row[1], row[2]) for row in session.execute(counted)}
    worth = (Outcome.CONFIRMED.value, Outcome.USEFUL.value)
    for case in found:
        ordered, passed = items.get(case.id, (0, 0))
        if case.outcome not in worth and not ordered:
            continue
        yield {
            "id": case.id,
            "title": case.title,
            "scene": case.scene,
            "organisation": case.organisation,
            "outcome": case.outcome,
            "amount_found": str(case.amount_found or Decimal(0)),
            "amount_recovered": str(case.amount_recovered or Decimal(0)),
            "people_handled": case.people_handled or 0,
            "items": ordered,
            "items_passed": passed,
            "closed_at": plain(case.closed_at),
            "result": case.closing_reason,
        }
