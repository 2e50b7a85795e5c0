"""`gnomon drift`: how far profiles and scores moved from what the serving model was trained on."""

from __future__ import annotations

import sys
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from serving.commands.output import AsOfOption, Format, FormatOption, WorkspaceOption, emit, moment, settings_for

if TYPE_CHECKING:
    import pandas as pd

    from features.profiles import Profiles
    from gnomon.config import Settings
    from monitoring.comparison import ColumnDrift
    from serving.champions import Loaded


def register(app: typer.Typer) -> None:
    """Add the command to `gnomon`."""
    app.command()(drift)


def drift(
    entity: Annotated[str, typer.Argument(help="Kind of entity: institution, practitioner, supplier, tender, buyer.")],
    as_of: AsOfOption = None,
    workspace: WorkspaceOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Compare profiles and scores with the reference that the serving model was trained on.

    Without --as-of the newest stored profiles are compared. The figures and Evidently's page are kept under
    `<workspace>/drift/<entity>/<day>/`; having nothing to compare with is a state, not a fault.
    """
    from gnomon.progress import progress
    from monitoring.drift import compare
    from serving import champions

    settings = settings_for(workspace)
    profiles = _profiles(settings, entity, moment(as_of))
    champion = champions.fetched(settings, profiles.entity)
    model = "" if champion is None else champion.name
    reference, current = (None, profiles.values) if champion is None else _sides(champion, profiles)
    titles = {column.name: column.title for column in profiles.columns}
    with progress(f"{profiles.entity}: drift"):
        found = compare(
            profiles.entity,
            reference,
            current,
            settings.folder("drift"),
            as_of=profiles.as_of,
            model=model,
            titles=titles,
        )
    # A person reads what moved first; a program gets the columns in their own order.
    shown = sorted(found.columns, key=lambda row: row not in found.moved) if form is Format.TABLE else found.columns
    if shown or form is not Format.TABLE:
        emit([_row(row, form) for row in shown], form, settings.language)
    told = f"{profiles.entity} {profiles.as_of:%Y-%m-%d} {model or '-'} [{found.light}] "
    sys.stderr.write(told + found.told.said_in(settings.language) + "\n")
    if found.page is not None:
        sys.stderr.write(f"{found.page}\n")


def _sides(champion: Loaded, profiles: Profiles) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What the model was trained on, and the same columns now."""
    import pandas as pd

    bundle = champion.bundle
    reference = pd.read_parquet(bundle.folder / "reference.parquet")
    current = profiles.values[[name for name in bundle.columns if name in profiles.values]]
    if len(current.columns) == len(bundle.columns):
        # Profiles that lost a column cannot be scored: the column and the score are then told to be gone.
        current = current.assign(score=bundle.score(profiles, explain=False).score)
    return reference, current


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


def _row(row: ColumnDrift, form: Format) -> dict[str, Any]:
    told: dict[str, Any] = {
        "column": row.column,
        "title": row.title,
        "verdict": row.told if form is Format.TABLE else row.verdict.value,
        "because": ", ".join(row.because),
        "psi": row.psi,
        "distance": row.distance,
        "median_then": row.median_then,
        "median_now": row.median_now,
        "unknown_then": row.unknown_then,
        "unknown_now": row.unknown_now,
    }
    if form is Format.TABLE:
        return told
    chance = {"psi_chance": row.psi_chance, "distance_chance": row.distance_chance}
    return told | chance | {"n_then": row.n_then, "n_now": row.n_now}
