"""Closed cases as rows of the `label` contract: what training learns from.

One case has one label, `case-<number>`. A later row with the same `label_id` supersedes the earlier one, which is how
the lake replaces by key. Reopening a case withdraws its label: the row that supersedes it says `data_error`, the
outcome that training leaves out, and its origin is `withdrawn`; closing the case again supersedes that in turn.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, literal, or_, select, tuple_
from sqlalchemy.orm import Session

from cases import bodies, cursors
from cases.people import Person
from cases.raising import MATTER
from cases.tables import Case, CaseWarning, IssuedWarning, Moment
from cases.workflow import State
from gnomon.terms import RANDOM, Outcome

COLUMNS = (
    "label_id", "entity_kind", "entity_id", "scheme", "outcome", "as_of", "labelled_at", "inclusion", "origin",
    "case_id",
)  # fmt: skip


labelled_at = func.coalesce(Case.withdrawn_at, Case.closed_at)
"""When a case's label was given or withdrawn: closing again takes the moment of the reopening away."""


def labels(
    session: Session,
    since: datetime | None = None,
    reader: Person | None = None,
    *,
    after: Sequence[Any] | None = None,
    limit: int | None = None,
) -> list[dict[str, Any]]:
    """Labels of all cases closed or reopened at or after `since`, in the order of their moments.

    `reader` leaves the cases that this person may see. `after` is the `key` of the last label read so far.
    """
    query = select(Case).where(*within(session, reader))
    if since is not None:
        query = query.where(labelled_at >= literal(since, Moment))
    if after is not None:
        at, number = cursors.values(after, datetime, int)
        query = query.where(tuple_(labelled_at, Case.id) > tuple_(literal(at, Moment), number))
    return [label(session, case) for case in session.scalars(query.order_by(labelled_at, Case.id).limit(limit))]


def within(session: Session, reader: Person | None) -> tuple[ColumnElement[bool], ...]:
    """The conditions on `case_file` that leave cases with a label. A matter without an entity teaches no model."""
    touched = or_(Case.closed_at.is_not(None), Case.withdrawn_at.is_not(None))
    return touched, Case.parent_id.is_(None), Case.entity_kind != MATTER, bodies.visible(session, reader)


def key(row: dict[str, Any]) -> list[Any]:
    """Where a label stands in their order: what a cursor holds."""
    return [row["labelled_at"].isoformat(), int(row["case_id"])]


def label(session: Session, case: Case) -> dict[str, Any]:
    """The label of one case that was closed once."""
    return _label(case, _inclusion(session, case))


def _inclusion(session: Session, case: Case) -> float | None:
    """Probability with which chance alone asked for this look; None where there was a cause."""
    if case.scheme != RANDOM:
        return None
    held = select(IssuedWarning).join(CaseWarning, CaseWarning.warning_id == IssuedWarning.id)
    drawn = [row.warned().inclusion for row in session.scalars(held.where(CaseWarning.case_id == case.id))]
    missed = math.prod(1.0 - (1.0 if one is None else one) for one in drawn)
    return 1.0 - missed


def _label(case: Case, inclusion: float | None) -> dict[str, Any]:
    stands = case.state == State.CLOSED
    return {
        "label_id": f"case-{case.id}",
        "entity_kind": case.entity_kind,
        "entity_id": case.entity_id,
        "scheme": case.scheme,
        "outcome": case.outcome if stands else Outcome.DATA_ERROR.value,
        # A reopened case goes on growing; what was told of its withdrawal stays as it was.
        "as_of": case.as_of if stands else case.withdrawn_at,
        "labelled_at": case.closed_at if stands else case.withdrawn_at,
        "inclusion": inclusion if stands else None,
        "origin": "case" if stands else "withdrawn",
        "case_id": str(case.id),
    }
