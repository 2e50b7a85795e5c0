"""Gradient boosting on values and deviations, learned from labels: log-odds that an entity is confirmed.

LightGBM, several seeds averaged into one model text, so that score and contributions stay one exact sum. Settings are
fixed and the same for every entity and data set, chosen for label sets of some dozens to some thousands. Where labels
are few, extremely randomised trees (Geurts, Ernst and Wehenkel 2006) join, and so do the screens declared for the kind
of entity, with weights drawn to one another: greedy trees learn a few dozen cases by heart.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd

from features.profiles import Profiles
from gnomon.errors import Fault
from training.design import Design, Floats, full
from training.detectors import trees
from training.detectors.contract import Contributions
from training.detectors.screens import DECLARED, Screens, heard
from training.detectors.twins import bundles, one_of_each

MODEL, ABOUT = "boosting.txt", "boosting.json"
MIN_OF_EACH = 10
"""Fewer confirmed or fewer refuted entities than this teach nothing that holds."""


@dataclass(frozen=True)
class Recipe:
    """One member of the ensemble: LightGBM's settings that differ from `COMMON`, and how many rounds."""

    rounds: int
    settings: tuple[tuple[str, Any], ...] = ()
    repeats: int = 1
    """Fitted so often with other seeds, and averaged."""
    extra: bool = False
    """Extremely randomised trees of scikit-learn, whose settings these are, on columns that are no twins: their weight
    falls as labels grow, and they are left out under a third."""

    def weight(self, rarer: int) -> float:
        """Weight in the mean, given the labels of the rarer kind."""
        share = (EVEN_AT / rarer) ** 2
        return 1.0 if not self.extra else share if share >= 1.0 / 3.0 else 0.0


COMMON: dict[str, Any] = {
    "objective": "binary",
    "verbose": -1,
    "deterministic": True,
    "force_row_wise": True,
    "feature_fraction": 0.6,
    "learning_rate": 0.04,
    "num_leaves": 7,
    "min_child_samples": 5,
    "min_sum_hessian_in_leaf": 1e-2,
    "lambda_l2": 1.0,
}
"""Each tree sees every row: confirmed entities are few, and one left out is not made up for. Columns are drawn instead,
so that members with other seeds differ."""
EXTRA: dict[str, Any] = {"max_features": 0.6, "min_samples_leaf": 2}
RECIPES = (Recipe(150, repeats=3), Recipe(300, tuple(EXTRA.items()), extra=True))
"""Greedy boosting is best on hundreds of labels of a kind, random trees on dozens: a weighted mean serves."""
TOGETHER = 10
"""So many random trees see the same columns."""
WORTH_THREADS = 1_000_000
"""Cells of a matrix from which a second thread gains more than waiting for it costs."""
EVEN_AT = 60
"""At so many labels of the rarer kind both weigh the same; random trees weigh `(EVEN_AT / labels)²`. Their settings and
how screens are weighed were chosen on 40 to 250 labels drawn from five tender sets, Brazil not among them."""
SCREENS_TO_TREES = 0.5
"""Weight of the screens against that of the random trees; both leave together as labels grow."""


@dataclass
class Boosting:
    """Supervised; entities without a label are left out. Score in log-odds, `prior` that of the base rate."""

    seed: int = 0
    threads: int = 0
    recipes: tuple[Recipe, ...] = RECIPES
    weights: pd.Series | None = None
    """How much each labelled entity counts in fitting (index entity_id); None: all alike. Not kept."""
    name: str = "boosting"
    prior: float = 0.0
    design: Design = field(default_factory=lambda: Design(()))
    typical: tuple[float, ...] = ()
    """What stands in for an unknown value of each feature: the median of the labelled entities."""
    screens: Screens | None = None
    slope: float = 0.0
    """Log-odds that a point of the screens' score adds; never negative."""
    level: float = 0.0
    """Log-odds where the screens' score is zero."""
    _text: str = ""
    _model: Any = None

    def fit(self, profiles: Profiles, labels: pd.Series | None = None) -> Self:
        """Learn from labelled entities; raises `Fault` for labels of one class, too few, or nothing that varies."""
        rows, target = taught(profiles, labels)
        counts = None if self.weights is None else self.weights.reindex(rows.values.index).to_numpy(float)
        self.design = full(rows)
        if not self.design.features:
            raise Fault("training.boosting.nothing_varies", place=profiles.entity)
        base = _mean(target, counts)
        self.prior = float(np.log(base / (1.0 - base)))
        self.typical = tuple(np.nanmedian(self.design.matrix(rows), axis=0).tolist())
        matrix = self._matrix(rows)
        rarer = int(min(target.sum(), len(target) - target.sum()))
        weights = {recipe: recipe.weight(rarer) for recipe in self.recipes if recipe.weight(rarer) > 0.0}
        whole = sum(weights.values()) + self._listen(rows, target, weights, counts)
        parts: list[tuple[str, float]] = []
        for recipe, weight in weights.items():
            for number in range(recipe.repeats):
                text = self._grown(recipe, matrix, target, counts, self.seed * 1000 + number)
                parts.append((text, weight / whole / recipe.repeats))
        self._text = trees.merged(parts, matrix.shape[1])
        self._model = trees.booster_of(self._text)
        return self

    def score(self, profiles: Profiles) -> Floats:
        """Log-odds of each entity; higher is more like the confirmed ones."""
        score = trees.raw(self._model, self._matrix(profiles), self.threads)
        return score if self.screens is None else score + self.level + self.slope * self.screens.score(profiles)

    def explain(self, profiles: Profiles) -> Contributions:
        """Exact TreeSHAP values of the log-odds, value and deviation of a column told together."""
        by_feature, base = trees.contributions(self._model, self._matrix(profiles), self.threads)
        told = self.design.told(by_feature, profiles)
        if self.screens is None:
            return Contributions(base, told)
        known = self.screens.explain(profiles)
        told = told.add(self.slope * known.by_column, fill_value=0.0)[list(self.design.columns)]
        return Contributions(base + self.level + self.slope * known.base, told)

    def save(self, folder: Path) -> None:
        """Write model text and JSON."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / MODEL).write_text(self._text, encoding="ascii")
        about = {"seed": self.seed, "prior": self.prior, "features": self.design.as_list()}
        about["typical"] = list(self.typical)
        if self.screens is not None:
            about |= {"screens": self.screens.as_dict(), "slope": self.slope, "level": self.level}
        (folder / ABOUT).write_text(json.dumps(about, indent=1), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote; `Fault` for anything else."""
        about = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
        found = cls(about["seed"], prior=about["prior"], design=Design.of(about["features"]))
        found.typical = tuple(float(one) for one in about["typical"])
        if "screens" in about:
            found.screens = Screens.of(about["screens"])
            found.slope, found.level = float(about["slope"]), float(about["level"])
        found._model = trees.booster(folder / MODEL)
        found._text = (folder / MODEL).read_text(encoding="ascii")
        return found

    def _grown(self, recipe: Recipe, matrix: Floats, target: Floats, counts: Floats | None, seed: int) -> str:
        """Model text of one member, in log-odds."""
        if recipe.extra:
            return self._drawn(recipe, matrix, target, counts, seed)
        import lightgbm

        settings = {**COMMON, **dict(recipe.settings), "seed": seed}
        settings["num_threads"] = 1 if matrix.size < WORTH_THREADS else self.threads
        data = lightgbm.Dataset(matrix, target, weight=counts, params={"verbose": -1, "feature_pre_filter": False})
        return str(lightgbm.train(settings, data, recipe.rounds).model_to_string())

    def _drawn(self, recipe: Recipe, matrix: Floats, target: Floats, counts: Floats | None, seed: int) -> str:
        """Random trees in log-odds around the base rate, to the first order: a mean of probabilities adds up, one of
        log-odds does not. Every few trees see one column of each bundle of twins, drawn anew."""
        from sklearn.ensemble import ExtraTreesClassifier

        found, rng = bundles(matrix), np.random.default_rng(seed)
        grown = []
        for start in range(0, recipe.rounds, TOGETHER):
            columns, many = one_of_each(found, rng), min(TOGETHER, recipe.rounds - start)
            forest = ExtraTreesClassifier(many, random_state=int(rng.integers(1 << 31)), **dict(recipe.settings))
            grown.append((forest.fit(matrix[:, columns], target, counts), columns))
        base = _mean(target, counts)
        slope = 1.0 / (base * (1.0 - base))
        return trees.averaged_text(grown, matrix.shape[1], slope, self.prior - slope * base)

    def _listen(self, rows: Profiles, target: Floats, weights: Mapping[Recipe, float], counts: Floats | None) -> float:
        """Hold the declared screens against the labels, and keep those that do not speak against their direction.

        Returns the weight they got; slope and level are scaled to their part of the whole already.
        """
        share = SCREENS_TO_TREES * sum(weight for recipe, weight in weights.items() if recipe.extra)
        self.screens = None
        if not share or rows.entity not in DECLARED:
            return 0.0
        screens, level = heard(rows, target, counts)
        if not any(screens.weights) or not set(screens.design.columns) <= set(self.design.columns):
            return 0.0
        part = share / (sum(weights.values()) + share)
        self.screens, self.slope, self.level = screens, part, level * part
        return share

    def _matrix(self, profiles: Profiles) -> Floats:
        # Left to itself a tree learns that who hides a value is suspicious; unknown must read as usual.
        matrix = self.design.matrix(profiles)
        return np.where(np.isnan(matrix), np.asarray(self.typical), matrix)


def _mean(target: Floats, counts: Floats | None) -> float:
    return float(target.mean() if counts is None else np.average(target, weights=counts))


def shortage(labels: pd.Series | None, folds: int = 1) -> str:
    """Why labels cannot teach: a message key, or empty when they can, also with one of `folds` parts held out."""
    known = pd.Series(dtype=float) if labels is None else labels.dropna()
    if known.nunique() < 2:
        return "training.boosting.one_class"
    fewest = int(known.value_counts().min())
    if fewest - (-(-fewest // folds) if folds > 1 else 0) < MIN_OF_EACH:
        return "training.boosting.too_few"
    return ""


def taught(profiles: Profiles, labels: pd.Series | None) -> tuple[Profiles, Floats]:
    """The labelled entities and their targets; raises `Fault` when they cannot teach."""
    reason = shortage(labels)
    if reason or labels is None:
        counts = {} if labels is None else labels.dropna().astype(int).value_counts().to_dict()
        raise Fault(
            reason, place=profiles.entity, positive=counts.get(1, 0), negative=counts.get(0, 0), needed=MIN_OF_EACH
        )
    known = labels.reindex(profiles.values.index).dropna()
    return profiles.select([str(one) for one in known.index]), known.to_numpy(float)
