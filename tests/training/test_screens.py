"""Declared screens: regularity raises, competition does not, and few labels lean on them without breaking the sum."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from features.profiles import ProfileColumn, Profiles
from gnomon.terms import Direction, Text
from tests.training.conftest import profiles_from
from training.detectors.boosting import Boosting
from training.detectors.screens import DECLARED, Screens, heard, taught
from training.detectors.tail import Tail
from training.detectors.twins import bundles, one_of_each

COLUMNS = ("bid_cv", "losing_cv", "market_cv", "closest_four_spread", "lowest_bid", "winner_rank")
COUNT = 120


@pytest.fixture(scope="module")
def tenders() -> Profiles:
    rng = np.random.default_rng(3)
    ids = pd.Index([f"T{number:03d}" for number in range(COUNT)], name="entity_id")
    values = pd.DataFrame(rng.lognormal(0.0, 0.5, (COUNT, len(COLUMNS))), index=ids, columns=list(COLUMNS))
    values.iloc[:30, :4] *= 0.3
    sides = [Direction.LOW] * 4 + [Direction.NONE, Direction.HIGH]
    told = tuple(
        ProfileColumn(name, name, "", Text(name, name), "x", side) for name, side in zip(COLUMNS, sides, strict=True)
    )
    return profiles_from(values, told, "tender")


@pytest.fixture(scope="module")
def rigged(tenders: Profiles) -> pd.Series:
    return pd.Series(np.repeat([1.0, 0.0], [30, 90]), index=tenders.values.index)


def test_every_declared_screen_is_a_measure_of_its_kind() -> None:
    from features.measures import entities

    for kind, screens in DECLARED.items():
        assert set(screens) <= set(entities()[kind].measures)


def test_bids_too_close_together_rank_first_and_wide_ones_raise_nothing(tenders: Profiles) -> None:
    screens = Screens().fit(tenders)
    score = screens.score(tenders)
    assert score[:30].mean() > score[30:].mean() + 1.0
    wide = replace(tenders, deviations=tenders.deviations.copy())
    wide.deviations.loc["T050", "bid_cv"] = 40.0
    assert screens.score(wide)[50] <= score[50]


def test_a_tender_without_bids_to_compare_is_not_suspicious(tenders: Profiles) -> None:
    alone = replace(tenders, values=tenders.values.copy(), deviations=tenders.deviations.copy())
    alone.values.loc["T000", list(COLUMNS[:2])] = np.nan
    alone.deviations.loc["T000", list(COLUMNS[:2])] = np.nan
    alone.deviations.loc["T000", "lowest_bid"] = 40.0
    score = Screens().fit(tenders).score(alone)
    assert score[0] == 0.0
    assert (score[1:] > 0.0).all()


def test_few_labels_lean_on_the_screens_and_contributions_still_add_up(tenders: Profiles, rigged: pd.Series) -> None:
    fitted = Boosting().fit(tenders, rigged)
    assert fitted.screens is not None
    assert fitted.slope > 0.0
    why = fitted.explain(tenders)
    assert np.abs(why.base + why.by_column.sum(axis=1).to_numpy() - fitted.score(tenders)).max() < 1e-9


def test_labels_that_contradict_the_screens_leave_them_out(tenders: Profiles, rigged: pd.Series) -> None:
    assert Boosting().fit(tenders, 1.0 - rigged).screens is None


def test_scores_of_a_market_do_not_depend_on_its_currency_or_on_how_wide_its_prices_lie(tenders: Profiles) -> None:
    wide = replace(tenders, values=tenders.values * 7.0, deviations=tenders.deviations * 3.0)
    assert Screens().fit(wide).score(wide) == pytest.approx(Screens().fit(tenders).score(tenders), abs=1e-12)


def test_weights_taught_elsewhere_never_count_in_favour_and_rank_a_market_whose_labels_were_not_read(
    tenders: Profiles, rigged: pd.Series
) -> None:
    weights = dict(taught([(tenders, rigged), (tenders, rigged)]))
    assert min(weights.values()) >= 0.0
    assert sum(weights.values()) == pytest.approx(len(weights))
    assert max(taught([(tenders, 1.0 - rigged)]), key=lambda one: one[1])[1] >= 0.0
    stranger = replace(tenders, values=tenders.values * 2.0)
    score = Screens(given=tuple(weights.items())).fit(stranger).score(stranger)
    assert score[:30].mean() > score[30:].mean() + 1.0


def test_a_conformal_p_value_warns_of_no_more_than_its_share_of_an_ordinary_population() -> None:
    population = np.random.default_rng(0).lognormal(size=1_966)
    assert (Tail.of(population).p_value(population) <= 0.02).mean() <= 0.02
    large = np.random.default_rng(1).normal(size=50_000)
    exact = (large[:, None] <= large[np.argsort(-large)[[0, 9, 99, 999]]]).sum(axis=0) / len(large)
    kept = Tail.of(large).p_value(large[np.argsort(-large)[[0, 9, 99, 999]]])
    assert (kept >= 1.0 - exact).all()
    assert kept == pytest.approx(1.0 - exact, abs=1e-3)


def test_few_labels_leave_screens_as_declared_and_many_tell_them_apart(tenders: Profiles, rigged: pd.Series) -> None:
    chosen = [*range(6), *range(30, 48)]
    few, every = tenders.select([tenders.ids[at] for at in chosen]), rigged.to_numpy(float)
    told, _ = heard(few, every[chosen])
    plain = Screens().fit(few)
    assert np.corrcoef(told.score(few), plain.score(few))[0, 1] > 0.9
    # Nothing was planted in the price level: with all labels it weighs less than any screen that tells.
    weight = dict(zip(told.design.columns, heard(tenders, every)[0].weights, strict=True))
    assert weight["lowest_bid"] < min(weight["bid_cv"], weight["losing_cv"], weight["closest_four_spread"])


def test_what_labels_speak_against_weighs_nothing_and_never_in_favour(tenders: Profiles, rigged: pd.Series) -> None:
    told, level = heard(tenders, 1.0 - rigged.to_numpy(float))
    assert min(told.weights) >= 0.0
    assert dict(zip(told.design.columns, told.weights, strict=True))["bid_cv"] == 0.0
    found = told.explain(tenders)
    assert np.allclose(found.base + found.by_column.sum(axis=1), told.score(tenders), atol=1e-9)
    assert np.isfinite(level)


def test_twins_are_bundled_whichever_way_they_are_spelt() -> None:
    rng = np.random.default_rng(0)
    first, other = rng.normal(size=80), rng.normal(size=80)
    matrix = np.column_stack([first + rng.normal(0.0, 0.1, 80), np.exp(first), other, -(other**3), np.full(80, 2.0)])
    found = bundles(matrix)
    assert [one.tolist() for one in found] == [[0, 1], [2, 3]]
    assert {tuple(one_of_each(found, rng).tolist()) for _ in range(50)} == {(0, 2), (0, 3), (1, 2), (1, 3)}
    assert [one.tolist() for one in bundles(np.full((80, 3), 2.0))] == [[0], [1], [2]]
