"""Profiles as one flat table, `x` beside `x__z`: what leaves the house with a model and what it takes from outside."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import numpy as np
import pandas as pd

from features.profiles import NO_NORM, ProfileColumn, Profiles
from gnomon.terms import Direction, Text
from training.bundle import Scored

NORMS = ("column", "zh", "en", "n", "median", "scale", "low", "high")


def flat(profiles: Profiles, columns: Sequence[str]) -> pd.DataFrame:
    """Values and deviations of some columns side by side."""
    names = list(columns)
    deviations = profiles.deviations[names].rename(columns=lambda name: f"{name}__z")
    return pd.concat([profiles.values[names], deviations], axis=1).astype(float)


def profiles_of(rows: pd.DataFrame, entity: str, columns: Sequence[str], as_of: datetime) -> Profiles:
    """Profiles from a flat table; a deviation that is not given is unknown, a column that is not given is missing."""
    given = [name for name in columns if name in rows.columns]
    values = rows[given].astype(float)
    deviations = pd.DataFrame(
        {name: rows[f"{name}__z"].astype(float) if f"{name}__z" in rows else np.nan for name in given}, index=rows.index
    )
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
