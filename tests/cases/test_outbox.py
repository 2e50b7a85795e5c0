"""Messages leave once they are true, arrive once, and nobody can forge or replay them."""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, func, select, update
from sqlalchemy.orm import Session

from cases import delivery, outbox, policy, queue, service
from cases.people import Person
from cases.tables import Account
from cases.tables_work import Delivery, Endpoint
from cases.workflow import Action
from gnomon.config import Settings
from gnomon.database import transaction
from gnomon.errors import Fault, Misuse


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(workspace=tmp_path)


def filled(engine: Engine, receiver: Any, warn: Any, **given: Any) -> None:
    with transaction(engine) as session:
        outbox.subscribe(session, "province", receiver.url, "test", **given)
        queue.hand_over(session, [warn(), warn(entity="H2")], "run1", "service")


def test_a_change_is_told_once_signed_as_a_cloud_event(
    engine: Engine, settings: Settings, receiver: Any, warn: Any
) -> None:
    filled(engine, receiver, warn)
    assert delivery.deliver(engine, settings) == delivery.Sent(2, 0, 0)
    assert delivery.deliver(engine, settings) == delivery.Sent(0, 0, 0)
    headers, body = receiver.got[0]
    told = json.loads(body)
    assert (told["specversion"], told["type"], told["subject"]) == ("1.0", "gnomon.case.open", "case/1")
    assert (told["id"], headers["content-type"].split(";")[0]) == (
        headers["webhook-id"],
        "application/cloudevents+json",
    )
    assert told["data"]["case"]["entity_id"] == "H1"
    with transaction(engine) as session:
        endpoint = session.get_one(Endpoint, "province")
        key, secret = outbox.key_of(settings, endpoint), outbox.secret_of(settings, endpoint)
        assert secret.removeprefix("whsec_") not in "".join(str(v) for v in endpoint.as_dict().values())
    now = datetime.now(UTC)
    assert outbox.genuine(key, headers, body, now)
    assert not outbox.genuine(key, headers, body + b" ", now)
    assert not outbox.genuine(b"other", headers, body, now)
    assert not outbox.genuine(key, {**headers, "webhook-id": "other"}, body, now)
    assert not outbox.genuine(key, headers, body, now + timedelta(minutes=6)), "a message cannot be played again later"
    assert not outbox.genuine(key, {}, body, now)


def test_a_transaction_undone_tells_nothing(engine: Engine, settings: Settings, receiver: Any, warn: Any) -> None:
    with transaction(engine) as session:
        outbox.subscribe(session, "province", receiver.url, "test")
    with Session(engine) as session:
        queue.hand_over(session, [warn()], "run1", "service")
        session.rollback()
    assert delivery.deliver(engine, settings) == delivery.Sent(0, 0, 0)


def at(engine: Engine, settings: Settings, moment: datetime) -> delivery.Sent:
    return delivery.deliver(engine, settings, lambda: moment)


def test_what_fails_comes_again_later_and_is_given_up_in_the_end(
    engine: Engine, settings: Settings, receiver: Any, warn: Any
) -> None:
    filled(engine, receiver, warn)
    receiver.status = 503
    moment = datetime.now(UTC)
    for _ in range(delivery.MOST_ATTEMPTS - 1):
        assert at(engine, settings, moment).failed == 2
        assert at(engine, settings, moment) == delivery.Sent(0, 0, 0), "not at once"
        moment += delivery.LONGEST_WAIT
    assert at(engine, settings, moment) == delivery.Sent(0, 0, 2)
    assert len({headers["webhook-id"] for headers, _ in receiver.got}) == 2, "every attempt under the same number"
    with transaction(engine) as session:
        dead = outbox.dead(session)
        assert [one.error for one in dead] == ["HTTP 503", "HTTP 503"]
        outbox.revive(session, dead[0].id, "test")
        with pytest.raises(Fault):
            outbox.revive(session, dead[0].id, "test")
    receiver.status = 200
    assert at(engine, settings, moment + timedelta(seconds=1)).done == 1


def test_a_receiver_that_is_away_is_no_crash(engine: Engine, settings: Settings, warn: Any) -> None:
    with socketserver.TCPServer(("127.0.0.1", 0), socketserver.BaseRequestHandler) as free:
        url = f"http://127.0.0.1:{free.server_address[1]}/"
    with transaction(engine) as session:
        outbox.subscribe(session, "gone", url, "test")
        queue.hand_over(session, [warn()], "run1", "service")
    assert delivery.deliver(engine, settings) == delivery.Sent(0, 1, 0)
    with transaction(engine) as session:
        assert "Refused" in (session.scalars(select(Delivery.error)).one() or "")


def test_an_endpoint_hears_what_it_asked_for_and_may_see(
    engine: Engine, settings: Settings, receiver: Any, warn: Any, city: Any
) -> None:
    filled(engine, receiver, warn, kinds=["case.close", "case.c*", "case.*"], body=city.health)
    with transaction(engine) as session:
        service.act(session, 1, Action.CLAIM, city.of(city.office), 1)
        service.act(session, 2, Action.CLAIM, city.of(city.housing), 1)
        outbox.subscribe(session, "closings", receiver.url, "test", ["case.close"])
        service.act(session, 1, Action.NOTE, city.of(city.office), 2, "x")
        targets = session.execute(select(Delivery.target, Delivery.kind)).all()
    assert sorted(tuple(row) for row in targets) == [("province", "case.claim"), ("province", "case.note")]
    with transaction(engine) as session:
        outbox.set_disabled(session, "province", True, "test")
    assert delivery.deliver(engine, settings) == delivery.Sent(0, 0, 0), "what was written waits"


@pytest.mark.parametrize("url", ["ftp://x/", "file:///etc/passwd", "http://", "https://user:pw@host/", "x"])
def test_only_plain_web_addresses_are_taken(session: Session, url: str) -> None:
    with pytest.raises(Misuse):
        outbox.subscribe(session, "x", url, "test")
    assert session.scalar(select(func.count()).select_from(Endpoint)) == 0


def test_notices_go_out_as_mail_in_both_languages(
    engine: Engine, tmp_path: Path, warn: Any, staff: dict[str, Person]
) -> None:
    with transaction(engine) as session:
        policy.put(session, "mail", True, "test")
        session.execute(update(Account).where(Account.name == "handler").values(email="handler@example.org"))
        queue.hand_over(session, [warn()], "run1", "service")
        service.act(session, 1, Action.ASSIGN, staff["supervisor"], 1, to="handler")
    assert delivery.deliver(engine, Settings(workspace=tmp_path)) == delivery.Sent(0, 1, 0)
    with post_office() as (url, letters):
        later = datetime.now(UTC) + timedelta(hours=1)
        mails = Settings(workspace=tmp_path, smtp=url, mail_from="gnomon@example.org")
        assert delivery.deliver(engine, mails, lambda: later) == delivery.Sent(1, 0, 0)
    (letter,) = letters
    assert "To: handler@example.org" in letter
    assert "From: gnomon@example.org" in letter


class Clerk(socketserver.StreamRequestHandler):
    """As much SMTP as one letter needs."""

    def handle(self) -> None:
        self.wfile.write(b"220 here\r\n")
        while line := self.rfile.readline():
            word = line[:4].upper()
            if word == b"DATA":
                self.wfile.write(b"354 go\r\n")
                letter = b""
                while not letter.endswith(b"\r\n.\r\n"):
                    letter += self.rfile.readline()
                self.server.letters.append(letter.decode())  # type: ignore[attr-defined]
            self.wfile.write(b"221 bye\r\n" if word == b"QUIT" else b"250 ok\r\n")
            if word == b"QUIT":
                return


@contextmanager
def post_office() -> Iterator[tuple[str, list[str]]]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Clerk) as server:
        server.letters = []  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield f"smtp://127.0.0.1:{server.server_address[1]}", server.letters  # type: ignore[attr-defined]
        server.shutdown()
        thread.join(5)
