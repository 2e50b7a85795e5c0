"""An alert is told when it begins and ends; a silence has an end and a reason; nothing goes where nobody sent it."""

from __future__ import annotations

import hmac
import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from sqlalchemy import Engine

from gnomon.config import Settings
from gnomon.database import transaction
from gnomon.errors import Misuse
from gnomon.terms import Text
from monitoring import alerting, job_store
from monitoring.alerting import Alert, Message, settle

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


def test_a_hook_gets_a_signed_message_and_a_dead_one_stops_nobody(engine: Engine, tmp_path: Path) -> None:
    got: list[tuple[bytes, str]] = []

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            got.append((body, self.headers["X-Gnomon-Signature"]))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            return

    server = HTTPServer(("127.0.0.1", 0), Hook)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    settings = Settings(workspace=tmp_path)
    with transaction(engine) as session:
        alerting.add_channel(session, "http://127.0.0.1:1/dead", "en")
        alerting.add_channel(session, f"http://127.0.0.1:{server.server_port}/hook", "zh")
        alerting.add_channel(session, "watch@example.org", "en")
        channels = list(job_store.channels(session))
    failed = alerting.send(settings, channels, look(engine, NOW, FEED))
    server.shutdown()
    server.server_close()
    assert sorted(address for address, _ in failed) == ["http://127.0.0.1:1/dead", "watch@example.org"]
    ((body, signed),) = got
    key = hmac.new(settings.secret, b"gnomon alerts", sha256).digest()
    assert signed == "sha256=" + hmac.new(key, body, sha256).hexdigest()
    assert json.loads(body)["begun"] == [FEED.key]
