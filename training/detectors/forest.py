"""Isolation forest on directed deviations: unusual in the suspicious direction, and only there.

Liu, Ting and Zhou 2008, as scikit-learn fits it, stored and served as LightGBM model text. The served score is log2
of scikit-learn's anomaly score (`2**score == -score_samples`), which is the negated sum of the trees and so additive.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd

from features.profiles import Profiles
from gnomon.errors import Fault
from training.design import Design, Floats, directed
from training.detectors import isolation, trees
from training.detectors.contract import Contributions

MODEL, ABOUT = "forest.txt", "forest.json"


@dataclass
class Forest:
    """Unsupervised; labels are ignored. Score in log2 of the anomaly score: about -1 is usual, 0 the most unusual."""

    trees: int = 300
    sample: int = 256
    seed: int = 0
    threads: int = 0
    name: str = "forest"
    design: Design = field(default_factory=lambda: Design(()))
    _text: str = ""
    _model: Any = None

    def fit(self, profiles: Profiles, labels: pd.Series | None = None) -> Self:
        """Grow the trees; raises `Fault` when no column has a direction, a norm and any spread."""
        from sklearn.ensemble import IsolationForest

        self.design = directed(profiles)
        if not self.design.features:
            raise Fault("training.forest.nothing_varies", place=profiles.entity)
        matrix = self._matrix(profiles)
        fitted = IsolationForest(
            n_estimators=self.trees, max_samples=min(self.sample, len(matrix)), random_state=self.seed
        ).fit(matrix.astype(np.float32))
        self._text = trees.isolation_text(fitted)
        self._model = trees.booster_of(self._text)
        return self

    def score(self, profiles: Profiles) -> Floats:
        """log2 of the anomaly score of each entity; higher is more unusual."""
        return -trees.raw(self._model, self._matrix(profiles), self.threads)

    def explain(self, profiles: Profiles) -> Contributions:
        """Exact TreeSHAP values of the score, told by profile column."""
        by_feature, base = isolation.contributions(self._model, self._text, self._matrix(profiles), self.threads)
        return Contributions(-base, self.design.told(-by_feature, profiles))

    def save(self, folder: Path) -> None:
        """Write model text and JSON."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / MODEL).write_text(self._text, encoding="ascii")
        about = {"trees": self.trees, "sample": self.sample, "seed": self.seed, "features": self.design.as_list()}
        (folder / ABOUT).write_text(json.dumps(about, indent=1), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote; `Fault` for anything else."""
        about = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
        found = cls(about["trees"], about["sample"], about["seed"], design=Design.of(about["features"]))
        found._model = trees.booster(folder / MODEL)
        found._text = (folder / MODEL).read_text(encoding="ascii")
        return found

    def _matrix(self, profiles: Profiles) -> Floats:
        # The trees' thresholds were learned from float32 rows; a float64 on a threshold would go the other way.
        return self.design.matrix(profiles).astype(np.float32).astype(float)
