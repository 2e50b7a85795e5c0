"""Rarity: thin in the histograms, far from the nearest of a few others, far on the suspicious side. No labels.

Three parts, each over the spread of its own scores in the training population, summed with `WEIGHTS`:
thinness of each column's histogram bin (HBOS, Goldstein and Dengel 2012), mean distance to the nearest of a few random
entities over many draws (LeSiNN, Pang, Ting and Albrecht 2015), and compressed excess. All read directed deviations, so
the harmless side is the same as usual. Distances are sums of absolute differences, which part near from far better than
Euclidean ones where columns are many (Aggarwal, Hinneburg and Keim 2001), and whose parts add up exactly as they stand.
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
from training.design import Design, Floats, directed, require
from training.detectors.contract import Contributions

ABOUT = "rarity.json"
WEIGHTS = (1.0, 2.0, 1.0)
"""Histogram, neighbours, excess. Parts and weights were chosen once over the 21 ADBench sets together."""
BINS, FLOOR = 10, 0.1
"""Bins of equal width, and what is added to a bin's relative height so that an empty one stays finite."""
DRAWS, DRAWN = 120, 4
"""How many draws of how many entities each: few enough that nobody's own cluster is always among them."""
DISTANCES = "absolute"
"""Kept with a model: its spreads and neighbours mean nothing under other distances."""
SHOWN = 5_000
"""Mean contributions are taken over at most so many entities."""


@dataclass
class Rarity:
    """Unsupervised; labels are ignored. Score in weighted standard deviations over the training population."""

    seed: int = 0
    threads: int = 0
    name: str = "rarity"
    design: Design = field(default_factory=lambda: Design(()))
    spreads: tuple[float, ...] = ()
    scales: Floats = field(default_factory=lambda: np.empty(0))
    """Spread of each feature among the training population: distances count in these."""
    usual: Floats = field(default_factory=lambda: np.empty(0))
    """Mean contribution of each feature over the training population."""
    edges: Floats = field(default_factory=lambda: np.empty((0, 0)))
    thinness: Floats = field(default_factory=lambda: np.empty((0, 0)))
    """Features × bins."""
    others: Floats = field(default_factory=lambda: np.empty((0, 0, 0)))
    """Draws × entities drawn × features, compressed."""

    def fit(self, profiles: Profiles, labels: pd.Series | None = None) -> Self:
        """Note histograms and draw the others; raises `Fault` when nothing with a direction deviates."""
        self.design = directed(profiles)
        if not self.design.features:
            raise Fault("training.forest.nothing_varies", place=profiles.entity)
        toward = self._toward(profiles)
        low, high = toward.min(axis=0), toward.max(axis=0)
        self.edges = np.linspace(low, np.where(high > low, high, low + 1.0), BINS + 1, axis=1)
        counts = np.stack([np.histogram(one, bins)[0] for one, bins in zip(toward.T, self.edges, strict=True)])
        self.thinness = -np.log2(counts / counts.max(axis=1, keepdims=True) + FLOOR)
        self.scales = _scales(toward)
        rng = np.random.default_rng(self.seed)
        drawn = min(DRAWN, len(toward))
        picked = np.stack([rng.choice(len(toward), drawn, replace=False) for _ in range(DRAWS)])
        self.others = np.arcsinh(toward / self.scales)[picked]
        self.spreads = tuple(float(part.std()) or 1.0 for part in self._whole(toward))
        shown = toward if len(toward) <= SHOWN else toward[rng.choice(len(toward), SHOWN, replace=False)]
        self.usual = self._told(shown).mean(axis=0)
        return self

    def score(self, profiles: Profiles) -> Floats:
        """Weighted sum of the three parts of each entity; higher is rarer."""
        weighed = zip(WEIGHTS, self._whole(self._toward(profiles)), self.spreads, strict=True)
        return np.asarray(sum(weight / spread * part for weight, part, spread in weighed), dtype=float)

    def explain(self, profiles: Profiles) -> Contributions:
        """Each column's share of the three parts less its mean over the training population."""
        by_feature = self._told(self._toward(profiles)) - self.usual
        return Contributions(float(self.usual.sum()), self.design.told(by_feature, profiles))

    def save(self, folder: Path) -> None:
        """Write JSON."""
        folder.mkdir(parents=True, exist_ok=True)
        about: dict[str, Any] = {"seed": self.seed, "features": self.design.as_list(), "spreads": list(self.spreads)}
        about["distances"] = DISTANCES
        about |= {name: getattr(self, name).tolist() for name in ("scales", "usual", "edges", "thinness", "others")}
        (folder / ABOUT).write_text(json.dumps(about), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote; `KeyError` or `ValueError` where distances were measured another way."""
        about = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
        if about["distances"] != DISTANCES:
            raise ValueError(f"distances: {about['distances']}")
        found = cls(int(about["seed"]), design=Design.of(about["features"]))
        found.spreads = tuple(float(one) for one in about["spreads"])
        found.scales = np.asarray(about["scales"], dtype=float)
        found.usual, found.edges = np.asarray(about["usual"], dtype=float), np.asarray(about["edges"], dtype=float)
        found.thinness, found.others = np.asarray(about["thinness"], float), np.asarray(about["others"], dtype=float)
        return found

    def _toward(self, profiles: Profiles) -> Floats:
        """Deviations towards suspicion, not compressed; unknown and harmless are zero."""
        _, deviations = require(profiles, self.design.columns)
        places = {column: number for number, column in enumerate(self.design.columns)}
        known = np.nan_to_num(deviations, nan=0.0)
        columns = [known[:, places[feature.column]] for feature in self.design.features]
        sides = [feature.part for feature in self.design.features]
        signed = [-one if side == "down" else one for one, side in zip(columns, sides, strict=True)]
        return np.column_stack(
            [one if side == "either" else np.maximum(one, 0.0) for one, side in zip(signed, sides, strict=True)]
        )

    def _whole(self, toward: Floats) -> tuple[Floats, Floats, Floats]:
        """The three parts of each entity."""
        compressed = np.arcsinh(toward / self.scales)
        apart = np.zeros(len(toward))
        for others in self.others:
            apart += _distances(compressed, others).min(axis=0)
        excess = np.maximum(compressed, 0.0).sum(axis=1)
        return self._thin(toward).sum(axis=1), apart / len(self.others), excess

    def _told(self, toward: Floats) -> Floats:
        """The weighted parts of each entity and feature: their sums are the score."""
        compressed = np.arcsinh(toward / self.scales)
        apart = np.zeros_like(compressed)
        for others in self.others:
            apart += np.abs(compressed - others[_distances(compressed, others).argmin(axis=0)])
        parts = (self._thin(toward), apart / len(self.others), np.maximum(compressed, 0.0))
        weighed = zip(WEIGHTS, parts, self.spreads, strict=True)
        return np.asarray(sum(weight / spread * part for weight, part, spread in weighed), dtype=float)

    def _thin(self, toward: Floats) -> Floats:
        out = np.empty_like(toward)
        for number, edges in enumerate(self.edges):
            place = np.clip(np.searchsorted(edges, toward[:, number], side="right") - 1, 0, BINS - 1)
            out[:, number] = self.thinness[number, place]
        return out


def _scales(toward: Floats) -> Floats:
    """Quartile distance as a normal deviation; where half of all are equal, the standard deviation; never zero."""
    low, high = np.quantile(toward, [0.25, 0.75], axis=0)
    quartiles, spread = (high - low) / 1.349, toward.std(axis=0)
    return np.asarray(np.where(quartiles > 0.0, quartiles, np.where(spread > 0.0, spread, 1.0)), dtype=float)


def _distances(rows: Floats, others: Floats) -> Floats:
    """Sum of absolute differences of each row to each of the others: others × rows."""
    return np.stack([np.abs(rows - one).sum(axis=1) for one in others])
