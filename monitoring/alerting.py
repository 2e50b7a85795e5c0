"""Alerts: who stands for how long, who was told, and who is not to be told for a while.

An alert has a key; the same key is the same alert however often it is found. It is sent when it begins and when it
ends, and once a day while it stands. Alerts of one look go out in one message a channel.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import smtplib
import ssl
import urllib.request
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.message import EmailMessage
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from gnomon.errors import Misuse
from gnomon.i18n import say
from gnomon.terms import Text
from monitoring import job_store
from monitoring.job_store import AlertState, Channel, Silence

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from gnomon.config import Settings

AGAIN = timedelta(days=1)
"""An alert that stands is told again after so long."""
TIMEOUT = 10.0
LONGEST_SILENCE = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Alert:
    """Something that somebody should know. Names columns, sources and jobs, never a person or an entity."""

    key: str
    told: Text

    @property
    def kind(self) -> str:
        """drift, feed, job …: the first word of the key; alerts are grouped by it."""
        return self.key.partition(":")[0]


@dataclass(frozen=True, slots=True)
class Message:
    """What goes out now."""

    begun: tuple[Alert, ...]
    standing: tuple[Alert, ...]
    """Told before, a day ago or more."""
    ended: tuple[Alert, ...]
    silenced: int

    def __bool__(self) -> bool:
        return bool(self.begun or self.standing or self.ended)

    def text(self, language: str) -> str:
        """One line an alert, under what it is, grouped by kind."""
        lines = []
        for word, group in (("begun", self.begun), ("standing", self.standing), ("ended", self.ended)):
            if group:
                lines.append(say(f"monitoring.alert.{word}", language, many=len(group)))
                lines += [f"- {one.told.said_in(language)}" for one in sorted(group, key=lambda one: one.key)]
        if self.silenced:
            lines.append(say("monitoring.alert.silenced", language, many=self.silenced))
        return "\n".join(lines)


def settle(session: Session, found: Iterable[Alert], now: datetime, looked: Sequence[str] = ()) -> Message:
    """Hold what was found against what stood, and say what is to be told.

    `looked` are the kinds that were looked for: only those can end.
    """
    alerts = {one.key: one for one in found}
    held = {one.key: one for one in job_store.standing_alerts(session)}
    quiet = [one.prefix for one in job_store.silences(session, now)]
    begun, again, ended, silenced = [], [], [], 0
    for key, alert in alerts.items():
        state = held.get(key) or session.get(AlertState, key)
        if state is None:
            state = AlertState(key=key, first_at=now, sent_at=None)
            session.add(state)
        elif state.ended_at is not None:
            state.first_at, state.sent_at = now, None
        state.kind, state.zh, state.en = alert.kind, alert.told.zh, alert.told.en
        state.last_at, state.ended_at = now, None
        if any(key.startswith(prefix) for prefix in quiet):
            silenced += 1
            continue
        # A time of sending that lies ahead is a clock that jumped: it must not silence anything.
        if state.sent_at is None or state.sent_at > now:
            begun.append(alert)
        elif now - state.sent_at >= AGAIN:
            again.append(alert)
        else:
            continue
        state.sent_at = now
    for key, state in held.items():
        if key not in alerts and state.kind in looked:
            state.ended_at = now
            # Nobody hears of the end of what nobody heard of.
            if state.sent_at is not None:
                ended.append(Alert(key, Text(state.zh, state.en)))
    return Message(tuple(begun), tuple(again), tuple(ended), silenced)


def silence(session: Session, prefix: str, until: datetime, reason: str, by: str, now: datetime) -> None:
    """Tell nobody about alerts whose key begins so, for a while and for a reason."""
    if not prefix or not reason or not now < until <= now + LONGEST_SILENCE:
        raise Misuse("monitoring.alert.silence", place=prefix, days=LONGEST_SILENCE.days)
    session.add(Silence(prefix=prefix, until=until, reason=reason, by=by))


def add_channel(session: Session, address: str, language: str) -> None:
    """Send alerts to a web address (https, or http on this machine) or to an e-mail address."""
    parts = urlsplit(address)
    local = parts.hostname in ("localhost", "127.0.0.1", "::1")
    web = parts.scheme == "https" or (parts.scheme == "http" and local)
    mail = not parts.scheme and address.count("@") == 1 and not set(address) & set(" \r\n,;<>")
    if not (web and parts.hostname) and not mail:
        raise Misuse("monitoring.alert.channel", place=address)
    session.merge(Channel(address=address, language=language))


def send(
    settings: Settings, channels: Sequence[Channel], message: Message, post: Callable[..., None] | None = None
) -> list[tuple[str, str]]:
    """Send one message to every channel; addresses that could not be reached, and why."""
    failed = []
    for channel in channels if message else ():
        text = message.text(channel.language)
        try:
            if "@" in channel.address and "://" not in channel.address:
                _mail(settings, channel.address, text, channel.language)
            else:
                (post or _post)(settings.secret, channel.address, message, text)
        except (OSError, smtplib.SMTPException, ValueError) as error:
            failed.append((channel.address, type(error).__name__))
    return failed


def signature(secret: bytes, body: bytes) -> str:
    """`sha256=<hex>`: HMAC of the body under the deployment's key, for the receiver to check."""
    key = hmac.new(secret, b"gnomon alerts", hashlib.sha256).digest()
    return "sha256=" + hmac.new(key, body, hashlib.sha256).hexdigest()


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        """An alert goes where it was sent and nowhere else."""
        return


def _post(secret: bytes, address: str, message: Message, text: str) -> None:
    groups = {
        "begun": [one.key for one in message.begun],
        "standing": [one.key for one in message.standing],
        "ended": [one.key for one in message.ended],
    }
    body = json.dumps({"text": text, **groups}, ensure_ascii=False).encode()
    headers = {"Content-Type": "application/json", "X-Gnomon-Signature": signature(secret, body)}
    request = urllib.request.Request(address, body, headers, method="POST")
    with urllib.request.build_opener(_NoRedirect).open(request, timeout=TIMEOUT):
        return


def _mail(settings: Settings, address: str, text: str, language: str) -> None:
    if not settings.smtp:
        raise ValueError("no mail server")
    parts = urlsplit(settings.smtp)
    mail = EmailMessage()
    mail["From"], mail["To"] = settings.mail_from, address
    mail["Subject"] = say("monitoring.alert.subject", language)
    mail.set_content(text)
    host = parts.hostname or "localhost"
    tls = ssl.create_default_context()
    if parts.scheme == "smtps":
        server: smtplib.SMTP = smtplib.SMTP_SSL(host, parts.port or 465, timeout=TIMEOUT, context=tls)
    else:
        server = smtplib.SMTP(host, parts.port or 25, timeout=TIMEOUT)
    with server:
        if parts.username:
            # Never over an open line.
            if parts.scheme != "smtps":
                server.starttls(context=tls)
            server.login(unquote(parts.username), unquote(parts.password or ""))
        server.send_message(mail)
