"""Hyper-parameters of the boosting by Optuna, within a time budget, and an honest figure of what the search is worth.

Nested: in every outer fold the search sees the training side only, and its winner is scored on the side that it never
saw. The recipe that is shipped comes from a search on all labels; the figure told is that of the nested one, searches
included. A search is stopped by time, so a re-run uses the recipe that was found and does not search again.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import pandas as pd

from features.profiles import Profiles
from training import metrics
from training.detectors.boosting import RECIPES, Boosting, Recipe, taught
from training.detectors.contract import Floats
from training.evaluate import Evaluation, split

OUTER, INNER = 3, 3
MOST_TRIALS = 60
TPE_START = 8
Settings = Mapping[str, float | int]


@dataclass(frozen=True)
class Trial:
    """One setting and its inner figure."""

    where: str
    """`all`, or the outer fold."""
    settings: Settings
    average_precision: float
    seconds: float


@dataclass(frozen=True)
class Found:
    """Winning settings, empty where the fixed recipe won: of a search on all labels, and of one in each outer fold."""

    settings: Settings
    by_fold: tuple[Settings, ...]

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {"settings": dict(self.settings), "by_fold": [dict(one) for one in self.by_fold]}

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Self:
        """What `as_dict` wrote: with it, figures and model come out the same without searching again."""
        return cls(dict(told["settings"]), tuple(dict(one) for one in told["by_fold"]))


@dataclass(frozen=True)
class Worth:
    """Out-of-fold scores of the labelled entities on the outer folds, and whether each crosses its fold's threshold."""

    nested: pd.Series
    fires: pd.Series
    searched: float
    """Average precision of the nested search."""
    fixed: float
    """Average precision of the fixed recipe on the same folds."""

    @property
    def better(self) -> bool:
        """Whether searching gained anything on entities that it never saw; if not, the fixed recipe is used."""
        return self.searched > self.fixed


def search(
    profiles: Profiles,
    labels: pd.Series,
    seconds: float,
    *,
    seed: int = 0,
    threads: int = 0,
    weights: pd.Series | None = None,
) -> tuple[Found, list[Trial]]:
    """Search for `seconds` in all; raises `Fault` when labels cannot teach. `weights`: see `Boosting`."""
    judged, target = taught(profiles, labels)
    known = pd.Series(target, index=judged.values.index)
    each = seconds / (OUTER + 1)
    trials: list[Trial] = []
    by_fold = []
    for number, (inside, _) in enumerate(_outer(judged, target, seed)):
        found, told = _searched(
            inside, known.loc[inside.values.index], each, f"fold {number + 1}", seed, threads, weights
        )
        by_fold.append(found)
        trials += told
    found, told = _searched(judged, known, each, "all", seed, threads, weights)
    return Found(found, tuple(by_fold)), trials + told


def worth(
    profiles: Profiles,
    labels: pd.Series,
    found: Found,
    *,
    seed: int = 0,
    threads: int = 0,
    weights: pd.Series | None = None,
) -> Worth:
    """What the search is worth on entities that it never saw: each outer fold by the winner of its own search."""
    judged, target = taught(profiles, labels)
    known = pd.Series(target, index=judged.values.index)
    nested, fixed, fires = known * np.nan, known * np.nan, known * 0.0
    for settings, (inside, outside) in zip(found.by_fold, _outer(judged, target, seed), strict=True):
        mine, there = known.loc[inside.values.index], outside.values.index
        searched = Boosting(seed=seed, threads=threads, recipes=recipes(settings), weights=weights).fit(inside, mine)
        nested[there] = searched.score(outside)
        fires[there] = (nested[there] >= searched.prior).astype(float)
        fixed[there] = Boosting(seed=seed, threads=threads, weights=weights).fit(inside, mine).score(outside)
    positive = target > 0.5
    told = [metrics.average_precision(positive, np.asarray(one, dtype=np.float64)) for one in (nested, fixed)]
    return Worth(nested, fires, told[0], told[1])


def honest(evaluation: Evaluation, gained: Worth, seed: int = 0) -> Evaluation:
    """The evaluation with the figures and scores of `boosting` taken from the nested search."""
    scores = evaluation.scores.copy()
    scores["boosting"] = gained.nested.reindex(scores.index)
    target, fires = scores["label"].to_numpy(float) > 0.5, gained.fires.reindex(scores.index).to_numpy(float) > 0.5
    told = scores["boosting"].to_numpy(float)

    def measure(rows: Any, _: int) -> Mapping[str, float]:
        return metrics.ranking(target[rows], told[rows], fires[rows], evaluation.budget)

    figures = {**evaluation.figures, "boosting": metrics.figures(measure, np.asarray(scores.index), 1, seed)}
    note = f"boosting: settings searched within each of {OUTER} outer folds, figures of the entities outside"
    return replace(evaluation, figures=figures, scores=scores, notes=(*evaluation.notes, note))


def _outer(judged: Profiles, target: Floats, seed: int) -> list[tuple[Profiles, Profiles]]:
    fold = split(target > 0.5, np.asarray(judged.ids), OUTER, seed)
    ids = np.asarray(judged.ids)
    return [
        (judged.select(ids[fold != number].tolist()), judged.select(ids[fold == number].tolist()))
        for number in range(OUTER)
    ]


def recipes(settings: Settings) -> tuple[Recipe, ...]:
    """The fixed recipes with the boosted one changed; `rounds` is how many, the rest are LightGBM's names."""
    if not settings:
        return RECIPES
    changed = tuple(sorted((name, value) for name, value in settings.items() if name != "rounds"))
    rounds = int(settings.get("rounds", RECIPES[0].rounds))
    return (replace(RECIPES[0], rounds=rounds, settings=changed), *RECIPES[1:])


def _searched(
    profiles: Profiles,
    labels: pd.Series,
    seconds: float,
    where: str,
    seed: int,
    threads: int,
    weights: pd.Series | None,
) -> tuple[dict[str, float | int], list[Trial]]:
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    folds = split(labels.to_numpy(float) > 0.5, np.asarray(profiles.ids), INNER, seed + 1)
    told: list[Trial] = []

    def objective(trial: Any) -> float:
        began = time.perf_counter()
        settings = _asked(trial)
        value = _inner(profiles, labels, folds, recipes(settings), seed, threads, weights)
        told.append(Trial(where, settings, value, time.perf_counter() - began))
        return value

    study = optuna.create_study(
        direction="maximize", sampler=optuna.samplers.TPESampler(seed=seed, n_startup_trials=TPE_START)
    )
    # The fixed recipe is asked first: what wins is at least as good on the inner folds.
    study.enqueue_trial({"learning_rate": 0.04, "num_leaves": 7, "min_child_samples": 5, "feature_fraction": 0.6,
                         "lambda_l2": 1.0, "rounds": RECIPES[0].rounds})  # fmt: skip
    study.optimize(objective, n_trials=MOST_TRIALS, timeout=seconds)
    best = max(told, key=lambda one: one.average_precision)
    return ({} if best is told[0] else dict(best.settings)), told


def _asked(trial: Any) -> dict[str, float | int]:
    return {
        "learning_rate": trial.suggest_float("learning_rate", 0.01, 0.2, log=True),
        "num_leaves": trial.suggest_int("num_leaves", 3, 31),
        "min_child_samples": trial.suggest_int("min_child_samples", 2, 40),
        "feature_fraction": trial.suggest_float("feature_fraction", 0.2, 1.0),
        "lambda_l2": trial.suggest_float("lambda_l2", 1e-2, 30.0, log=True),
        "rounds": trial.suggest_int("rounds", 50, 400, step=50),
    }


def _inner(
    profiles: Profiles,
    labels: pd.Series,
    folds: Any,
    made: tuple[Recipe, ...],
    seed: int,
    threads: int,
    weights: pd.Series | None,
) -> float:
    score, ids = np.zeros(len(labels)), np.asarray(profiles.ids)
    one = tuple(replace(recipe, repeats=1) for recipe in made)
    for number in np.unique(folds):
        inside = profiles.select(ids[folds != number].tolist())
        made_of = labels.loc[inside.values.index]
        fitted = Boosting(seed=seed, threads=threads, recipes=one, weights=weights).fit(inside, made_of)
        score[folds == number] = fitted.score(profiles.select(ids[folds == number].tolist()))
    return metrics.average_precision(labels.to_numpy(float) > 0.5, score)
