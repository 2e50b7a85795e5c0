"""`/v1/notices` and `/v1/circulars`: what people and bodies are told, and that they have read it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import Field
from sqlalchemy.orm import Session

from cases import meetings, notices
from cases.people import Person
from cases.tables_work import Audience, Circular, Notice
from serving.api.auth import Anyone, Reader
from serving.api.paging import Cursor, Id, Limit, Since, aware, page_of
from serving.api.schemas import TextOut, Wire
from serving.api.schemas_cases import Number
from serving.api.schemas_dossier import AudienceOut, CircularOut
from serving.api.state import serving_of

router = APIRouter(tags=["notices"])


class NoticeOut(Wire):
    """Something that one should know."""

    id: int
    case_id: int
    kind: str
    text: TextOut
    at: datetime
    read_at: datetime | None


class NoticesOut(Wire):
    """A page of one's notices, the newest first."""

    items: list[NoticeOut]
    unread: int
    cursor: int | None = Field(description="Give it back as `before`; null on the last page.")


class NoticesReadIn(Wire):
    """Which notices were read."""

    ids: list[Number] = Field(min_length=1, max_length=1000)


class ReadOut(Wire):
    """How many of them were new."""

    read: int


class CircularsOut(Wire):
    """A page of what one's bodies were told."""

    items: list[CircularOut]
    cursor: str | None


@router.get("/v1/notices", summary="One's own notices")
def list_notices(
    request: Request,
    asking: Reader,
    unread: Annotated[bool, Query(description="Only those not read yet.")] = False,
    before: Annotated[int | None, Query(ge=1, lt=2**63, description="`cursor` of the page before.")] = None,
    limit: Limit = 50,
    updated_since: Since = None,
) -> NoticesOut:
    """Nobody reads another's."""
    with serving_of(request).reading() as session:
        rows = notices.mine(session, asking, unread, before, limit, aware(updated_since))
        return NoticesOut(
            items=[_notice(one) for one in rows],
            unread=notices.unread(session, asking),
            cursor=rows[-1].id if len(rows) == limit else None,
        )


@router.post("/v1/notices/read", summary="Mark notices as read")
def mark_read(asked: NoticesReadIn, request: Request, asking: Reader) -> ReadOut:
    """Numbers of other people's notices change nothing; again changes nothing."""
    with serving_of(request).session() as session:
        return ReadOut(read=notices.mark_read(session, asking, asked.ids, datetime.now(UTC)))


@router.get("/v1/circulars", summary="What one's bodies were told")
def list_circulars(
    request: Request, asking: Reader, cursor: Cursor = None, limit: Limit = 50, updated_since: Since = None
) -> CircularsOut:
    """The newest first, each body's acknowledgement with it."""
    with serving_of(request).reading() as session:
        page, following = circulars_of(session, asking, cursor, limit, aware(updated_since))
        items = [{**one.as_dict(), "audience": got.as_dict()} for one, got in page]
    return CircularsOut(items=[CircularOut.model_validate(one) for one in items], cursor=following)


@router.post("/v1/circulars/{number}/acknowledge", summary="Acknowledge a circular for one's body")
def acknowledge(number: Id, request: Request, asking: Anyone) -> AudienceOut:
    """Once; 404 when it did not go there, 409 when somebody did before."""
    with serving_of(request).session() as session:
        return AudienceOut.model_validate(meetings.acknowledge(session, number, asking))


def circulars_of(
    session: Session, asking: Person, cursor: str | None, limit: int, moment: datetime | None = None
) -> tuple[Sequence[tuple[Circular, Audience]], str | None]:
    """One page of what the person's bodies were told, and the cursor of the next; null on the last."""
    return page_of(
        partial(meetings.circulars, session, asking, moment), lambda row: [row[0].id, row[1].body], cursor, limit
    )


def _notice(one: Notice) -> NoticeOut:
    same = {name: getattr(one, name) for name in ("id", "case_id", "kind", "at", "read_at")}
    return NoticeOut(text=TextOut(zh=one.text_zh, en=one.text_en), **same)
