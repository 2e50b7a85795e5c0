"""Profiles as one flat table, `x` beside `x__z`: what leaves the house with a model and what it takes from outside."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import pandas as pd

from features.profiles import NO_NORM, ProfileColumn, Profiles
from gnomon.errors import Fault
from gnomon.terms import Direction, Text
from training.bundle import Scored

NORMS = ("column", "zh", "en", "n", "median", "scale", "low", "high")


def flat(profiles: Profiles, columns: Sequence[str]) -> pd.DataFrame:
    """Values and deviations of some columns side by side."""
    names = list(columns)
    deviations = profiles.deviations[names].rename(columns=lambda name: f"{name}__z")
    return pd.concat([profiles.values[names], deviations], axis=1).astype(float)


def profiles_of(rows: pd.DataFrame, entity: str, columns: Sequence[str], as_of: datetime) -> Profiles:
    """Profiles from a flat table; `Fault` where one of the columns, or its deviation, is not there: a score without
    it would look like any other. An empty cell is unknown."""
    given = list(columns)
    lacking = [name for one in given for name in (one, f"{one}__z") if name not in rows.columns]
    if lacking:
        raise Fault("training.design.lacks_columns", place=entity, columns=", ".join(lacking[:5]), count=len(lacking))
    values = rows[given].astype(float)
    deviations = rows[[f"{name}__z" for name in given]].astype(float).set_axis(given, axis=1)
    told = tuple(ProfileColumn(name, name, "", Text(name, name), "", Direction.BOTH) for name in given)
    groups = pd.DataFrame(NO_NORM, index=rows.index, columns=given, dtype="int32")
    return Profiles(
        entity, as_of, 0, told, values, deviations, groups, pd.DataFrame(columns=list(NORMS)),
        pd.DataFrame(index=rows.index),
    )  # fmt: skip


def scored_rows(scored: Scored) -> pd.DataFrame:
    """Score, percentile, base and contributions (`why__x`) as one table."""
    told = pd.DataFrame(
        {"score": scored.score, "percentile": scored.percentile, "base": scored.base}, index=scored.contributions.index
    )
    return pd.concat([told, scored.contributions.rename(columns=lambda name: f"why__{name}")], axis=1)
