"""An alert is told when it begins and ends; a silence has an end and a reason; nothing goes where nobody sent it."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from sqlalchemy import Engine

from cases import outbox
from gnomon.config import Settings
from gnomon.database import transaction
from gnomon.errors import Misuse
from gnomon.terms import Text
from monitoring import alerting, job_store
from monitoring.alerting import Alert, Message, settle
from tests.cases.test_outbox import post_office

NOW = datetime(2026, 3, 2, tzinfo=UTC)
FEED = Alert("feed:hotline:late:", Text("热线：没有数据。", "hotline: nothing."))
JOB = Alert("job:nightly:late", Text("夜间：未执行。", "nightly: late."))


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    with job_store.opened(Settings(workspace=tmp_path)) as made:
        yield made


def look(engine: Engine, now: datetime, *found: Alert) -> Message:
    with transaction(engine) as session:
        return settle(session, found, now, ("feed", "job"))


def test_an_alert_is_told_once_again_after_a_day_and_when_it_is_over(engine: Engine) -> None:
    assert look(engine, NOW, FEED, JOB).begun == (FEED, JOB)
    assert not look(engine, NOW + timedelta(hours=1), FEED, JOB)
    assert look(engine, NOW + timedelta(days=1), FEED, JOB).standing == (FEED, JOB)
    assert look(engine, NOW + timedelta(days=1, hours=1), FEED).ended == (JOB,)
    assert look(engine, NOW + timedelta(days=2), FEED, JOB).begun == (JOB,)


def test_what_was_not_looked_for_does_not_end(engine: Engine) -> None:
    look(engine, NOW, FEED)
    with transaction(engine) as session:
        assert not settle(session, [], NOW, ("job",))


def test_a_silence_holds_for_its_time_and_needs_a_reason(engine: Engine) -> None:
    with transaction(engine) as session:
        alerting.silence(session, "feed:hotline", NOW + timedelta(days=2), "moving house", "test", NOW)
    found = look(engine, NOW, FEED, JOB)
    assert (found.begun, found.silenced) == ((JOB,), 1)
    assert look(engine, NOW + timedelta(days=3), FEED, JOB).begun == (FEED,)
    for until, reason in ((NOW + timedelta(days=1), ""), (NOW + timedelta(days=900), "x"), (NOW, "x")):
        with pytest.raises(Misuse), transaction(engine) as session:
            alerting.silence(session, "feed", until, reason, "test", NOW)


def test_alerts_of_one_look_are_one_message_in_the_readers_language(engine: Engine) -> None:
    message = look(engine, NOW, FEED, JOB)
    assert message.text("en") == "New (2):\n- hotline: nothing.\n- nightly: late."
    assert message.text("zh").startswith("新出现（2）")


def test_alerts_go_to_the_addresses_given_and_to_nothing_odd(engine: Engine) -> None:
    with transaction(engine) as session:
        for address in ("https://example.org/hook", "watch@example.org", "http://127.0.0.1:9/hook"):
            alerting.add_channel(session, address, "en")
        for address in ("http://example.org/hook", "file:///etc/passwd", "a@b\nBcc: c@d", "nobody", "ftp://x@y"):
            with pytest.raises(Misuse):
                alerting.add_channel(session, address, "en")


@contextmanager
def hook(code: int = 204) -> Iterator[tuple[str, list[tuple[bytes, dict[str, str]]]]]:
    """A web address that answers so, and what it got."""
    got: list[tuple[bytes, dict[str, str]]] = []

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            told = {name.lower(): value for name, value in self.headers.items()}
            got.append((self.rfile.read(int(told["content-length"])), told))
            self.send_response(code)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            return

    with HTTPServer(("127.0.0.1", 0), Hook) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/hook", got
        server.shutdown()
        thread.join(5)


def channels(engine: Engine, **addresses: str) -> None:
    with transaction(engine) as session:
        for language, address in addresses.items():
            alerting.add_channel(session, address, language)


def test_a_hook_gets_one_signed_message_a_mailbox_one_letter(engine: Engine, tmp_path: Path) -> None:
    with hook() as (address, got), post_office() as (url, letters):
        settings = Settings(workspace=tmp_path, smtp=url, mail_from="gnomon@example.org")
        channels(engine, zh=address, en="watch@example.org")
        told = alerting.tell(settings, engine, [FEED, JOB], NOW, ("feed", "job"))
        assert told.unreached == []
        assert not alerting.tell(settings, engine, [FEED, JOB], NOW + timedelta(hours=1), ("feed", "job")).message
    ((body, headers),) = got
    assert outbox.genuine(alerting.key_of(settings, address), headers, body, NOW)
    assert not outbox.genuine(alerting.key_of(settings, "https://example.org"), headers, body, NOW)
    assert json.loads(body)["begun"] == [FEED.key, JOB.key]
    assert json.loads(body)["text"].startswith("新出现（2）")
    (letter,) = letters
    assert "To: watch@example.org" in letter
    assert "- hotline: nothing." in letter


def test_a_dead_channel_holds_nobody_up_and_is_told_later_what_it_has_missed(engine: Engine, tmp_path: Path) -> None:
    settings, kinds = Settings(workspace=tmp_path), ("feed", "job")
    with hook(503) as (address, got), hook() as (alive, heard):
        channels(engine, en=address)
        channels(engine, en=alive)
        told = alerting.tell(settings, engine, [FEED], NOW, kinds)
        assert told.unreached == [(address, "HTTP 503")]
        told = alerting.tell(settings, engine, [FEED, JOB], NOW + timedelta(hours=1), kinds)
        assert told.unreached == [(address, "HTTP 503")]
    assert [json.loads(body)["begun"] for body, _ in got] == [[FEED.key], [FEED.key, JOB.key]]
    assert [json.loads(body)["begun"] for body, _ in heard] == [[FEED.key], [JOB.key]]
    with transaction(engine) as session:
        job_store.drop_channel(session, alive)
        (behind,) = job_store.unreached(session)
        assert (behind.address, behind.since) == (address, NOW)


def test_what_ended_while_a_channel_was_dead_is_told_as_over(engine: Engine, tmp_path: Path) -> None:
    settings, kinds = Settings(workspace=tmp_path), ("feed", "job")
    with hook() as (address, got):
        channels(engine, en=address)
        alerting.tell(settings, engine, [FEED], NOW, kinds)
        with transaction(engine) as session:
            session.add(job_store.Unreached(address=address, since=NOW + timedelta(hours=1)))
        alerting.tell(settings, engine, [JOB], NOW + timedelta(hours=2), kinds)
        alerting.tell(settings, engine, [JOB], NOW + timedelta(hours=3), kinds)
    assert [(json.loads(body)["begun"], json.loads(body)["ended"]) for body, _ in got] == [
        ([FEED.key], []),
        ([JOB.key], [FEED.key]),
    ]


TELLING = """
import sys
from datetime import datetime
from pathlib import Path
from gnomon.config import Settings
from gnomon.terms import Text
from monitoring import alerting, job_store

settings = Settings(workspace=Path(sys.argv[1]))
with job_store.opened(settings) as engine:
    found = [alerting.Alert(sys.argv[2], Text("x", "x"))]
    alerting.tell(settings, engine, found, datetime.fromisoformat(sys.argv[3]), ("feed",))
"""


def test_a_process_that_is_killed_while_it_sends_loses_no_alert(engine: Engine, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        address = f"http://127.0.0.1:{deaf.getsockname()[1]}/hook"
        channels(engine, en=address)
        child = subprocess.Popen([sys.executable, "-c", TELLING, str(tmp_path), FEED.key, NOW.isoformat()])
        deaf.settimeout(60)
        held, _ = deaf.accept()
        child.kill()
        child.wait()
        held.close()
    with transaction(engine) as session:
        assert [one.address for one in job_store.unreached(session)] == [address]
    told = alerting.tell(Settings(workspace=tmp_path), engine, [FEED], NOW + timedelta(minutes=30), ("feed",))
    assert [one for one, _ in told.unreached] == [address]


def test_a_silence_can_be_ended_before_its_time(engine: Engine) -> None:
    with transaction(engine) as session:
        alerting.silence(session, "feed:hotline", NOW + timedelta(days=2), "moving house", "test", NOW)
    assert not look(engine, NOW, FEED)
    with transaction(engine) as session:
        assert job_store.end_silence(session, "feed:hotline", NOW)
        assert not job_store.end_silence(session, "feed:hotline", NOW)
    assert look(engine, NOW + timedelta(minutes=1), FEED).begun == (FEED,)
