"""`/v1/suppressions`: keep warnings about one entity out of the queue for a while, and what that hid."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Self

from fastapi import APIRouter, Request
from pydantic import Field

from cases import suppression
from cases.suppression import Report
from cases.tables_work import Suppression
from serving.api.auth import Anyone, Reader
from serving.api.once import Key, once
from serving.api.paging import Cursor, Id, Limit, Since, aware, page_of
from serving.api.schemas import WarningLine, WarningsOut, Wire
from serving.api.state import serving_of

router = APIRouter(tags=["suppressions"])


class SuppressionIn(Wire):
    """What is to stay out of the queue, why, and until when."""

    entity_kind: str = Field(min_length=1, max_length=40)
    entity_id: str = Field(min_length=1, max_length=400)
    scheme: str = Field("*", min_length=1, max_length=80, description="One scheme; `*` for all.")
    reason: str = Field(min_length=1, max_length=4000)
    expires_at: datetime


class SuppressionOut(Wire):
    """One suppression."""

    id: int
    entity_kind: str
    entity_id: str
    scheme: str
    reason: str
    expires_at: datetime
    asked_by: str
    asked_at: datetime
    approved_by: str | None
    approved_at: datetime | None
    lifted_by: str | None
    lifted_at: datetime | None


class SuppressedOut(SuppressionOut):
    """One suppression with what it hid."""

    hidden: int = Field(description="Warnings kept out of the queue so far.")
    alerts: int
    gravest: float | None = Field(description="Highest percentile among them.")

    @classmethod
    def of(cls, one: Report) -> Self:
        """From the report's row."""
        told = SuppressionOut.model_validate(one.suppression).model_dump()
        return cls(**told, hidden=one.hidden, alerts=one.alerts, gravest=one.gravest)


class SuppressionsOut(Wire):
    """A page of suppressions, the newest first."""

    items: list[SuppressedOut]
    cursor: str | None


@router.get("/v1/suppressions", summary="Suppressions, and what each hid")
def report(
    request: Request, asking: Reader, cursor: Cursor = None, limit: Limit = 50, updated_since: Since = None
) -> SuppressionsOut:
    """Where bodies are registered, those of oversight alone may read it."""
    with serving_of(request).reading() as session:
        page, following = page_of(
            partial(suppression.report, session, asking, aware(updated_since)),
            lambda one: [one.suppression.id],
            cursor,
            limit,
        )
    return SuppressionsOut(items=[SuppressedOut.of(one) for one in page], cursor=following)


@router.post("/v1/suppressions", status_code=201, summary="Ask for a suppression")
def ask(asked: SuppressionIn, request: Request, asking: Anyone, key: Key = None) -> SuppressionOut:
    """Nothing stays out until somebody else approves."""
    end = aware(asked.expires_at)
    assert end is not None

    def do() -> dict[str, int]:
        scope = (asked.entity_kind, asked.entity_id, asked.reason, end, asked.scheme)
        return {"suppression": suppression.ask(session, asking, *scope).id}

    with serving_of(request).session() as session:
        made = once(session, asking, key, asked.model_dump(mode="json"), do)
        return SuppressionOut.model_validate(session.get(Suppression, made["suppression"]))


@router.post("/v1/suppressions/{number}/approve", summary="Let a suppression stand")
def approve(number: Id, request: Request, asking: Anyone) -> SuppressionOut:
    """403 for who asked; 409 when it was decided."""
    with serving_of(request).session() as session:
        return SuppressionOut.model_validate(suppression.approve(session, number, asking))


@router.post("/v1/suppressions/{number}/lift", summary="End a suppression now")
def lift(number: Id, request: Request, asking: Anyone) -> SuppressionOut:
    """Or refuse one that nobody approved."""
    with serving_of(request).session() as session:
        return SuppressionOut.model_validate(suppression.lift(session, number, asking))


@router.get("/v1/suppressions/{number}/warnings", summary="The warnings that a suppression hid")
def hidden(
    number: Id,
    request: Request,
    asking: Reader,
    cursor: Cursor = None,
    limit: Limit = 50,
    updated_since: Since = None,
) -> WarningsOut:
    """The newest first; `POST /v1/warnings/{key}/raise` puts one into the queue."""
    with serving_of(request).reading() as session:
        page, following = page_of(
            partial(suppression.warnings, session, number, asking, aware(updated_since)),
            lambda one: [one.id],
            cursor,
            limit,
        )
        return WarningsOut(items=[WarningLine.of(row) for row in page], cursor=following)
