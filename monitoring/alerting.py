"""Alerts: who stands for how long, who was told, and who is not to be told for a while.

An alert has a key; the same key is the same alert however often it is found. It is sent when it begins and when it
ends, and once a day while it stands. Alerts of one look go out in one message a channel; a channel that could not be
reached is told at the next look what it has missed. Messages to web addresses are signed as those about cases are.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from cases import outbox
from gnomon import outgoing
from gnomon.database import transaction
from gnomon.errors import Misuse
from gnomon.i18n import say
from gnomon.terms import Text
from monitoring import job_store
from monitoring.job_store import AlertState, Channel, Silence, Unreached

if TYPE_CHECKING:
    from sqlalchemy import Engine
    from sqlalchemy.orm import Session

    from gnomon.config import Settings

AGAIN = timedelta(days=1)
"""An alert that stands is told again after so long."""
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

    @property
    def groups(self) -> tuple[tuple[str, tuple[Alert, ...]], ...]:
        """Alerts by what is told of them."""
        return ("begun", self.begun), ("standing", self.standing), ("ended", self.ended)

    def text(self, language: str) -> str:
        """One line an alert, under what it is, grouped by kind."""
        lines = []
        for word, group in self.groups:
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


def key_of(settings: Settings, address: str) -> bytes:
    """The key that signs what goes to a web address: derived from the deployment's, stored nowhere."""
    return hmac.new(settings.secret, f"alerts\n{address}".encode(), hashlib.sha256).digest()


def is_mail(address: str) -> bool:
    """Whether a channel is a mailbox; else it is a web address."""
    return "://" not in address


@dataclass(frozen=True, slots=True)
class Told:
    """What became of one look."""

    message: Message
    unreached: Sequence[tuple[str, str]]
    """Addresses that could not be reached, and why. They are told at the next look what they have missed."""


def tell(settings: Settings, engine: Engine, found: Iterable[Alert], now: datetime, looked: Sequence[str]) -> Told:
    """Settle what was found, and send every channel what it does not know yet.

    What a channel is owed is on record before anything is sent: a dead receiver or a killed process loses nothing.
    """
    with transaction(engine) as session:
        message = settle(session, found, now, looked)
        owed = [(one, _owed(session, one, message, now)) for one in job_store.channels(session)]
    unreached = []
    for channel, missed in owed:
        fault = send(settings, channel, missed, now) if missed else None
        if fault is None:
            with transaction(engine) as session:
                job_store.reached(session, channel.address)
        else:
            unreached.append((channel.address, fault))
    return Told(message, unreached)


def _owed(session: Session, channel: Channel, message: Message, now: datetime) -> Message:
    """The message, or, after one that did not arrive, all that stands and all that has ended since."""
    behind = session.get(Unreached, channel.address)
    if behind is None:
        if message:
            session.add(Unreached(address=channel.address, since=now))
        return message
    quiet = [one.prefix for one in job_store.silences(session, now)]
    stands = [one for one in job_store.standing_alerts(session) if not any(one.key.startswith(p) for p in quiet)]
    ended = [one for one in job_store.ended_alerts(session, behind.since) if one.first_at < behind.since]
    begun, over = (tuple(Alert(one.key, Text(one.zh, one.en)) for one in rows) for rows in (stands, ended))
    return Message(begun, (), over, message.silenced)


def send(settings: Settings, channel: Channel, message: Message, now: datetime) -> str | None:
    """Send one message to one channel; what went wrong, if anything."""
    text, number = message.text(channel.language), secrets.token_hex(16)
    try:
        if is_mail(channel.address):
            outgoing.mail(settings, channel.address, say("monitoring.alert.subject", channel.language), text, number)
        else:
            groups = {word: [one.key for one in group] for word, group in message.groups}
            body = json.dumps({"text": text, **groups}, ensure_ascii=False).encode()
            signed = outbox.headers(key_of(settings, channel.address), number, body, now)
            outgoing.post(channel.address, body, {**signed, "content-type": "application/json; charset=utf-8"})
    except outgoing.NotSent as fault:
        return str(fault)
    return None
