"""Every detector keeps the contract: a matrix of detectors and checks."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from features.profiles import NO_NORM, Profiles
from training.bundle import Learned
from training.detectors import rarity
from training.detectors.boosting import Boosting, Recipe
from training.detectors.forest import Forest
from training.detectors.rarity import Rarity
from training.detectors.screens import Screens
from training.detectors.trees import tree_blocks

PLANTED, HARMLESS = "E000", "E001"
DETECTORS: dict[str, Callable[[], Learned]] = {
    "forest": lambda: Forest(trees=100),
    "boosting": lambda: Boosting(),
    "screens": lambda: Screens(),
    "rarity": lambda: Rarity(),
}
DIRECTED = ("forest", "screens", "rarity")


@pytest.fixture(scope="module", params=DETECTORS, ids=str)
def fitted(request: pytest.FixtureRequest, profiles: Profiles, labels: pd.Series) -> Learned:
    return DETECTORS[request.param]().fit(profiles, labels)


def shuffled(profiles: Profiles) -> Profiles:
    order = list(reversed(profiles.columns))
    names = [column.name for column in order]
    frames = {name: getattr(profiles, name)[names] for name in ("values", "deviations", "groups")}
    return replace(profiles, columns=tuple(order), **frames)


def with_null(profiles: Profiles, entity: str) -> Profiles:
    values, deviations, groups = profiles.values.copy(), profiles.deviations.copy(), profiles.groups.copy()
    values.loc[entity], deviations.loc[entity], groups.loc[entity] = np.nan, np.nan, NO_NORM
    return replace(profiles, values=values, deviations=deviations, groups=groups)


def test_column_order_does_not_matter(fitted: Learned, profiles: Profiles, labels: pd.Series) -> None:
    other = shuffled(profiles)
    assert fitted.score(other) == pytest.approx(fitted.score(profiles), abs=0)
    again = DETECTORS[fitted.name]().fit(other, labels)
    assert again.score(profiles) == pytest.approx(fitted.score(profiles), abs=1e-12)


def test_the_planted_outlier_ranks_first(fitted: Learned, profiles: Profiles) -> None:
    score = pd.Series(fitted.score(profiles), index=profiles.values.index)
    assert score.rank(ascending=False)[PLANTED] <= (1 if fitted.name in DIRECTED else 20)


def test_a_reloaded_detector_scores_and_explains_the_same(fitted: Learned, profiles: Profiles, tmp_path: Path) -> None:
    fitted.save(tmp_path)
    again = type(fitted).load(tmp_path)
    assert np.array_equal(again.score(profiles), fitted.score(profiles))
    pd.testing.assert_frame_equal(again.explain(profiles).by_column, fitted.explain(profiles).by_column)


def test_contributions_add_up_to_the_score(fitted: Learned, profiles: Profiles) -> None:
    why = fitted.explain(profiles)
    told = why.base + why.by_column.sum(axis=1)
    assert np.abs(told.to_numpy() - fitted.score(profiles)).max() < 1e-9
    assert list(why.by_column.index) == profiles.ids
    assert set(why.by_column.columns) <= {column.name for column in profiles.columns}


def test_knowing_nothing_is_never_unusual(fitted: Learned, profiles: Profiles) -> None:
    score = fitted.score(with_null(profiles, "E005"))
    assert score[5] <= np.quantile(score, 0.75)


def test_the_same_seed_gives_the_same_model(fitted: Learned, profiles: Profiles, labels: pd.Series) -> None:
    again = DETECTORS[fitted.name]().fit(profiles, labels)
    assert np.array_equal(again.score(profiles), fitted.score(profiles))


@pytest.mark.parametrize("name", DIRECTED)
def test_the_harmless_direction_raises_nothing(name: str, profiles: Profiles) -> None:
    fitted = DETECTORS[name]().fit(profiles)
    usual = replace(profiles, deviations=profiles.deviations.copy())
    usual.deviations.loc[HARMLESS, ["fund_paid", "fund_per_claim", "bid_variation", "beds"]] = 0.0
    place = profiles.ids.index(HARMLESS)
    assert fitted.score(profiles)[place] <= fitted.score(usual)[place]
    assert fitted.score(profiles)[place] < np.median(fitted.score(profiles))
    assert "beds" not in fitted.design.columns


@pytest.mark.parametrize("name", DIRECTED)
def test_higher_is_more_unusual(name: str, profiles: Profiles) -> None:
    fitted = DETECTORS[name]().fit(profiles)
    far = replace(profiles, deviations=profiles.deviations.copy())
    far.deviations.loc["E007", "fund_paid"] = 12.0
    assert fitted.score(far)[7] > fitted.score(profiles)[7]


def test_every_boosted_tree_sees_every_labelled_entity(profiles: Profiles, labels: pd.Series, tmp_path: Path) -> None:
    Boosting(recipes=(Recipe(20),)).fit(profiles, labels).save(tmp_path)
    told = tree_blocks((tmp_path / "boosting.txt").read_text(encoding="ascii"))
    roots = {line.split("=")[1].split()[0] for block in told for line in block.splitlines() if "internal_count" in line}
    assert roots == {str(int(labels.notna().sum()))}


def test_a_rarity_that_measured_distances_another_way_is_not_read(profiles: Profiles, tmp_path: Path) -> None:
    Rarity().fit(profiles).save(tmp_path)
    path = tmp_path / rarity.ABOUT
    about = json.loads(path.read_text(encoding="utf-8"))
    for told in (about | {"distances": "euclidean"}, {name: one for name, one in about.items() if name != "distances"}):
        path.write_text(json.dumps(told), encoding="utf-8")
        with pytest.raises((KeyError, ValueError)):
            Rarity.load(tmp_path)
