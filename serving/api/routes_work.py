"""`/v1/warnings` and `/v1/cases`: what was warned about, and what people do about it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request

from cases import pages, queue, service
from cases.asked import Part
from cases.pages import MOST, Order
from cases.queue import CaseView
from cases.workflow import State
from gnomon.terms import Severity
from serving.api.auth import Anyone, Reader
from serving.api.schemas import (
    ActionIn,
    CaseDetail,
    CaseOut,
    CasesOut,
    EventOut,
    MoveOut,
    WarningLine,
    WarningOut,
    WarningsOut,
)
from serving.api.state import serving_of

router = APIRouter()

Cursor = Annotated[str | None, Query(max_length=400, description="From the page before.")]
Limit = Annotated[int, Query(ge=1, le=MOST)]
Since = Annotated[datetime | None, Query(description="Only what has changed since; the oldest change first.")]
Name = Annotated[str | None, Query(max_length=200)]


@router.get("/v1/warnings", tags=["warnings"], summary="Issued warnings, newest first")
def list_warnings(
    request: Request,
    asking: Reader,
    cursor: Cursor = None,
    limit: Limit = 50,
    entity_kind: Name = None,
    entity_id: Name = None,
    model: Name = None,
    scheme: Name = None,
    severity: Severity | None = None,
    text: Annotated[str, Query(max_length=200, description="In name, id or scheme.")] = "",
    updated_since: Since = None,
) -> WarningsOut:
    """A page of warnings. The cursor is stable: what was read stays read, whatever is issued in between."""
    with serving_of(request).reading() as session:
        page = pages.warnings(
            session,
            cursor,
            limit,
            entity_kind=entity_kind,
            entity_id=entity_id,
            model=model,
            scheme=scheme,
            severity=severity,
            text=text,
            updated_since=updated_since,
            reader=asking,
        )
        return WarningsOut(items=[WarningLine.of(row) for row in page.rows], cursor=page.cursor)


@router.get("/v1/warnings/{key}", tags=["warnings"], summary="One warning with its reason pack")
def one_warning(key: str, request: Request, asking: Reader) -> WarningOut:
    """By number or fingerprint. Who opened it goes on the trail."""
    with serving_of(request).session() as session:
        row = service.read_warning(session, key, asking)
        return WarningOut.told(row, queue.case_of(session, row.id))


@router.get("/v1/cases", tags=["cases"], summary="The queue")
def list_cases(
    request: Request,
    asking: Reader,
    cursor: Cursor = None,
    limit: Limit = 50,
    state: Annotated[State | None, Query()] = None,
    owner: Annotated[str | None, Query(max_length=80, description="Empty: cases that nobody owns.")] = None,
    entity_kind: Name = None,
    entity_id: Name = None,
    scheme: Name = None,
    scene: Name = None,
    organisation: Name = None,
    overdue: Annotated[bool, Query(description="Only what should have been done by now.")] = False,
    text: Annotated[str, Query(max_length=200)] = "",
    order: Order | None = None,
    updated_since: Since = None,
) -> CasesOut:
    """A page of cases. All filters narrow it."""
    with serving_of(request).reading() as session:
        page = pages.cases(
            session,
            state=state,
            owner=owner,
            entity_kind=entity_kind,
            entity_id=entity_id,
            scheme=scheme,
            scene=scene,
            text=text,
            order=order,
            cursor=cursor,
            limit=limit,
            updated_since=updated_since,
            organisation=organisation,
            overdue_at=datetime.now(UTC) if overdue else None,
            reader=asking,
        )
        return CasesOut(items=[CaseOut.of(row) for row in page.rows], cursor=page.cursor)


@router.get("/v1/cases/{case_id}", tags=["cases"], summary="One case with its warnings, moves and trail")
def one_case(case_id: int, request: Request, asking: Reader) -> CaseDetail:
    """Who opened it goes on the trail."""
    with serving_of(request).session() as session:
        view = service.read(session, case_id, asking)
        return _detail(view, asking)


@router.post("/v1/cases/{case_id}/actions", tags=["cases"], summary="Do something with a case")
def act(case_id: int, asked: ActionIn, request: Request, asking: Anyone) -> CaseOut:
    """Any action that the state and the asking person's role allow; `GET` lists them under `moves`.

    403 the role may not, or somebody else owns the case; 409 the state forbids it or the case has changed since the
    version named; 422 a reason, outcome or person is missing."""
    with serving_of(request).session() as session:
        found = service.act(
            session,
            case_id,
            asked.action,
            asking,
            asked.version,
            asked.reason,
            asked.outcome,
            to=asked.to,
            due=asked.due,
            amount_found=asked.amount_found,
            amount_recovered=asked.amount_recovered,
            people_handled=asked.people_handled,
            organisation=asked.organisation,
            side=asked.side,
            parts=[Part(part.title, part.to, part.organisation, part.due) for part in asked.parts],
            people=asked.people,
            bodies=asked.bodies,
            other=asked.other,
            answer=asked.answer,
        )
        return CaseOut.of(found)


def _detail(view: CaseView, asking: Anyone) -> CaseDetail:
    return CaseDetail(
        case=CaseOut.of(view.case),
        warnings=[WarningLine.of(row) for row in view.warnings],
        moves=[MoveOut.of(action, move) for action, move in service.allowed(view.case, asking).items()],
        trail=[
            EventOut(
                seq=event.seq,
                at=event.at,
                actor=event.actor,
                action=event.action,
                before=json.loads(event.before),
                after=json.loads(event.after),
                hash=event.hash,
            )
            for event in view.trail
        ],
    )
