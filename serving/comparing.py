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

    from monitoring.comparison import Drift
    from monitoring.effect import Summary
    from monitoring.references import Reference
    from serving.champions import Loaded

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
        side = _side(champion, stored, reference.edges)
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
    if (trained_on / profile_store.HEADER).is_file():
        summaries |= _side(champion, trained_on).summaries
    made = Reference(entity, champion.name, as_of, int(about["lake_version"]), summaries)
    references.keep(made, settings.folder("references"))
    return made


@dataclass(frozen=True)
class Side:
    """One side of a comparison."""

    summaries: Mapping[str, Summary]
    sample: pd.DataFrame
    """Rows for Evidently's page: at most as many as it draws, from all over the profiles."""


def _side(champion: Loaded, folder: Path, edges: Mapping[str, Sequence[float]] | None = None) -> Side:
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
    for part in profile_batches.batches(folder, bundle.columns, SCORED):
        values = part.values
        if whole and len(values):
            score = bundle.score(part, explain=False).score
            counted.add(score)
            values = values.assign(**{SCORE: score})
        kept.append(values[draw.random(len(values)) < share])
    if whole and counted.n:
        under = None if edges is None or SCORE not in edges else tuple(edges[SCORE])
        summaries = {**summaries, SCORE: counted.summary(under)}
    return Side(summaries, pd.concat(kept).head(PAGE_ROWS) if kept else pd.DataFrame())


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
