"""A training run is logged whole, promoted through the gate, fetched as a verified bundle and rolled back."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import pytest

from features.profiles import Profiles
from gnomon.config import Settings
from gnomon.errors import Fault
from training import bundle, registry
from training.bundle import Bundle
from training.card_page import page
from training.flat import flat
from training.metrics import FEWEST_POSITIVES
from training.train import TrainedRun, fit, train, write


def rows_of(labels: pd.Series) -> pd.DataFrame:
    known = labels.dropna()
    outcome = known.map({1.0: "confirmed", 0.0: "false_alarm"})
    table = pd.DataFrame({"entity_id": known.index, "outcome": outcome.to_numpy(), "scheme": ""})
    for name in ("as_of", "labelled_at"):
        table[name] = pd.Series(pd.NaT, index=table.index, dtype=pd.DatetimeTZDtype("us", "UTC"))
    return table


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    patch = pytest.MonkeyPatch()
    patch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    yield Settings(workspace=tmp_path_factory.mktemp("registry") / "workspace")
    patch.undo()


@pytest.fixture(scope="module")
def trained(settings: Settings, profiles: Profiles, labels: pd.Series) -> tuple[TrainedRun, TrainedRun]:
    def build(_then: object) -> Profiles:
        raise AssertionError("undated labels need no other date")

    unlabelled = train(settings, profiles, None, build)
    labelled = train(settings, profiles, rows_of(labels), build)
    return unlabelled, labelled


def test_without_labels_the_detector_of_its_kind_serves_and_says_why(trained: tuple[TrainedRun, TrainedRun]) -> None:
    assert (trained[0].detector, trained[0].version) == ("rarity", "1")
    assert trained[0].why_not == "training.boosting.no_labels"


def test_the_card_says_which_detector_serves_and_why(
    settings: Settings, trained: tuple[TrainedRun, TrainedRun]
) -> None:
    plain, learned = (Bundle.load(registry.fetch("institution", settings, one)).about["card"] for one in ("1", "2"))
    assert "too few outcomes" in plain["chosen"]["en"]
    assert "稀有度" in plain["chosen"]["zh"]
    assert "average precision" in learned["chosen"]["en"]
    assert f"{trained[1].metrics['rarity.average_precision']:.3f} of rarity" in learned["chosen"]["en"]


def test_the_card_tells_the_data_the_figures_and_what_becomes_of_every_group(
    settings: Settings, trained: tuple[TrainedRun, TrainedRun], profiles: Profiles, labels: pd.Series
) -> None:
    plain, learned = (Bundle.load(registry.fetch("institution", settings, one)).about["card"] for one in ("1", "2"))
    counts = labels.value_counts()
    rows = learned["groups"]["rows"]
    for name in {row["by"] for row in rows}:
        own = [row for row in rows if row["by"] == name]
        # Every entity lies in one group, and so does every outcome.
        assert sum(row["entities"] for row in own) == len(profiles.ids), name
        assert (sum(row["confirmed"] for row in own), sum(row["honest"] for row in own)) == (counts[1.0], counts[0.0])
        assert sum(row["asked"] for row in own) == round(learned["groups"]["share"] * len(profiles.ids))
    assert all(row["false"] == row["honest"] == 0 for row in plain["groups"]["rows"])
    pages = {one: page(learned, one) for one in ("zh", "en")}
    assert "医疗机构" in pages["zh"]
    for told in (f"{counts[1.0]} confirmed, {counts[0.0]} false alarms", "rates only, no size", "Ranked by chance"):
        assert told in pages["en"]
    assert re.search(r"\d+\.\d% <small>\d+\.\d% – \d+\.\d%</small>", pages["zh"])
    assert "card.page" not in "".join(pages.values())
    bands = learned["evaluation"]["size_bands"]
    few = [one for one in bands if one["positives"] < FEWEST_POSITIVES and one["roc_auc"] is not None]
    assert pages["en"].count("too few to tell") == len(few) > 0


def test_with_labels_boosting_serves_with_measured_figures(trained: tuple[TrainedRun, TrainedRun]) -> None:
    assert (trained[1].detector, trained[1].version) == ("boosting", "2")
    assert trained[1].metrics["boosting.average_precision"] > 0.6
    assert trained[1].metrics["boosting.average_precision.low"] < trained[1].metrics["boosting.average_precision"]


def test_the_run_holds_what_is_needed_to_judge_it(
    settings: Settings, trained: tuple[TrainedRun, TrainedRun], profiles: Profiles
) -> None:
    import mlflow

    client = mlflow.MlflowClient(settings.mlflow_url, settings.mlflow_url)
    run = client.get_run(trained[1].run_id)
    assert run.data.params["lake_version"] == str(profiles.lake_version)
    assert run.data.tags["code_commit"]
    held = {
        one.path for folder in ("plots", "evaluation", "") for one in client.list_artifacts(run.info.run_id, folder)
    }
    assert {"plots/summary.png", "plots/importance.png", "plots/precision_recall.png"} <= held
    assert {"plots/waterfall.png", "plots/dependence_1.png", "model_card.zh.html", "model_card.en.html"} <= held
    assert 0.0 < run.data.metrics["reason_stability"] <= 1.0
    assert run.data.metrics["reasons_for_80_percent"] >= 1.0
    assert {"features.json", "model_card.json", "evaluation/out_of_fold.parquet"} <= held


def test_the_same_recipe_makes_the_same_model_bit_for_bit(
    settings: Settings, trained: tuple[TrainedRun, TrainedRun], profiles: Profiles
) -> None:
    recipe = registry.recipe(settings, trained[1].run_id)
    assert (recipe.entity, recipe.lake_version) == ("institution", profiles.lake_version)
    again = fit(settings, profiles, recipe.labels, lambda _: profiles, seed=recipe.kept["seed"])
    with TemporaryDirectory() as scratch:
        folder = Path(scratch) / "bundle"
        write(folder, profiles, again)
        made = json.loads((folder / bundle.MANIFEST).read_text(encoding="utf-8"))
    assert made == recipe.hashes
    assert set(made) <= bundle.ALLOWED


def test_a_run_that_is_not_there_is_named(settings: Settings, trained: tuple[TrainedRun, TrainedRun]) -> None:
    with pytest.raises(Fault, match="no such run"):
        registry.recipe(settings, "0" * 32)


def test_the_bundle_tells_probabilities_and_p_values(
    settings: Settings, trained: tuple[TrainedRun, TrainedRun], profiles: Profiles
) -> None:
    plain, learned = (Bundle.load(registry.fetch("institution", settings, one)) for one in ("1", "2"))
    assert plain.calibration is not None
    assert learned.calibration is not None
    assert (plain.calibration.reference_of, learned.calibration.reference_of) == ("all", "refuted")
    score = learned.score(profiles, explain=False).score
    told = learned.calibration.probability(score)
    assert told is not None
    assert 0.1 < told.mean() < 0.5
    assert plain.calibration.p_value(plain.score(profiles, explain=False).score).min() > 0.0


def test_no_pickle_lies_anywhere(settings: Settings, trained: tuple[TrainedRun, TrainedRun]) -> None:
    kept = [path for path in (settings.workspace.parent / "mlruns").rglob("*") if path.is_file()]
    assert kept
    for path in kept:
        assert path.suffix not in {".pkl", ".pickle", ".joblib", ".cloudpickle"}
        assert not path.read_bytes().startswith(b"\x80\x04")


def test_the_champion_moves_through_the_gate_and_back(
    settings: Settings, trained: tuple[TrainedRun, TrainedRun], profiles: Profiles, labels: pd.Series
) -> None:
    with pytest.raises(Fault, match="no version for institution was promoted"):
        registry.fetch("institution", settings)
    first = registry.promote(settings, "institution", profiles, None, "1")
    second = registry.promote(settings, "institution", profiles, labels)
    assert (first.passed, second.passed) == (True, True)
    assert second.figures["candidate"] > second.figures["champion"]
    serving = registry.champion("institution", settings)
    assert serving is not None
    assert serving.version == "2"
    assert bundle.serving(settings, "institution") == serving

    # The unlabelled forest ranks far worse on the same labels: the gate refuses it and the champion stays.
    refused = registry.promote(settings, "institution", profiles, labels, "1")
    assert not refused.passed
    assert "more than chance explains" in refused.reason.en
    tags = {one["version"]: one for one in registry.versions(settings, "institution")}
    assert (tags[1]["gate"], tags[2]["gate"], tags[2]["champion"]) == ("refused", "passed", True)

    back = registry.rollback(settings, "institution")
    assert back.version == "1"
    with pytest.raises(Fault, match="no earlier champion"):
        registry.rollback(settings, "institution")


def test_the_fetched_bundle_scores_as_the_registered_model(
    settings: Settings, trained: tuple[TrainedRun, TrainedRun], profiles: Profiles
) -> None:
    import mlflow

    ours = Bundle.load(registry.fetch("institution", settings, "2"))
    mlflow.set_tracking_uri(settings.mlflow_url)
    theirs = mlflow.pyfunc.load_model("models:/gnomon-institution/2")
    told = theirs.predict(flat(profiles, ours.columns))
    for gone in (ours.columns[0], f"{ours.columns[-1]}__z"):
        with pytest.raises(Exception, match=f"{gone}|lack 1 columns"):
            theirs.predict(flat(profiles, ours.columns).drop(columns=gone))
    scored = ours.score(profiles)
    assert np.abs(told["score"].to_numpy() - scored.score).max() < 1e-9
    assert np.abs(scored.base + scored.contributions.sum(axis=1).to_numpy() - scored.score).max() < 1e-6


def test_the_reference_for_drift_is_the_whole_population_with_its_scores_and_without_ids(
    settings: Settings, profiles: Profiles, trained: tuple[TrainedRun, TrainedRun]
) -> None:
    folder = registry.fetch("institution", settings, "2")
    reference = pd.read_parquet(folder / "reference.parquet")
    assert list(reference.columns) == [*Bundle.load(folder).columns, "score"]
    assert isinstance(reference.index, pd.RangeIndex)
    # Those who were never judged are part of it: the labelled ones alone would be another population.
    assert len(reference) == len(profiles.values)


def test_a_bundle_that_changed_after_it_was_fetched_is_refused(
    settings: Settings, trained: tuple[TrainedRun, TrainedRun]
) -> None:
    folder: Path = registry.fetch("institution", settings, "1")
    about = json.loads((folder / "bundle.json").read_text(encoding="utf-8"))
    (folder / "bundle.json").write_text(json.dumps(about | {"lake_version": 99}), encoding="utf-8")
    bundle.seal(folder)
    with pytest.raises(Fault, match="does not match its hash"):
        registry.fetch("institution", settings, "1")


def test_unknown_versions_are_named(settings: Settings, trained: Callable[..., object]) -> None:
    with pytest.raises(Fault, match=r"version 77 is not registered\. Known versions: 1, 2"):
        registry.fetch("institution", settings, "77")
