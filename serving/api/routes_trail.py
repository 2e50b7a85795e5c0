"""`/v1/trail`: what was done with cases, whether the trail is whole, and a signed copy for a third party."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import FileResponse, Response
from pydantic import Field
from sqlalchemy.orm import Session
from starlette.background import BackgroundTask

from cases import audit, bodies, bundle, search
from cases.people import Person
from cases.workflow import JUDGES, ROLES, Role
from gnomon.config import Settings
from gnomon.errors import Fault
from serving.api.auth import Anyone, Reader
from serving.api.paging import Limit, Name, Since, Text200, aware
from serving.api.schemas import TextOut, Wire
from serving.api.schemas_cases import EventOut
from serving.api.state import serving_of

router = APIRouter(tags=["trail"])


class TrailOut(Wire):
    """A page of the trail, the newest first."""

    items: list[EventOut]
    cursor: int | None = Field(description="Give it back as `before`; null on the last page.")


class BrokenOut(Wire):
    """The first place where the trail does not hold."""

    kind: str
    place: str
    told: TextOut


class VerifiedOut(Wire):
    """What a walk along the whole trail found."""

    ok: bool
    events: int
    seq: int
    head: str = Field(description="Hash of the last event: written down elsewhere, it proves later what stood here.")
    broken: BrokenOut | None


class KeyOut(Wire):
    """The public half of the key that bundles are signed with."""

    public_key: str


@router.get("/v1/trail", summary="Search in what people did")
def search_trail(
    request: Request,
    asking: Reader,
    text: Text200 = "",
    actor: Name = None,
    action: Name = None,
    case_id: Annotated[int | None, Query(ge=1, lt=2**63)] = None,
    updated_since: Since = None,
    until: Since = None,
    before: Annotated[int | None, Query(ge=1, lt=2**63, description="`cursor` of the page before.")] = None,
    limit: Limit = 50,
) -> TrailOut:
    """Events of cases that one may see; readings are found by `action=read`."""
    with serving_of(request).reading() as session:
        rows = search.in_trail(
            session,
            asking,
            text=text,
            actor=actor,
            action=action,
            case_id=case_id,
            since=aware(updated_since),
            until=aware(until),
            before=before,
            limit=limit,
        )
        items = [EventOut.of(event) for event in rows]
    return TrailOut(items=items, cursor=items[-1].seq if len(items) == limit else None)


@router.get("/v1/trail/verify", summary="Is the trail whole")
def verify(
    request: Request,
    asking: Anyone,
    witness: Annotated[
        str | None, Query(pattern=r"^\d{1,18}:[0-9a-f]{64}$", description="`seq:hash` written down earlier.")
    ] = None,
) -> VerifiedOut:
    """Recomputes every hash. For those who see all cases, and for administrators."""
    seq, _, digest = (witness or "").partition(":")
    with serving_of(request).reading() as session:
        may_verify(session, asking)
        found = audit.verify(session, (int(seq), digest) if witness else None)
    broken = found.broken
    told = None if broken is None else BrokenOut(kind=broken.kind, place=broken.place, told=TextOut.of(broken.told))
    return VerifiedOut(ok=found.ok, events=found.events, seq=found.seq, head=found.head, broken=told)


@router.get(
    "/v1/trail/bundle",
    summary="The whole trail, signed",
    response_class=Response,
    responses={200: {"content": {"application/zip": {}}}},
)
def signed_bundle(request: Request, asking: Anyone) -> Response:
    """A ZIP file that a third party verifies by `docs/verify_trail.py`. 409 when the trail does not hold."""
    serving = serving_of(request)
    with serving.session() as session:
        may_export(session, asking)
        audit.record(session, asking.actor, "export", audit.Subject("trail", audit.CHAIN))
        return bundled(session, serving.settings)


@router.get("/v1/trail/key", summary="The public key of bundles")
def key(request: Request, _: Anyone) -> KeyOut:
    """To be written down outside this machine."""
    return KeyOut(public_key=bundle.public_key(serving_of(request).settings))


def may_verify(session: Session, asking: Person) -> None:
    """Raise a fault (403) for somebody who sees a part of the cases only: the trail's length counts all of them."""
    if asking.role is not Role.ADMINISTRATOR and bodies.reach(session, asking) is not None:
        raise Fault("serving.trail.whole", place=asking.name, status=403)


def may_export(session: Session, asking: Person) -> None:
    """Raise a fault (403) unless this person handles cases and sees all of them: the bundle holds every reason."""
    if asking.role not in JUDGES:
        raise Fault("serving.auth.role", place=asking.name, status=403, role=ROLES[Role(asking.role)])
    if bodies.reach(session, asking) is not None:
        raise Fault("serving.trail.whole", place=asking.name, status=403)


def bundled(session: Session, settings: Settings) -> Response:
    """The bundle as a download, written to a file of its own that goes when it was sent."""
    with tempfile.NamedTemporaryFile(prefix="gnomon-trail-", suffix=".zip", delete=False) as file:
        path = Path(file.name)
    try:
        bundle.export(session, settings, path)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    gone = BackgroundTask(path.unlink, missing_ok=True)
    return FileResponse(path, media_type="application/zip", filename="trail.zip", background=gone)
