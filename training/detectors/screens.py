"""Directed screens: how far an entity lies on the suspicious side of each declared measure, summed. No labels.

Each column gives `log(1 + exp(z))` of its deviation towards suspicion, the expected log-odds of a logistic tail: near
zero on the harmless side, about `z` far out, and never more than at `REACH`. An unknown value gives nothing. The sum is
additive as it stands, so a contribution is the column's own term less its mean over the training population, which is
the Shapley value against that population. Nothing but these means is learned: scores of two markets, each held against
its own norms, are comparable.
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
from gnomon.terms import Direction
from training.design import Design, Feature, Floats, Part, require, usable
from training.detectors.contract import Contributions
from training.volume import total

ABOUT = "screens.json"
REACH = 6.0
"""Deviations are cut here: further out is no more certain, and one bad number must not outweigh everything else."""
KNOWN = 0.5
"""Without declared screens a measure takes part when so large a share of the entities has it: a measure that only some
can have ranks those who have it."""
DECLARED: dict[str, dict[str, Part]] = {
    "tender": {
        "bid_cv": "down",
        "losing_cv": "down",
        "closest_three_spread": "down",
        "closest_four_spread": "down",
        "lowest_bid": "up",
        "shared_agent_share": "up",
        "shared_bond_account_share": "up",
        "tied_pair_share": "up",
    }
}
"""Screens of a kind, each of weight one. Tenders: all bids, the losing ones, and the closest three and four stand too
close together (collusion is regularity), much money is at stake, and bidders are tied. Competition raises none.
Which screens, and that size is one of them, was chosen with the labels of six cartels in sight."""


@dataclass
class Screens:
    """Unsupervised; labels are ignored. Score: weighted sum of the columns' terms, 0 where nothing is known."""

    seed: int = 0
    threads: int = 0
    name: str = "screens"
    design: Design = field(default_factory=lambda: Design(()))
    weights: tuple[float, ...] = ()
    usual: tuple[float, ...] = ()
    """Mean weighted term of each feature over the training population."""

    def fit(self, profiles: Profiles, labels: pd.Series | None = None) -> Self:
        """Choose the columns and note their usual terms; raises `Fault` when none deviates from its norm anywhere."""
        parts = _declared(profiles) or _all(profiles)
        if not parts:
            raise Fault("training.forest.nothing_varies", place=profiles.entity)
        self.design = Design(tuple(feature for feature, _ in parts))
        self.weights = tuple(weight for _, weight in parts)
        self.usual = tuple(self._terms(profiles).mean(axis=0).tolist())
        return self

    def score(self, profiles: Profiles) -> Floats:
        """Sum of the weighted terms of each entity; higher is more suspicious."""
        return np.asarray(self._terms(profiles).sum(axis=1), dtype=float)

    def explain(self, profiles: Profiles) -> Contributions:
        """Each column's own term less its mean over the training population; the base is the sum of those means."""
        told = self.design.told(self._terms(profiles) - np.asarray(self.usual), profiles)
        return Contributions(float(np.sum(self.usual)), told)

    def save(self, folder: Path) -> None:
        """Write JSON."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / ABOUT).write_text(json.dumps(self.as_dict(), indent=1), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote."""
        return cls.of(json.loads((folder / ABOUT).read_text(encoding="utf-8")))

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values; `of` reads them back."""
        about: dict[str, Any] = {"seed": self.seed, "features": self.design.as_list()}
        return about | {"weights": list(self.weights), "usual": list(self.usual)}

    @classmethod
    def of(cls, about: Mapping[str, Any]) -> Self:
        """The screens that `as_dict` told."""
        weights, usual = (tuple(float(one) for one in about[name]) for name in ("weights", "usual"))
        return cls(int(about["seed"]), design=Design.of(about["features"]), weights=weights, usual=usual)

    def _terms(self, profiles: Profiles) -> Floats:
        _, deviations = require(profiles, self.design.columns)
        toward = np.column_stack(
            [_toward(deviations[:, number], one.part) for number, one in enumerate(self.design.features)]
        )
        terms = np.log1p(np.exp(np.clip(toward, -REACH, REACH))) * np.asarray(self.weights)
        return np.asarray(np.nan_to_num(terms, nan=0.0), dtype=float)


def _toward(deviation: Floats, part: Part) -> Floats:
    return np.abs(deviation) if part == "either" else -deviation if part == "down" else deviation


def _declared(profiles: Profiles) -> list[tuple[Feature, float]]:
    deviating = _deviating(profiles)
    told = DECLARED.get(profiles.entity, {})
    return [(Feature(name, part), 1.0) for name, part in told.items() if deviating.get(name, False)]


def _all(profiles: Profiles) -> list[tuple[Feature, float]]:
    """The total amount of the kind, and all directed measures that most have, which together weigh as much."""
    sides: dict[Direction, Part] = {Direction.HIGH: "up", Direction.LOW: "down", Direction.BOTH: "either"}
    deviating, known = _deviating(profiles), profiles.deviations.notna().mean()
    stakes = total(profiles)
    others = [
        Feature(column.name, sides[column.suspicious])
        for column in usable(profiles)
        if column.suspicious in sides and deviating[column.name] and known[column.name] >= KNOWN
    ]
    parts = {feature: 1.0 / len(others) for feature in others}
    if stakes is not None and deviating.get(stakes, False):
        stake = Feature(stakes, "up")
        parts[stake] = parts.get(stake, 0.0) + 1.0
    return list(parts.items())


def _deviating(profiles: Profiles) -> pd.Series:
    return profiles.deviations.abs().gt(0).any()
