"""What case work brought: totals of money, people and time, and the results that are published (结果公开)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import or_, select, tuple_
from sqlalchemy.orm import Session

from cases import bodies, policy
from cases.dossier import told_to_all
from cases.people import Person
from cases.tables import Case
from cases.workflow import State
from gnomon.terms import Outcome

MOST = 200
"""Results that one page may hold."""


@dataclass(frozen=True, slots=True)
class Totals:
    """Of the cases that ended since a moment; parts of a split count in what their parent says, and not again."""

    closed: int
    confirmed: int
    found: Decimal
    """Yuan."""
    recovered: Decimal
    """Yuan."""
    people_handled: int
    working_days: int
    """From sign-in to the end, without pauses, all cases together."""
    days_saved: int
    """Working days by which cases ended before their date."""
    days_late: int
    """Working days by which others ended after it."""


def totals(
    session: Session, reader: Person | None = None, since: datetime | None = None, scene: str | None = None
) -> Totals:
    """Add up what came of the cases that `reader` may see."""
    query = select(Case).where(Case.state == State.CLOSED.value, Case.parent_id.is_(None))
    query = query.where(bodies.visible(session, reader))
    if since is not None:
        query = query.where(Case.closed_at >= since)
    if scene is not None:
        query = query.where(Case.scene == scene)
    days = policy.work_calendar(session)
    closed = confirmed = people = worked = saved = late = 0
    found = recovered = Decimal(0)
    for case in session.scalars(query.execution_options(yield_per=1000)):
        assert case.closed_at is not None
        closed, confirmed = closed + 1, confirmed + (case.outcome == Outcome.CONFIRMED)
        found, recovered = found + (case.amount_found or 0), recovered + (case.amount_recovered or 0)
        people += case.people_handled or 0
        worked += days.between(case.claimed_at or case.opened_at, case.closed_at) - case.paused_days
        left = 0 if case.due is None else days.between(case.closed_at, case.due)
        saved, late = saved + max(left, 0), late + max(-left, 0)
    return Totals(closed, confirmed, found, recovered, people, worked, saved, late)


def published(
    session: Session, since: datetime | None = None, after: tuple[datetime, int] | None = None, limit: int = 50
) -> Sequence[dict[str, Any]]:
    """Results that everybody may read, in the order in which cases ended: no name, no number of an entity, no reason.

    Only what was looked into and closed with a finding is told; a false alarm is nobody's business. `after` is moment
    and number of the last one read so far.
    """
    told = or_(Case.outcome == Outcome.CONFIRMED.value, Case.outcome == Outcome.USEFUL.value)
    query = select(Case).where(Case.state == State.CLOSED.value, Case.parent_id.is_(None), told)
    if since is not None:
        query = query.where(Case.closed_at >= since)
    if after is not None:
        query = query.where(tuple_(Case.closed_at, Case.id) > after)
    rows = session.scalars(query.order_by(Case.closed_at, Case.id).limit(max(1, min(limit, MOST))))
    return [told_to_all(case) for case in rows]
