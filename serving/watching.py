"""One look at everything that is watched: drift that stands, feeds, late jobs, proposals, and the alerts of all."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from gnomon.config import Settings
from serving.mixes import LATELY, mixes, origins

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from cases.people import Person
    from cases.worth import Came
    from catalogue.model import WarningModel
    from monitoring.alerting import Alert
    from monitoring.comparison import Drift
    from monitoring.feeds import FeedHealth
    from monitoring.mix import Watched
    from monitoring.retrain import Proposal
    from monitoring.standing import OfSource, Standing
    from monitoring.watchdog import Overdue
    from monitoring.worth import Retirement
    from serving.evading import Evaded

SERIES = 24
"""Comparisons of a kind of entity that are looked back at."""
KINDS = ("job", "feed", "drift", "retrain", "retire", "mix", "evasion")
"""Kinds of alerts that a whole look looks for, in the order in which a person should read them: what does not run, what
does not come, what has moved, and what that asks for."""


@dataclass(frozen=True)
class Looked:
    """What one look found."""

    at: datetime
    standing: Sequence[Standing]
    feeds: Sequence[FeedHealth]
    overdue: Sequence[Overdue]
    proposals: Sequence[Proposal]
    mixes: Sequence[Watched]
    retirements: Sequence[Retirement]
    evaded: Sequence[Evaded]
    came: Sequence[Came]
    """Every warning and what came of it."""
    histories: Mapping[str, Sequence[Drift]]
    """The comparisons of every kind of entity, the newest first."""
    of_sources: Sequence[OfSource] = ()
    """Moves that stand among the entities of one source only."""

    @property
    def alerts(self) -> list[Alert]:
        """What somebody should know; a season and a calm proposal are no alerts."""
        from monitoring import mix, standing
        from monitoring.alerting import Alert

        told = [Alert(one.key, one.told) for one in standing.grouped(self.standing)]
        told += [Alert(one.key, one.told) for one in self.of_sources]
        told += [Alert(one.key, one.told) for feed in self.feeds for one in feed.troubles]
        told += [Alert(one.key, one.told) for one in self.overdue]
        told += [Alert(one.key, one.told) for one in self.proposals if one.what == "retrain"]
        told += [Alert(one.key, one.told) for one in mix.alerts(self.mixes)]
        told += [Alert(f"retire:{one.model}", one.told) for one in self.retirements]
        return told + [Alert(one.key, one.told) for one in self.evaded]


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
    settings: Settings,
    session: Session,
    now: datetime,
    rows: bool = False,
    reader: Person | None = None,
    catalogue: Mapping[str, WarningModel] | None = None,
) -> Looked:
    """The same in the caller's session; what warnings were worth is told from the cases that `reader` may see.

    `catalogue` spares reading it again.
    """
    from cases.worth import about, came
    from features.measures import entities
    from monitoring import standing
    from monitoring.outcomes import funnel
    from monitoring.watchdog import overdue
    from monitoring.worth import expected, retirements
    from serving import evading

    feeds, version, changed = feed_health(settings, now, rows)
    late = overdue(session, now, version, changed)
    warned = list(came(session, reader=reader, origins=origins(settings, about(session, reader))))
    funnels = funnel(session, reader=reader)
    lately = {one.model: expected(one.model, warned, now - LATELY) for one in funnels}
    weak = retirements(funnels, floor_of(settings, catalogue), lately=lately)
    stands: list[Standing] = []
    proposals: list[Proposal] = []
    histories = {kind: standing.history(settings.workspace / "drift", kind, SERIES) for kind in entities()}
    for kind, history in histories.items():
        found = standing.standing(history)
        stands += found
        if history and history[0].model:
            proposals.append(_proposal(kind, history[0], found, warned, now))
    found_under = evading.kept(settings)
    parts = [one for history in histories.values() for one in standing.of_sources(history)]
    return Looked(now, stands, feeds, late, proposals, mixes(warned, now), weak, found_under, warned, histories, parts)


def exposed(settings: Settings, session: Session, now: datetime) -> str:
    """What is watched as Prometheus metrics; of the feeds the manifests only, and nothing of what became of cases."""
    from features.measures import entities
    from monitoring import exposition, standing
    from monitoring.watchdog import overdue

    feeds, version, changed = feed_health(settings, now, rows=False)
    histories = [standing.history(settings.workspace / "drift", kind) for kind in entities()]
    newest = [history[0] for history in histories if history]
    stands = [one for history in histories for one in standing.standing(history)]
    late = overdue(session, now, version, changed)
    return exposition.text(session, newest, feeds, late, stands, now)


def floor_of(settings: Settings, catalogue: Mapping[str, WarningModel] | None = None) -> Callable[[str], float]:
    """The precision floor of each warning model, by its id."""
    from catalogue.load import load
    from monitoring.worth import floors

    models = load(settings.model_folder) if catalogue is None else catalogue
    schemes = {name: model.scheme for name, model in models.items()}
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


def _proposal(kind: str, newest: Drift, found: Sequence[Standing], rows: Sequence[Came], now: datetime) -> Proposal:
    from gnomon.terms import Outcome
    from monitoring.outcomes import share
    from monitoring.retrain import proposal
    from monitoring.worth import JUDGED

    judged = [one for one in rows if one.model_version == newest.model and one.outcome in JUDGED]
    sides = [[one for one in judged if (one.issued_at >= now - LATELY) is late] for late in (False, True)]
    precision = [share(sum(one.outcome == Outcome.CONFIRMED for one in side), len(side)) for side in sides]
    return proposal(kind, newest.model, found, len(newest.columns), *precision)
