"""Profiles: all measures of all entities of one kind at one as-of date, each beside the norm of its peers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from gnomon.terms import Direction, Norm, Text

if TYPE_CHECKING:
    from features.norms import Priors

NO_NORM = -1
"""In `Profiles.groups`: no norm speaks about this value."""


@dataclass(frozen=True, slots=True)
class ProfileColumn:
    """One column of a profile: a measure over one window."""

    name: str
    """Measure and window, `fund_paid_365d`; the all-time window adds nothing to the measure's name."""
    measure: str
    window: str
    title: Text
    unit: str
    suspicious: Direction


@dataclass(frozen=True)
class Profiles:
    """The profile table of one kind of entity. All frames share the index `entity_id` and its order."""

    entity: str
    as_of: datetime
    lake_version: int
    columns: tuple[ProfileColumn, ...]
    values: pd.DataFrame
    """float64, one column per `ProfileColumn`; NaN is unknown."""
    deviations: pd.DataFrame
    """Robust z of each value among its peers, itself left out; NaN where the norm is silent."""
    groups: pd.DataFrame
    """int32 row number in `norms` of the norm used for each value; `NO_NORM` where there is none."""
    norms: pd.DataFrame
    """One row per column and peer group: column, zh, en, n, median, scale, low, high."""
    attributes: pd.DataFrame
    """`name` and what peer groups are made of (level, region …), as strings; null where unknown."""
    missing: Mapping[str, Text] = field(default_factory=dict)
    """Columns that are not applicable to anyone here, and why."""
    centers: pd.DataFrame | None = None
    """Median of the peers without the entity, on the scale of the deviations; NaN, or None for all, where
    an entity took no part in the norms."""
    spreads: pd.DataFrame | None = None
    """Robust spread of the peers without the entity, on that scale."""
    trials: pd.DataFrame | None = None
    """Of each rate, of how many trials it is (`features.rates`); None in profiles stored before rates were drawn."""

    @property
    def ids(self) -> list[str]:
        """Entity ids in order."""
        return [str(one) for one in self.values.index]

    def column(self, name: str) -> ProfileColumn:
        """The declaration of one column; `KeyError` when there is none."""
        return self._by_name[name]

    @cached_property
    def _by_name(self) -> dict[str, ProfileColumn]:
        return {column.name: column for column in self.columns}

    def norm(self, entity_id: str, column: str) -> Norm | None:
        """The norm that this entity's value was held against; `n` counts the peers without itself."""
        number = int(self.groups[column].to_numpy()[self.groups.index.get_loc(entity_id)])
        if number == NO_NORM:
            return None
        row = self.norms.iloc[number]
        group = Text(str(row["zh"]), str(row["en"]))
        return Norm(
            group,
            int(row["n"]) - int(self._itself(column)[self.groups.index.get_loc(entity_id)]),
            *(float(row[k]) for k in ("median", "scale", "low", "high")),
        )

    def drawn(self, entity_id: str, column: str) -> tuple[float, float] | None:
        """Of a rate: its trials, and what it counts as beside its peers (`features.rates`); None for anything else."""
        from features.rates import not_beyond

        if self.trials is None or column not in self.trials:
            return None
        at = self.groups.index.get_indexer(pd.Index([entity_id]))
        group = self.groups[column].to_numpy()[at]
        if group[0] == NO_NORM or column not in self._priors.columns:
            return None
        x, n = (frame[column].to_numpy(float)[at] for frame in (self.values, self.trials))
        itself = bool(self._itself(column)[at[0]])
        center = self.centers[column].to_numpy(float)[at] if self.centers is not None and itself else np.array([np.nan])
        if np.isnan(center[0]) and "center" in self.norms:
            center = self.norms["center"].to_numpy(float)[group]
        drawn = self._priors.drawn(column, x, n, group, (x, n) if itself else None)
        return float(n[0]), float(drawn[0] if np.isnan(center[0]) else not_beyond(drawn, x, center)[0])

    @cached_property
    def _priors(self) -> Priors:
        from features.norms import Priors

        return Priors(self.norms)

    def select(self, entity_ids: Sequence[str]) -> Profiles:
        """The same profiles for some entities, in the order asked for."""
        order = list(entity_ids)
        frames = {name: getattr(self, name).loc[order] for name in ("values", "deviations", "groups", "attributes")}
        for name in ("centers", "spreads", "trials"):
            if getattr(self, name) is not None:
                frames[name] = getattr(self, name).loc[order]
        return replace(self, **frames)

    def _itself(self, column: str) -> npt.NDArray[np.float64]:
        """1 for each entity that is among the peers that the stored norms of the column count."""
        if self.centers is None:
            return np.zeros(len(self.values))
        return self.centers[column].notna().to_numpy().astype(np.float64)

    def wide(self) -> pd.DataFrame:
        """Value, deviation and norm side by side: what warning models read.

        Columns: `x` (value), `x__z` (deviation), `x__median` and `x__n` (its norm; the peers without itself),
        and every peer attribute.
        """
        parts = {column.name: self.values[column.name] for column in self.columns}
        medians = np.append(self.norms["median"].to_numpy(float), np.nan)
        counts = np.append(self.norms["n"].to_numpy(float), np.nan)
        for column in self.columns:
            # NO_NORM is -1, which is the appended NaN: no norm, no median.
            numbers = self.groups[column.name].to_numpy()
            parts[f"{column.name}__z"] = self.deviations[column.name]
            parts[f"{column.name}__median"] = pd.Series(medians[numbers], index=self.values.index)
            parts[f"{column.name}__n"] = pd.Series(counts[numbers] - self._itself(column.name), index=self.values.index)
        return pd.concat([pd.DataFrame(parts, index=self.values.index), self.attributes], axis=1)
