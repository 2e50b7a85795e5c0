"""Every list can be followed: what is written while somebody reads comes once, in order, and nothing is passed over."""

from __future__ import annotations

import json
import random
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select, text
from sqlalchemy.orm import Session

from cases import audit, delivery, feeds, meetings, notices, outbox, queue, rescreen, service, suppression
from cases.feeds import Feed
from cases.people import Person
from cases.tables import Case
from cases.tables_work import Audience, Consultation, Suppression
from cases.workflow import Action, Role
from gnomon.config import Settings
from gnomon.database import transaction
from gnomon.errors import Fault, Misuse
from gnomon.terms import Outcome, Text

WRITERS, LAPS = 4, 4
KEYS = {
    Feed.WARNINGS: ("id",),
    Feed.CASES: ("id",),
    Feed.TRAIL: ("seq",),
    Feed.NOTICES: ("id",),
    Feed.SUPPRESSIONS: ("id",),
    Feed.CIRCULARS: ("circular_id", "body"),
    Feed.MEETINGS: ("id",),
    Feed.LABELS: ("label_id",),
    Feed.RESCREEN: ("id",),
    Feed.DEAD: ("id",),
}


class Follower:
    """Follows all feeds with small pages and keeps every row that it was given."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.cursors: dict[Feed, str | None] = dict.fromkeys(Feed)
        self.got: dict[Feed, list[dict[str, Any]]] = {feed: [] for feed in Feed}

    def look(self, limit: int = 3) -> bool:
        """Whether anything was new."""
        new = False
        for feed in Feed:
            with transaction(self.engine) as session:
                page = feeds.changes(session, feed, cursor=self.cursors[feed], limit=limit)
            self.cursors[feed] = page.cursor
            self.got[feed] += page.rows
            new |= bool(page.rows)
        return new

    def drain(self) -> None:
        while self.look(7):
            pass


class Writer:
    """Somebody who does one thing after the other to random cases; what is refused is refused."""

    def __init__(self, engine: Engine, city: Any, warn: Any, folder: Path, number: int) -> None:
        self.engine, self.city, self.warn, self.folder = engine, city, warn, folder
        self.chance, self.number, self.count = random.Random(number), number, 0
        self.auditor = city.of(city.discipline, Role.AUDITOR, 1 + number % 2)
        self.chief = city.of(city.discipline, Role.SUPERVISOR, 1 + number % 2)
        self.other = city.of(city.discipline, Role.SUPERVISOR, 2 - number % 2)

    def work(self) -> None:
        deeds = (self.issue, self.act, self.act, self.meet, self.tell, self.suppress, self.screen, self.read, self.die)
        # Each in its turn, the turns shuffled: whatever happens to meet, every list gets something to tell.
        deck = [deed for deed in deeds for _ in range(LAPS)]
        self.chance.shuffle(deck)
        for self.count, deed in enumerate(deck):
            if deed is self.die:
                self.die(None)
                continue
            # What the state forbids is refused, and changes nothing.
            with suppress(Fault), transaction(self.engine) as session:
                deed(session)

    def case(self, session: Session) -> Case:
        audit.begin(session)
        found = session.scalars(select(Case)).all()
        return self.chance.choice(found) if found else self.issue(session)

    def issue(self, session: Session) -> Any:
        many = [self.warn(entity=f"H{n}", day=1 + self.count % 28) for n in self.chance.sample(range(40), 3)]
        queue.hand_over(session, many, f"run{self.number}", "service")
        return session.scalars(select(Case)).first()

    def act(self, session: Session) -> None:
        found = self.case(session)
        fit = {"open": (Action.CLAIM, Action.CLAIM, Action.ASSIGN), "closed": (Action.REOPEN, Action.NOTE)}
        action = self.chance.choice(fit.get(found.state, (Action.CLOSE, Action.CLOSE, Action.NOTE)))
        outcome = Outcome.FALSE_ALARM if action is Action.CLOSE else None
        to = self.auditor.name if action is Action.ASSIGN else ""
        service.act(session, found.id, action, self.chief, found.version, "核查", outcome, to=to)

    def meet(self, session: Session) -> None:
        held = session.scalars(select(Consultation)).all()
        if held and self.chance.random() < 0.6:
            one = self.chance.choice(held)
            action = self.chance.choice((Action.VOTE, Action.CONCLUDE))
            found = queue.found(session, one.case_id)
            service.act(session, found.id, action, self.chief, found.version, "纪要", other=one.id, answer="yes")
            return
        found = self.case(session)
        if found.state == "open":
            service.act(session, found.id, Action.CLAIM, self.chief, found.version)
        called = [self.auditor.name, self.chief.name]
        service.act(session, found.id, Action.CONSULT, self.chief, found.version, "议题", people=called)

    def tell(self, session: Session) -> None:
        audit.begin(session)
        waiting = session.scalars(select(Audience).where(Audience.acknowledged_at.is_(None))).all()
        if waiting:
            one = self.chance.choice(waiting)
            meetings.acknowledge(session, one.circular_id, self.city.of(one.body, Role.LIAISON))
            return
        found = self.case(session)
        to = [self.city.health, self.city.housing]
        service.act(session, found.id, Action.CIRCULATE, self.chief, found.version, "通报", bodies=to)

    def suppress(self, session: Session) -> None:
        audit.begin(session)
        asked = session.scalars(select(Suppression.id).where(Suppression.approved_at.is_(None))).all()
        if asked:
            suppression.approve(session, self.chance.choice(asked), self.other)
            return
        until = datetime.now(UTC) + timedelta(days=30)
        suppression.ask(session, self.auditor, "institution", f"Z{self.number}-{self.count}", "试点", until)

    def screen(self, session: Session) -> None:
        entity = f"H{self.chance.randrange(40)}"
        told = rescreen.Theirs(
            "health", f"{self.number}-{self.count}", "处方", "medical", "over-prescribing", "institution", entity
        )
        rescreen.rescreen(session, [told], lambda *_: None, self.chief)

    def read(self, session: Session) -> None:
        mine = [one.id for one in notices.mine(session, self.auditor, unread=True)]
        notices.mark_read(session, self.auditor, mine[:2], datetime.now(UTC))

    def die(self, _: Any) -> None:
        """A letter that no post office takes, until it is given up."""
        with transaction(self.engine) as session:
            outbox.mail(session, "x@example.org", "test", Text("信", "letter"), audit.begin(session))
        far = [datetime.now(UTC) + timedelta(days=self.number)]

        def later() -> datetime:
            far[0] += delivery.LONGEST_WAIT
            return far[0]

        delivery.deliver(self.engine, Settings(workspace=self.folder), later)


def test_followers_lose_and_repeat_nothing_while_others_write(
    engine: Engine, city: Any, warn: Any, tmp_path: Path
) -> None:
    follower = Follower(engine)
    with ThreadPoolExecutor(WRITERS) as pool:
        running = [pool.submit(Writer(engine, city, warn, tmp_path, number).work) for number in range(1, WRITERS + 1)]
        while not all(one.done() for one in running):
            follower.look()
    for one in running:
        one.result()
    follower.drain()
    late = Follower(engine)
    late.drain()
    for feed, keys in KEYS.items():
        told = [json.dumps(row, sort_keys=True) for row in follower.got[feed]]
        assert len(told) == len(set(told)), f"{feed}: a row came twice though nothing had changed"
        last = {tuple(row[key] for key in keys): row for row in follower.got[feed]}
        at_the_end = {tuple(row[key] for key in keys): row for row in late.got[feed]}
        assert last == at_the_end, f"{feed}: the follower does not know how it ended"
        assert at_the_end, f"{feed}: too little happened for a proof"
    with transaction(engine) as session:
        assert audit.verify(session).ok


def test_a_reader_follows_what_they_may_see(session: Session, city: Any, warn: Any) -> None:
    ours, theirs = city.of(city.health), city.of(city.housing)
    queue.hand_over(session, [warn(), warn(entity="H2")], "run1", "service")
    service.act(session, 1, Action.CLAIM, ours, 1)
    service.act(session, 2, Action.CLAIM, theirs, 1)
    chief = city.of(city.discipline, Role.SUPERVISOR)
    service.act(session, 1, Action.CONSULT, chief, 2, "议题", people=[ours.name])
    service.act(session, 1, Action.CIRCULATE, chief, 3, "通报", bodies=[city.health])
    service.act(session, 1, Action.CLOSE, ours, 4, "误报", Outcome.FALSE_ALARM)

    def seen(reader: Person, feed: Feed) -> list[Any]:
        return [next(iter(row.values())) for row in feeds.changes(session, feed, reader).rows]

    assert (seen(ours, Feed.CASES), seen(theirs, Feed.CASES)) == ([1], [2])
    assert (seen(ours, Feed.WARNINGS), seen(theirs, Feed.WARNINGS)) == ([1], [2])
    assert (len(seen(ours, Feed.MEETINGS)), seen(theirs, Feed.MEETINGS)) == (1, [])
    assert (len(seen(ours, Feed.CIRCULARS)), seen(theirs, Feed.CIRCULARS)) == (1, [])
    assert (seen(ours, Feed.LABELS), seen(theirs, Feed.LABELS)) == (["case-1"], [])
    assert (len(seen(ours, Feed.NOTICES)), seen(theirs, Feed.NOTICES)) == (2, [])
    about = {row["subject_id"] for row in feeds.changes(session, Feed.TRAIL, theirs).rows}
    assert about == {"2"}
    for feed in (Feed.SUPPRESSIONS, Feed.DEAD):
        with pytest.raises(Fault) as refused:
            feeds.changes(session, feed, ours)
        assert refused.value.status == 403


def test_since_and_cursor_narrow_and_a_strange_cursor_is_refused(session: Session, warn: Any) -> None:
    queue.hand_over(session, [warn(entity="H1")], "run1", "service")
    queue.hand_over(session, [warn(entity="H2")], "run1", "service")
    first = feeds.changes(session, Feed.CASES, limit=1)
    assert first.more
    second = feeds.changes(session, Feed.CASES, cursor=first.cursor)
    assert [row["entity_id"] for row in (*first.rows, *second.rows)] == ["H1", "H2"]
    began = datetime.fromisoformat(second.rows[0]["updated_at"])
    assert [row["entity_id"] for row in feeds.changes(session, Feed.CASES, updated_since=began).rows] == ["H2"]
    end = feeds.changes(session, Feed.CASES, cursor=second.cursor)
    assert (end.rows, end.cursor, end.more) == ([], second.cursor, False)
    for strange in ("x", first.cursor or "", "WyJ3YXJuaW5ncyIsMSwyXQ"):
        with pytest.raises(Misuse):
            feeds.changes(session, Feed.WARNINGS, cursor=strange)


def test_moments_grow_though_the_clock_stands_still(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO trail_head VALUES ('main', 0, '0', '2999-01-01 00:00:00.000000')"))
    moments: list[datetime] = []
    for _ in range(3):
        with transaction(engine) as session:
            moments += [audit.begin(session), audit.begin(session)]
    assert moments == sorted(set(moments))
    assert moments[0].year == 2999


def test_what_is_followed_changes_in_the_line_of_writers_only(session: Session) -> None:
    session.add(Suppression(entity_kind="x", entity_id="y", scheme="*", reason="z", expires_at=datetime.now(UTC)))
    with pytest.raises(AssertionError, match=r"audit\.begin"):
        session.flush()
    session.rollback()
