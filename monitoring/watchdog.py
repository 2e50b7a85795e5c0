"""What is late, told from the records alone: it needs no scheduler, and is meant for whoever watches the scheduler."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from gnomon.i18n import both
from gnomon.terms import Text
from monitoring import job_store
from monitoring.job_store import Job

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.orm import Session

    from monitoring.job_store import JobRun

SLACK = timedelta(minutes=10)
"""A job may start so late before anybody is told."""
LONG = 3.0
"""A run is told when it takes so many times as long as the job usually does …"""
AT_LEAST = timedelta(hours=1)
"""… and longer than this."""


class Lateness(StrEnum):
    """What is wrong with a job."""

    LATE = "late"
    UNREAD = "unread"
    """New data has been there for a while and the job that waits for it has not read it."""
    LONG = "long"
    FAILED = "failed"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class Overdue:
    """One thing that is wrong with one job."""

    job: str
    what: Lateness
    since: datetime
    why: str = ""

    @property
    def key(self) -> str:
        """Same job and fault: the same alert."""
        return f"job:{self.job}:{self.what}"

    @property
    def told(self) -> Text:
        """The fault in one sentence."""
        return both(f"monitoring.job.{self.what}", job=self.job, since=f"{self.since:%Y-%m-%d %H:%M}", why=self.why)


def overdue(
    session: Session, now: datetime, lake_version: int = 0, lake_changed: datetime | None = None
) -> list[Overdue]:
    """Jobs that are late, hang, or failed when they last ran."""
    found: list[Overdue] = []
    for job in job_store.jobs(session):
        if job.enabled:
            found += _of(job, job_store.runs(session, job.name, 20), now, lake_version, lake_changed)
    return found


def _of(
    job: Job, runs: Sequence[JobRun], now: datetime, lake_version: int, lake_changed: datetime | None
) -> list[Overdue]:
    newest = runs[0] if runs else None
    if newest is not None and newest.state == "running":
        took = [one.seconds for one in runs if one.state == "done" and one.seconds is not None]
        usual = timedelta(seconds=statistics.median(took)) if took else timedelta(0)
        hangs = now - newest.started_at > max(AT_LEAST, LONG * usual)
        return [Overdue(job.name, Lateness.LONG, newest.started_at)] if hangs else []
    found = []
    if job.cron is not None and job.due_at is not None and now - job.due_at > SLACK:
        found.append(Overdue(job.name, Lateness.LATE, job.due_at))
    waited = lake_changed is not None and now - lake_changed > SLACK
    if job.on_data and lake_version > job.read_version and waited and lake_changed is not None:
        found.append(Overdue(job.name, Lateness.UNREAD, lake_changed))
    if newest is not None and newest.state in ("failed", "lost"):
        found.append(Overdue(job.name, Lateness(newest.state), newest.started_at, newest.why or ""))
    return found
