"""On the sample city, what is asked about by a limit on false discoveries keeps to it, over many splits."""

from __future__ import annotations

import csv
import sys

import numpy as np
import pytest

from features.build import build
from features.engine import Engine
from features.ingest import ingest
from features.lake import Lake
from features.mapping import load, straight
from features.profiles import Profiles
from features.samplecity import make_city
from training.calibration import p_values
from training.detectors.forest import Forest
from training.threshold import benjamini_hochberg

pytestmark = pytest.mark.slow
SEEDS = 50
LEVELS = (0.1, 0.2)
TABLES = {"tender", "bid", "award", "organization", "contact_point", "position", "org_interest", "policy_threshold"}


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> tuple[Profiles, np.ndarray]:
    """Tenders of the sample city, and which of them were planted."""
    folder = tmp_path_factory.mktemp("city")
    sample = make_city(folder / "city")
    lake = Lake(str(folder / "lake"))
    for table, path in sample.files("history").items():
        if table in TABLES:
            mapping = sample.mapping(table)
            ingest([str(path)], load(str(mapping)) if mapping else straight(table), lake, folder / "refused", b"k" * 32)
    with (sample.truth / "truth.csv").open(encoding="utf-8", newline="") as file:
        planted = {row["entity_id"] for row in csv.DictReader(file) if row["entity_kind"] == "tender"}
    profiles = build(Engine.open(lake), "tender")
    return profiles, np.array([one in planted for one in profiles.ids])


@pytest.mark.parametrize("cleared", [True, False], ids=["cleared reference", "everybody as reference"])
def test_the_realised_rate_stays_at_or_under_the_nominal_one(city: tuple[Profiles, np.ndarray], cleared: bool) -> None:
    profiles, planted = city
    ids = np.asarray(profiles.ids)
    false: dict[float, list[float]] = {level: [] for level in LEVELS}
    found: dict[float, list[float]] = {level: [] for level in LEVELS}
    for seed in range(SEEDS):
        part = np.random.default_rng(seed).integers(0, 3, len(ids))
        known = ~planted if cleared else np.ones(len(ids), dtype=bool)
        forest = Forest(trees=100, seed=seed).fit(profiles.select(ids[(part == 0) & known].tolist()))
        reference = forest.score(profiles.select(ids[(part == 1) & known].tolist()))
        score = forest.score(profiles.select(ids[part == 2].tolist()))
        guilty = planted[part == 2]
        for level in LEVELS:
            fires = benjamini_hochberg(p_values(reference, score), level)
            false[level].append(float((~guilty[fires]).mean()) if fires.any() else 0.0)
            found[level].append(float(fires[guilty].mean()))
    for level in LEVELS:
        sys.stdout.write(f"{level}: false {np.mean(false[level]):.3f}, found {np.mean(found[level]):.3f}\n")
        assert np.mean(false[level]) <= level
        # Whoever was cleared shows what honest ones look like; among everybody the guilty hide one another.
        assert not cleared or np.mean(found[level]) > 0.2
