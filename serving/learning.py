"""What training and the gate are given by commands and schedules alike: outcomes, and a candidate held to them."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from gnomon.config import Settings

if TYPE_CHECKING:
    import pandas as pd

    from features.engine import Engine
    from features.profiles import Profiles
    from training.gate import Verdict


def outcomes(engine: Engine, profiles: Profiles) -> pd.DataFrame | None:
    """Outcomes of the lake's label table about entities that have profiles; None where there is no such table.

    A case about an entity that has left the data teaches nothing here and is no fault of whoever trains.
    """
    from training.dataset import of_rows

    if not engine.has("label"):
        return None
    rows = as_read(engine, profiles, of_rows(engine.frame(engine.table("label")), profiles.entity))
    return rows[rows["entity_id"].isin(profiles.ids)].reset_index(drop=True)


def from_file(engine: Engine, profiles: Profiles, path: Path) -> pd.DataFrame:
    """Outcomes of a CSV file; see `training.dataset.read_labels`."""
    from training.dataset import read_labels

    return as_read(engine, profiles, read_labels(path, profiles.entity, profiles.ids))


def as_read(engine: Engine, profiles: Profiles, rows: pd.DataFrame) -> pd.DataFrame:
    """Outcomes under the entities that the engine's lake version reads their records as.

    A label keeps naming the record that was judged. Whether that record is one with another is said by the links of a
    lake version, so what a run learned from is found again at its version.
    """
    from features.identity import Links

    links = Links.read_by(engine)
    if not links:
        return rows
    known = frozenset(profiles.ids)
    return rows.assign(entity_id=[links.named(one, known) for one in rows["entity_id"]])


def gated(
    settings: Settings,
    profiles: Profiles,
    rows: pd.DataFrame | None,
    version: str | None,
    *,
    place: str = "label",
    until: datetime | None = None,
    move: bool = True,
    although: str = "",
) -> Verdict:
    """Hold a candidate (the newest when None) to the gate on outcomes known by `until`; `move` says whether to promote.

    `place` is where the outcomes come from, for faults; `although` is why somebody promotes what ranks lower.
    """
    from training import registry
    from training.dataset import known_by, labels_for
    from training.outcomes import ripe
    from training.sampling import standing_for

    known = weights = None
    if rows is not None:
        rows = ripe(rows, None, settings.label_delay)
        known = labels_for(profiles, rows, place, until)
        weights = standing_for(known_by(rows, until), profiles.values.index)
    return registry.promote(
        settings, profiles.entity, profiles, known, version, move=move, weights=weights,
        drifted=drifted(settings, profiles.entity), although=although,
    )  # fmt: skip


def drifted(settings: Settings, entity: str) -> bool:
    """Whether the world has changed under the serving model: its drift stands, and is no fault of the data."""
    from monitoring.standing import Why, history, standing, turn
    from training import registry

    serving = registry.champion(entity, settings)
    if serving is None:
        return False
    name = f"{registry.registered(entity)}/{serving.version}"
    stands = standing(history(settings.workspace / "drift", entity))
    return turn([one for one in stands if one.model == name]) is Why.MODEL
