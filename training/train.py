"""`train`: profiles and labels in, an evaluated, explained, registered candidate out."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from features.profiles import Profiles
from gnomon import __version__
from gnomon.config import Settings
from training import bundle, card, explain
from training.bundle import Bundle, Learned
from training.dataset import examples
from training.detectors.boosting import Boosting, shortage
from training.detectors.contract import Floats
from training.detectors.forest import Forest
from training.evaluate import Evaluation, evaluate
from training.flat import flat

REFERENCE_ROWS = 5_000
"""Drift is judged against at most so many entities of the training population."""


@dataclass(frozen=True)
class TrainedRun:
    """What one training run made."""

    entity: str
    run_id: str
    version: str
    detector: str
    """The one that serves: `boosting` when labels allow and it ranks better, else `forest`."""
    entities: int
    labelled: int
    why_not: str
    """Message key that says why no boosting was trained; empty when it was."""
    metrics: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Fitted:
    """Detectors fitted on one state of the data, and what was measured of them."""

    detectors: Mapping[str, Learned]
    serving: str
    evaluation: Evaluation | None
    labelled: int
    why_not: str


def train(
    settings: Settings,
    profiles: Profiles,
    labels: pd.DataFrame | None,
    build: Callable[[datetime], Profiles],
    *,
    place: str = "labels",
    seed: int = 0,
    folds: int = 5,
    until: datetime | None = None,
) -> TrainedRun:
    """Fit, evaluate, explain, log and register a candidate for one kind of entity.

    `labels` are rows as `dataset.read_labels` gives them; `build` makes the profiles of another date, for labels that
    judged an entity as it was then. Labels given after `until` are not used.
    """
    from training import registry

    fitted = fit(settings, profiles, labels, build, place=place, seed=seed, folds=folds, until=until)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "bundle"
        made = write(folder, profiles, fitted)
        plots = _plots(Path(scratch) / "plots", made, profiles, fitted.evaluation)
        logged = registry.log(
            settings,
            made,
            params=_params(profiles, fitted, seed, folds),
            metrics=metrics(fitted.evaluation),
            tags={"code_commit": commit(), "why_no_labels": fitted.why_not},
            plots=plots,
            example=flat(explain.sample(profiles), made.columns).head(5),
            scores=None if fitted.evaluation is None else fitted.evaluation.scores,
        )
    return TrainedRun(
        profiles.entity, logged.run_id, logged.version, fitted.serving, len(profiles.values), fitted.labelled,
        fitted.why_not, metrics(fitted.evaluation),
    )  # fmt: skip


def fit(
    settings: Settings,
    profiles: Profiles,
    labels: pd.DataFrame | None,
    build: Callable[[datetime], Profiles],
    *,
    place: str = "labels",
    seed: int = 0,
    folds: int = 5,
    until: datetime | None = None,
) -> Fitted:
    """Fit the forest, and boosting where labels allow; evaluate both and pick the one that serves."""
    forest = Forest(seed=seed, threads=settings.threads).fit(profiles)
    detectors: dict[str, Learned] = {"forest": forest}
    if labels is None or labels.empty:
        return Fitted(detectors, "forest", None, 0, "training.boosting.no_labels")
    judged, target = examples(profiles, labels, build, place, until)
    why_not = shortage(target, folds)
    if why_not:
        return Fitted(detectors, "forest", None, int(target.notna().sum()), why_not)
    detectors["boosting"] = Boosting(seed=seed, threads=settings.threads).fit(judged, target)
    measured = evaluate(judged, target, folds=folds, seed=seed)
    average = {name: measured.figures[name]["average_precision"].value for name in detectors}
    serving = max(("boosting", "forest"), key=lambda name: average[name])
    return Fitted(detectors, serving, measured, int(target.notna().sum()), "")


def write(folder: Path, profiles: Profiles, fitted: Fitted) -> Bundle:
    """Write the sealed bundle of fitted detectors, drift reference and card included, and read it back."""
    scores = {name: detector.score(profiles) for name, detector in fitted.detectors.items()}
    columns = fitted.detectors[fitted.serving].design.columns
    folder.mkdir(parents=True)
    reference(profiles, columns, scores[fitted.serving]).to_parquet(folder / "reference.parquet", index=False)
    about = {
        "as_of": profiles.as_of.isoformat(),
        "lake_version": profiles.lake_version,
        "columns": list(columns),
        "card": card.card(profiles, fitted.serving, columns, fitted.evaluation, fitted.why_not),
        "gnomon": __version__,
    }
    bundle.write(folder, profiles.entity, fitted.detectors, fitted.serving, scores, about)
    return Bundle.load(folder)


def reference(profiles: Profiles, columns: tuple[str, ...], score: Floats) -> pd.DataFrame:
    """What drift is judged against: the model's columns and its score for a sample of entities, without their ids."""
    table = profiles.values[list(columns)].assign(score=score).reset_index(drop=True)
    if len(table) <= REFERENCE_ROWS:
        return table
    picked = np.sort(np.random.default_rng(0).choice(len(table), REFERENCE_ROWS, replace=False))
    return table.iloc[picked].reset_index(drop=True)


def metrics(evaluation: Evaluation | None) -> dict[str, float]:
    """Figures with their intervals under flat names: `boosting.average_precision`, `….low`, `….high`."""
    out: dict[str, float] = {}
    for name, figures in ({} if evaluation is None else evaluation.figures).items():
        short = name.replace(", ", "_").replace(" ", "_").replace(":", "")
        for metric, figure in figures.items():
            told = {"": figure.value, ".low": figure.low, ".high": figure.high}
            out |= {f"{short}.{metric}{end}": value for end, value in told.items() if np.isfinite(value)}
    return out


def commit() -> str:
    """The code's commit, or its version where it is installed without its history."""
    git = shutil.which("git")
    if git is None:
        return f"version {__version__}"
    told = subprocess.run(
        [git, "-C", str(Path(__file__).parent), "rev-parse", "HEAD"], capture_output=True, text=True, check=False
    )
    return told.stdout.strip() or f"version {__version__}"


def _params(profiles: Profiles, fitted: Fitted, seed: int, folds: int) -> dict[str, Any]:
    return {
        "entity": profiles.entity,
        "as_of": profiles.as_of.isoformat(),
        "lake_version": profiles.lake_version,
        "entities": len(profiles.values),
        "columns": len(fitted.detectors[fitted.serving].design.columns),
        "features": len(fitted.detectors[fitted.serving].design.features),
        "labelled": fitted.labelled,
        "detector": fitted.serving,
        "seed": seed,
        "folds": folds,
        "forest_trees": Forest.trees,
        "forest_sample": Forest.sample,
    }


def _plots(folder: Path, made: Bundle, profiles: Profiles, evaluation: Evaluation | None) -> Path:
    folder.mkdir(parents=True)
    shown = explain.sample(profiles)
    explain.pictures(folder, made.detector.explain(shown), shown)
    if evaluation is not None:
        explain.precision_recall(folder / "precision_recall.png", evaluation.scores)
    return folder
