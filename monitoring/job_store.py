"""Durable state of schedules, runs and alerts: tables of their own in the deployment's database.

They hold no record of anybody, are made when missing and belong to no migration: emptying them loses history of the
machinery and nothing of people's work.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import JSON, Boolean, Integer, MetaData, String, Text, delete, func, select, update
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from sqlalchemy.schema import CreateTable

from cases.tables import Key, Moment
from gnomon.database import Base, connect, transaction

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from gnomon.config import Settings


MAKING = 7_311_020
"""Number of the lock under which PostgreSQL makes these tables."""


class Root(DeclarativeBase):
    """Root of these tables only: migrations of people's work do not see them."""

    metadata = MetaData(naming_convention=Base.metadata.naming_convention)


class Job(Root):
    """One schedule."""

    __tablename__ = "job"

    name: Mapped[str] = mapped_column(String(80), primary_key=True)
    task: Mapped[str] = mapped_column(String(40))
    arguments: Mapped[dict[str, Any]] = mapped_column(JSON)
    cron: Mapped[str | None] = mapped_column(String(120))
    on_data: Mapped[bool] = mapped_column(Boolean)
    """Runs when the lake has a newer version than it last read."""
    catch_up: Mapped[str] = mapped_column(String(10))
    most: Mapped[int | None] = mapped_column(Integer)
    """New warnings that one run may issue."""
    enabled: Mapped[bool] = mapped_column(Boolean)
    created_at: Mapped[datetime] = mapped_column(Moment)
    created_by: Mapped[str] = mapped_column(String(80))
    due_at: Mapped[datetime | None] = mapped_column(Moment)
    read_version: Mapped[int] = mapped_column(Integer)
    holder: Mapped[str | None] = mapped_column(String(200))
    """Process that runs it now; the job's lock."""
    beat_at: Mapped[datetime | None] = mapped_column(Moment)


class JobRun(Root):
    """One run, whatever came of it."""

    __tablename__ = "job_run"

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    job: Mapped[str] = mapped_column(String(80), index=True)
    task: Mapped[str] = mapped_column(String(40))
    cause: Mapped[str] = mapped_column(String(10))
    """cron, data or hand."""
    due_at: Mapped[datetime | None] = mapped_column(Moment)
    missed: Mapped[int] = mapped_column(Integer)
    """Earlier times that passed without a run."""
    started_at: Mapped[datetime] = mapped_column(Moment, index=True)
    ended_at: Mapped[datetime | None] = mapped_column(Moment)
    state: Mapped[str] = mapped_column(String(10))
    """running, done, failed, lost or skipped."""
    holder: Mapped[str] = mapped_column(String(200))
    read_version: Mapped[int] = mapped_column(Integer)
    wrote: Mapped[dict[str, Any]] = mapped_column(JSON)
    why: Mapped[str | None] = mapped_column(Text)
    """Why it failed."""

    @property
    def seconds(self) -> float | None:
        """How long it took; never below zero, whatever the clock did."""
        return None if self.ended_at is None else max(0.0, (self.ended_at - self.started_at).total_seconds())


class AlertState(Root):
    """One alert: since when it stands, and when somebody was told."""

    __tablename__ = "alert"

    key: Mapped[str] = mapped_column(String(300), primary_key=True)
    kind: Mapped[str] = mapped_column(String(20))
    zh: Mapped[str] = mapped_column(Text)
    en: Mapped[str] = mapped_column(Text)
    first_at: Mapped[datetime] = mapped_column(Moment)
    last_at: Mapped[datetime] = mapped_column(Moment)
    sent_at: Mapped[datetime | None] = mapped_column(Moment)
    ended_at: Mapped[datetime | None] = mapped_column(Moment)


class Silence(Root):
    """Alerts that nobody is to be told about for a while, and who said so."""

    __tablename__ = "alert_silence"

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    prefix: Mapped[str] = mapped_column(String(300))
    until: Mapped[datetime] = mapped_column(Moment)
    reason: Mapped[str] = mapped_column(Text)
    by: Mapped[str] = mapped_column(String(80))


class Channel(Root):
    """Where alerts go."""

    __tablename__ = "alert_channel"

    address: Mapped[str] = mapped_column(String(300), primary_key=True)
    """An https URL, or an e-mail address."""
    language: Mapped[str] = mapped_column(String(2))


class Unreached(Root):
    """A channel that is owed a message."""

    __tablename__ = "alert_unreached"

    address: Mapped[str] = mapped_column(String(300), primary_key=True)
    since: Mapped[datetime] = mapped_column(Moment)
    """When the first message that did not arrive was due."""


@contextmanager
def opened(settings: Settings) -> Iterator[Engine]:
    """The database with these tables in it."""
    engine = connect(settings)
    try:
        with transaction(engine) as session:
            prepare(session)
        yield engine
    finally:
        engine.dispose()


def prepare(session: Session) -> None:
    """Make the tables that are missing."""
    if session.get_bind().dialect.name == "postgresql":
        # Two processes that start at once would both find the tables missing, and one of them would fail.
        session.execute(select(func.pg_advisory_xact_lock(MAKING)))
    for table in Root.metadata.sorted_tables:
        session.execute(CreateTable(table, if_not_exists=True))


def jobs(session: Session) -> Sequence[Job]:
    """All schedules by name."""
    return session.scalars(select(Job).order_by(Job.name)).all()


def runs(session: Session, job: str | None = None, most: int = 50) -> Sequence[JobRun]:
    """Runs, the newest first."""
    asked = select(JobRun).order_by(JobRun.id.desc()).limit(most)
    return session.scalars(asked if job is None else asked.where(JobRun.job == job)).all()


def take(session: Session, job: Job, me: str, now: datetime) -> bool:
    """Make this process the holder, if the holder is still the one that `job` was read with."""
    same = Job.holder.is_(None) if job.holder is None else Job.holder == job.holder
    taken = session.execute(
        update(Job)
        .where(Job.name == job.name, same)
        .values(holder=me, beat_at=now)
        .execution_options(synchronize_session=False)
    )
    return bool(taken.rowcount == 1)  # type: ignore[attr-defined]


def beat(session: Session, name: str, me: str, now: datetime) -> None:
    """Say that the holder is still alive."""
    session.execute(update(Job).where(Job.name == name, Job.holder == me).values(beat_at=now))


def running(session: Session, job: str) -> Sequence[JobRun]:
    """Runs of a job that have not ended."""
    return session.scalars(select(JobRun).where(JobRun.job == job, JobRun.state == "running")).all()


def drop(session: Session, name: str) -> bool:
    """Remove a schedule; its runs stay on record. Whether there was one."""
    return bool(session.execute(delete(Job).where(Job.name == name)).rowcount)  # type: ignore[attr-defined]


def standing_alerts(session: Session) -> Sequence[AlertState]:
    """Alerts that have not ended."""
    return session.scalars(select(AlertState).where(AlertState.ended_at.is_(None)).order_by(AlertState.key)).all()


def ended_alerts(session: Session, since: datetime) -> Sequence[AlertState]:
    """Alerts that somebody was told of and that have ended since a moment."""
    asked = select(AlertState).where(AlertState.ended_at >= since, AlertState.sent_at.is_not(None))
    return session.scalars(asked.order_by(AlertState.key)).all()


def silences(session: Session, now: datetime) -> Sequence[Silence]:
    """Silences that hold now."""
    return session.scalars(select(Silence).where(Silence.until > now)).all()


def channels(session: Session) -> Sequence[Channel]:
    """Where alerts go, by address."""
    return session.scalars(select(Channel).order_by(Channel.address)).all()


def unreached(session: Session) -> Sequence[Unreached]:
    """Channels that are owed a message."""
    return session.scalars(select(Unreached)).all()


def drop_channel(session: Session, address: str) -> bool:
    """Send nothing there any more. Whether it was a channel."""
    reached(session, address)
    return bool(session.execute(delete(Channel).where(Channel.address == address)).rowcount)  # type: ignore[attr-defined]


def reached(session: Session, address: str) -> None:
    """A channel is owed nothing any more."""
    session.execute(delete(Unreached).where(Unreached.address == address))


def end_silence(session: Session, prefix: str, now: datetime) -> bool:
    """Let silences of this beginning end now. Whether any held."""
    ended = update(Silence).where(Silence.prefix == prefix, Silence.until > now).values(until=now)
    return bool(session.execute(ended).rowcount)  # type: ignore[attr-defined]


def forget(session: Session, before: datetime) -> int:
    """Remove ended runs, ended alerts and run-out silences from before a moment; how many rows."""
    gone = 0
    for asked in (
        delete(JobRun).where(JobRun.started_at < before, JobRun.state != "running"),
        delete(AlertState).where(AlertState.ended_at < before),
        delete(Silence).where(Silence.until < before),
    ):
        gone += session.execute(asked).rowcount  # type: ignore[attr-defined]
    return gone
