"""`/v1/warnings/rescreen`: warnings of other platforms, scored by our models too, and what became of them."""

from __future__ import annotations

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query, Request

from cases import raising, rescreen
from gnomon.errors import Fault
from serving.api.auth import Anyone, Reader
from serving.api.paging import Cursor, Limit, Since, aware, page_of
from serving.api.schemas_jobs import RescreenIn, ScreenedList, ScreenedOut
from serving.api.state import serving_of
from serving.second_opinion import verdict

router = APIRouter(tags=["warnings"])


@router.post("/v1/warnings/rescreen", summary="Take in warnings of another platform")
def take_in(asked: RescreenIn, request: Request, asking: Anyone) -> list[ScreenedOut]:
    """Each joins the open case about the same entity and scheme, or opens one; both scores are kept. Sent again, the
    same number of the same system changes nothing; 409 when another body's account had sent it."""
    serving = serving_of(request)
    raising.may_import(asking)
    # Scored before the transaction begins: nobody waits for the queue meanwhile.
    topics = {(one.entity_kind, one.entity_id, one.scheme) for one in asked.warnings}
    ours = {topic: verdict(serving.scorer, *topic) for topic in sorted(topics)}
    with serving.session() as session:
        done = rescreen.rescreen(
            session,
            [one.theirs(asked.system) for one in asked.warnings],
            lambda kind, entity_id, scheme: ours[kind, entity_id, scheme],
            asking,
        )
        for one in done:
            # What became of it is for who sent it and for who handles it.
            if one.known and not rescreen.may_read(session, asking, one.record):
                raise Fault("serving.rescreen.taken", place=f"{one.record.system}/{one.record.foreign_id}", status=409)
        return [ScreenedOut.of(one.record, known=one.known) for one in done]


@router.get("/v1/warnings/rescreen", summary="What became of another platform's warnings")
def answers(
    request: Request,
    asking: Reader,
    system: Annotated[str, Query(min_length=1, max_length=200)],
    cursor: Cursor = None,
    limit: Limit = 50,
    updated_since: Since = None,
) -> ScreenedList:
    """By their number; with `updated_since` those whose case has changed since, the longest unchanged first."""
    raising.may_import(asking)
    start = aware(updated_since)
    with serving_of(request).reading() as session:
        rows, following = page_of(
            partial(rescreen.statuses, session, system, start, reader=asking),
            lambda row: rescreen.key(row, start),
            cursor,
            limit,
        )
        return ScreenedList(items=[ScreenedOut.of(record, case) for record, case in rows], cursor=following)
