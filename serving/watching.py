"""One look at everything that is watched: drift that stands, feeds, late jobs, proposals, and the alerts of all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from gnomon.config import Settings

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from cases.people import Person
    from cases.worth import Came
    from monitoring.alerting import Alert
    from monitoring.comparison import Drift
    from monitoring.feeds import FeedHealth
    from monitoring.mix import Mix
    from monitoring.retrain import Proposal
    from monitoring.standing import Standing
    from monitoring.watchdog import Overdue
    from monitoring.worth import Retirement

LATELY = timedelta(days=90)
"""Warnings and closings of so many days are held against all before them."""
YEAR = timedelta(days=365)
KINDS = ("drift", "feed", "job", "retrain", "mix", "retire")
"""Kinds of alerts that a whole look looks for."""


@dataclass(frozen=True)
class Looked:
    """What one look found."""

    at: datetime
    standing: Sequence[Standing]
    feeds: Sequence[FeedHealth]
    overdue: Sequence[Overdue]
    proposals: Sequence[Proposal]
    mixes: Mapping[str, Mix]
    retirements: Sequence[Retirement]
    came: Sequence[Came] = ()
    """Every warning and what came of it."""

    @property
    def alerts(self) -> list[Alert]:
        """What somebody should know; a season and a calm proposal are no alerts."""
        from monitoring.alerting import Alert

        told = [Alert(one.key, one.told) for one in self.standing if one.cause != "season"]
        told += [Alert(one.key, one.told) for feed in self.feeds for one in feed.troubles]
        told += [Alert(one.key, one.told) for one in self.overdue]
        told += [Alert(one.key, one.told) for one in self.proposals if one.what == "retrain"]
        told += [Alert(f"mix:{name}", one.told) for name, one in self.mixes.items() if one.alarming]
        return told + [Alert(f"retire:{one.model}", one.told) for one in self.retirements]


def look(settings: Settings, now: datetime | None = None, rows: bool = True) -> Looked:
    """Look at everything; with `rows` into the rows of the feeds too (one query a table), not at manifests only."""
    from cases import store
    from gnomon.database import snapshot, transaction
    from monitoring import job_store

    database = store.upgrade(settings)
    try:
        with transaction(database) as session:
            job_store.prepare(session)
        # Looking takes a while, and nobody who writes has to wait for it.
        with snapshot(database) as session:
            return looked(settings, session, now or datetime.now(UTC), rows)
    finally:
        database.dispose()


def looked(
    settings: Settings, session: Session, now: datetime, rows: bool = False, reader: Person | None = None
) -> Looked:
    """The same in the caller's session; what warnings were worth is told from the cases that `reader` may see."""
    from cases.worth import came
    from features.measures import entities
    from monitoring import standing
    from monitoring.outcomes import funnel
    from monitoring.watchdog import overdue
    from monitoring.worth import expected, retirements

    feeds, version, changed = feed_health(settings, now, rows)
    late = overdue(session, now, version, changed)
    warned = list(came(session, reader=reader))
    funnels = funnel(session, reader=reader)
    lately = {one.model: expected(one.model, warned, now - LATELY) for one in funnels}
    weak = retirements(funnels, floor_of(settings), lately=lately)
    stands: list[Standing] = []
    proposals: list[Proposal] = []
    for kind in entities():
        history = standing.history(settings.workspace / "drift", kind)
        found = standing.standing(history)
        stands += found
        if history and history[0].model:
            proposals.append(_proposal(kind, history[0], found, warned, now))
    return Looked(now, stands, feeds, late, proposals, mixes(warned, now), weak, warned)


def exposed(settings: Settings, session: Session, now: datetime) -> str:
    """What is watched as Prometheus metrics; of the feeds the manifests only, and nothing of what became of cases."""
    from features.measures import entities
    from monitoring import exposition, standing
    from monitoring.watchdog import overdue

    feeds, version, changed = feed_health(settings, now, rows=False)
    stands = [
        one for kind in entities() for one in standing.standing(standing.history(settings.workspace / "drift", kind))
    ]
    late = overdue(session, now, version, changed)
    return exposition.text(session, settings.workspace / "drift", feeds, late, stands, now)


def floor_of(settings: Settings) -> Callable[[str], float]:
    """The precision floor of each warning model, by its id."""
    from catalogue.load import load
    from monitoring.worth import floors

    schemes = {name: model.scheme for name, model in load(settings.model_folder).items()}
    return floors(settings.precision_floor, settings.precision_floors, schemes)


def feed_health(settings: Settings, now: datetime, rows: bool) -> tuple[list[FeedHealth], int, datetime | None]:
    """Every source against its own history, the lake's version, and when it was made."""
    from features.engine import Engine
    from features.lake import Lake
    from monitoring.arrivals import arrivals
    from monitoring.feeds import health

    lake = Lake(settings.lake_url)
    engine = Engine.open(lake, threads=settings.threads) if rows and lake.version else None
    try:
        by_source = arrivals(lake, settings.workspace / "refused", engine)
    finally:
        if engine is not None:
            engine.close()
    newest = max((one for past in by_source.values() for one in past), key=lambda one: one.version, default=None)
    return health(by_source, now), lake.version, None if newest is None else newest.at


def mixes(rows: Sequence[Came], now: datetime) -> dict[str, Mix]:
    """Drift of the top reasons and of the outcomes of each model: lately against all before, and against the same
    season a year before."""
    from monitoring.mix import mixed

    since = now - LATELY
    found: dict[str, Mix] = {}
    for model in sorted({one.model for one in rows}):
        ours = [one for one in rows if one.model == model]
        told = {
            "reasons": [(one.issued_at, one.reason) for one in ours],
            "labels": [(one.closed_at, str(one.outcome)) for one in ours if one.closed_at is not None and one.outcome],
        }
        for what, events in told.items():
            before = Counter(name for at, name in events if at < since)
            lately = Counter(name for at, name in events if at >= since)
            season = Counter(name for at, name in events if since - YEAR <= at < now - YEAR)
            found[f"{what}:{model}"] = mixed(before, lately, season=season)
    return found


def _proposal(kind: str, newest: Drift, found: Sequence[Standing], rows: Sequence[Came], now: datetime) -> Proposal:
    from gnomon.terms import Outcome
    from monitoring.outcomes import share
    from monitoring.retrain import proposal
    from monitoring.worth import JUDGED

    judged = [one for one in rows if one.model_version == newest.model and one.outcome in JUDGED]
    sides = [[one for one in judged if (one.issued_at >= now - LATELY) is late] for late in (False, True)]
    precision = [share(sum(one.outcome == Outcome.CONFIRMED for one in side), len(side)) for side in sides]
    return proposal(kind, newest.model, found, len(newest.columns), *precision)
