"""Hyper-parameters of the boosting by Optuna, within a time budget, and an honest figure of what the search is worth.

Nested: in every outer fold the search sees the training side only, and its winner is scored on the side that it never
saw. The recipe that is shipped comes from a search on all labels; the figure told is that of the nested one, searches
included. A search is stopped by time, so a re-run uses the recipe that was found and does not search again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from features.profiles import Profiles
from training import metrics
from training.detectors.boosting import RECIPES, Boosting, Recipe, taught
from training.detectors.contract import Floats
from training.evaluate import split

OUTER, INNER = 3, 3
MOST_TRIALS = 60
TPE_START = 8


@dataclass(frozen=True)
class Trial:
    """One setting and its inner figure."""

    where: str
    """`all`, or the outer fold."""
    settings: Mapping[str, float | int]
    average_precision: float
    seconds: float


@dataclass(frozen=True)
class Search:
    """What was found, and what finding it is worth."""

    settings: Mapping[str, float | int]
    """Empty: nothing beat the fixed recipe."""
    trials: tuple[Trial, ...]
    nested: Floats
    """Out-of-fold scores of the nested search, in the order of the labelled entities."""
    searched: float
    """Average precision of the nested search."""
    fixed: float
    """Average precision of the fixed recipe on the same outer folds."""

    @property
    def recipes(self) -> tuple[Recipe, ...]:
        """The recipes to fit; the fixed ones when searching was not worth it on unseen folds."""
        return recipes(self.settings) if self.settings and self.searched > self.fixed else RECIPES


def search(
    profiles: Profiles, labels: pd.Series, seconds: float, *, seed: int = 0, threads: int = 0,
    say: Callable[[str], None] = lambda _: None,
) -> Search:  # fmt: skip
    """Search for `seconds` in all; raises `Fault` when labels cannot teach."""
    judged, target = taught(profiles, labels)
    known = pd.Series(target, index=judged.values.index)
    folds = split(target > 0.5, np.asarray(judged.ids), OUTER, seed)
    each = seconds / (OUTER + 1)
    trials: list[Trial] = []
    nested, fixed = np.zeros(len(target)), np.zeros(len(target))
    for number in range(OUTER):
        inside = judged.select([one for one, fold in zip(judged.ids, folds, strict=True) if fold != number])
        outside = judged.select([one for one, fold in zip(judged.ids, folds, strict=True) if fold == number])
        mine = known.loc[inside.values.index]
        say(f"fold {number + 1}")
        found, told = _searched(inside, mine, each, f"fold {number + 1}", seed, threads)
        trials += told
        for into, made in ((nested, recipes(found)), (fixed, RECIPES)):
            fitted = Boosting(seed=seed, threads=threads, recipes=made).fit(inside, mine)
            into[folds == number] = fitted.score(outside)
    say("all")
    found, told = _searched(judged, known, each, "all", seed, threads)
    positive = target > 0.5
    return Search(
        found, tuple(trials + told), nested,
        metrics.average_precision(positive, nested), metrics.average_precision(positive, fixed),
    )  # fmt: skip


def recipes(settings: Mapping[str, float | int]) -> tuple[Recipe, ...]:
    """The fixed recipes with the boosted one changed; `rounds` is how many, the rest are LightGBM's names."""
    if not settings:
        return RECIPES
    changed = tuple(sorted((name, value) for name, value in settings.items() if name != "rounds"))
    rounds = int(settings.get("rounds", RECIPES[0].rounds))
    return (replace(RECIPES[0], rounds=rounds, settings=changed), *RECIPES[1:])


def _searched(
    profiles: Profiles, labels: pd.Series, seconds: float, where: str, seed: int, threads: int
) -> tuple[dict[str, float | int], list[Trial]]:
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    folds = split(labels.to_numpy(float) > 0.5, np.asarray(profiles.ids), INNER, seed + 1)
    told: list[Trial] = []

    def objective(trial: Any) -> float:
        began = time.perf_counter()
        settings = _asked(trial)
        value = _inner(profiles, labels, folds, recipes(settings), seed, threads)
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
    profiles: Profiles, labels: pd.Series, folds: Any, made: tuple[Recipe, ...], seed: int, threads: int
) -> float:
    score, ids = np.zeros(len(labels)), np.asarray(profiles.ids)
    one = tuple(replace(recipe, repeats=1) for recipe in made)
    for number in np.unique(folds):
        inside = profiles.select(ids[folds != number].tolist())
        fitted = Boosting(seed=seed, threads=threads, recipes=one).fit(inside, labels.loc[inside.values.index])
        score[folds == number] = fitted.score(profiles.select(ids[folds == number].tolist()))
    return metrics.average_precision(labels.to_numpy(float) > 0.5, score)
