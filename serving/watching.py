"""One look at everything that is watched: drift that stands, feeds, late jobs, proposals, and the alerts of all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gnomon.config import Settings
from gnomon.errors import Fault

if TYPE_CHECKING:
    import pandas as pd

    from cases.worth import Came
    from features.profiles import Profiles
    from monitoring.alerting import Alert
    from monitoring.comparison import Drift
    from monitoring.effect import Summary
    from monitoring.feeds import FeedHealth
    from monitoring.mix import Mix
    from monitoring.retrain import Proposal
    from monitoring.standing import Standing
    from monitoring.watchdog import Overdue
    from monitoring.worth import Retirement
    from serving.champions import Loaded

LATELY = timedelta(days=90)
"""Warnings and closings of so many days are held against all before them."""
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

    @property
    def alerts(self) -> list[Alert]:
        """What somebody should know; a season and a calm proposal are no alerts."""
        from monitoring.alerting import Alert

        told = [Alert(one.key, one.told) for one in self.standing if one.cause != "season"]
        told += [Alert(one.key, one.told) for feed in self.feeds for one in feed.troubles]
        told += [Alert(one.key, one.told) for one in self.overdue]
        told += [Alert(one.key, one.told) for one in self.proposals if one.what == "retrain"]
        told += [Alert(f"mix:{name}", one.told) for name, one in self.mixes.items() if one.moved]
        return told + [Alert(f"retire:{one.model}", one.told) for one in self.retirements]


def compare_now(settings: Settings, entity: str, as_of: datetime | None = None) -> Drift:
    """Compare the newest profiles (of `as_of` when given) with the champion's reference, and keep what was found."""
    from monitoring import references
    from monitoring.drift import compare
    from serving import champions

    profiles = _profiles(settings, entity, as_of)
    champion = champions.fetched(settings, profiles.entity)
    folder, titles = settings.folder("drift"), {column.name: column.title for column in profiles.columns}
    if champion is None:
        return compare(profiles.entity, None, profiles.values, folder, as_of=profiles.as_of, titles=titles)
    reference = reference_of(settings, champion)
    before = references.a_year_before(settings.workspace / "profiles" / profiles.entity, profiles.as_of)
    import pandas as pd

    return compare(
        profiles.entity,
        pd.read_parquet(champion.bundle.folder / "reference.parquet"),
        _columns(champion, profiles),
        folder,
        as_of=profiles.as_of,
        model=champion.name,
        titles=titles,
        then=reference.summaries,
        season=None if before is None else _season(champion, before, reference.edges),
    )


def reference_of(settings: Settings, champion: Loaded) -> Any:
    """The champion's reference as summaries: as kept, else made of the profiles that it was trained on.

    Where those are no longer stored, the sample in its bundle stands in for them.
    """
    import pandas as pd

    from features import profile_store
    from monitoring import references
    from monitoring.references import Reference
    from monitoring.scan import summarise, summarise_frame

    entity, about = champion.bundle.entity, champion.bundle.about
    kept = references.read(settings.workspace / "references", entity, champion.name)
    if kept is not None:
        return kept
    as_of = datetime.fromisoformat(about["as_of"])
    summaries = summarise_frame(pd.read_parquet(champion.bundle.folder / "reference.parquet"))
    stored = f"{as_of:%Y%m%dT%H%M%S}-v{int(about['lake_version']):08d}"
    trained_on = settings.workspace / "profiles" / entity / stored
    if (trained_on / profile_store.HEADER).is_file():
        summaries |= summarise([trained_on / "values.parquet"], champion.bundle.columns)
    made = Reference(entity, champion.name, as_of, int(about["lake_version"]), summaries)
    references.keep(made, settings.folder("references"))
    return made


def _columns(champion: Loaded, profiles: Profiles) -> pd.DataFrame:
    """The columns that the model reads, and its score; profiles that lost a column have no score any more."""
    bundle = champion.bundle
    current = profiles.values[[name for name in bundle.columns if name in profiles.values]]
    if len(current.columns) == len(bundle.columns) and len(current):
        current = current.assign(score=bundle.score(profiles, explain=False).score)
    return current


def _season(champion: Loaded, folder: Path, edges: Mapping[str, Sequence[float]]) -> dict[str, Summary] | None:
    from features import profile_store
    from monitoring.scan import summarise_frame

    try:
        return summarise_frame(_columns(champion, profile_store.load(folder)), edges)
    except Fault:
        # Half-written or of another format: without it nothing is called a season.
        return None


def _profiles(settings: Settings, entity: str, as_of: datetime | None) -> Profiles:
    from features import profile_store
    from features.engine import Engine
    from features.lake import Lake
    from features.measures import entity as known_entity
    from serving.engine import profile

    kind = known_entity(entity).kind
    stored = profile_store.latest(settings.workspace / "profiles", kind)
    if as_of is None and stored is not None:
        return profile_store.load(stored)
    engine = Engine.open(Lake(settings.lake_url), threads=settings.threads)
    try:
        return profile(settings, engine, kind, as_of)
    finally:
        engine.close()


def look(settings: Settings, now: datetime | None = None, rows: bool = True) -> Looked:
    """Look at everything; with `rows` into the rows of the feeds too (one query a table), not at manifests only."""
    from cases import store
    from cases.worth import came
    from features.measures import entities
    from gnomon.database import transaction
    from monitoring import job_store, standing
    from monitoring.outcomes import funnel
    from monitoring.watchdog import overdue
    from monitoring.worth import retirements

    now = now or datetime.now(UTC)
    feeds, version, changed = feed_health(settings, now, rows)
    with job_store.opened(settings) as engine, transaction(engine) as session:
        late = overdue(session, now, version, changed)
    database = store.upgrade(settings)
    try:
        with transaction(database) as session:
            warned = list(came(session))
            weak = retirements(funnel(session))
    finally:
        database.dispose()
    stands: list[Standing] = []
    proposals: list[Proposal] = []
    for kind in entities():
        history = standing.history(settings.workspace / "drift", kind)
        found = standing.standing(history)
        stands += found
        if history and history[0].model:
            proposals.append(_proposal(kind, history[0], found, warned, now))
    return Looked(now, stands, feeds, late, proposals, mixes(warned, now), weak)


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
    """Drift of the top reasons and of the outcomes of each model, lately against all before."""
    from monitoring.mix import mixed

    since = now - LATELY
    found: dict[str, Mix] = {}
    for model in sorted({one.model for one in rows}):
        ours = [one for one in rows if one.model == model]
        before = Counter(one.reason for one in ours if one.issued_at < since)
        lately = Counter(one.reason for one in ours if one.issued_at >= since)
        found[f"reasons:{model}"] = mixed(before, lately)
        ended = [(one.closed_at, str(one.outcome)) for one in ours if one.closed_at is not None and one.outcome]
        before = Counter(outcome for at, outcome in ended if at < since)
        lately = Counter(outcome for at, outcome in ended if at >= since)
        found[f"labels:{model}"] = mixed(before, lately)
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
