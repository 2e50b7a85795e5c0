"""Detectors of PyOD under the contract, by an adapter: room for others without a change to what scores and explains.

PyOD stores models by pickle, which runs code when read: kept here are the rows that it was fitted on, and fitting again
gives the same model. Its scores do not decompose, so contributions are Shapley values over fixed orders of the columns,
each moved from the middle of the training rows to its own value (Castro and others 2009): approximate one by one, and
their sum exact. Needs the extra `pyod`; no bundle holds such a detector.
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
from training.detectors.contract import Contributions

ROWS, ABOUT = "outside.parquet", "outside.json"
MOST_ROWS = 5_000


@dataclass
class Neighbours:
    """Distance to the nearest neighbours (PyOD's `KNN`) in directed deviations. Unsupervised; labels are ignored."""

    neighbours: int = 10
    seed: int = 0
    orders: int = 8
    """Orders of the columns that contributions are averaged over, each read both ways."""
    name: str = "neighbours"
    design: Design = field(default_factory=lambda: Design(()))
    _rows: Floats = field(default_factory=lambda: np.empty((0, 0)))
    _model: Any = None

    def fit(self, profiles: Profiles, labels: pd.Series | None = None) -> Self:
        """Keep at most `MOST_ROWS` rows; raises `Fault` when no column has a direction, a norm and any spread."""
        self.design = directed(profiles)
        if not self.design.features:
            raise Fault("training.forest.nothing_varies", place=profiles.entity)
        rows = self.design.matrix(profiles)
        if len(rows) > MOST_ROWS:
            rows = rows[np.sort(np.random.default_rng(self.seed).choice(len(rows), MOST_ROWS, replace=False))]
        return self._fitted(rows)

    def score(self, profiles: Profiles) -> Floats:
        """Distance of each entity to its neighbours; higher is more unusual."""
        return self._raw(self.design.matrix(profiles))

    def explain(self, profiles: Profiles) -> Contributions:
        """Contributions told by profile column; base is the score of the middle of the training rows."""
        rows, middle = self.design.matrix(profiles), np.median(self._rows, axis=0)
        told, rng = np.zeros(rows.shape), np.random.default_rng(self.seed)
        for _ in range(self.orders):
            order = rng.permutation(rows.shape[1])
            for way in (order, order[::-1]):
                moved = np.tile(middle, (len(rows), 1))
                before = self._raw(moved)
                for feature in way:
                    moved[:, feature] = rows[:, feature]
                    after = self._raw(moved)
                    told[:, feature] += (after - before) / (2 * self.orders)
                    before = after
        return Contributions(float(self._raw(middle[None, :])[0]), self.design.told(told, profiles))

    def save(self, folder: Path) -> None:
        """Write the rows and the settings."""
        folder.mkdir(parents=True, exist_ok=True)
        names = [feature.name for feature in self.design.features]
        pd.DataFrame(self._rows, columns=names).to_parquet(folder / ROWS, index=False)
        about = {"neighbours": self.neighbours, "seed": self.seed, "orders": self.orders}
        (folder / ABOUT).write_text(json.dumps(about | {"features": self.design.as_list()}), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote and fit again."""
        about = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
        found = cls(about["neighbours"], about["seed"], about["orders"], design=Design.of(about["features"]))
        return found._fitted(pd.read_parquet(folder / ROWS).to_numpy(float))

    def _fitted(self, rows: Floats) -> Self:
        from pyod.models.knn import KNN

        self._rows = rows
        self._model = KNN(n_neighbors=min(self.neighbours, len(rows) - 1), method="mean").fit(rows)
        return self

    def _raw(self, rows: Floats) -> Floats:
        return np.asarray(self._model.decision_function(rows), dtype=float)
