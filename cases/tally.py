"""What became of each model's warnings, counted by the database: the figures behind funnel and precision."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from cases import bodies
from cases.people import Person
from cases.tables import Case, CaseWarning, IssuedWarning


@dataclass(frozen=True, slots=True)
class Tally:
    """Warnings of one model in cases of one organisation that stand at one state and outcome."""

    model: str
    scene: str
    organisation: str | None
    state: str
    outcome: str | None
    """Of closed cases; null while a case is open."""
    warnings: int
    cases: int
    """A case that holds warnings of several models counts once for each of them."""
    signed: int
    """Cases that somebody has signed for."""
    found: Decimal
    """Yuan found, of these cases."""
    recovered: Decimal
    """Yuan recovered, of these cases."""


def tally(session: Session, since: datetime | None = None, reader: Person | None = None) -> Sequence[Tally]:
    """Count the warnings issued at or after `since` (all when None), and the cases that hold them.

    `reader` leaves the cases that this person may see. A merged case holds no warning and counts nowhere.
    """
    held = (
        select(
            CaseWarning.case_id.label("case_id"),
            IssuedWarning.model.label("model"),
            func.min(IssuedWarning.scene).label("scene"),
            func.count().label("warnings"),
        )
        .join(IssuedWarning, IssuedWarning.id == CaseWarning.warning_id)
        .group_by(CaseWarning.case_id, IssuedWarning.model)
    )
    if since is not None:
        held = held.where(IssuedWarning.issued_at >= since)
    by_case = held.subquery()
    groups = (by_case.c.model, by_case.c.scene, Case.organisation, Case.state, Case.outcome)
    counted = (
        select(
            *groups,
            func.sum(by_case.c.warnings),
            func.count(),
            func.count(Case.claimed_at),
            func.sum(Case.amount_found),
            func.sum(Case.amount_recovered),
        )
        .join(Case, Case.id == by_case.c.case_id)
        .where(bodies.visible(session, reader))
        .group_by(*groups)
        .order_by(*groups)
    )
    return [
        Tally(
            str(row[0]),
            str(row[1]),
            row[2],
            str(row[3]),
            row[4],
            int(row[5]),
            int(row[6]),
            int(row[7]),
            row[8] or Decimal(0),
            row[9] or Decimal(0),
        )
        for row in session.execute(counted)
    ]
