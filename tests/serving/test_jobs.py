"""Jobs: part by part, through kills and restarts, called off, and held up by nobody."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from gnomon.errors import Fault
from serving import jobs
from serving.jobs import PART, Asked, Job, Jobs, Line, State

IDS = [f"H{n}" for n in range(3 * PART + 10)]


def score(_: Asked, ids: Sequence[str]) -> list[dict[str, object]]:
    return [{"entity_id": one, "fault": "unknown"} if one == "H5" else {"entity_id": one, "score": 1.0} for one in ids]


def nobody(_: Asked) -> Line:
    return Line({}, None, {"zh": "无人可问。", "en": "Nobody is asked about."})


def test_a_job_is_done_part_by_part_and_one_bad_entity_holds_up_nobody(tmp_path: Path) -> None:
    store = Jobs(tmp_path, score, nobody)
    job = store.submit("auditor", "institution", IDS, explain=False)
    assert (job.state, job.total, job.scored) == (State.WAITING, len(IDS), 0)
    assert store.work_off() == 1
    done = store.job(job.id)
    assert (done.state, done.scored, done.failed, done.parts) == (State.DONE, len(IDS) - 1, 1, 4)
    rows = [row for part in range(done.parts) for row in store.rows(job.id, part)]
    assert [row["entity_id"] for row in rows] == IDS
    assert store.work_off() == 0


def test_a_job_that_is_called_off_keeps_what_was_scored(tmp_path: Path) -> None:
    job: Job

    def first_part_only(asked: Asked, ids: Sequence[str]) -> list[dict[str, object]]:
        store.cancel(asked.id)
        return score(asked, ids)

    store = Jobs(tmp_path, first_part_only, nobody)
    job = store.submit("auditor", "institution", IDS, explain=False)
    store.work_off()
    ended = store.job(job.id)
    assert (ended.state, ended.parts) == (State.CANCELLED, 1)
    assert store.cancel(job.id).state is State.CANCELLED


def test_work_that_breaks_ends_the_job_with_its_fault(tmp_path: Path) -> None:
    def breaks(_: Asked, ids: Sequence[str]) -> list[dict[str, object]]:
        raise Fault("serving.score.no_profiles", place="institution", entity="institution")

    store = Jobs(tmp_path, breaks, nobody)
    job = store.submit("auditor", "institution", IDS, explain=False)
    store.work_off()
    assert store.job(job.id).state is State.FAILED
    assert store.job(job.id).fault


def test_too_much_at_a_time_is_refused(tmp_path: Path) -> None:
    store = Jobs(tmp_path, score, nobody)
    with pytest.raises(Fault, match=r"serving\.jobs\.size|at least one"):
        store.submit("auditor", "institution", [], explain=False)
    for _ in range(jobs.WAITING):
        store.submit("auditor", "institution", ["H1"], explain=False)
    with pytest.raises(Fault) as refused:
        store.submit("auditor", "institution", ["H1"], explain=False)
    assert refused.value.status == 429


@pytest.mark.parametrize("name", ["..", "../../etc", "20260101T000000000000-abcdef", ""])
def test_a_name_that_is_no_job_is_told_and_never_a_path(tmp_path: Path, name: str) -> None:
    with pytest.raises(Fault) as unknown:
        Jobs(tmp_path, score, nobody).job(name)
    assert unknown.value.status == 404


def test_lists_are_stable_newest_first_and_tell_what_changed(tmp_path: Path) -> None:
    store = Jobs(tmp_path, score, nobody)
    made = [store.submit("auditor", "institution", [f"H{n}"], explain=False).id for n in range(5)]
    page = store.jobs(limit=2)
    assert [one.id for one in page] == [made[4], made[3]]
    assert [one.id for one in store.jobs(after=page[-1].id)] == [made[2], made[1], made[0]]
    now = store.job(made[4]).updated_at
    time.sleep(0.02)
    store.work_off()
    assert len(store.jobs(updated_since=now)) == 5


SLOW = """
import sys, time
from pathlib import Path
from serving.jobs import Jobs
def work(asked, ids):
    time.sleep(0.3)
    return [{"entity_id": one} for one in ids]
Jobs(Path(sys.argv[1]), work, None).work_off()
"""


def until(true: Callable[[], bool]) -> None:
    for _ in range(1000):
        if true():
            return
        time.sleep(0.02)
    raise AssertionError("it never came true")


def test_a_job_goes_on_after_its_worker_was_killed_and_has_one_worker_at_a_time(tmp_path: Path) -> None:
    calls: list[str] = []

    def counted(asked: Asked, ids: Sequence[str]) -> list[dict[str, object]]:
        calls.append(ids[0])
        return [{"entity_id": one} for one in ids]

    store = Jobs(tmp_path, counted, nobody)
    job = store.submit("auditor", "institution", IDS, explain=False)
    worker = subprocess.Popen([sys.executable, "-c", SLOW, str(tmp_path)])
    try:
        until(lambda: store.job(job.id).parts >= 1)
        assert store.work_off() == 0, "somebody else is at it"
    finally:
        os.kill(worker.pid, signal.SIGKILL)
        worker.wait()
    before = store.job(job.id).parts
    assert before < 4
    assert store.work_off() == 1
    assert calls == IDS[before * PART :: PART], "parts that were done are not done again"
    assert store.job(job.id).state is State.DONE
    assert [row["entity_id"] for part in range(4) for row in store.rows(job.id, part)] == IDS


def test_an_aim_is_looked_at_once_over_all_and_every_part_keeps_to_its_line(tmp_path: Path) -> None:
    looks: list[int] = []

    def plan(asked: Asked) -> Line:
        looks.append(len(asked.ids))
        return Line({"H1": ("a", "b")}, {"asked": 1}, {"zh": "一个。", "en": "One."})

    def stops(asked: Asked, ids: Sequence[str]) -> list[dict[str, object]]:
        Jobs.stop(store)
        return score(asked, ids)

    store = Jobs(tmp_path, stops, plan)
    job = store.submit("auditor", "institution", IDS, explain=False, aim={"fdr": 0.1})
    assert (job.aim, job.threshold, job.stated) == ({"fdr": 0.1}, None, None)
    store.work_off()
    again = Jobs(tmp_path, score, plan)
    assert (again.job(job.id).parts, again.work_off(), looks) == (1, 1, [len(IDS)])
    done = again.job(job.id)
    assert (done.state, done.threshold, done.stated) == (State.DONE, {"asked": 1}, {"zh": "一个。", "en": "One."})
    rows = [row for part in range(done.parts) for row in again.rows(job.id, part)]
    assert {row["entity_id"]: row["asks"] for row in rows if row.get("asks")} == {"H1": ["a", "b"]}
    assert {str(row.get("asks")) for row in rows if row["entity_id"] != "H1"} == {"[]", "None"}
