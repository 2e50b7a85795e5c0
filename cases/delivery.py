"""Sends what the outbox holds: each message is leased, sent, and marked; what fails comes again, later and later.

Nothing can be sent inside a transaction, so this is the one place below the edge that opens units of work by itself. A
process killed between sending and marking sends again after the lease, under the same `webhook-id`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine, select

from cases import audit, outbox
from cases.tables_work import Delivery, Endpoint
from gnomon import outgoing
from gnomon.config import Settings
from gnomon.database import transaction

LEASE = timedelta(seconds=60)
MOST_ATTEMPTS = 12
FIRST_WAIT = timedelta(seconds=30)
LONGEST_WAIT = timedelta(hours=6)
_BATCH = 20


@dataclass(frozen=True, slots=True)
class Sent:
    """What one run of the sender did."""

    done: int
    failed: int
    """Will be tried again."""
    dead: int
    """Given up: `revive` tries them anew."""


def deliver(engine: Engine, settings: Settings, now: Callable[[], datetime] | None = None) -> Sent:
    """Send everything that is due, until nothing is."""
    clock = now or (lambda: datetime.now(UTC))
    done = failed = given_up = 0
    while batch := _lease(engine, clock()):
        for one, endpoint in batch:
            fault = _send(settings, one, endpoint, clock())
            ended = _mark(engine, one.id, fault, clock())
            done, failed, given_up = (
                done + (fault is None),
                failed + (not ended),
                given_up + (ended and fault is not None),
            )
    return Sent(done, failed, given_up)


def wait(attempts: int) -> timedelta:
    """How long a message rests after this many failures.

    >>> [str(wait(n)) for n in (1, 2, 12)]
    ['0:00:30', '0:01:00', '6:00:00']
    """
    wanted: timedelta = FIRST_WAIT * (1 << (attempts - 1))
    return min(wanted, LONGEST_WAIT)


def _lease(engine: Engine, moment: datetime) -> list[tuple[Delivery, Endpoint | None]]:
    with transaction(engine) as session:
        stopped = select(Endpoint.name).where(Endpoint.disabled.is_(True))
        due = select(Delivery).where(Delivery.done_at.is_(None), Delivery.dead_at.is_(None), Delivery.next_at <= moment)
        due = due.where((Delivery.channel != "webhook") | Delivery.target.not_in(stopped))
        due = due.order_by(Delivery.next_at, Delivery.id).limit(_BATCH).with_for_update(skip_locked=True)
        batch = []
        for one in session.scalars(due):
            one.attempts += 1
            one.next_at = moment + LEASE
            batch.append((one, session.get(Endpoint, one.target) if one.channel == "webhook" else None))
        return batch


def _mark(engine: Engine, number: int, fault: str | None, moment: datetime) -> bool:
    """Whether the message has come to its end, arrived or given up."""
    with transaction(engine) as session:
        if fault is not None:
            # What was given up is followed by its moment, and those are given out in one line.
            given_up = audit.begin(session)
        one = session.get_one(Delivery, number, with_for_update=True)
        one.error = fault
        if fault is None:
            one.done_at = moment
        elif one.attempts >= MOST_ATTEMPTS:
            one.dead_at = given_up
        else:
            one.next_at = moment + wait(one.attempts)
        return one.done_at is not None or one.dead_at is not None


def _send(settings: Settings, one: Delivery, endpoint: Endpoint | None, moment: datetime) -> str | None:
    """What went wrong, if anything."""
    try:
        if one.channel == "mail":
            told = json.loads(one.told)
            outgoing.mail(settings, one.target, told["subject"], told["text"], one.event)
        elif endpoint is None:
            return "endpoint is gone"
        else:
            body = one.told.encode()
            signed = outbox.headers(outbox.key_of(settings, endpoint), one.event, body, moment)
            outgoing.post(endpoint.url, body, signed)
    except outgoing.NotSent as fault:
        return str(fault)
    return None
