"""The contract every detector keeps: fit, score, explain. Higher is more unusual."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.profiles import Profiles

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Contributions:
    """Why each entity scored what it did: `score = base + contributions.sum(axis=1)` to 1e-6."""

    base: float
    by_column: pd.DataFrame
    """index entity_id, one column per *profile column* (deviation and raw value of a column told together)."""


class Detector(Protocol):
    """Scores profiles on an additive scale. A null value is never by itself unusual."""

    name: str
    """`rule`, `forest`, `boosting`, `blend`."""

    def fit(self, profiles: Profiles, labels: pd.Series | None = None) -> Self:
        """Learn from profiles; `labels` holds 1.0 / 0.0 / NaN (unknown) per entity id."""
        ...

    def score(self, profiles: Profiles) -> Floats:
        """One finite score per entity, in the profiles' order."""
        ...

    def explain(self, profiles: Profiles) -> Contributions:
        """Contributions of each profile column that add up to the score."""
        ...

    def save(self, folder: Path) -> None:
        """Write the detector in formats that cannot run code (LightGBM text, JSON)."""
        ...

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote; refuses anything else."""
        ...
