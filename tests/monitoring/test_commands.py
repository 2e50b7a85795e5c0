"""The commands of watching, on a workspace where nothing has happened yet and on one where something is late."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from gnomon.config import Settings
from gnomon.database import transaction
from gnomon.errors import Fault, Misuse
from monitoring import job_store
from serving.cli import app


def gnomon(tmp_path: Path, *words: str) -> Result:
    return CliRunner().invoke(app, [*words, "--workspace", str(tmp_path)])


def test_nothing_has_happened_and_nothing_needs_a_look(tmp_path: Path) -> None:
    told = gnomon(tmp_path, "monitor", "check", "--format", "json")
    assert (told.exit_code, json.loads(told.stdout)) == (0, []), told.exception
    for words in (("feeds",), ("feeds", "--tables"), ("yield",), ("yield", "--by", "scene"), ("proposals",)):
        told = gnomon(tmp_path, "monitor", *words, "--format", "json")
        assert (told.exit_code, json.loads(told.stdout)) == (0, []), told.exception
    assert "gnomon_watch_seconds" in gnomon(tmp_path, "monitor", "metrics").stdout


def test_a_schedule_is_saved_run_by_hand_listed_and_removed(tmp_path: Path) -> None:
    added = gnomon(tmp_path, "schedule", "add", "tidy", "--task", "housekeeping", "--cron", "0 3 * * *")
    assert added.exit_code == 0, added.exception
    (ran,) = json.loads(gnomon(tmp_path, "schedule", "once", "tidy", "--format", "json").stdout)
    assert (ran["state"], ran["cause"]) == ("done", "hand")
    (job,) = json.loads(gnomon(tmp_path, "schedule", "list", "--format", "json").stdout)
    assert (job["name"], job["running"]) == ("tidy", False)
    assert len(json.loads(gnomon(tmp_path, "schedule", "runs", "--format", "json").stdout)) == 1
    assert gnomon(tmp_path, "schedule", "remove", "tidy").exit_code == 0


def test_a_scoring_schedule_is_not_saved_unless_somebody_says_yes(tmp_path: Path) -> None:
    words = ["schedule", "add", "nightly", "--task", "score", "--cron", "0 6 * * *", "--workspace", str(tmp_path)]
    assert CliRunner().invoke(app, words, input="n\n").exit_code == 1
    assert json.loads(gnomon(tmp_path, "schedule", "list", "--format", "json").stdout) == []
    saved = CliRunner().invoke(app, words, input="y\n")
    assert "would issue 0 new warnings" in saved.stderr


def test_a_line_or_task_that_cannot_be_is_misuse(tmp_path: Path) -> None:
    for words in (("--task", "score", "--cron", "61 * * * *"), ("--task", "dance", "--cron", "0 6 * * *")):
        assert isinstance(gnomon(tmp_path, "schedule", "add", "x", *words).exception, Misuse)


@pytest.mark.parametrize("jobs_only", [True, False])
def test_a_late_job_makes_the_check_fail_though_no_scheduler_runs(tmp_path: Path, jobs_only: bool) -> None:
    gnomon(tmp_path, "schedule", "add", "tidy", "--task", "housekeeping", "--cron", "0 3 * * *")
    with job_store.opened(Settings(workspace=tmp_path)) as engine, transaction(engine) as session:
        (job,) = job_store.jobs(session)
        job.due_at = datetime.now(UTC) - timedelta(days=1)
    told = gnomon(tmp_path, "monitor", "check", "--format", "json", *(["--jobs-only"] if jobs_only else []))
    assert told.exit_code == 1
    (alert,) = json.loads(told.stdout)
    assert alert["key"] == "job:tidy:late"


def test_a_channel_shows_its_key_when_it_is_named_and_is_listed_and_dropped(tmp_path: Path) -> None:
    hook, mailbox = "https://hooks.example.org/gnomon", "watch@example.org"
    (made,) = json.loads(gnomon(tmp_path, "monitor", "channel", hook, "--format", "json").stdout)
    assert made["key"].startswith("whsec_")
    listed = json.loads(gnomon(tmp_path, "monitor", "channel", mailbox, "--format", "json").stdout)
    assert {one["address"]: one["key"] for one in listed} == {hook: "", mailbox: ""}
    left = json.loads(gnomon(tmp_path, "monitor", "channel", hook, "--drop", "--format", "json").stdout)
    assert [one["address"] for one in left] == [mailbox]
    assert isinstance(gnomon(tmp_path, "monitor", "channel", hook, "--drop").exception, Fault)


def test_silences_are_listed_and_ended(tmp_path: Path) -> None:
    gnomon(tmp_path, "monitor", "silence", "feed:hotline", "--reason", "moving house", "--days", "2")
    (held,) = json.loads(gnomon(tmp_path, "monitor", "silence", "--format", "json").stdout)
    assert (held["key"], held["reason"]) == ("feed:hotline", "moving house")
    assert json.loads(gnomon(tmp_path, "monitor", "silence", "feed:hotline", "--end", "--format", "json").stdout) == []
    assert isinstance(gnomon(tmp_path, "monitor", "silence", "feed:x").exception, Misuse)
