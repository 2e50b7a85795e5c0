"""`/v1/warnings`: what was warned about, and why."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request

from cases import pages, queue, raising, service
from gnomon.terms import Severity
from serving.api.auth import Anyone, Reader
from serving.api.casework import elsewhere
from serving.api.once import Key, once
from serving.api.paging import Cursor, Limit, Name, Since, aware
from serving.api.schemas import WarningLine, WarningOut, WarningsOut
from serving.api.schemas_cases import CaseOut, RaiseHiddenIn
from serving.api.schemas_ties import TiesOut
from serving.api.state import serving_of
from serving.ties import ties

router = APIRouter(tags=["warnings"])


@router.get("/v1/warnings", summary="Issued warnings, newest first")
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
            updated_since=aware(updated_since),
            reader=asking,
        )
        return WarningsOut(items=[WarningLine.of(row) for row in page.rows], cursor=page.cursor)


@router.get("/v1/warnings/{key}", summary="One warning with its reason pack")
def one_warning(key: str, request: Request, asking: Reader) -> WarningOut:
    """By number or fingerprint. Who opened it goes on the trail."""
    with serving_of(request).session() as session:
        row = service.read_warning(session, key, asking)
        return WarningOut.told(row, queue.case_of(session, row.id))


@router.get("/v1/warnings/{key}/ties", summary="What ties the firms of a warning")
def ties_of_warning(key: str, request: Request, asking: Reader) -> TiesOut:
    """Owners, people and contacts in common, record by record, from the lake version that the warning was made on.

    Who opened it goes on the trail.
    """
    serving = serving_of(request)
    with serving.session() as session:
        warned = service.read_warning(session, key, asking).warned()
    return TiesOut.of(warned.lake_version, ties(serving.settings, warned))


@router.post("/v1/warnings/{key}/raise", summary="Put a suppressed warning into the queue", status_code=201)
def raise_hidden(key: str, asked: RaiseHiddenIn, request: Request, asking: Anyone, once_key: Key = None) -> CaseOut:
    """For one that a suppression hid; 409 for one that is in the queue."""

    with serving_of(request).session() as session, elsewhere(session, asking):
        made = once(
            session,
            asking,
            once_key,
            {"raise": key, **asked.model_dump(mode="json")},
            lambda: {"case": raising.raise_hidden(session, asking, key, asked.reason).id},
        )
        return CaseOut.of(queue.found(session, made["case"], reader=asking))
