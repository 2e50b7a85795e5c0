"""What case work brought (totals), what everybody may read of it (结果公开), and how well breaches were foretold."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import Field
from sqlalchemy.orm import Session

from cases import clock, cursors, queue, results
from serving.api.auth import Anyone, Reader
from serving.api.paging import Cursor, Limit, Name, Since, aware
from serving.api.schemas import Wire
from serving.api.schemas_dossier import ResultOut
from serving.api.state import serving_of

router = APIRouter(tags=["lists"])


class TotalsOut(Wire):
    """Of ended cases that one may see; parts of a split count in what their parent says."""

    closed: int
    confirmed: int
    found: str = Field(description="Yuan found.")
    recovered: str = Field(description="Yuan recovered.")
    people_handled: int
    working_days: int = Field(description="From sign-in to the end, without pauses, all cases together.")
    days_saved: int = Field(description="Working days by which cases ended before their date.")
    days_late: int = Field(description="Working days by which others ended after it.")


class ResultsOut(Wire):
    """A page of published results, in the order in which cases ended."""

    items: list[ResultOut]
    cursor: str | None


class CalibrationOut(Wire):
    """How well breaches were foretold half-way; errors are Brier scores (1950)."""

    cases: int = Field(description="Closed cases, among those one may see, that a chance could be told for.")
    told: float = Field(description="Mean of the chances.")
    came: float = Field(description="Share that did miss its date.")
    brier: float = Field(description="Mean squared error of the chances.")
    baseline: float = Field(description="The same for somebody who always tells the share that came.")


@router.get("/v1/totals", summary="Money, people and working days of ended cases")
def totals(request: Request, asking: Reader, updated_since: Since = None, scene: Name = None) -> TotalsOut:
    """Of the cases that one may see; `updated_since` counts those that ended since then."""
    with serving_of(request).reading() as session:
        told = results.totals(session, asking, aware(updated_since), scene)
    values = {name: getattr(told, name) for name in TotalsOut.model_fields}
    return TotalsOut(**values | {"found": str(told.found), "recovered": str(told.recovered)})


@router.get("/v1/results", summary="结果公开: results that everybody may read")
def published(
    request: Request, _: Anyone, cursor: Cursor = None, limit: Limit = 50, updated_since: Since = None
) -> ResultsOut:
    """Every body's, for everybody who is signed in: no name, no entity, no reason, and no false alarms."""
    with serving_of(request).reading() as session:
        rows, following = results_page(session, cursor, limit, aware(updated_since))
    return ResultsOut(items=rows, cursor=following)


@router.get("/v1/forecasts/calibration", summary="How well breaches were foretold")
def calibration(
    request: Request, asking: Reader, scheme: Annotated[str, Query(min_length=1, max_length=200)]
) -> CalibrationOut | None:
    """Of one scheme, foretold again half-way to each date from what was known then; null when too few were closed."""
    with serving_of(request).reading() as session:
        told = clock.calibration(session, scheme, asking)
    if told is None:
        return None
    return CalibrationOut(**{name: getattr(told, name) for name in CalibrationOut.model_fields})


def results_page(
    session: Session, cursor: str | None, limit: int, moment: datetime | None
) -> tuple[list[ResultOut], str | None]:
    """One page of what is published, and the cursor of the next; null on the last."""
    rows = results.published(session, moment, _last_read(cursor), limit)
    following = None
    if len(rows) == limit:
        last = queue.found(session, rows[-1]["id"])
        following = cursors.written([last.closed_at.isoformat() if last.closed_at else "", last.id])
    return [ResultOut.model_validate(row) for row in rows], following


def _last_read(cursor: str | None) -> tuple[datetime, int] | None:
    if not cursor:
        return None
    at, number = cursors.values(cursors.read(cursor), datetime, int)
    return at, number
