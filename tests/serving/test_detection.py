"""Learned findings: unusual in size alone raises nothing, and honest procedures are excused by the catalogue."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from catalogue import load
from features.profiles import ProfileColumn, Profiles
from gnomon.terms import Direction, Text
from serving.champions import Loaded
from serving.detection import learned_findings
from training import bundle
from training.bundle import Champion
from training.detectors.forest import Forest
from training.threshold import Aim

SIZES = ("fund_paid", "stays_count", "bed_days")
RATES = ("rx_times_norm", "night_share", "fund_per_claim")
OTHERS = ("claims_count", "patients", "stay_days_mean", "no_care_day_share")
"""What the entry asks about before anybody is warned about, the same for all here."""


@pytest.fixture(scope="module")
def profiles() -> Profiles:
    """Three hundred hospitals; `large` towers in size, `odd` in rates, `care` keeps patients for months and cares."""
    names = [*SIZES, *RATES, *OTHERS]
    ids = pd.Index(["large", "odd", "care", *(f"H{n}" for n in range(297))], name="entity_id")
    values = pd.DataFrame(np.random.default_rng(0).normal(size=(300, len(names))), index=ids, columns=names)
    values[list(OTHERS)] = (500.0, 200.0, 8.0, 0.0)
    values.loc["large", list(SIZES)] = 12.0
    values.loc[["odd", "care"], list(RATES)] = 12.0
    values.loc["care", "stay_days_mean"] = 90.0
    deviations = values.mask(values.columns.isin(OTHERS)[None, :].repeat(300, axis=0), 0.0)
    columns = tuple(ProfileColumn(name, name, "", Text(name, name), "", Direction.HIGH) for name in names)
    groups = pd.DataFrame(0, index=ids, columns=names, dtype="int32")
    norms = pd.DataFrame(
        [["x", "全部", "all", 300, 0.0, 1.0, -2.0, 2.0]],
        columns=["column", "zh", "en", "n", "median", "scale", "low", "high"],
    )
    attributes = pd.DataFrame({"name": ids}, index=ids)
    as_of = datetime(2025, 1, 1, tzinfo=UTC)
    return Profiles("institution", as_of, 1, columns, values, deviations, groups, norms, attributes)


@pytest.fixture(scope="module")
def champion(profiles: Profiles, tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    forest = Forest(seed=0, threads=1).fit(profiles)
    folder: Path = tmp_path_factory.mktemp("champion") / "1"
    scores = {"forest": forest.score(profiles)}
    bundle.write(folder, "institution", {"forest": forest}, "forest", scores, {"columns": list(forest.design.columns)})
    return Loaded(Champion("institution", "1", "run", folder), bundle.Bundle.load(folder))


def test_being_large_raises_nothing_and_makes_room_for_who_comes_next(profiles: Profiles, champion: Loaded) -> None:
    scores = pd.Series(champion.bundle.score(profiles, explain=False).score, profiles.values.index)
    assert "large" in scores.nlargest(5).index, "the forest itself does find it unusual"
    model = load.load()["med-institution-composite"]
    asked = learned_findings(model, champion, profiles, Aim(budget=3))
    ids = [one.entity_id for one in asked.findings]
    assert "odd" in ids
    assert "large" not in ids
    assert len(ids) == 3, "others take the place"
    assert asked.large >= 1
    assert (asked.excused, "care" in ids) == (1, False), "a month's stay with daily care is excused by the catalogue"
