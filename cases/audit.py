"""The trail: append-only, hash-chained, written in the transaction of the change that it tells of.

The hash of an event is the SHA-256 of the JSON list `[chain, seq, at, actor, action, subject kind, subject id,
before, after, previous hash]` (UTF-8, no spaces, not escaped), where `at` is ISO 8601 in UTC with microseconds, and
`before` and `after` are the JSON texts as they are stored. The first event follows sixty-four zeros.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Row, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, SessionTransaction

from cases.tables import MOMENT, IssuedWarning, Trail, TrailHead
from gnomon.database import write
from gnomon.i18n import both
from gnomon.terms import Text

CHAIN = "main"
NOTHING_BEFORE = "0" * 64
ISSUE = "issue"
"""The action that puts a warning on the trail, with the digest of its pack."""
_PAGE = 2000
_TICK = timedelta(microseconds=1)
# Made once: to make one takes longer than to write an event.
_CANONICAL = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
_COVERED = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


class Subject(NamedTuple):
    """What an event is about."""

    kind: str
    id: str


class Event(NamedTuple):
    """One event to be recorded; `before` and `after` hold plain JSON values."""

    actor: str
    action: str
    subject: Subject
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class Broken:
    """The first place where the trail does not hold."""

    kind: str
    """changed, missing, reordered, unlinked, cut, warning_changed, warning_missing, warning_unrecorded or head."""
    place: str
    told: Text


@dataclass(frozen=True, slots=True)
class Verified:
    """What a walk along the whole trail found."""

    events: int
    seq: int
    """Number of the last event, and its hash: written down elsewhere, they prove later that nothing was rewritten."""
    head: str
    broken: Broken | None

    @property
    def ok(self) -> bool:
        """Whether every link holds."""
        return self.broken is None


def begin(session: Session) -> datetime:
    """Queue up as the trail's writer until the transaction ends, and tell the moment; moments only ever grow.

    Every unit of work that changes cases calls this first: writers then wait in one line and cannot lock each other
    out, and rows come to light in the order of their moments, whatever the clock does. `updated_since` relies on that.
    """
    turn: Turn | None = session.info.get(MOMENT)
    if turn is None or not turn.unit.is_active:
        unit = session.get_nested_transaction() or session.get_transaction() or session.begin()
        head = _head(session)
        turn = session.info[MOMENT] = Turn(unit, head, head.at)
    turn.moment = turn.head.at = max(datetime.now(UTC), turn.moment + _TICK)
    return turn.moment


@dataclass
class Turn:
    """The turn as the trail's writer: it lasts as long as the transaction, or the savepoint, that took it."""

    unit: SessionTransaction
    head: TrailHead
    moment: datetime


def record(
    session: Session,
    actor: str,
    action: str,
    subject: Subject,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> None:
    """Put one event on the trail, in the caller's transaction."""
    record_all(session, [Event(actor, action, subject, before, after)])


def record_all(session: Session, events: Iterable[Event]) -> None:
    """Put events on the trail in their order, in the caller's transaction."""
    at = begin(session)
    turn: Turn = session.info[MOMENT]
    head = turn.head
    rows = list(chained(events, at, head.seq, head.hash))
    if rows:
        write(session, Trail, rows)
        head.seq, head.hash = rows[-1]["seq"], rows[-1]["hash"]
        session.flush()


def chained(events: Iterable[Event], at: datetime, seq: int, previous: str) -> Iterator[dict[str, Any]]:
    """Rows of the trail for events that happened at one moment and follow the event of this number and hash."""
    for event in events:
        seq += 1
        row: dict[str, Any] = {
            "chain": CHAIN,
            "seq": seq,
            "at": at,
            "actor": event.actor,
            "action": event.action,
            "subject_kind": event.subject.kind,
            "subject_id": event.subject.id,
            "before": canonical(event.before),
            "after": canonical(event.after),
            "previous": previous,
        }
        previous = row["hash"] = digest(row)
        yield row


def canonical(value: Mapping[str, Any] | None) -> str:
    """JSON in one spelling: keys sorted, no spaces.

    >>> canonical({"b": 1, "a": "医院"})
    '{"a":"医院","b":1}'
    """
    return _CANONICAL.encode(value)


def digest(row: Mapping[str, Any]) -> str:
    """The hash that an event must carry."""
    told = [row["chain"], row["seq"], row["at"].astimezone(UTC).isoformat(timespec="microseconds")]
    told += [row[name] for name in ("actor", "action", "subject_kind", "subject_id", "before", "after", "previous")]
    return hashlib.sha256(_COVERED.encode(told).encode()).hexdigest()


def events(session: Session, subject: Subject) -> Sequence[Trail]:
    """Everything recorded about one subject, oldest first."""
    about = (Trail.subject_kind == subject.kind) & (Trail.subject_id == subject.id)
    return session.scalars(select(Trail).where(about).order_by(Trail.seq)).all()


def latest(session: Session, subject: Subject) -> Trail:
    """The newest event about a subject: number and hash say where the trail stood. The subject has one at least."""
    here = select(Trail).where(Trail.subject_kind == subject.kind, Trail.subject_id == subject.id)
    return session.scalars(here.order_by(Trail.seq.desc()).limit(1)).one()


def told(event: Trail | Row[Any]) -> dict[str, Any]:
    """One event as plain JSON values: what exports hold, enough to recompute every hash."""
    row = _row(event)
    return {**row, "at": event.at.isoformat(timespec="microseconds"), "hash": event.hash}


def walk(session: Session, after: int = 0, chain: str = CHAIN) -> Iterator[Row[Any]]:
    """All events after number `after` as plain rows, in order, a page at a time."""
    while True:
        page = select(*Trail.__table__.columns).where(Trail.chain == chain, Trail.seq > after)
        rows = session.execute(page.order_by(Trail.seq).limit(_PAGE)).all()
        yield from rows
        if len(rows) < _PAGE:
            return
        after = rows[-1].seq


def verify(session: Session, known: tuple[int, str] | None = None) -> Verified:
    """Recompute the whole chain and hold the stored warnings against it; the first broken link ends the walk.

    Parameters
    ----------
    known:
        Number and hash of an event written down earlier, outside this database. A trail rewritten from end to end is
        consistent in itself; only such a witness shows it.
    """
    session.flush()
    seq, previous, packs = 0, NOTHING_BEFORE, {}
    for event in walk(session):
        broken = _link(session, event, seq, previous)
        if broken is None and known is not None and known[0] == event.seq and known[1] != event.hash:
            broken = _broken("rewritten", event.seq)
        if broken is not None:
            return Verified(seq, seq, previous, broken)
        seq, previous = event.seq, event.hash
        if event.action == ISSUE:
            packs[event.subject_id] = json.loads(event.after)["pack_sha256"]
    head = session.scalar(select(TrailHead).where(TrailHead.chain == CHAIN).execution_options(populate_existing=True))
    broken = None
    if head is not None and (head.seq, head.hash) != (seq, previous):
        broken = _broken("cut" if head.seq > seq else "head", seq, seq=head.seq)
    elif known is not None and known[0] > seq:
        broken = _broken("cut", seq, seq=known[0])
    return Verified(seq, seq, previous, broken or _packs(session, packs))


def _head(session: Session) -> TrailHead:
    query = select(TrailHead).where(TrailHead.chain == CHAIN).with_for_update()
    head = session.scalar(query.execution_options(populate_existing=True))
    if head is not None:
        return head
    try:
        with session.begin_nested():
            session.add(TrailHead(chain=CHAIN, seq=0, hash=NOTHING_BEFORE, at=datetime.now(UTC)))
    except IntegrityError:
        # Another writer made it in the meantime: queue behind it.
        pass
    return session.scalars(query.execution_options(populate_existing=True)).one()


def _row(event: Trail | Row[Any]) -> dict[str, Any]:
    return {column.key: getattr(event, column.key) for column in Trail.__table__.columns if column.key != "hash"}


def _link(session: Session, event: Row[Any], seq: int, previous: str) -> Broken | None:
    if event.seq != seq + 1:
        return _broken("missing", seq + 1)
    if event.previous != previous:
        elsewhere = session.scalar(select(Trail.seq).where(Trail.hash == event.previous).limit(1))
        return _broken("unlinked" if elsewhere is None else "reordered", event.seq)
    if event.hash != digest(_row(event)):
        return _broken("changed", event.seq)
    return None


def _packs(session: Session, recorded: dict[str, str]) -> Broken | None:
    """Every warning on the trail is stored as it was issued, and no other is."""
    for fingerprint, pack in _stored(session):
        expected = recorded.pop(fingerprint, None)
        if expected != hashlib.sha256(pack.encode()).hexdigest():
            return _broken("warning_unrecorded" if expected is None else "warning_changed", fingerprint)
    return _broken("warning_missing", min(recorded)) if recorded else None


def _stored(session: Session) -> Iterator[tuple[str, str]]:
    after = 0
    while True:
        page = select(IssuedWarning.id, IssuedWarning.fingerprint, IssuedWarning.pack).where(IssuedWarning.id > after)
        rows = session.execute(page.order_by(IssuedWarning.id).limit(_PAGE)).all()
        yield from ((row.fingerprint, row.pack) for row in rows)
        if len(rows) < _PAGE:
            return
        after = rows[-1].id


def _broken(kind: str, place: object, **values: object) -> Broken:
    return Broken(kind, str(place), both(f"cases.broken.{kind}", place=place, **values))
