"""Schedules: when a job is due, that it runs once at a time, and what is said about it when it does not run.

Rules, in the order in which they hold:

1. A job is due at the times of its cron line, and, when it says so, whenever the lake has a version that it has not
   read. Times are UTC.
2. One run at a time per job. The holder's name stands in the job's row; whoever wants the job compares and swaps it.
   A holder on this machine is dead when its process is gone (`kill -9` included); one on another machine when it has
   not been heard of for `SILENT`. The run of a dead holder is put on record as lost, and the job is due again.
3. Catching up: times that were missed are made up for by one run (`catch_up="one"`), which says how many it stands
   for, or by none when it comes later than `GRACE` (`catch_up="skip"`).
4. A clock that jumps ahead makes at most one run early; one that is set back delays nothing by more than one period.
"""

from __future__ import annotations

import os
import secrets
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice, takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cronsim import CronSim, CronSimError

from gnomon import tracing
from gnomon.database import transaction
from gnomon.errors import Fault, Misuse
from monitoring import job_store
from monitoring.job_store import Job, JobRun

if TYPE_CHECKING:
    from sqlalchemy import Engine
    from sqlalchemy.orm import Session

SILENT = timedelta(minutes=5)
"""A holder on another machine that has not been heard of for so long is dead."""
BEAT = 20.0
"""Seconds between signs of life."""
GRACE = timedelta(hours=1)
"""A run that comes later than this is a missed one."""
CATCH_UP = ("one", "skip")
LOST = "the process ended without a word"
MOST_MISSED = 10_000
"""Missed times are counted up to so many."""

Task = Callable[[Mapping[str, Any]], Mapping[str, Any]]
"""What a job does: its arguments in, what it wrote out."""


@dataclass(frozen=True, slots=True)
class Due:
    """A job that should run now."""

    name: str
    cause: str
    due_at: datetime | None
    missed: int
    skip: bool


def next_time(cron: str, after: datetime) -> datetime:
    """The first time of a cron line after a moment; `Misuse` when the line cannot be read or never comes."""
    try:
        return next(CronSim(cron, after.astimezone(UTC)))
    except (CronSimError, StopIteration) as error:
        raise Misuse("monitoring.schedule.cron", place=cron) from error


def save(
    session: Session,
    name: str,
    task: str,
    arguments: Mapping[str, Any],
    *,
    cron: str | None = None,
    on_data: bool = False,
    catch_up: str = "one",
    most: int | None = None,
    by: str = "",
    now: datetime,
    read_version: int = 0,
) -> Job:
    """Save a schedule; one of the same name is replaced and keeps what it has read and who runs it."""
    if cron is None and not on_data:
        raise Misuse("monitoring.schedule.never", place=name)
    if catch_up not in CATCH_UP:
        raise Misuse("monitoring.schedule.catch_up", place=name, given=catch_up, known=", ".join(CATCH_UP))
    due = None if cron is None else next_time(cron, now)
    job = session.get(Job, name)
    if job is None:
        job = Job(name=name, created_at=now, created_by=by, read_version=read_version, holder=None, beat_at=None)
        session.add(job)
    job.task, job.arguments, job.cron, job.on_data = task, dict(arguments), cron, on_data
    job.catch_up, job.most, job.enabled, job.due_at = catch_up, most, True, due
    session.flush()
    return job


def due(job: Job, now: datetime, lake_version: int) -> Due | None:
    """Whether a job should run now, and what for."""
    if not job.enabled:
        return None
    if job.cron is not None:
        at = job.due_at
        soonest = next_time(job.cron, now)
        if at is None or at > soonest:
            # The clock stood ahead when this time was found; without this the job would wait for it.
            job.due_at = at = soonest
        if at <= now:
            missed, latest = _missed(job.cron, at, now)
            skip = job.catch_up == "skip" and now - latest > GRACE
            return Due(job.name, "cron", latest, missed, skip)
    if job.on_data and lake_version > job.read_version:
        return Due(job.name, "data", None, 0, skip=False)
    return None


def _missed(cron: str, at: datetime, now: datetime) -> tuple[int, datetime]:
    """How many times have passed since `at`, and the latest of them (`at` itself when none has)."""
    passed = list(takewhile(lambda one: one <= now, islice(CronSim(cron, at), MOST_MISSED)))
    return len(passed), passed[-1] if passed else at


def tick(
    engine: Engine,
    tasks: Mapping[str, Task],
    lake_version: Callable[[], int],
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> list[JobRun]:
    """Run everything that is due, one after the other; what came of it. A task that fails stops no other."""
    with transaction(engine) as session:
        names = [job.name for job in job_store.jobs(session)]
    done = []
    for name in names:
        ran = run(engine, name, tasks, lake_version(), clock)
        if ran is not None:
            done.append(ran)
    return done


def run(
    engine: Engine,
    name: str,
    tasks: Mapping[str, Task],
    lake_version: int,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    by_hand: bool = False,
) -> JobRun | None:
    """Run one job if it is due (or `by_hand`) and nobody else runs it; None when there was nothing to do."""
    me, now = _me(), clock()
    with transaction(engine) as session:
        job = session.get(Job, name)
        if job is None:
            raise Fault("monitoring.schedule.unknown", place=name, status=404)
        what = Due(name, "hand", None, 0, skip=False) if by_hand else due(job, now, lake_version)
        if what is None or _alive(job, now) or not job_store.take(session, job, me, now):
            return None
        for lost in job_store.running(session, name):
            lost.state, lost.ended_at, lost.why = "lost", now, LOST
        state = "skipped" if what.skip else "running"
        begun = JobRun(
            job=name, task=job.task, cause=what.cause, due_at=what.due_at, missed=what.missed, started_at=now,
            ended_at=None, state=state, holder=me, read_version=lake_version, wrote={}, why=None,
        )  # fmt: skip
        session.add(begun)
        session.flush()
        arguments = {**job.arguments, "most": job.most} if job.most is not None else dict(job.arguments)
        number, task = begun.id, tasks.get(job.task)
    wrote: Mapping[str, Any] = {}
    why = None
    if not what.skip:
        with _beating(engine, name, me, clock):
            try:
                with tracing.span("job", job=name, task=job.task, cause=what.cause, run=str(number)):
                    if task is None:
                        known = ", ".join(sorted(tasks))
                        raise Fault("monitoring.schedule.task", place=name, task=job.task, known=known)
                    wrote = {**task(arguments), **({"trace": tracing.trace_id()} if tracing.on() else {})}
            except Fault as fault:
                why = str(fault)
            except Exception as error:
                # The other jobs go on. The text of a foreign error may quote a record: only its kind is kept.
                why = type(error).__name__
    return _ended(engine, number, me, dict(wrote), why, clock())


def begin_by_hand(session: Session, task: str, lake_version: int, now: datetime) -> int:
    """Put a run that no schedule began on record, under the name of its task; its number.

    Earlier ones whose process ended without a word are put down as lost.
    """
    for left in job_store.running(session, task):
        if left.cause == "hand" and _lives(left.holder) is False:
            left.state, left.ended_at, left.why = "lost", now, LOST
    begun = JobRun(
        job=task, task=task, cause="hand", due_at=None, missed=0, started_at=now, ended_at=None, state="running",
        holder=_me(), read_version=lake_version, wrote={}, why=None,
    )  # fmt: skip
    session.add(begun)
    session.flush()
    return begun.id


def end_by_hand(session: Session, number: int, wrote: Mapping[str, Any], why: str | None, now: datetime) -> None:
    """Say how a run by hand ended."""
    ended = session.get_one(JobRun, number)
    ended.ended_at, ended.wrote, ended.why, ended.state = now, dict(wrote), why, "failed" if why else "done"


def _ended(engine: Engine, number: int, me: str, wrote: dict[str, Any], why: str | None, now: datetime) -> JobRun:
    with transaction(engine) as session:
        ended = session.get_one(JobRun, number)
        ended.ended_at, ended.wrote, ended.why = now, wrote, why
        if ended.state != "skipped":
            ended.state = "failed" if why else "done"
        job = session.get(Job, ended.job)
        if job is not None and job.holder == me:
            job.holder = job.beat_at = None
            # A run that failed has read nothing: new data is still new. Its next time is the next one of its line.
            if not why:
                job.read_version = max(job.read_version, ended.read_version)
            if job.cron is not None:
                job.due_at = next_time(job.cron, max(now, ended.started_at))
        return ended


@contextmanager
def _beating(engine: Engine, name: str, me: str, clock: Callable[[], datetime]) -> Iterator[None]:
    over = threading.Event()

    def beats() -> None:
        while not over.wait(BEAT):
            # A beat that finds the database busy is made up for by the next.
            with suppress(Exception), transaction(engine) as session:
                job_store.beat(session, name, me, clock())

    thread = threading.Thread(target=beats, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _me() -> str:
    """This run's name: machine, process, when the process began, and a mark of its own."""
    return f"{socket.gethostname()}|{os.getpid()}|{_began(os.getpid())}|{secrets.token_hex(4)}"


def _alive(job: Job, now: datetime) -> bool:
    """Whether the holder still runs."""
    if job.holder is None:
        return False
    here = _lives(job.holder)
    return job.beat_at is not None and now - job.beat_at < SILENT if here is None else here


def _lives(holder: str) -> bool | None:
    """Whether the process behind a name still runs; null when it is on another machine and nobody here can tell."""
    machine, process, began, _ = holder.split("|")
    if machine != socket.gethostname():
        return None
    # The number of a process is given out again: when it began tells the two apart.
    return _began(int(process)) == began


def _began(process: int) -> str:
    """When a process began, in the system's own count; empty when there is none."""
    try:
        told = Path(f"/proc/{process}/stat").read_text(encoding="ascii", errors="replace")
        return told.rpartition(")")[2].split()[19]
    except OSError:
        pass
    if Path("/proc/self").exists():
        return ""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return ""
    except PermissionError:
        pass
    return "?"
