"""Signed packages: a case handed to an agency without an account (线索移送), and taken in from one."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from cases import packages, raising, rescreen
from cases.people import Person
from gnomon.errors import Fault
from serving.api.auth import Anyone
from serving.api.paging import Id
from serving.api.routes_rescreen import verdict
from serving.api.schemas import Wire
from serving.api.schemas_jobs import ScreenedOut
from serving.api.sent import Export, openly
from serving.api.state import Serving, serving_of

router = APIRouter(tags=["exchange"])


class GiveIn(Wire):
    """Which agency gets the case, and why."""

    to: str
    reason: str


@router.post(
    "/v1/cases/{case_id}/package",
    summary="Give a case to another agency, signed",
    response_class=Response,
    responses={200: {"content": {"application/json": {}}}},
)
def give(case_id: Id, asked: GiveIn, request: Request, asking: Anyone) -> Response:
    """What it is about, its warnings and their reasons; nobody who works here, no row of the lake. It is on the
    trail. The agency checks it with the key of `GET /v1/trail/key` that it got another way."""
    return given(serving_of(request), case_id, asked.to, asked.reason, asking)


@router.post("/v1/packages", summary="Take in another agency's package", openapi_extra=openly("application/json"))
def take(
    request: Request,
    asking: Anyone,
    content: Export,
    public_key: Annotated[str, Query(pattern="^[0-9a-fA-F]{64}$", description="Theirs, as it came another way.")],
) -> ScreenedOut:
    """The body is the package. It joins the open case about the same entity and scheme, or opens one; each enters once.
    400 when the signature does not hold; 409 when another body's account had taken it in."""
    return taken(serving_of(request), content, public_key, asking)


def given(serving: Serving, case_id: int, to: str, reason: str, asking: Person) -> Response:
    """The package as a download."""
    with serving.session() as session:
        package = packages.give(session, serving.settings, case_id, to, reason, asking)
    headers = {"Content-Disposition": f'attachment; filename="case-{case_id}.json"'}
    return Response(package, media_type="application/json", headers=headers)


def taken(serving: Serving, content: bytes, public_key: str, asking: Person) -> ScreenedOut:
    """What became of a package."""
    raising.may_import(asking)
    theirs = packages.read(content, public_key)
    # Scored before the transaction begins: nobody waits for the queue meanwhile.
    ours = verdict(serving, theirs.entity_kind, theirs.entity_id, theirs.scheme)
    with serving.session() as session:
        one = packages.take(session, content, public_key, lambda *_: ours, asking)
        if one.known and not rescreen.may_read(session, asking, one.record):
            raise Fault("serving.rescreen.taken", place=f"{one.record.system}/{one.record.foreign_id}", status=409)
        return ScreenedOut.of(one.record, known=one.known)
