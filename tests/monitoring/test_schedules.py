"""A job runs when it is due, once at a time, and comes back after a `kill -9`; the watchdog needs no scheduler."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from gnomon.config import Settings
from gnomon.database import transaction
from gnomon.errors import Fault, Misuse
from monitoring import job_store, journal, schedules
from monitoring.schedules import next_time, run, save, tick
from monitoring.watchdog import Lateness, overdue
from tests.databases import schema_of

NOW = datetime(2026, 3, 2, 5, 59, tzinfo=UTC)


@pytest.fixture(params=["sqlite", "postgresql"])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Settings]:
    """A deployment on either database."""
    if request.param == "sqlite":
        yield Settings(workspace=tmp_path)
        return
    with schema_of(request.getfixturevalue("postgresql")) as made:
        url = made.url.render_as_string(hide_password=False)
        yield Settings(workspace=tmp_path, database=url)


@pytest.fixture
def engine(settings: Settings) -> Iterator[Engine]:
    with job_store.opened(settings) as made:
        yield made


class Work:
    """A task that remembers what it was given."""

    def __init__(self) -> None:
        self.given: list[Mapping[str, Any]] = []

    def __call__(self, given: Mapping[str, Any]) -> Mapping[str, Any]:
        self.given.append(given)
        return {"done": len(self.given)}


def nightly(engine: Engine, **told: Any) -> None:
    with transaction(engine) as session:
        save(session, "nightly", "score", {}, **({"cron": "0 6 * * *", "now": NOW} | told))


def at(moment: datetime) -> Any:
    return lambda: moment


def test_a_job_runs_at_its_time_once_and_is_due_again_the_next_day(engine: Engine) -> None:
    nightly(engine)
    work = Work()
    assert tick(engine, {"score": work}, lambda: 3, at(NOW)) == []
    (ran,) = tick(engine, {"score": work}, lambda: 3, at(NOW + timedelta(minutes=2)))
    assert (ran.state, ran.cause, ran.read_version, ran.wrote, ran.missed) == ("done", "cron", 3, {"done": 1}, 0)
    assert tick(engine, {"score": work}, lambda: 3, at(NOW + timedelta(hours=3))) == []
    assert len(tick(engine, {"score": work}, lambda: 3, at(NOW + timedelta(days=1, minutes=2)))) == 1


def test_missed_times_are_made_up_for_by_one_run_that_says_how_many(engine: Engine) -> None:
    nightly(engine)
    work = Work()
    (ran,) = tick(engine, {"score": work}, lambda: 1, at(NOW + timedelta(days=3, hours=5)))
    assert (ran.state, ran.missed, len(work.given)) == ("done", 3, 1)


def test_a_job_that_skips_puts_the_missed_time_on_record_and_does_nothing(engine: Engine) -> None:
    nightly(engine, catch_up="skip")
    work = Work()
    (ran,) = tick(engine, {"score": work}, lambda: 1, at(NOW + timedelta(hours=5)))
    assert (ran.state, work.given) == ("skipped", [])
    assert tick(engine, {"score": work}, lambda: 1, at(NOW + timedelta(hours=6))) == []


def test_new_data_makes_a_job_due_and_a_failed_run_leaves_it_new(engine: Engine) -> None:
    nightly(engine, cron=None, on_data=True)
    work = Work()

    def broken(given: Mapping[str, Any]) -> Mapping[str, Any]:
        raise RuntimeError("Zhang San, 110101199001011234")

    assert tick(engine, {"score": work}, lambda: 0, at(NOW)) == []
    (failed,) = tick(engine, {"score": broken}, lambda: 2, at(NOW))
    assert (failed.state, failed.why) == ("failed", "RuntimeError")
    (done,) = tick(engine, {"score": work}, lambda: 2, at(NOW))
    assert (done.state, done.cause) == ("done", "data")
    assert tick(engine, {"score": work}, lambda: 2, at(NOW)) == []


def test_the_cap_on_warnings_reaches_the_task(engine: Engine) -> None:
    nightly(engine, most=7)
    work = Work()
    tick(engine, {"score": work}, lambda: 1, at(NOW + timedelta(minutes=2)))
    assert work.given == [{"most": 7}]


def test_two_schedulers_at_once_run_a_job_once(engine: Engine, settings: Settings) -> None:
    nightly(engine)
    began, go = threading.Event(), threading.Event()
    ran: list[Any] = []

    def slow(given: Mapping[str, Any]) -> Mapping[str, Any]:
        began.set()
        assert go.wait(20)
        return {}

    moment = at(NOW + timedelta(minutes=2))
    first = threading.Thread(target=lambda: ran.extend(tick(engine, {"score": slow}, lambda: 1, moment)))
    first.start()
    assert began.wait(20)
    with job_store.opened(settings) as other:
        assert tick(other, {"score": slow}, lambda: 1, moment) == []
    go.set()
    first.join()
    assert [one.state for one in ran] == ["done"]


def test_schedulers_that_start_together_all_find_their_tables(settings: Settings) -> None:
    def started(_: int) -> int:
        with job_store.opened(settings) as engine, transaction(engine) as session:
            return len(job_store.jobs(session))

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(started, range(8))) == [0] * 8


KILLED = """
import sys, time
from datetime import UTC, datetime
from pathlib import Path
from gnomon.config import Settings
from monitoring import job_store, schedules

def forever(given):
    Path(sys.argv[1], "began").touch()
    time.sleep(60)

with job_store.opened(Settings(workspace=Path(sys.argv[1]), database=sys.argv[2])) as engine:
    schedules.tick(engine, {"score": forever}, lambda: 1, lambda: datetime(2026, 3, 2, 6, 1, tzinfo=UTC))
"""


def test_a_killed_run_is_on_record_as_lost_and_the_job_runs_again(
    engine: Engine, settings: Settings, tmp_path: Path
) -> None:
    nightly(engine)
    child = subprocess.Popen([sys.executable, "-c", KILLED, str(tmp_path), settings.database])
    for _ in range(600):
        if (tmp_path / "began").exists():
            break
        time.sleep(0.05)
    later = at(NOW + timedelta(minutes=3))
    assert tick(engine, {"score": Work()}, lambda: 1, later) == []
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    (ran,) = tick(engine, {"score": Work()}, lambda: 1, later)
    assert ran.state == "done"
    with transaction(engine) as session:
        assert [one.state for one in job_store.runs(session, "nightly")] == ["done", "lost"]


def test_a_holder_elsewhere_is_dead_when_it_has_not_been_heard_of(engine: Engine) -> None:
    nightly(engine)
    due = NOW + timedelta(minutes=2)
    with transaction(engine) as session:
        (job,) = job_store.jobs(session)
        job.holder, job.beat_at = "another-machine|1|1|abc", due
    assert tick(engine, {"score": Work()}, lambda: 1, at(due + timedelta(minutes=4))) == []
    assert len(tick(engine, {"score": Work()}, lambda: 1, at(due + timedelta(minutes=6)))) == 1


def test_a_clock_that_jumps_ahead_and_back_delays_nothing_by_more_than_a_day(engine: Engine) -> None:
    nightly(engine)
    ahead = NOW + timedelta(days=400)
    tick(engine, {"score": Work()}, lambda: 1, at(ahead))
    # The next time found under the wrong clock lies more than a year ahead.
    assert tick(engine, {"score": Work()}, lambda: 1, at(NOW)) == []
    assert len(tick(engine, {"score": Work()}, lambda: 1, at(NOW + timedelta(minutes=2)))) == 1


@pytest.mark.parametrize("line", ["61 * * * *", "words", "0 0 30 2 *", ""])
def test_a_cron_line_that_never_comes_is_refused_when_it_is_saved(engine: Engine, line: str) -> None:
    with pytest.raises(Misuse), transaction(engine) as session:
        save(session, "bad", "score", {}, cron=line, now=NOW)


def test_odd_schedules_are_refused(engine: Engine) -> None:
    for told in ({"now": NOW}, {"now": NOW, "cron": "0 6 * * *", "catch_up": "all"}):
        with pytest.raises(Misuse), transaction(engine) as session:
            save(session, "bad", "score", {}, **told)  # type: ignore[arg-type]
    with pytest.raises(Fault):
        run(engine, "nobody", {}, 0)


def test_an_unknown_task_fails_its_run_and_no_other(engine: Engine) -> None:
    nightly(engine)
    with transaction(engine) as session:
        save(session, "a-first", "unheard-of", {}, cron="0 6 * * *", now=NOW)
    ran = tick(engine, {"score": Work()}, lambda: 1, at(NOW + timedelta(minutes=2)))
    assert [one.state for one in ran] == ["failed", "done"]


def test_the_watchdog_tells_a_dead_scheduler_a_failure_and_unread_data(engine: Engine) -> None:
    nightly(engine, on_data=True)
    with transaction(engine) as session:
        assert overdue(session, NOW + timedelta(minutes=5), 0) == []
        (late,) = overdue(session, NOW + timedelta(hours=2), 0)
        assert (late.job, late.what) == ("nightly", Lateness.LATE)
        assert "Is the scheduler alive?" in late.told.en
        unread = overdue(session, NOW, 4, NOW - timedelta(hours=1))
        assert [one.what for one in unread] == [Lateness.UNREAD]
    tick(engine, {}, lambda: 1, at(NOW + timedelta(minutes=2)))
    with transaction(engine) as session:
        assert [one.what for one in overdue(session, NOW + timedelta(minutes=5), 0)] == [Lateness.FAILED]


def test_a_run_that_hangs_is_told(engine: Engine) -> None:
    nightly(engine)
    with transaction(engine) as session:
        session.add(
            job_store.JobRun(
                job="nightly", task="score", cause="cron", due_at=NOW, missed=0, started_at=NOW, ended_at=None,
                state="running", holder="x|1|1|a", read_version=1, wrote={}, why=None,
            )
        )  # fmt: skip
    with transaction(engine) as session:
        assert overdue(session, NOW + timedelta(minutes=50), 0) == []
        assert [one.what for one in overdue(session, NOW + timedelta(hours=2), 0)] == [Lateness.LONG]


def test_next_times_are_utc_and_weekdays_are_crons_own() -> None:
    assert next_time("0 6 * * 1", datetime(2026, 3, 3, tzinfo=UTC)) == datetime(2026, 3, 9, 6, tzinfo=UTC)
    assert next_time("0 6 * * 0", datetime(2026, 3, 3, tzinfo=UTC)) == datetime(2026, 3, 8, 6, tzinfo=UTC)


def test_old_records_are_forgotten_and_a_removed_schedule_is_gone(engine: Engine) -> None:
    nightly(engine)
    tick(engine, {"score": Work()}, lambda: 1, at(NOW + timedelta(minutes=2)))
    with transaction(engine) as session:
        assert job_store.forget(session, NOW + timedelta(days=1)) == 1
        assert job_store.drop(session, "nightly")
        assert not job_store.drop(session, "nightly")


def test_the_log_takes_no_field_that_is_not_listed() -> None:
    assert json.loads(journal.line("run", job="nightly", state="done"))["event"] == "run"
    with pytest.raises(ValueError, match="person_id"):
        journal.line("run", person_id="110101199001011234")


def test_the_process_of_a_holder_is_told_from_its_successor() -> None:
    assert schedules._began(os.getpid()) != ""
    assert schedules._began(2**22 + 1) == ""
