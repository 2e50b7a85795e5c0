"""The catalogue's declared rules under the detector contract: the score is the sum of the rules that fire."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import pandas as pd

from catalogue import load as catalogue
from catalogue.model import WarningModel
from catalogue.rule import RuleResult, evaluate
from features.profiles import Profiles
from gnomon.errors import Fault, nearest
from training.detectors.contract import Contributions, Floats

ABOUT = "rule.json"


@dataclass(frozen=True)
class Rules:
    """Declared, not learned: 0 where nothing fires; what cannot be computed adds nothing."""

    models: tuple[WarningModel, ...]
    name: str = "rule"

    def fit(self, profiles: Profiles, labels: pd.Series | None = None) -> Self:
        """Keep the rules about this kind of entity; there is nothing to learn."""
        return type(self)(tuple(one for one in self.models if one.entity == profiles.entity and one.detector == "rule"))

    def score(self, profiles: Profiles) -> Floats:
        """Sum of the scores of the rules that fire on each entity."""
        found = [result.score for result in self._results(profiles)]
        return np.sum(found, axis=0) if found else np.zeros(len(profiles.values))

    def explain(self, profiles: Profiles) -> Contributions:
        """Contributions of the rules, summed per profile column."""
        told = pd.DataFrame(index=profiles.values.index, dtype=float)
        for result in self._results(profiles):
            told = told.add(result.contributions, fill_value=0.0)
        return Contributions(0.0, told.reindex(profiles.values.index))

    def save(self, folder: Path) -> None:
        """Write the ids of the rules; their text stays in the catalogue."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / ABOUT).write_text(json.dumps({"models": [one.id for one in self.models]}), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path, extra: Path | None = None) -> Self:
        """Read the ids and take the rules from the catalogue (`extra`: further folder of models)."""
        ids = json.loads((folder / ABOUT).read_text(encoding="utf-8"))["models"]
        known = catalogue.load(extra)
        for one in ids:
            if one not in known:
                raise Fault("training.rule.unknown", place=str(folder / ABOUT), model=one, nearest=nearest(one, known))
        return cls(tuple(known[one] for one in ids))

    def _results(self, profiles: Profiles) -> Sequence[RuleResult]:
        return [evaluate(model, profiles) for model in self.models]
