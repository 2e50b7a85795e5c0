"""Other systems: imports out of theirs, the outbox to theirs, and the clock that a scheduler winds."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import Field

from cases import bodies, clock, imports, outbox, raising
from cases.imports import Imported
from cases.people import Person
from cases.tables_work import Delivery
from cases.workflow import Role
from gnomon.errors import Fault, Misuse
from serving.api.auth import Administrator, Anyone, Operator
from serving.api.casework import elsewhere
from serving.api.paging import Id, Limit, Since, since
from serving.api.schemas import Wire
from serving.api.sent import EXPORT, Export
from serving.api.state import Serving, serving_of

router = APIRouter(tags=["exchange"])


class ImportedOut(Wire):
    """What became of an export's records; the three add up to their number."""

    new: int
    known: int = Field(description="Entered before: nothing done.")
    skipped: int = Field(description="Deleted over there.")


class EndpointOut(Wire):
    """Where another system is told."""

    name: str
    url: str
    body: str | None
    kinds: str
    disabled: bool
    created_at: datetime


class OutboxOut(Wire):
    """How the outbox stands."""

    waiting: int
    dead: int = Field(description="Messages that were given up (counted up to 200).")
    endpoints: list[EndpointOut]


class DeadOut(Wire):
    """A message that was given up, without what it says."""

    id: int
    event: str
    channel: str
    target: str
    kind: str
    at: datetime
    attempts: int
    dead_at: datetime | None
    error: str | None


class DeadLettersOut(Wire):
    """A page of them, the oldest first."""

    items: list[DeadOut]
    cursor: int | None = Field(description="Give it back as `after`; null on the last page.")


class TickedOut(Wire):
    """What one look at the clock did; null for whoever may not count all cases."""

    supervised: int | None
    resupervised: int | None
    stepped_in: int | None


@router.post("/v1/imports", status_code=201, summary="Take in another system's cases", openapi_extra=EXPORT)
def take_in(
    request: Request,
    asking: Anyone,
    content: Export,
    system: Annotated[str, Query(max_length=40, description="csv, thehive or dispatch.")],
    name: Annotated[str, Query(max_length=80, description="Tells two systems of one make apart.")] = "",
) -> ImportedOut:
    """The body is the export itself. All of it enters or, when a record is wrong, nothing; each record enters once."""
    done = imported(serving_of(request), content, system, name, asking)
    return ImportedOut(new=done.new, known=done.known, skipped=done.skipped)


def imported(serving: Serving, content: bytes, system: str, name: str, asking: Person) -> Imported:
    """What became of an export; a fault (400) when it is not UTF-8."""
    raising.may_import(asking)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Misuse("serving.cases.unreadable", place="body") from None
    with serving.session() as session, elsewhere(session, asking):
        return imports.take(session, system, text, asking, name)


@router.get("/v1/outbox", summary="How the outbox stands")
def status(request: Request, _: Administrator) -> OutboxOut:
    """Messages that wait or were given up, and who is told. Keys are printed once, by `gnomon cases endpoint`."""
    with serving_of(request).reading() as session:
        told = [
            EndpointOut(**{n: getattr(one, n) for n in EndpointOut.model_fields}) for one in outbox.endpoints(session)
        ]
        return OutboxOut(waiting=outbox.waiting(session), dead=len(outbox.dead(session, limit=200)), endpoints=told)


@router.get("/v1/outbox/dead", summary="Messages that were given up")
def dead_letters(
    request: Request,
    _: Administrator,
    after: Annotated[int, Query(ge=0, lt=2**63, description="`cursor` of the page before.")] = 0,
    limit: Limit = 50,
    updated_since: Since = None,
) -> DeadLettersOut:
    """Where to, when, and why not; never what a message says."""
    with serving_of(request).reading() as session:
        rows = outbox.dead(session, after, limit)
        shown = since(rows, updated_since, lambda one: one.dead_at)
        return DeadLettersOut(items=[_dead(one) for one in shown], cursor=rows[-1].id if len(rows) == limit else None)


@router.post("/v1/outbox/dead/{number}/retry", status_code=204, summary="Try a message again")
def retry(number: Id, request: Request, asking: Administrator) -> None:
    """It goes out with the next delivery."""
    with serving_of(request).session() as session:
        outbox.revive(session, number, asking.actor)


@router.post("/v1/outbox/endpoints/{name}/{switch}", status_code=204, summary="Stop telling an endpoint, or go on")
def switch_endpoint(name: str, switch: str, request: Request, asking: Administrator) -> None:
    """`disable` or `enable`; what was written before waits."""
    if switch not in ("disable", "enable"):
        raise Fault("serving.api.not_found", place=switch[:60], status=404)
    with serving_of(request).session() as session:
        outbox.set_disabled(session, name, switch == "disable", asking.actor)


@router.post("/v1/clock/tick", summary="Press for what is overdue, stuck or not signed for")
def tick(request: Request, asking: Operator) -> TickedOut:
    """To be called every hour; again at once it does nothing."""
    with serving_of(request).session() as session:
        done = clock.tick(session)
        counts = asking.role is Role.ADMINISTRATOR or bodies.reach(session, asking) is None
    if not counts:
        return TickedOut(supervised=None, resupervised=None, stepped_in=None)
    return TickedOut(supervised=done.supervised, resupervised=done.resupervised, stepped_in=done.stepped_in)


def _dead(one: Delivery) -> DeadOut:
    return DeadOut(**{name: getattr(one, name) for name in DeadOut.model_fields})
