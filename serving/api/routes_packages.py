"""Signed packages: a case handed to an agency without an account (线索移送), and taken in from one."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic import Field

from cases import packages, raising, rescreen
from cases.people import Person
from gnomon.errors import Fault
from serving.api.auth import Anyone
from serving.api.once import Key, once
from serving.api.paging import Id
from serving.api.routes_cases import Match, version_of
from serving.api.schemas import Wire
from serving.api.schemas_jobs import ScreenedOut
from serving.api.sent import Export, openly
from serving.api.state import Serving, serving_of
from serving.second_opinion import verdict

router = APIRouter(tags=["exchange"])


class GiveIn(Wire):
    """Which agency gets the case, and why."""

    to: str
    reason: str
    version: int | None = Field(None, ge=0, lt=2**63, description="Version that was read, unless `If-Match` says it.")


@router.post(
    "/v1/cases/{case_id}/package",
    summary="Give a case to another agency, signed",
    response_class=Response,
    responses={200: {"content": {"application/json": {}}}},
)
def give(
    case_id: Id, asked: GiveIn, request: Request, asking: Anyone, match: Match = None, key: Key = None
) -> Response:
    """What it is about, its warnings and their reasons; nobody who works here, no row of the lake. It is on the
    trail. The agency checks it with the key of `GET /v1/trail/key` that it got another way. Under one
    `Idempotency-Key` the same package comes again."""
    version = version_of(asked.version, match)
    return given(serving_of(request), case_id, asking, version, asked.to, asked.reason, key)


@router.post("/v1/packages", summary="Take in another agency's package", openapi_extra=openly("application/json"))
def take(
    request: Request,
    asking: Anyone,
    content: Export,
    public_key: Annotated[str, Query(pattern="^[0-9a-fA-F]{64}$", description="Theirs, as it came another way.")],
    key: Key = None,
) -> ScreenedOut:
    """The body is the package. It joins the open case about the same entity and scheme, or opens one; each enters once.
    400 when the signature does not hold; 409 when another body's account had taken it in."""
    return taken(serving_of(request), content, public_key, asking, key)


def given(
    serving: Serving, case_id: int, asking: Person, version: int, to: str, reason: str, key: str | None = None
) -> Response:
    """The package as a download."""
    asked = {"give": case_id, "version": version, "to": to, "reason": reason}

    def do() -> dict[str, str]:
        return {"package": packages.give(session, serving.settings, case_id, asking, version, to, reason).number}

    with serving.session() as session:
        package = packages.given(session, once(session, asking, key, asked, do)["package"]).told
    headers = {"Content-Disposition": f'attachment; filename="case-{case_id}.json"'}
    return Response(package.encode(), media_type="application/json", headers=headers)


def taken(serving: Serving, content: bytes, public_key: str, asking: Person, key: str | None = None) -> ScreenedOut:
    """What became of a package."""
    raising.may_import(asking)
    theirs = packages.read(content, public_key)
    # Scored before the transaction begins: nobody waits for the queue meanwhile.
    ours = verdict(serving.scorer, theirs.entity_kind, theirs.entity_id, theirs.scheme)

    def do() -> dict[str, int | bool]:
        one = packages.take(session, content, public_key, lambda *_: ours, asking)
        if one.known and not rescreen.may_read(session, asking, one.record):
            raise Fault("serving.rescreen.taken", place=f"{one.record.system}/{one.record.foreign_id}", status=409)
        return {"record": one.record.id, "known": one.known}

    with serving.session() as session:
        made = once(session, asking, key, {"take": theirs.id, "public_key": public_key.lower()}, do)
        return ScreenedOut.of(rescreen.record(session, made["record"]), known=made["known"])
