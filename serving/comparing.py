"""The newest profiles beside what the serving model was trained on, and beside the same season a year before.

Profiles are read from the store part by part: what is held at once does not grow with the number of entities.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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

SOURCES, OF_EACH = 8, 20_000
"""Sources that are looked at by themselves, those with most entities first, and entities of each at most."""
SCORED = 1_000_000
"""Entities that are scored to tell how the score moved; of more, so many are taken from all over the profiles."""


def compare_now(settings: Settings, entity: str, as_of: datetime | None = None) -> Drift:
    """Compare the newest profiles (of `as_of` when given) with the champion's reference, and keep what was found."""
    import pandas as pd

    from features import profile_batches
    from gnomon import tracing
    from monitoring import references
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
        before = references.a_year_before(settings.workspace / "profiles" / about.entity, about.as_of)
        side = _side(champion, stored, reference.edges, _split(settings, about.entity, about.lake_version))
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
            season=None if before is None else _season(champion, before, reference.edges),
            sources=_by_source(about, reference, side),
        )
        step.tell(model=found.model, light=str(found.light), rows=found.rows_now, columns=len(found.columns))
        return found


def reference_of(settings: Settings, champion: Loaded) -> Reference:
    """The champion's reference as summaries: as kept, else made of the profiles that it was trained on.

    Where those are no longer stored, the sample in its bundle stands in for them.
    """
    import pandas as pd

    from features import profile_store
    from monitoring import references
    from monitoring.references import Reference
    from monitoring.scan import summarise_frame

    entity, about = champion.bundle.entity, champion.bundle.about
    kept = references.read(settings.workspace / "references", entity, champion.name)
    if kept is not None:
        return kept
    as_of = datetime.fromisoformat(about["as_of"])
    summaries = summarise_frame(pd.read_parquet(champion.bundle.folder / "reference.parquet"))
    stored = f"{as_of:%Y%m%dT%H%M%S}-v{int(about['lake_version']):08d}"
    trained_on = settings.workspace / "profiles" / entity / stored
    sources: dict[str, dict[str, Summary]] = {}
    if (trained_on / profile_store.HEADER).is_file():
        side = _side(champion, trained_on, split=_split(settings, entity, int(about["lake_version"])))
        summaries |= side.summaries
        sources = {source: summarise_frame(part) for source, part in side.sources.items()}
    made = Reference(entity, champion.name, as_of, int(about["lake_version"]), summaries, sources)
    references.keep(made, settings.folder("references"))
    return made


@dataclass(frozen=True)
class Side:
    """One side of a comparison."""

    summaries: Mapping[str, Summary]
    sample: pd.DataFrame
    """Rows for Evidently's page: at most as many as it draws, from all over the profiles."""
    sources: Mapping[str, pd.DataFrame]
    """Rows of each source."""


def _split(settings: Settings, entity: str, version: int) -> pd.Series[str] | None:
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
    from monitoring.scan import summarise_frame

    found = []
    # One that sent something then and sends nothing now is told too.
    for source in {*reference.sources, *side.sources} if side.sources else ():
        then, rows = reference.sources.get(source, {}), side.sources.get(source)
        now = {} if rows is None else summarise_frame(rows, {name: one.edges for name, one in then.items()})
        one = compared(about.entity, then, now, as_of=about.as_of, model=reference.model)
        moved = tuple(row.column for row in one.moved)
        found.append(SourceDrift(source, one.light, one.told, moved, one.rows_then, one.rows_now))
    worst = (Light.RED, Light.AMBER, Light.GREY, Light.GREEN)
    return sorted(found, key=lambda one: (worst.index(one.light), one.source))


def _side(
    champion: Loaded,
    folder: Path,
    edges: Mapping[str, Sequence[float]] | None = None,
    split: pd.Series[str] | None = None,
) -> Side:
    """The columns that the model reads, and its score; profiles that lost a column have no score any more."""
    import numpy as np
    import pandas as pd

    from features import profile_batches
    from monitoring.cells import Counted
    from monitoring.comparison import SCORE
    from monitoring.drift import PAGE_ROWS, SEED
    from monitoring.scan import summarise

    bundle = champion.bundle
    summaries = summarise([folder / "values.parquet"], bundle.columns, edges)
    whole = len(summaries) == len(bundle.columns)
    rows = min(profile_batches.rows(folder), SCORED)
    draw, share = np.random.default_rng(SEED), min(1.0, PAGE_ROWS / max(rows, 1))
    counted, kept = Counted(), []
    largest = [] if split is None else list(split.value_counts().index[:SOURCES])
    of_each: dict[str, list[pd.DataFrame]] = {str(source): [] for source in largest}
    for part in profile_batches.batches(folder, bundle.columns, SCORED):
        values = part.values
        if whole and len(values):
            score = bundle.score(part, explain=False).score
            counted.add(score)
            values = values.assign(**{SCORE: score})
        kept.append(values[draw.random(len(values)) < share])
        sent = None if split is None else split.reindex(values.index).to_numpy()
        for source, parts in of_each.items():
            if sum(map(len, parts)) < OF_EACH:
                parts.append(values.iloc[np.flatnonzero(sent == source)])
    if whole and counted.n:
        under = None if edges is None or SCORE not in edges else tuple(edges[SCORE])
        summaries = {**summaries, SCORE: counted.summary(under)}
    sample = pd.concat(kept).head(PAGE_ROWS) if kept else pd.DataFrame()
    return Side(
        summaries, sample, {source: pd.concat(parts).head(OF_EACH) for source, parts in of_each.items() if parts}
    )


def _season(champion: Loaded, folder: Path, edges: Mapping[str, Sequence[float]]) -> Mapping[str, Summary] | None:
    try:
        return _side(champion, folder, edges).summaries
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
    """Folder of the newest profiles; those of `as_of`, and the first ones of all, are made."""
    from features import profile_store
    from features.engine import Engine
    from features.lake import Lake
    from features.measures import entity as known_entity
    from serving.engine import profile

    kind = known_entity(entity).kind
    stored = profile_store.latest(settings.workspace / "profiles", kind)
    if as_of is None and stored is not None:
        return stored
    engine = Engine.open(Lake(settings.lake_url), threads=settings.threads)
    try:
        return profile_store.place(settings.folder("profiles"), profile(settings, engine, kind, as_of))
    finally:
        engine.close()
