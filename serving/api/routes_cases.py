"""`/v1/cases`: the queue, one case, and everything that people do with it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Header, Query, Request, Response

from cases import bodies, bulk, dossier, pages, queue, raising, service
from cases.pages import Order
from cases.raising import MATTER, Raised
from cases.tables import Case
from cases.workflow import State
from gnomon.errors import Fault
from gnomon.terms import Severity, Text
from serving.api.auth import Anyone, Reader
from serving.api.casework import elsewhere, shielded
from serving.api.language import language_of
from serving.api.once import Key, once
from serving.api.paging import Cursor, Limit, Name, Since, aware
from serving.api.schemas import WarningLine
from serving.api.schemas_cases import (
    ActionIn,
    BulkIn,
    BulkItemOut,
    BulkOut,
    CaseOut,
    CasesOut,
    EventOut,
    MoveOut,
    NextIn,
    RaiseIn,
)
from serving.api.schemas_dossier import CaseDetail, CopyOut, ResultOut
from serving.api.state import serving_of

router = APIRouter(tags=["cases"])
Match = Annotated[str | None, Header(alias="If-Match", max_length=40, description="`ETag` of the case that was read.")]


@router.get("/v1/cases", summary="The queue")
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
    severity: Severity | None = None,
    organisation: Name = None,
    parent: Annotated[int | None, Query(ge=1, lt=2**63, description="Sub-cases of this case.")] = None,
    overdue: Annotated[bool, Query(description="Only what should have been done by now.")] = False,
    shuffled: Annotated[bool | None, Query(description="Only what was handed on too often.")] = None,
    text: Annotated[str, Query(max_length=200, description="In name, id, title, scheme or number.")] = "",
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
            severity=severity,
            text=text,
            order=order,
            cursor=cursor,
            limit=limit,
            updated_since=aware(updated_since),
            organisation=organisation,
            parent_id=parent,
            shuffled=shuffled,
            overdue_at=datetime.now(UTC) if overdue else None,
            reader=asking,
        )
        return CasesOut(items=[CaseOut.of(row) for row in page.rows], cursor=page.cursor)


@router.post("/v1/cases", status_code=201, summary="Raise a case by hand")
def raise_case(asked: RaiseIn, request: Request, response: Response, asking: Anyone, key: Key = None) -> CaseOut:
    """409 when a case about the same entity and scheme is open already."""
    told = Raised(
        Text(asked.title.zh, asked.title.en),
        asked.description,
        asked.scene,
        asked.scheme,
        asked.severity,
        asked.entity_kind or MATTER,
        asked.entity_id,
        asked.entity_name,
    )
    with serving_of(request).session() as session, elsewhere(session, asking):
        made = once(
            session,
            asking,
            key,
            asked.model_dump(mode="json"),
            lambda: {"case": raising.raise_case(session, asking, told, asked.organisation).id},
        )
        return _tagged(response, queue.found(session, made["case"]))


@router.post("/v1/cases/next", summary="Sign for the gravest case that waits")
def take_next(asked: NextIn, request: Request, response: Response, asking: Anyone, key: Key = None) -> CaseOut:
    """Whoever asks gets a case that nobody else gets. 404 when none waits that they may sign for."""

    def take() -> dict[str, int | None]:
        taken = service.take_next(session, asking, asked.scene, asked.entity_kind)
        if taken is None:
            raise Fault("serving.cases.none_waits", place="next", status=404)
        return {"case": taken.id}

    with serving_of(request).session() as session:
        made = once(session, asking, key, asked.model_dump(mode="json"), take)
        return _tagged(response, queue.found(session, made["case"], reader=asking))


@router.post("/v1/cases/actions", summary="Do something with many cases")
def act_on_many(asked: BulkIn, request: Request, asking: Anyone, key: Key = None) -> BulkOut:
    """Each is done, refused and put on the trail by itself."""
    language = language_of(request)
    wanted = [(one.case_id, one.version) for one in asked.cases]

    def do() -> dict[str, list[list[int | str | None]]]:
        rows: list[list[int | str | None]] = []
        for one in bulk.act(session, wanted, asked.action, asking, **asked.given()):
            fault = None if one.fault is None else shielded(session, asking, one.fault).told(language)
            rows.append([one.case_id, one.version, fault])
        return {"items": rows}

    with serving_of(request).session() as session:
        made = once(session, asking, key, asked.model_dump(mode="json"), do)
    items = [BulkItemOut(case_id=number, version=version, fault=fault) for number, version, fault in made["items"]]
    refused = sum(one.fault is not None for one in items)
    return BulkOut(done=len(items) - refused, refused=refused, items=items)


@router.get("/v1/cases/{case_id}", summary="One case with everything on its page")
def one_case(case_id: int, request: Request, response: Response, asking: Reader) -> CaseDetail:
    """Who opened it goes on the trail. `ETag` is the case's version."""
    with serving_of(request).session() as session:
        view = service.read(session, case_id, asking)
        around = dossier.dossier(session, case_id, asking)
        around["merges"] = [
            one
            for one in around["merges"]
            if all(bodies.sees(session, asking, number) for number in (one["case_id"], one["into_id"]))
        ]
        return CaseDetail(
            case=_tagged(response, view.case),
            proposal=None if view.case.proposal is None else json.loads(view.case.proposal),
            warnings=[WarningLine.of(row) for row in view.warnings],
            moves=[MoveOut.of(action, move) for action, move in service.allowed(view.case, asking).items()],
            copies=[CopyOut(name=one.name, sent_at=one.sent_at, read_at=one.read_at) for one in view.copies],
            trail=[EventOut.of(event) for event in view.trail],
            **around,
        )


@router.get("/v1/cases/{case_id}/result", summary="What everybody may be told about a case that has ended")
def public_result(case_id: int, request: Request, asking: Reader) -> ResultOut:
    """No names and no reasons; 409 before the end."""
    with serving_of(request).reading() as session:
        queue.found(session, case_id, reader=asking)
        told = dossier.public(session, case_id)
    if told is None:
        raise Fault("serving.cases.not_ended", place=str(case_id), status=409)
    return ResultOut.model_validate(told)


@router.post("/v1/cases/{case_id}/actions", summary="Do something with a case")
def act(
    case_id: int,
    asked: ActionIn,
    request: Request,
    response: Response,
    asking: Anyone,
    match: Match = None,
    key: Key = None,
) -> CaseOut:
    """Any action that the state and the asking person's role allow; `GET` lists them under `moves`.

    403 the role may not, or somebody else owns the case; 409 the state forbids it or the case has changed since the
    version named; 422 a reason, outcome or person is missing."""
    version = version_of(asked.version, match)

    def do() -> dict[str, int]:
        return {"case": service.act(session, case_id, asked.action, asking, version, **asked.given()).id}

    with serving_of(request).session() as session, elsewhere(session, asking):
        once(session, asking, key, {"case": case_id, "match": match, **asked.model_dump(mode="json")}, do)
        return _tagged(response, queue.found(session, case_id))


def _tagged(response: Response, case: Case) -> CaseOut:
    response.headers["ETag"] = f'"{case.version}"'
    return CaseOut.of(case)


def version_of(told: int | None, match: str | None) -> int:
    """The version that a request was decided on, from its body or from `If-Match`; a fault (422) when it says none."""
    if told is not None:
        return told
    tag = (match or "").strip().removeprefix("W/").strip('"')
    if not tag.isdecimal() or len(tag) > 18:
        raise Fault("serving.cases.version", place="version", status=422)
    return int(tag)
