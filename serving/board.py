"""The board of the monitoring page: lights, series, feeds, runs and alerts, put together for one reader."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from cases.workflow import READERS
from features import profile_store
from gnomon.config import Settings
from gnomon.i18n import both
from gnomon.terms import Text
from monitoring import job_store, series
from monitoring.comparison import SCORE, Drift
from monitoring.job_store import JobRun, Silence
from monitoring.series import Compared, Month
from monitoring.standing import titled
from monitoring.worth import Yield, yields
from serving.watching import KINDS, Looked, looked

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from cases.people import Person
    from cases.worth import Came
    from catalogue.model import WarningModel
    from monitoring.alerting import Alert
    from monitoring.mix import Watched

OF_CASES = ("mix", "retire")
"""Kinds of alerts that are told from what became of cases."""
RUNS = 20


@dataclass(frozen=True, slots=True)
class Lamp:
    """One kind of entity: its newest comparison, and those before it."""

    entity: str
    drift: Drift | None
    """Null when there are profiles and nothing has been compared yet."""
    series: Sequence[Compared]


@dataclass(frozen=True, slots=True)
class Stands:
    """An alert that stands."""

    alert: Alert
    since: datetime | None
    """Null when it was found just now, and nobody has been told yet."""
    silenced: bool


@dataclass(frozen=True, slots=True)
class Ran:
    """One run on record, with the place of its run in MLflow where there is one."""

    run: JobRun
    mlflow_run: str
    mlflow_url: str
    candidates: Sequence[Text]
    """Models that it trained and what the gate says of each, a sentence each."""


@dataclass(frozen=True)
class Board:
    """Everything on the page."""

    looked: Looked
    lamps: Sequence[Lamp]
    stands: Sequence[Stands]
    silences: Sequence[Silence]
    ran: Sequence[Ran]
    sees_cases: bool
    """Whether the reader may see what became of warnings."""
    yields: Mapping[str, Sequence[Yield]]
    """The funnel by `model`, `scene` and `organisation`; empty when the reader sees none or there is none."""
    mixes: Sequence[Watched]
    """Mixes of reasons and outcomes that could be compared, those that moved first."""
    months: Mapping[str, Sequence[Month]]
    """By warning model."""


def board(
    settings: Settings,
    session: Session,
    now: datetime,
    reader: Person,
    catalogue: Mapping[str, WarningModel] | None = None,
) -> Board:
    """What `reader` is shown. Yield is told from the cases that they may see, and to nobody who may see none.

    `catalogue` spares reading it again.
    """
    found = looked(settings, session, now, reader=reader, catalogue=catalogue)
    sees = reader.role in READERS
    return Board(
        found,
        lamps(settings, found.histories),
        _stands(session, found, now, sees),
        job_store.silences(session, now),
        [_ran(settings, one) for one in job_store.runs(session, most=RUNS)],
        sees,
        _yields(found, now) if sees else {},
        _mixes(found) if sees else (),
        {name: series.precision(name, found.came, now) for name in sorted({one.model for one in found.came})}
        if sees
        else {},
    )


def lamps(settings: Settings, histories: Mapping[str, Sequence[Drift]]) -> list[Lamp]:
    """Kinds of entity that were compared or have profiles to compare."""
    told = []
    for kind, history in histories.items():
        if history or profile_store.latest(settings.workspace / "profiles", kind) is not None:
            told.append(Lamp(kind, history[0] if history else None, series.comparisons(history)))
    return told


def _yields(found: Looked, now: datetime) -> dict[str, list[Yield]]:
    by: Mapping[str, Callable[[Came], str | None]] = {
        "model": lambda one: one.model,
        "scene": lambda one: one.scene,
        "organisation": lambda one: one.organisation,
    }
    return {name: yields(found.came, group, now) for name, group in by.items()} if found.came else {}


def _mixes(found: Looked) -> list[Watched]:
    told = [one for one in found.mixes if one.mix.state == "compared"]
    return sorted(told, key=lambda one: (not one.mix.moved, one.key))


def _stands(session: Session, found: Looked, now: datetime, sees: bool) -> list[Stands]:
    begun = {one.key: one.first_at for one in job_store.standing_alerts(session)}
    quiet = [one.prefix for one in job_store.silences(session, now)]
    told = [
        Stands(one, begun.get(one.key), any(one.key.startswith(prefix) for prefix in quiet))
        for one in found.alerts
        if sees or one.kind not in OF_CASES
    ]
    return sorted(
        told,
        key=lambda one: (one.silenced, KINDS.index(one.alert.kind), f":{SCORE}:" not in one.alert.key, one.alert.key),
    )


def _ran(settings: Settings, run: JobRun) -> Ran:
    wrote: Mapping[str, Any] = run.wrote or {}
    known = str(wrote.get("mlflow_run") or next((c.get("run_id", "") for c in wrote.get("candidates", ())), ""))
    # A registry in a file has no address that a browser could open: the run is named, and `mlflow ui` shows it.
    base = settings.mlflow.rstrip("/") if settings.mlflow.startswith(("http://", "https://")) else ""
    told = [_candidate(one) for one in wrote.get("candidates", ())]
    return Ran(run, known, f"{base}/#/runs/{known}" if base and known else "", told)


def _candidate(told: Mapping[str, Any]) -> Text:
    says = f"serving.watch.candidate.{'passed' if told['passed'] else 'refused'}"
    return both(says, entity=titled(told["entity"]), version=told["version"], gate=Text(**told["gate"]))
