"""The outbox: messages for other systems and mailboxes, written in the transaction of the change that they tell of.

Messages are CloudEvents 1.0 in structured mode, signed the way of Standard Webhooks: `webhook-signature` holds `v1,`
and the base64 of HMAC-SHA256 over `<webhook-id>.<webhook-timestamp>.<body>`. A receiver that checks the signature,
refuses timestamps older than `TOLERANCE` and takes each `webhook-id` once is safe from forgery and from replay.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from cases import audit
from cases.tables import Case
from cases.tables_work import Body, Delivery, Endpoint, Foreign, Party
from gnomon.config import Settings
from gnomon.errors import Fault, Misuse
from gnomon.terms import Text

TOLERANCE = timedelta(minutes=5)
SOURCE = "gnomon"


def subscribe(
    session: Session, name: str, url: str, actor: str, kinds: Sequence[str] = ("*",), body: str | None = None
) -> Endpoint:
    """Tell this address of events from now on. Faults: no http(s) address (400), the name is taken (409)."""
    moment = audit.begin(session)
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username or len(url) > 1000:
        raise Misuse("cases.endpoint_url", place=name)
    if session.get(Endpoint, name) is not None:
        raise Fault("cases.endpoint_taken", place=name, status=409)
    if body is not None and session.get(Body, body) is None:
        raise Fault("cases.no_body", place=body, status=404, nearest="–")
    made = Endpoint(name=name, url=url, body=body, kinds=" ".join(kinds), salt=secrets.token_hex(16), disabled=False)
    made.created_at = moment
    session.add(made)
    session.flush()
    after = {key: value for key, value in made.as_dict().items() if key != "salt"}
    audit.record(session, actor, "subscribe", audit.Subject("endpoint", name), None, after)
    return made


def set_disabled(session: Session, name: str, disabled: bool, actor: str) -> None:
    """Stop telling an endpoint, or go on; what was written before waits."""
    audit.begin(session)
    found = _endpoint(session, name)
    found.disabled = disabled
    session.flush()
    action = "disable" if disabled else "enable"
    audit.record(session, actor, action, audit.Subject("endpoint", name), None, {"disabled": disabled})


def endpoints(session: Session) -> Sequence[Endpoint]:
    """All endpoints, by name."""
    return session.scalars(select(Endpoint).order_by(Endpoint.name)).all()


def key_of(settings: Settings, endpoint: Endpoint) -> bytes:
    """The endpoint's key: derived from the deployment's, stored nowhere."""
    told = f"webhook\n{endpoint.name}\n{endpoint.salt}".encode()
    return hmac.new(settings.secret, told, hashlib.sha256).digest()


def secret_of(settings: Settings, endpoint: Endpoint) -> str:
    """The key as the receiver is given it."""
    return told_key(key_of(settings, endpoint))


def told_key(key: bytes) -> str:
    """A key as receivers are given keys."""
    return "whsec_" + base64.b64encode(key).decode()


def headers(key: bytes, event: str, body: bytes, moment: datetime) -> dict[str, str]:
    """What is sent beside the body."""
    at = str(int(moment.timestamp()))
    return {
        "content-type": "application/cloudevents+json; charset=utf-8",
        "webhook-id": event,
        "webhook-timestamp": at,
        "webhook-signature": "v1," + _signature(key, event, at, body),
    }


def genuine(key: bytes, given: Mapping[str, str], body: bytes, now: datetime) -> bool:
    """Whether a message was signed with this key, less than `TOLERANCE` ago. Names of headers are small letters."""
    at = given.get("webhook-timestamp", "")
    if not at.isdecimal() or abs(now.timestamp() - int(at)) > TOLERANCE.total_seconds():
        return False
    expected = "v1," + _signature(key, given.get("webhook-id", ""), at, body)
    return any(hmac.compare_digest(expected, one) for one in given.get("webhook-signature", "").split(" "))


def put(
    session: Session, kind: str, found: Case, actor: str, moment: datetime, more: Mapping[str, Any] | None = None
) -> None:
    """Write one event about a case for every endpoint that may and wants to hear of it."""
    wanted = [one for one in _listening(session) if _wants(one, kind)]
    if not wanted:
        return
    held = select(Foreign.system, Foreign.foreign_id).where(Foreign.case_id == found.id)
    foreign = [{"system": row.system, "id": row.foreign_id} for row in session.execute(held)]
    told = {"case": found.as_dict(), "actor": actor, "foreign": foreign, **(more or {})}
    event = secrets.token_hex(16)
    message = {
        "specversion": "1.0",
        "id": event,
        "source": SOURCE,
        "type": f"gnomon.{kind}",
        "subject": f"case/{found.id}",
        "time": moment.isoformat(),
        "datacontenttype": "application/json",
        "data": told,
    }
    body = json.dumps(message, ensure_ascii=False, separators=(",", ":"), default=str)
    for one in wanted:
        if one.body is None or one.body in _concerned(session, found):
            session.add(_delivery(event, "webhook", one.name, kind, body, moment))


def listens(session: Session) -> bool:
    """Whether any system wants to be told of anything."""
    return bool(_listening(session))


def mail(session: Session, address: str, kind: str, text: Text, moment: datetime) -> None:
    """Write one e-mail, in both languages."""
    told = json.dumps({"subject": text.zh, "text": f"{text.zh}\n\n{text.en}\n"}, ensure_ascii=False)
    session.add(_delivery(secrets.token_hex(16), "mail", address, kind, told, moment))


def dead(session: Session, after: int = 0, limit: int = 50) -> Sequence[Delivery]:
    """Messages that were given up, oldest first."""
    query = select(Delivery).where(Delivery.dead_at.is_not(None), Delivery.id > after)
    return session.scalars(query.order_by(Delivery.id).limit(max(1, min(limit, 200)))).all()


def revive(session: Session, number: int, actor: str) -> None:
    """Try a message again that was given up."""
    moment = audit.begin(session)
    found = session.get(Delivery, number, with_for_update=True)
    if found is None or found.dead_at is None:
        raise Fault("cases.no_delivery", place=str(number), status=404)
    found.dead_at, found.attempts, found.next_at = None, 0, moment
    session.flush()
    audit.record(session, actor, "revive", audit.Subject("delivery", str(number)), None, {"kind": found.kind})


def waiting(session: Session) -> int:
    """Messages that still have to go out."""
    due = (Delivery.done_at.is_(None), Delivery.dead_at.is_(None))
    return session.scalar(select(func.count()).select_from(Delivery).where(*due)) or 0


def _delivery(event: str, channel: str, target: str, kind: str, told: str, moment: datetime) -> Delivery:
    made = Delivery(event=event, channel=channel, target=target, kind=kind, told=told, at=moment, next_at=moment)
    made.attempts = 0
    return made


def _listening(session: Session) -> Sequence[Endpoint]:
    with session.no_autoflush:
        return session.scalars(select(Endpoint).where(Endpoint.disabled.is_(False))).all()


def _wants(endpoint: Endpoint, kind: str) -> bool:
    wanted = endpoint.kinds.split()
    return any(one in ("*", kind) or (one.endswith(".*") and kind.startswith(one[:-1])) for one in wanted)


def _concerned(session: Session, found: Case) -> set[str]:
    """Bodies that take part in the case, and those above them."""
    above = {row.name: row.parent for row in session.execute(select(Body.name, Body.parent))}
    names: set[str] = set()
    for one in session.scalars(select(Party.body).where(Party.case_id == found.id)):
        at: str | None = one
        while at is not None and at not in names:
            names.add(at)
            at = above.get(at)
    return names


def _endpoint(session: Session, name: str) -> Endpoint:
    found = session.get(Endpoint, name)
    if found is None:
        raise Fault("cases.no_endpoint", place=name, status=404)
    return found


def _signature(key: bytes, event: str, at: str, body: bytes) -> str:
    return base64.b64encode(hmac.new(key, f"{event}.{at}.".encode() + body, hashlib.sha256).digest()).decode()
