"""`/v1/lists`: 问题清单, 履职清单, 发展清单 from one source; forecasts, funnel and labels of the same cases."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from sqlalchemy.orm import Session

from cases import clock, labels, lists
from cases.lists import Kind
from cases.people import Person
from gnomon.terms import Text
from monitoring import outcomes
from serving.api.auth import Reader, only
from serving.api.paging import Cursor, Limit, Name, Since, aware, page_of, paged
from serving.api.routes_changes import LEARNERS
from serving.api.schemas import TextOut
from serving.api.schemas_lists import (
    DevelopmentOut,
    DevelopmentsOut,
    DutiesOut,
    DutyOut,
    ForecastOut,
    ForecastsOut,
    FunnelOut,
    LabelOut,
    LabelsOut,
    ProblemOut,
    ProblemsOut,
)
from serving.api.state import serving_of

router = APIRouter(tags=["lists"])
Learner = Annotated[Person, Depends(only(*LEARNERS))]
"""Somebody whom labels are for."""


@router.get("/v1/lists/problems", summary="问题清单: what was found")
def problems(
    request: Request,
    asking: Reader,
    cursor: Cursor = None,
    limit: Limit = 50,
    scene: Name = None,
    updated_since: Since = None,
) -> ProblemsOut:
    """By number."""
    rows, following = _page(request, Kind.PROBLEMS, asking, cursor, limit, scene, updated_since)
    return ProblemsOut(items=[ProblemOut.model_validate(row) for row in rows], cursor=following)


@router.get("/v1/lists/duties", summary="履职清单: who did what about it")
def duties(
    request: Request,
    asking: Reader,
    cursor: Cursor = None,
    limit: Limit = 50,
    scene: Name = None,
    updated_since: Since = None,
) -> DutiesOut:
    """By body and person."""
    rows, following = _page(request, Kind.DUTIES, asking, cursor, limit, scene, updated_since)
    return DutiesOut(items=[DutyOut.model_validate(row) for row in rows], cursor=following)


@router.get("/v1/lists/developments", summary="发展清单: what came of it")
def developments(
    request: Request,
    asking: Reader,
    cursor: Cursor = None,
    limit: Limit = 50,
    scene: Name = None,
    updated_since: Since = None,
) -> DevelopmentsOut:
    """By number."""
    rows, following = _page(request, Kind.DEVELOPMENTS, asking, cursor, limit, scene, updated_since)
    return DevelopmentsOut(items=[DevelopmentOut.model_validate(row) for row in rows], cursor=following)


@router.get("/v1/forecasts", summary="Which running cases will miss their date")
def forecasts(request: Request, asking: Reader, cursor: Cursor = None, limit: Limit = 50) -> ForecastsOut:
    """From how long cases of the same scheme took, by the estimator of Kaplan and Meier (1958)."""
    with serving_of(request).reading() as session:
        found = clock.forecasts(session, asking)
    page, following = paged(
        found, lambda one: [-(one.breach or 0.0), one.working_days_left, one.case_id], cursor, limit
    )
    names = list(ForecastOut.model_fields)
    items = [ForecastOut(**{name: getattr(one, name) for name in names}) for one in page]
    return ForecastsOut(items=items, cursor=following)


@router.get("/v1/funnel", summary="What each warning model's warnings were worth")
def funnel(request: Request, asking: Reader, updated_since: Since = None) -> list[FunnelOut]:
    """Warnings, cases, clues, confirmed, money; `updated_since` counts warnings issued since then."""
    with serving_of(request).reading() as session:
        found = outcomes.funnel(session, aware(updated_since), asking)
    return [FunnelOut.model_validate(one.as_dict()) for one in found]


@router.get("/v1/labels", summary="Outcomes of closed cases, for training")
def list_labels(
    request: Request,
    asking: Learner,
    cursor: Cursor = None,
    limit: Limit = 50,
    updated_since: Since = None,
) -> LabelsOut:
    """A later row with the same `label_id` supersedes the earlier one."""
    with serving_of(request).reading() as session:
        page, following = page_of(
            partial(labels.labels, session, aware(updated_since), asking), labels.key, cursor, limit
        )
    return LabelsOut(items=[LabelOut.model_validate(row) for row in page], cursor=following)


def _page(
    request: Request, kind: Kind, asking: Person, cursor: str | None, limit: int, scene: str | None, moment: Any
) -> tuple[list[dict[str, Any]], str | None]:
    with serving_of(request).reading() as session:
        page, following = page_of_list(session, kind, asking, cursor, limit, aware(moment), scene)
    return [{name: _plain(value) for name, value in row.items()} for row in page], following


def page_of_list(
    session: Session,
    kind: Kind,
    asking: Person,
    cursor: str | None,
    limit: int,
    moment: datetime | None,
    scene: str | None,
) -> tuple[Sequence[dict[str, Any]], str | None]:
    """One page of one of the three lists, and the cursor of the next; null on the last."""
    return page_of(partial(lists.rows, session, kind, asking, moment, scene), partial(lists.key, kind), cursor, limit)


def _plain(value: Any) -> Any:
    return TextOut.of(value) if isinstance(value, Text) else value
