"""What training and the gate are given by commands and schedules alike: outcomes, and a candidate held to them."""

from __future__ import annotations

from datetime import datetime
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
    rows = of_rows(engine.frame(engine.table("label")), profiles.entity)
    return rows[rows["entity_id"].isin(profiles.ids)].reset_index(drop=True)


def gated(
    settings: Settings,
    profiles: Profiles,
    rows: pd.DataFrame | None,
    version: str | None,
    *,
    place: str = "label",
    until: datetime | None = None,
    move: bool = True,
) -> Verdict:
    """Hold a candidate (the newest when None) to the gate on outcomes known by `until`; `move` says whether to promote.

    `place` is where the outcomes come from, for faults.
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
    return registry.promote(settings, profiles.entity, profiles, known, version, move=move, weights=weights)
