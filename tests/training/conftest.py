"""Synthetic profiles: one peer group, measures of every direction, a planted outlier and labels that follow a rule."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest

from features.profiles import ProfileColumn, Profiles
from gnomon.terms import Direction, Text

AS_OF = datetime(2025, 6, 30, tzinfo=UTC)
COLUMNS = (
    ("fund_paid", "CNY", Direction.HIGH),
    ("fund_per_claim", "CNY", Direction.HIGH),
    ("bid_variation", "x", Direction.LOW),
    ("night_share", "%", Direction.BOTH),
    ("beds", "", Direction.NONE),
)
PLANTED = "E000"
HARMLESS = "E001"


def profiles_from(values: pd.DataFrame, columns: tuple[ProfileColumn, ...], entity: str = "institution") -> Profiles:
    """Profiles whose deviations come from the values' own median and MAD, in two peer groups that differ in level."""
    ids = values.index
    half = np.arange(len(ids)) % 2
    norms, deviations, groups = [], values.copy(), pd.DataFrame(0, index=ids, columns=values.columns, dtype="int32")
    for name in values.columns:
        for group in (0, 1):
            own = values[name][half == group]
            median = float(own.median())
            scale = float((own - median).abs().median() * 1.4826) or 1.0
            deviations.loc[half == group, name] = (own - median) / scale
            groups.loc[half == group, name] = np.int32(len(norms))
            norms.append(
                (name, "甲", "A", len(own), median, scale, float(own.quantile(0.05)), float(own.quantile(0.95)))
            )
    frame = pd.DataFrame(norms, columns=["column", "zh", "en", "n", "median", "scale", "low", "high"])
    attributes = pd.DataFrame({"name": list(ids), "level": half.astype(str)}, index=ids)
    return Profiles(entity, AS_OF, 3, columns, values, deviations, groups, frame, attributes)


@pytest.fixture(scope="session")
def made() -> Callable[..., Profiles]:
    """Makes profiles: `E000` is planted far out on the suspicious side, `E001` just as far on the harmless one."""

    def make(count: int = 400, seed: int = 0, holes: float = 0.05) -> Profiles:
        rng = np.random.default_rng(seed)
        names = [name for name, _, _ in COLUMNS]
        ids = pd.Index([f"E{number:03d}" for number in range(count)], name="entity_id")
        values = pd.DataFrame(rng.normal(10.0, 1.0, (count, len(names))), index=ids, columns=names)
        values = values.mask(rng.random(values.shape) < holes)
        values.loc[PLANTED] = [30.0, 30.0, -10.0, 30.0, 10.0]
        values.loc[HARMLESS] = [-10.0, -10.0, 30.0, 10.0, 90.0]
        columns = tuple(ProfileColumn(name, name, "", Text(name, name), unit, way) for name, unit, way in COLUMNS)
        return profiles_from(values, columns)

    return make


@pytest.fixture(scope="session")
def profiles(made: Callable[..., Profiles]) -> Profiles:
    """400 synthetic institutions."""
    return made()


@pytest.fixture(scope="session")
def labels(profiles: Profiles) -> pd.Series:
    """A quarter is confirmed: those with much money a claim and little variation; a tenth was never looked at."""
    rng = np.random.default_rng(1)
    drive = profiles.values["fund_per_claim"].fillna(10.0) - profiles.values["bid_variation"].fillna(10.0)
    noisy = drive + rng.normal(0.0, 0.7, len(drive))
    target = (noisy > noisy.quantile(0.75)).astype(float)
    return target.mask(rng.random(len(target)) < 0.1)
