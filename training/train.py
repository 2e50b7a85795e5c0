"""`train`: profiles and labels in, an evaluated, explained, registered candidate out."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from features.profiles import Profiles
from gnomon import __version__
from gnomon.config import Settings
from training import bundle, calibration, card, explain, outcomes, sampling, stability, unlabelled
from training.bundle import Bundle, Learned
from training.calibration import Calibration
from training.dataset import examples
from training.detectors.boosting import RECIPES, Boosting, Recipe, shortage
from training.detectors.contract import Floats
from training.detectors.forest import Forest
from training.evaluate import Evaluation, evaluate
from training.flat import flat
from training.metrics import Figure
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
    """The one that serves: `boosting` when labels allow and it ranks better, else the one that needs no labels."""
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
    population: Mapping[str, Figure] = field(default_factory=dict)
    """Figures for all entities, suspected or not, where outcomes of random looks say something about the others."""
    waiting: int = 0
    """Refuted entities left out because the outcome is younger than the delay."""
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
    moment: datetime | None = None,
) -> TrainedRun:
    """Fit, evaluate, explain, log and register a candidate for one kind of entity.

    `labels` are rows as `dataset.read_labels` gives them; `build` makes the profiles of another date, for labels that
    judged an entity as it was then. Labels given after `until` are not used. `found` repeats an earlier search, and
    `moment` (now when None) is when training happens: what is younger than the delay then does not refute anybody.
    """
    from training import registry

    now = moment or datetime.now(UTC)
    fitted = fit(
        settings, profiles, labels, build, place=place, seed=seed, folds=folds, until=until,
        search_seconds=search_seconds, found=found, moment=now,
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "bundle"
        made = write(folder, profiles, fitted)
        plots = _plots(Path(scratch) / "plots", made, profiles, fitted.evaluation)
        logged = registry.log(
            settings,
            made,
            params=_params(profiles, fitted, seed, folds),
            metrics={
                **metrics(fitted.evaluation),
                **told("population", fitted.population),
                **fitted.reasons,
                **fitted.searching,
            },
            tags={"code_commit": commit(), "why_no_labels": fitted.why_not, **(tags or {})},
            plots=plots,
            example=flat(explain.sample(profiles), made.columns).head(5),
            scores=None if fitted.evaluation is None else fitted.evaluation.scores,
            kept=_kept(settings, profiles, fitted, place, seed, folds, until, now),
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
    moment: datetime | None = None,
) -> Fitted:
    """Fit the detector that needs no labels, and boosting where labels allow; evaluate both and pick which serves.

    The figures come first: the search, where one is asked for, replaces those of the boosting by nested ones.
    """
    plain = unlabelled.detector(profiles.entity, seed, settings.threads).fit(profiles)
    if labels is None or labels.empty:
        return _unlabelled(settings, profiles, plain, None, 0, "training.boosting.no_labels", seed)
    ripe = outcomes.ripe(labels, moment, settings.label_delay)
    judged, target = examples(profiles, ripe, build, place, until)
    waiting, why_not = len(labels) - len(ripe), shortage(target, folds)
    if why_not:
        return _unlabelled(settings, profiles, plain, target, waiting, why_not, seed)
    # Who was drawn at random stands for many, also in what is taught; None: everybody for itself.
    counts = sampling.teaching(sampling.standing_for(ripe, judged.values.index))
    compared = unlabelled.makers(profiles.entity)
    if counts is not None:
        compared["boosting"] = lambda one: Boosting(seed=one, weights=counts)
    measured = evaluate(judged, target, folds=folds, seed=seed, makers=compared)
    trials: list[Trial] = []
    if search_seconds > 0.0 and found is None:
        found, trials = search(judged, target, search_seconds, seed=seed, threads=settings.threads, weights=counts)
    made: tuple[Recipe, ...] = RECIPES
    searching: dict[str, float] = {}
    if found is not None:
        gained = worth(judged, target, found, seed=seed, threads=settings.threads, weights=counts)
        searching = {"search.average_precision": gained.searched, "search.fixed_average_precision": gained.fixed}
        if gained.better:
            made, measured = recipes(found.settings), honest(measured, gained, seed)
    boosting = Boosting(seed=seed, threads=settings.threads, recipes=made, weights=counts).fit(judged, target)
    average = {name: measured.figures[name]["average_precision"].value for name in compared}
    serving = max(average, key=lambda name: average[name])
    told = measured.scores[[serving, "label"]].to_numpy(float)

    def again(one: int) -> Learned:
        if serving == plain.name:
            return unlabelled.detector(profiles.entity, one, settings.threads)
        return Boosting(seed=one, threads=settings.threads, recipes=made, weights=counts)

    detectors: dict[str, Learned] = {plain.name: plain, "boosting": boosting}
    rows, known = (profiles, None) if serving == plain.name else (judged, target)
    refitted = stability.reasons(detectors[serving], again, rows, known, seed=seed)
    return Fitted(
        detectors, serving, measured, int(target.notna().sum()), "", calibration.learned(told[:, 0], told[:, 1]),
        refitted.figures, _population(settings, judged, ripe, measured, detectors[serving], seed), waiting, found,
        tuple(trials), searching,
    )  # fmt: skip


def _population(
    settings: Settings, judged: Profiles, rows: pd.DataFrame, measured: Evaluation, serving: Learned, seed: int
) -> Mapping[str, Figure]:
    """What the serving detector would do among all entities, told by random looks; empty where there were none."""
    weight = sampling.standing_for(rows, judged.values.index)
    if not (weight > 1.0).any():
        return {}
    # Out of fold where the entity was taught, as served where it was not: no score here saw its own label.
    score = pd.Series(serving.score(judged), judged.values.index)
    score.update(measured.scores[serving.name])
    target = measured.scores["label"].reindex(score.index)
    share = min(1.0, settings.budget / max(1, len(score)))
    told, own, each = (np.asarray(one, dtype=np.float64) for one in (target, score, weight))
    return sampling.population(told, own, each, share, seed)


def _unlabelled(
    settings: Settings, profiles: Profiles, plain: unlabelled.Unlabelled, target: pd.Series | None, waiting: int,
    why_not: str, seed: int,
) -> Fitted:  # fmt: skip
    def again(one: int) -> Learned:
        return unlabelled.detector(profiles.entity, one, settings.threads)

    refitted = stability.reasons(plain, again, profiles, seed=seed)
    known = np.full(len(profiles.values), np.nan)
    if target is not None:
        known = target.reindex(profiles.values.index).to_numpy(float)
    # Who is known to be guilty would only hide the others: the reference need not hold them.
    kept = np.isfinite(refitted.out_of_bag) & ~(known > 0.5)
    read, count = calibration.unlabelled(refitted.out_of_bag[kept]), int(np.isfinite(known).sum())
    return Fitted({plain.name: plain}, plain.name, None, count, why_not, read, refitted.figures, waiting=waiting)


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
        "card": card.card(
            profiles,
            fitted.serving,
            columns,
            scores[fitted.serving],
            fitted.evaluation,
            fitted.why_not,
            fitted.reasons,
            fitted.population,
        ),
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
        out |= told(name.replace(", ", "_").replace(" ", "_").replace(":", ""), figures)
    return out


def told(name: str, figures: Mapping[str, Figure]) -> dict[str, float]:
    """The figures of one ranking under flat names; what could not be computed is left out."""
    out: dict[str, float] = {}
    for metric, figure in figures.items():
        ends = {"": figure.value, ".low": figure.low, ".high": figure.high}
        out |= {f"{name}.{metric}{end}": value for end, value in ends.items() if np.isfinite(value)}
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
    trees = {"forest_trees": Forest.trees, "forest_sample": Forest.sample} if "forest" in fitted.detectors else {}
    return trees | {
        "entity": profiles.entity,
        "as_of": profiles.as_of.isoformat(),
        "lake_version": profiles.lake_version,
        "entities": len(profiles.values),
        "columns": len(fitted.detectors[fitted.serving].design.columns),
        "features": len(fitted.detectors[fitted.serving].design.features),
        "labelled": fitted.labelled,
        "labels_waiting": fitted.waiting,
        "detector": fitted.serving,
        "seed": seed,
        "folds": folds,
    }


def _kept(
    settings: Settings,
    profiles: Profiles,
    fitted: Fitted,
    place: str,
    seed: int,
    folds: int,
    until: datetime | None,
    moment: datetime,
) -> dict[str, Any]:
    return {
        "as_of": profiles.as_of.isoformat(),
        "until": None if until is None else until.isoformat(),
        "moment": moment.isoformat(),
        "label_delay": settings.label_delay,
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
