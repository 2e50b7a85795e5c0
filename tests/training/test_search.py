"""A search is bounded in time, judged on entities it never saw, and repeated without searching."""

from __future__ import annotations

import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from features.profiles import Profiles
from gnomon.config import Settings
from training.detectors.boosting import RECIPES
from training.evaluate import evaluate
from training.search import OUTER, Found, Trial, honest, recipes, search, worth


@pytest.fixture(scope="module")
def searched(profiles: Profiles, labels: pd.Series) -> tuple[Found, list[Trial], float]:
    began = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        found, trials = search(profiles, labels, 4.0, threads=1)
    return found, trials, time.perf_counter() - began


def test_every_outer_fold_and_the_whole_are_searched(searched: tuple[Found, list[Trial], float]) -> None:
    found, trials, _ = searched
    assert len(found.by_fold) == OUTER
    assert {one.where for one in trials} == {"all", *(f"fold {n + 1}" for n in range(OUTER))}
    assert all(0.0 < one.average_precision <= 1.0 for one in trials)


def test_the_figure_is_that_of_the_nested_search_and_repeats(
    searched: tuple[Found, list[Trial], float], profiles: Profiles, labels: pd.Series
) -> None:
    found = Found.of(searched[0].as_dict())
    gained = worth(profiles, labels, found, threads=1)
    assert gained.nested.equals(worth(profiles, labels, found, threads=1).nested)
    told = honest(evaluate(profiles, labels, folds=3, rates_only=False), gained)
    assert told.figures["boosting"]["average_precision"].value == pytest.approx(gained.searched)
    assert np.array_equal(told.scores["boosting"], gained.nested)
    assert "outer folds" in told.notes[-1]


def test_nothing_found_is_the_fixed_recipe() -> None:
    assert recipes({}) == RECIPES
    changed = recipes({"rounds": 50, "num_leaves": 3})
    assert (changed[0].rounds, changed[0].settings) == (50, (("num_leaves", 3),))
    assert changed[1:] == RECIPES[1:]


def test_trials_are_child_runs_of_the_training_run(tmp_path: Path, profiles: Profiles, labels: pd.Series) -> None:
    import mlflow

    from training.train import train

    known = labels.dropna()
    rows = pd.DataFrame({"entity_id": known.index, "scheme": ""})
    rows["outcome"] = known.map({1.0: "confirmed", 0.0: "false_alarm"}).to_numpy()
    for name in ("as_of", "labelled_at"):
        rows[name] = pd.Series(pd.NaT, index=rows.index, dtype=pd.DatetimeTZDtype("us", "UTC"))
    settings = Settings(workspace=tmp_path / "workspace", threads=1)
    made = train(settings, profiles, rows, lambda _: profiles, folds=3, search_seconds=1.0)
    client = mlflow.MlflowClient(settings.mlflow_url, settings.mlflow_url)
    experiment = client.get_run(made.run_id).info.experiment_id
    children = client.search_runs([experiment], f"tags.mlflow.parentRunId = '{made.run_id}'")
    assert len(children) >= OUTER + 1
    assert all("average_precision" in one.data.metrics and "num_leaves" in one.data.params for one in children)
    assert "search.average_precision" in client.get_run(made.run_id).data.metrics
