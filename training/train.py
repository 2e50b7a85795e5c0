"""`train`: profiles and labels in, an evaluated, explained, registered candidate out."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from features.profiles import Profiles
from gnomon import __version__
from gnomon.config import Settings
from training import bundle, calibration, card, explain, stability
from training.bundle import Bundle, Learned
from training.calibration import Calibration
from training.dataset import examples
from training.detectors.boosting import RECIPES, Boosting, Recipe, shortage
from training.detectors.contract import Floats
from training.detectors.forest import Forest
from training.evaluate import Evaluation, evaluate
from training.flat import flat
from training.search import Found, Trial, honest, recipes, search, worth

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
    calibration: Calibration
    reasons: Mapping[str, float]
    """Stability and compactness of the reasons told by the serving detector."""
    found: Found | None = None
    """What a search found, where one was asked for."""
    trials: tuple[Trial, ...] = ()
    searching: Mapping[str, float] = field(default_factory=dict)


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
    search_seconds: float = 0.0,
    found: Found | None = None,
    tags: Mapping[str, str] | None = None,
) -> TrainedRun:
    """Fit, evaluate, explain, log and register a candidate for one kind of entity.

    `labels` are rows as `dataset.read_labels` gives them; `build` makes the profiles of another date, for labels that
    judged an entity as it was then. Labels given after `until` are not used. `found` repeats an earlier search.
    """
    from training import registry

    fitted = fit(
        settings, profiles, labels, build, place=place, seed=seed, folds=folds, until=until,
        search_seconds=search_seconds, found=found,
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "bundle"
        made = write(folder, profiles, fitted)
        plots = _plots(Path(scratch) / "plots", made, profiles, fitted.evaluation)
        logged = registry.log(
            settings,
            made,
            params=_params(profiles, fitted, seed, folds),
            metrics={**metrics(fitted.evaluation), **fitted.reasons, **fitted.searching},
            tags={"code_commit": commit(), "why_no_labels": fitted.why_not, **(tags or {})},
            plots=plots,
            example=flat(explain.sample(profiles), made.columns).head(5),
            scores=None if fitted.evaluation is None else fitted.evaluation.scores,
            kept=_kept(settings, profiles, fitted, place, seed, folds, until),
            labels=labels,
            trials=[asdict(one) for one in fitted.trials],
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
    search_seconds: float = 0.0,
    found: Found | None = None,
) -> Fitted:
    """Fit the forest, and boosting where labels allow; evaluate both and pick the one that serves.

    The figures come first: the search, where one is asked for, replaces those of the boosting by nested ones.
    """
    forest = Forest(seed=seed, threads=settings.threads).fit(profiles)
    if labels is None or labels.empty:
        return _unlabelled(settings, profiles, forest, 0, "training.boosting.no_labels", seed)
    judged, target = examples(profiles, labels, build, place, until)
    why_not = shortage(target, folds)
    if why_not:
        return _unlabelled(settings, profiles, forest, int(target.notna().sum()), why_not, seed)
    measured = evaluate(judged, target, folds=folds, seed=seed)
    trials: list[Trial] = []
    if search_seconds > 0.0 and found is None:
        found, trials = search(judged, target, search_seconds, seed=seed, threads=settings.threads)
    made: tuple[Recipe, ...] = RECIPES
    searching: dict[str, float] = {}
    if found is not None:
        gained = worth(judged, target, found, seed=seed, threads=settings.threads)
        searching = {"search.average_precision": gained.searched, "search.fixed_average_precision": gained.fixed}
        if gained.better:
            made, measured = recipes(found.settings), honest(measured, gained, seed)
    boosting = Boosting(seed=seed, threads=settings.threads, recipes=made).fit(judged, target)
    average = {name: measured.figures[name]["average_precision"].value for name in ("boosting", "forest")}
    serving = max(average, key=lambda name: average[name])
    told = measured.scores[[serving, "label"]].to_numpy(float)

    def again(one: int) -> Boosting | Forest:
        if serving == "forest":
            return Forest(seed=one, threads=settings.threads)
        return Boosting(seed=one, threads=settings.threads, recipes=made)

    detectors: dict[str, Learned] = {"forest": forest, "boosting": boosting}
    population, known = (profiles, None) if serving == "forest" else (judged, target)
    refitted = stability.reasons(detectors[serving], again, population, known, seed=seed)
    return Fitted(
        detectors, serving, measured, int(target.notna().sum()), "", calibration.learned(told[:, 0], told[:, 1]),
        refitted.figures, found, tuple(trials), searching,
    )  # fmt: skip


def _unlabelled(
    settings: Settings, profiles: Profiles, forest: Forest, labelled: int, why_not: str, seed: int
) -> Fitted:
    refitted = stability.reasons(forest, lambda one: Forest(seed=one, threads=settings.threads), profiles, seed=seed)
    read = calibration.unlabelled(refitted.out_of_bag)
    return Fitted({"forest": forest}, "forest", None, labelled, why_not, read, refitted.figures)


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
        "card": card.card(profiles, fitted.serving, columns, fitted.evaluation, fitted.why_not, fitted.reasons),
        "gnomon": __version__,
    }
    bundle.write(folder, profiles.entity, fitted.detectors, fitted.serving, scores, about, fitted.calibration)
    return Bundle.load(folder)


def reference(profiles: Profiles, columns: tuple[str, ...], score: Floats) -> pd.DataFrame:
    """What drift is judged against: the model's columns and its score for a sample of entities, without their ids."""
    table = profiles.values[list(columns)].assign(score=score).reset_index(drop=True)
    # Sums in several threads differ in their last digits from run to run; distributions do not need those.
    table = pd.DataFrame(_rounded(table.to_numpy(float)), columns=table.columns)
    if len(table) <= REFERENCE_ROWS:
        return table
    picked = np.sort(np.random.default_rng(0).choice(len(table), REFERENCE_ROWS, replace=False))
    return table.iloc[picked].reset_index(drop=True)


def _rounded(values: Floats, digits: int = 6) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        scale = 10.0 ** (digits - 1 - np.floor(np.log10(np.abs(values))))
        rounded = np.round(values * scale) / scale
    return np.where(np.isfinite(rounded), rounded, values)


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


def _kept(
    settings: Settings, profiles: Profiles, fitted: Fitted, place: str, seed: int, folds: int, until: datetime | None
) -> dict[str, Any]:
    return {
        "as_of": profiles.as_of.isoformat(),
        "until": None if until is None else until.isoformat(),
        "min_peers": settings.min_peers,
        "seed": seed,
        "folds": folds,
        "place": place,
        "search": None if fitted.found is None else fitted.found.as_dict(),
    }


def _plots(folder: Path, made: Bundle, profiles: Profiles, evaluation: Evaluation | None) -> Path:
    folder.mkdir(parents=True)
    shown = explain.sample(profiles)
    explain.pictures(folder, made.detector.explain(shown), shown)
    if evaluation is not None:
        explain.precision_recall(folder / "precision_recall.png", evaluation.scores)
    return folder
