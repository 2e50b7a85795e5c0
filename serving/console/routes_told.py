"""What people and bodies are told: notices and circulars, and that they have been read."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from cases import meetings, notices, people
from cases.workflow import SPEAKERS
from serving.api.paging import Id
from serving.api.routes_notices import circulars_of
from serving.api.state import serving_of
from serving.console import pages
from serving.console.routes import Filled, Signed, Text200, submit

router = APIRouter()
PAGE = 50


@router.get("/console/notices")
def notices_page(
    request: Request, asking: Signed, before: Annotated[int | None, Query(ge=1, lt=2**63)] = None
) -> Response:
    """One's own notices, the newest first."""
    with serving_of(request).reading() as session:
        rows = notices.mine(session, asking, before=before, limit=PAGE)
    following = f"?before={rows[-1].id}" if len(rows) == PAGE else ""
    return pages.render(request, "notices.html", asking, section="notices", rows=rows, following=following)


@router.post("/console/notices/read")
def mark_read(request: Request, asking: Signed, form: Filled) -> Response:
    """Mark the notices on the page as read."""
    ids = [int(str(one)) for one in form.getlist("id") if str(one).isdecimal() and len(str(one)) < 19]
    return submit(
        request,
        asking,
        form,
        lambda session: notices.mark_read(session, asking, ids, datetime.now(UTC)),
        "/console/notices",
    )


@router.get("/console/circulars")
def circulars_page(
    request: Request, asking: Signed, cursor: Annotated[str, Query(max_length=800)] = "", done: Text200 = ""
) -> Response:
    """What the reader's bodies were told, the newest first."""
    with serving_of(request).reading() as session:
        rows, following = circulars_of(session, asking, cursor or None, PAGE)
        names = people.names(session)
    return pages.render(
        request,
        "circulars.html",
        asking,
        section="notices",
        rows=rows,
        names=names,
        following=f"?cursor={following}" if following else "",
        speaks=asking.role in SPEAKERS,
        done=done == "acknowledged",
    )


@router.post("/console/circulars/{number}/acknowledge")
def acknowledge(request: Request, number: Id, asking: Signed, form: Filled) -> Response:
    """Acknowledge a circular for one's body."""
    return submit(
        request,
        asking,
        form,
        lambda session: meetings.acknowledge(session, number, asking),
        "/console/circulars",
        "acknowledged",
    )
