"""Sends what the outbox holds: each message is leased, sent, and marked; what fails comes again, later and later.

Nothing can be sent inside a transaction, so this is the one place below the edge that opens units of work by itself. A
process killed between sending and marking sends again after the lease, under the same `webhook-id`.
"""

from __future__ import annotations

import json
import smtplib
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import unquote, urlsplit

from sqlalchemy import Engine, select

from cases import audit, outbox
from cases.tables_work import Delivery, Endpoint
from gnomon.config import Settings
from gnomon.database import transaction

LEASE = timedelta(seconds=60)
TIMEOUT = 10.0
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
            return _mail(settings, one)
        if endpoint is None:
            return "endpoint is gone"
        return _post(settings, one, endpoint, moment)
    except (OSError, HTTPException, smtplib.SMTPException, ssl.SSLError, ValueError) as error:
        return f"{type(error).__name__}: {error}"[:500]


def _post(settings: Settings, one: Delivery, endpoint: Endpoint, moment: datetime) -> str | None:
    """Post once. Redirects are not followed: a signed message goes where somebody wrote down that it goes."""
    parts = urlsplit(endpoint.url)
    connect = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    connection = connect(parts.hostname or "", parts.port, timeout=TIMEOUT)
    body = one.told.encode()
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        signed = outbox.headers(outbox.key_of(settings, endpoint), one.event, body, moment)
        connection.request("POST", path, body, {**signed, "user-agent": "gnomon"})
        answer = connection.getresponse()
        answer.read(4096)
        return None if 200 <= answer.status < 300 else f"HTTP {answer.status}"
    finally:
        connection.close()


def _mail(settings: Settings, one: Delivery) -> str | None:
    if not settings.smtp:
        return "GNOMON_SMTP is not set"
    parts = urlsplit(settings.smtp)
    told = json.loads(one.told)
    message = EmailMessage()
    subject = " ".join(told["subject"].split())[:200]
    message["From"], message["To"], message["Subject"] = settings.mail_from, one.target, subject
    message["Message-ID"] = f"<{one.event}@gnomon>"
    message.set_content(told["text"])
    host, encrypted = parts.hostname or "localhost", parts.scheme == "smtps"
    server = smtplib.SMTP_SSL(host, parts.port or 465, timeout=TIMEOUT) if encrypted else None
    with server or smtplib.SMTP(host, parts.port or 25, timeout=TIMEOUT) as open_server:
        if parts.username:
            if not encrypted:
                open_server.starttls(context=ssl.create_default_context())
            open_server.login(unquote(parts.username), unquote(parts.password or ""))
        open_server.send_message(message)
    return None
