"""The scheduler presses for stuck cases and sends messages by itself, within one of its turns."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update
from typer.testing import CliRunner

from cases import audit, notices, outbox, people, queue, service, store
from cases.tables import Case
from cases.workflow import Action, Role
from gnomon.config import Settings
from gnomon.database import transaction
from serving import tasks
from serving.cli import app


def ran(folder: Path, *words: str) -> dict[str, Any]:
    told = CliRunner().invoke(app, ["schedule", *words, "--workspace", str(folder), "--format", "json"])
    assert told.exit_code == 0, told.exception
    return json.loads(told.stdout)[0] if words[0] == "once" else {}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(workspace=tmp_path)


def test_a_stuck_case_is_pressed_for_within_one_turn_and_the_message_leaves_in_the_next(
    settings: Settings, warn: Any, receiver: Any
) -> None:
    engine = store.upgrade(settings)
    with transaction(engine) as session:
        people.add(session, "chief", Role.SUPERVISOR, "test")
        owner = people.add(session, "owner", Role.AUDITOR, "test")
        outbox.subscribe(session, "province", receiver.url, "test", ["case.supervise"])
        queue.hand_over(session, [warn(), warn(entity="H2")], "run", "service")
        service.act(session, 1, Action.CLAIM, owner, 1)
        service.act(session, 2, Action.CLAIM, owner, 1)
        long_ago = datetime.now(UTC) - timedelta(days=60)
        session.execute(update(Case).where(Case.id == 1).values(moved_at=long_ago))
    ran(settings.workspace, "add", "press", "--task", "cases-tick", "--cron", "5 * * * *")
    ran(settings.workspace, "add", "post", "--task", "cases-deliver", "--cron", "* * * * *")
    assert json.loads(ran(settings.workspace, "once", "press")["wrote"]) == {
        "supervised": 1,
        "resupervised": 0,
        "stepped_in": 0,
    }
    assert json.loads(ran(settings.workspace, "once", "post")["wrote"]) == {"done": 1, "failed": 0, "dead": 0}
    (_, body) = receiver.got[0]
    assert json.loads(body)["data"]["case"]["level"] == 1
    with transaction(engine) as session:
        assert [one.kind for one in notices.mine(session, owner)] == ["supervised"]
        assert audit.events(session, audit.Subject("case", "1"))[-1].actor == "system:clock"
        assert audit.events(session, audit.Subject("case", "2"))[-1].action == "claim"
    again = tasks.tasks(settings)
    assert again["cases-tick"]({}) == {"supervised": 0, "resupervised": 0, "stepped_in": 0}
    assert again["cases-deliver"]({}) == {"done": 0, "failed": 0, "dead": 0}
    engine.dispose()
