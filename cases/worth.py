"""What came of each warning, one row a warning: what precision, timing and the mix of reasons are told from."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.orm import Session

from cases import bodies
from cases.people import Person
from cases.tables import Case, CaseWarning, IssuedWarning

BATCH = 1_000
"""Warnings that are held at once."""


@dataclass(frozen=True, slots=True)
class Came:
    """One warning and where its case stands. Holds no name and no id of anybody."""

    model: str
    model_version: str
    scene: str
    entity_kind: str
    organisation: str | None
    issued_at: datetime
    percentile: float
    reason: str
    """Measure that weighs most in the warning; empty when it has none."""
    case_id: int
    opened_at: datetime
    claimed_at: datetime | None
    closed_at: datetime | None
    outcome: str | None
    """Of a closed case; null while it is open."""
    found: Decimal
    recovered: Decimal


def came(session: Session, since: datetime | None = None, reader: Person | None = None) -> Iterator[Came]:
    """Every warning issued at or after `since` (ever when None) with its case, the oldest first.

    `reader` leaves the cases that this person may see.
    """
    asked = (
        select(IssuedWarning, Case)
        .join(CaseWarning, CaseWarning.warning_id == IssuedWarning.id)
        .join(Case, Case.id == CaseWarning.case_id)
        .where(bodies.visible(session, reader))
        .order_by(IssuedWarning.issued_at, IssuedWarning.id)
        .execution_options(yield_per=BATCH)
    )
    if since is not None:
        asked = asked.where(IssuedWarning.issued_at >= since)
    for warning, case in session.execute(asked):
        closed = case.state == "closed"
        yield Came(
            warning.model,
            warning.model_version,
            warning.scene,
            warning.entity_kind,
            case.organisation,
            warning.issued_at,
            warning.percentile,
            _heaviest(warning.pack),
            case.id,
            case.opened_at,
            case.claimed_at,
            case.closed_at if closed else None,
            case.outcome if closed else None,
            case.amount_found or Decimal(0),
            case.amount_recovered or Decimal(0),
        )


def _heaviest(pack: str) -> str:
    reasons = json.loads(pack)["reasons"]
    return max(reasons, key=lambda one: abs(one["contribution"]))["measure"] if reasons else ""
