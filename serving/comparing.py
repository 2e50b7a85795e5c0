"""The newest profiles beside what the serving model was trained on, and beside the same season a year before.

Profiles are read from the store part by part: what is held at once does not grow with the number of entities.
"""

from __future__ import annotations

import heapq
import math
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from gnomon.config import Settings
from gnomon.errors import Fault

if TYPE_CHECKING:
    import pandas as pd

    from features.profiles import Profiles
    from monitoring.comparison import Drift, SourceDrift
    from monitoring.effect import Summary
    from monitoring.references import Reference
    from serving.champions import Loaded

SOURCES = 8
"""Sources that are looked at by themselves, those with most entities first; and those that the reference knows."""
SCORED = 1_000_000
"""Entities that are scored to tell how the score moved; of more, so many are drawn by a hash of their ids."""


def compare_now(settings: Settings, entity: str, as_of: datetime | None = None) -> Drift:
    """Compare the profiles of now (of `as_of` when given) with the champion's reference, and keep what was found."""
    import pandas as pd

    from features import profile_batches
    from gnomon import tracing
    from monitoring.drift import compare
    from serving import champions

    with tracing.span("drift", entity=entity) as step:
        stored = _stored(settings, entity, as_of)
        about = profile_batches.about(stored)
        champion = champions.fetched(settings, about.entity)
        root = settings.folder("drift")
        if champion is None:
            return _nothing_to_hold_against(about.entity, about.as_of, profile_batches.rows(stored), root)
        reference = reference_of(settings, champion)
        sources = _sources(settings, about.entity, about.lake_version)
        side = _side(champion, stored, reference, sources, settings.budget)
        found = compare(
            about.entity,
            pd.read_parquet(champion.bundle.folder / "reference.parquet"),
            side.sample,
            root,
            as_of=about.as_of,
            model=champion.name,
            titles={column.name: column.title for column in about.columns},
            then=reference.summaries,
            now=side.summaries,
            season=_a_year_before(settings, champion, about, reference, side),
            sources=_by_source(about, reference, side),
            expected=expected(champion, reference.best, side.best),
        )
        step.tell(model=found.model, light=str(found.light), rows=found.rows_now, columns=len(found.columns))
        return found


def reference_of(settings: Settings, champion: Loaded) -> Reference:
    """The champion's reference as summaries: as kept, else made of the whole population at its training.

    The sample of that population in the bundle stands in where it is neither stored nor can be built again, or where
    what is found does not agree with the sample: then it is of another lake.
    """
    import pandas as pd

    from monitoring import references
    from monitoring.drift import compared
    from monitoring.references import Reference
    from monitoring.scan import summarise_frame

    entity, about = champion.bundle.entity, champion.bundle.about
    kept = references.read(settings.workspace / "references", entity, champion.name)
    if kept is not None:
        return kept
    as_of, version = datetime.fromisoformat(about["as_of"]), int(about["lake_version"])
    sample = summarise_frame(pd.read_parquet(champion.bundle.folder / "reference.parquet"))
    made = Reference(entity, champion.name, as_of, version, sample)
    with _trained_on(settings, entity, as_of, version) as folder:
        if folder is not None:
            side = _side(champion, folder, made, _sources(settings, entity, version), settings.budget)
            if not compared(entity, sample, side.summaries, as_of=as_of).moved:
                made = replace(made, summaries=side.summaries, sources=side.sources, best=side.best)
    references.keep(made, settings.folder("references"))
    return made


@contextmanager
def _trained_on(settings: Settings, entity: str, as_of: datetime, version: int) -> Iterator[Path | None]:
    """Folder of the profiles of everybody at a training: those stored, else built again from the lake as it was."""
    from features import profile_store

    stored = settings.workspace / "profiles" / entity / f"{as_of:%Y%m%dT%H%M%S}-v{version:08d}"
    if (stored / profile_store.HEADER).is_file():
        yield stored
        return
    population = _built(settings, entity, as_of, version)
    with tempfile.TemporaryDirectory() as scratch:
        yield None if population is None else profile_store.save(population, Path(scratch) / "profiles")


def _built(settings: Settings, entity: str, as_of: datetime, version: int) -> Profiles | None:
    """Profiles of a moment from one state of the lake; None where it has no such state, or no data of then."""
    from features.build import build
    from features.engine import Engine
    from features.lake import Lake

    lake = Lake(settings.lake_url)
    if not 0 < version <= lake.version:
        return None
    engine = Engine.open(lake, version, threads=settings.threads)
    try:
        return build(engine, entity, as_of, settings.min_peers)
    except Fault:
        return None
    finally:
        engine.close()


@dataclass(frozen=True)
class Side:
    """One side of a comparison."""

    summaries: Mapping[str, Summary]
    sample: pd.DataFrame
    """Rows for Evidently's page: about as many as it draws, by a hash of their ids."""
    sources: Mapping[str, Mapping[str, Summary]]
    """The entities of each source alone, all of them; their score as that of all."""
    best: tuple[float, ...] = ()
    """The highest scores, for each place in the queue one; of a sample, for as large a part of the places."""


def _sources(settings: Settings, entity: str, version: int) -> pd.Series[str] | None:
    """The source of each entity in one state of the lake; none where one source feeds them all."""
    from features.engine import Engine
    from features.lake import Lake
    from monitoring.sources import sources_of

    lake = Lake(settings.lake_url)
    if not 0 < version <= lake.version:
        return None
    engine = Engine.open(lake, version, threads=settings.threads)
    try:
        return sources_of(engine, entity)
    finally:
        engine.close()


def _by_source(about: Profiles, reference: Reference, side: Side) -> list[SourceDrift]:
    """The comparison again for the entities of each source alone, worst first."""
    from monitoring.comparison import Light, SourceDrift
    from monitoring.drift import compared

    found = []
    # One that sent something then and sends nothing now is told too.
    for source in {*reference.sources, *side.sources} if side.sources else ():
        then, now = reference.sources.get(source, {}), side.sources.get(source, {})
        one = compared(about.entity, then, now, as_of=about.as_of, model=reference.model)
        moved = tuple(row.column for row in one.moved)
        found.append(SourceDrift(source, one.light, one.told, moved, one.rows_then, one.rows_now))
    worst = (Light.RED, Light.AMBER, Light.GREY, Light.GREEN)
    return sorted(found, key=lambda one: (worst.index(one.light), one.source))


def expected(champion: Loaded, then: Sequence[float], now: Sequence[float]) -> tuple[float | None, float | None]:
    """Share of hits among those asked about first, by the scores then and now (estimated as by NannyML's CBPE)."""
    import numpy as np

    calibration, many = champion.bundle.calibration, min(len(then), len(now))
    if calibration is None or not many:
        return None, None

    def mean(best: Sequence[float]) -> float | None:
        told = calibration.probability(np.asarray(best[:many]))
        return None if told is None else float(told.mean())

    return mean(then), mean(now)


def _side(
    champion: Loaded,
    folder: Path,
    reference: Reference | None = None,
    source_of: pd.Series[str] | None = None,
    budget: int = 0,
) -> Side:
    """The columns that the model reads, and its score; profiles that lost a column have no score any more."""
    import pandas as pd

    from features import profile_batches
    from monitoring.cells import Counted
    from monitoring.comparison import SCORE
    from monitoring.drift import PAGE_ROWS
    from monitoring.scan import EVERYBODY, split, summarise_parts

    bundle, values = champion.bundle, [folder / "values.parquet"]
    edges = {} if reference is None else reference.edges
    edges_of = {} if reference is None else reference.edges_of
    sources = EVERYBODY
    if source_of is not None:
        largest = map(str, source_of.value_counts().index[:SOURCES])
        sources = split(values, "entity_id", source_of, list(dict.fromkeys([*largest, *edges_of])))
    summaries, apart = summarise_parts(values, sources, bundle.columns, edges, edges_of)
    whole = len(summaries) == len(bundle.columns)
    rows = max(profile_batches.rows(folder), 1)
    shown, places = PAGE_ROWS / rows, math.ceil(budget * min(1.0, SCORED / rows))
    best: list[float] = []
    kept, counted, of_each = [], Counted(), {name: Counted() for name in sources.names}
    for part in profile_batches.batches(folder, bundle.columns, SCORED):
        told = part.values
        if whole and len(told):
            score = bundle.score(part, explain=False).score
            told = told.assign(**{SCORE: score})
            counted.add(score)
            best = heapq.nlargest(places, [*best, *score.tolist()])
            sent = None if source_of is None else source_of.reindex(told.index).to_numpy()
            for name, one in of_each.items():
                one.add(score[sent == name])
        kept.append(told[profile_batches.drawn(told.index, shown)])
    if counted.n:
        summaries[SCORE] = counted.summary(edges.get(SCORE))
    for name, one in of_each.items():
        if one.n:
            apart[name][SCORE] = one.summary(edges_of.get(name, {}).get(SCORE))
    return Side(summaries, pd.concat(kept) if kept else pd.DataFrame(), apart, tuple(best))


def _a_year_before(
    settings: Settings, champion: Loaded, about: Profiles, reference: Reference, side: Side
) -> Mapping[str, Summary] | None:
    """Summaries of the same season a year before; None where the data do not reach back so far.

    Told from stored profiles. Where there are none and something has moved, they are made of the lake, point in time
    as ever, and stored for the comparisons to come; not for more than `SCORED` entities.
    """
    from features import profile_store
    from monitoring import references
    from monitoring.drift import compared

    root = settings.workspace / "profiles"
    folder = references.a_year_before(root / about.entity, about.as_of)
    entities = max((one.n for one in side.summaries.values()), default=0)
    if folder is None and entities <= SCORED:
        if not compared(about.entity, reference.summaries, side.summaries, as_of=about.as_of).moved:
            return None
        made = _built(settings, about.entity, about.as_of - references.YEAR, about.lake_version)
        folder = None if made is None else profile_store.save(made, profile_store.place(root, made))
    try:
        return None if folder is None else _side(champion, folder, reference).summaries
    except (Fault, OSError, ValueError):
        # Half-written or of another format: without it nothing is called a season.
        return None


def _nothing_to_hold_against(entity: str, as_of: datetime, rows: int, root: Path) -> Drift:
    from monitoring.comparison import keep
    from monitoring.drift import compared
    from monitoring.effect import Summary

    nobody = replace(Summary.of(()), n=rows, unknown=rows)
    return keep(compared(entity, {}, {"": nobody}, as_of=as_of), root)


def _stored(settings: Settings, entity: str, as_of: datetime | None) -> Path:
    """Folder of the profiles of now, brought up to date with the lake; those of `as_of` are made."""
    from features import profile_store
    from features.engine import Engine
    from features.lake import Lake
    from features.measures import entity as known_entity
    from serving.engine import profile

    kind, lake = known_entity(entity).kind, Lake(settings.lake_url)
    stored = profile_store.latest(settings.workspace / "profiles", kind)
    # By its name, without reading it: folders are called `<as-of>-v<lake version>`.
    if as_of is None and stored is not None and int(stored.name.rpartition("-v")[2]) >= lake.version:
        return stored
    engine = Engine.open(lake, threads=settings.threads)
    try:
        return profile_store.place(settings.folder("profiles"), profile(settings, engine, kind, as_of))
    finally:
        engine.close()
