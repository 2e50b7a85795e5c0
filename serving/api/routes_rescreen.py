"""`/v1/warnings/rescreen`: warnings of other platforms, scored by our models too, and what became of them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request

from cases import raising, rescreen
from cases.rescreen import Ours
from gnomon.errors import Fault
from serving.api.auth import Anyone, Reader
from serving.api.schemas_jobs import RescreenIn, ScreenedList, ScreenedOut
from serving.api.state import Serving, serving_of

router = APIRouter(tags=["warnings"])


@router.post("/v1/warnings/rescreen", summary="Take in warnings of another platform")
def take_in(asked: RescreenIn, request: Request, asking: Anyone) -> list[ScreenedOut]:
    """Each joins the open case about the same entity and scheme, or opens one; both scores are kept. Sent again, the
    same number of the same system changes nothing; 409 when another body's account had sent it."""
    serving = serving_of(request)
    raising.may_import(asking)
    # Scored before the transaction begins: nobody waits for the queue meanwhile.
    topics = {(one.entity_kind, one.entity_id, one.scheme) for one in asked.warnings}
    ours = {topic: verdict(serving, *topic) for topic in sorted(topics)}
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
    after: Annotated[int, Query(ge=0, lt=2**63, description="`cursor` of the page before.")] = 0,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    updated_since: Annotated[datetime | None, Query(description="Only those whose case has changed since.")] = None,
) -> ScreenedList:
    """By their number; with `updated_since` by the moment of the last change."""
    raising.may_import(asking)
    if updated_since is not None and updated_since.tzinfo is None:
        updated_since = updated_since.replace(tzinfo=UTC)
    with serving_of(request).reading() as session:
        rows = rescreen.statuses(session, system, updated_since, after, limit, asking)
        items = [ScreenedOut.of(record, case) for record, case in rows]
    return ScreenedList(items=items, cursor=items[-1].id if len(items) == limit else None)


def verdict(serving: Serving, kind: str, entity_id: str, scheme: str) -> Ours | None:
    """What our models say about the entity; null when it has no profile, or no model of ours can judge it."""
    try:
        scorer = serving.scorer(kind)
        (told,) = scorer.score(scorer.entities([entity_id]), explain=False)
    except Fault:
        return None
    fired = [one for one in told.rules if one.model.scheme == scheme]
    if fired:
        best = max(fired, key=lambda one: one.score)
        return Ours(best.model.id, best.score, 1.0, warns=True)
    if told.learned is not None:
        return Ours(told.learned.model, told.learned.score, told.learned.percentile, warns=False)
    silent = [model for model in scorer.rules if model.scheme == scheme and model.id not in told.unknown]
    return Ours(silent[0].id, 0.0, 0.0, warns=False) if silent else None
