"""From profiles to the matrix a model reads: which profile columns, in which parts, and how parts are told again.

No identifier and no calendar date is ever a feature: a model that knows when or who learns the case list by heart.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.profiles import NO_NORM, ProfileColumn, Profiles
from gnomon.errors import Fault
from gnomon.terms import Direction

Floats = npt.NDArray[np.float64]
Part = Literal["value", "deviation", "up", "down", "either"]

_FORBIDDEN_UNITS = frozenset({"id", "code", "date", "datetime", "timestamp", "year", "month_of_year", "epoch"})
_FORBIDDEN_NAME = re.compile(r"(^|_)(id|ids|date|datetime|timestamp|epoch|year|month|at)$")
_CALENDARS = frozenset({"winner_prior_bids", "prior_bids_mean", "pairs_met_mean"})
"""Counts over all earlier time only ever grow: they tell the date. People read them, models do not."""


@dataclass(frozen=True, slots=True)
class Feature:
    """One column of a design matrix: a part of a profile column."""

    column: str
    part: Part

    @property
    def name(self) -> str:
        """`fund_paid_365d:deviation`."""
        return f"{self.column}:{self.part}"


@dataclass(frozen=True)
class Design:
    """The features of a model, in the order in which the model reads them."""

    features: tuple[Feature, ...]

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """Profile columns that are read, each once."""
        return tuple(dict.fromkeys(feature.column for feature in self.features))

    def matrix(self, profiles: Profiles) -> Floats:
        """Rows × features, float64; NaN is unknown. Raises `Fault` for missing columns and infinite values."""
        values, deviations = require(profiles, self.columns)
        places = {column: number for number, column in enumerate(self.columns)}
        made = np.empty((len(values), len(self.features)))
        for number, feature in enumerate(self.features):
            made[:, number] = _part(values, deviations, places[feature.column], feature.part)
        return made

    def told(self, by_feature: Floats, profiles: Profiles) -> pd.DataFrame:
        """Contributions summed over the parts of each profile column; index entity_id."""
        places = {column: number for number, column in enumerate(self.columns)}
        out = np.zeros((len(by_feature), len(places)))
        for number, feature in enumerate(self.features):
            out[:, places[feature.column]] += by_feature[:, number]
        return pd.DataFrame(out, index=profiles.values.index, columns=list(places))

    def as_list(self) -> list[list[str]]:
        """Plain JSON values; `of` reads them back."""
        return [[feature.column, feature.part] for feature in self.features]

    @classmethod
    def of(cls, told: Sequence[Sequence[Any]]) -> Self:
        """The design that `as_list` wrote."""
        return cls(tuple(Feature(str(column), part) for column, part in told))


def directed(profiles: Profiles) -> Design:
    """Deviations on the suspicious side only, compressed: what the unsupervised detector reads."""
    sides: dict[Direction, tuple[Part, ...]] = {
        Direction.HIGH: ("up",),
        Direction.LOW: ("down",),
        Direction.BOTH: ("either",),
        Direction.NONE: (),
    }
    deviating = profiles.deviations.abs().gt(0).any()
    return Design(
        tuple(
            Feature(column.name, side)
            for column in usable(profiles)
            if deviating[column.name]
            for side in sides[column.suspicious]
        )
    )


def full(profiles: Profiles) -> Design:
    """Values and deviations of every column that varies: what the supervised detector reads."""
    features: list[Feature] = []
    for column in usable(profiles):
        features.append(Feature(column.name, "value"))
        # Against one norm for all, the deviation ranks entities just as the value does: it would only be a twin.
        groups = profiles.groups[column.name]
        if groups[groups != NO_NORM].nunique() > 1 and profiles.deviations[column.name].notna().any():
            features.append(Feature(column.name, "deviation"))
    return Design(tuple(features))


def usable(profiles: Profiles) -> tuple[ProfileColumn, ...]:
    """Columns that tell entities apart, by name; constant and all-null ones do not. Raises on an id or a date."""
    for column in profiles.columns:
        if column.unit in _FORBIDDEN_UNITS or _FORBIDDEN_NAME.search(column.measure):
            raise ValueError(f"{column.name}: an identifier or a calendar date is no feature")
    varies = profiles.values.nunique(dropna=False) > 1
    kept = (column for column in profiles.columns if varies[column.name] and column.measure not in _CALENDARS)
    return tuple(sorted(kept, key=lambda column: column.name))


def require(profiles: Profiles, columns: Sequence[str]) -> tuple[Floats, Floats]:
    """Values and deviations (rows × columns); `Fault` when a profile lacks one of them or holds an infinite value."""
    places = profiles.values.columns.get_indexer(pd.Index(columns))
    if (places < 0).any():
        lacking = [column for column, place in zip(columns, places, strict=True) if place < 0]
        raise Fault(
            "training.design.lacks_columns", place=profiles.entity, columns=", ".join(lacking[:5]), count=len(lacking)
        )
    read = []
    for frame in (profiles.values, profiles.deviations):
        found = frame.to_numpy(float)[:, frame.columns.get_indexer(pd.Index(columns))]
        endless = np.isinf(found)
        if endless.any():
            row, number = (int(one[0]) for one in np.nonzero(endless))
            raise Fault(
                "training.design.infinite",
                place=f"{profiles.entity} {frame.index[row]}",
                column=columns[number],
                count=int(endless.sum()),
            )
        read.append(found)
    return read[0], read[1]


def _part(values: Floats, deviations: Floats, column: int, part: Part) -> Floats:
    if part == "value":
        return values[:, column]
    deviation = deviations[:, column]
    if part == "deviation":
        return deviation
    # Unknown is zero here, the middle of the peers: it must never be what sets somebody apart.
    known = np.nan_to_num(deviation, nan=0.0)
    if part == "either":
        return np.asarray(np.arcsinh(known), dtype=float)
    side = known if part == "up" else -known
    return np.asarray(np.log1p(np.maximum(side, 0.0)), dtype=float)
