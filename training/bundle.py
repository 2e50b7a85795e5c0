"""A model on disk as the request path loads it: LightGBM text and JSON, every file on a list and hashed. No mlflow.

A folder with a file that is not on the list, with a wrong hash, or without its manifest is refused whole.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd

from features.profiles import Profiles
from gnomon.config import Settings
from gnomon.errors import Fault
from training.calibration import Calibration
from training.design import Floats
from training.detectors.boosting import Boosting
from training.detectors.contract import Contributions
from training.detectors.forest import Forest
from training.detectors.rarity import Rarity
from training.detectors.screens import Screens

MANIFEST, ABOUT, QUANTILES = "manifest.json", "bundle.json", "score_quantiles.json"
CALIBRATION = "calibration.json"
POINTER = "champion.json"
ALLOWED = frozenset(
    {
        "forest.txt", "forest.json", "boosting.txt", "boosting.json", "screens.json", "rarity.json",
        ABOUT, QUANTILES, CALIBRATION, "reference.parquet",
    }
)  # fmt: skip
Learned = Forest | Boosting | Screens | Rarity
"""Detectors that a bundle can hold."""
DETECTORS: Mapping[str, type[Learned]] = {
    "forest": Forest,
    "boosting": Boosting,
    "screens": Screens,
    "rarity": Rarity,
}
UNITS = {
    "forest": "log2 anomaly score",
    "boosting": "log-odds",
    "screens": "summed log-odds of screens",
    "rarity": "standard deviations of rarity",
}


@dataclass(frozen=True)
class Scored:
    """Scores of profiles by one model, and why. All frames and arrays are in the profiles' order."""

    score: Floats
    base: float
    contributions: pd.DataFrame
    """index entity_id, one column per profile column; `score = base + sum` to 1e-6."""
    percentile: Floats
    """Share of the training population that the score is at or above, 0 to 1."""
    detector: str
    unit: str


@dataclass(frozen=True)
class Bundle:
    """One model ready to score: the serving detector, and what training knew about its scores."""

    folder: Path
    entity: str
    detector: Learned
    columns: tuple[str, ...]
    """Profile columns that the model reads."""
    quantiles: Floats
    """Quantiles 0, 0.1%, …, 100% of the scores of the training population."""
    about: Mapping[str, Any]
    calibration: Calibration | None = None
    """How to read the scores as probabilities and p-values; None in bundles made before there was one."""

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read a verified folder; raises `Fault` for anything foreign, changed, lacking or unreadable."""
        verify(folder)
        try:
            return cls._read(folder)
        except (KeyError, ValueError, TypeError, AttributeError, IndexError) as error:
            # Sealed and unchanged, yet not what this code writes: made by another version, or by something else.
            raise Fault("training.bundle.unreadable", place=str(folder), error=repr(error)) from error

    @classmethod
    def _read(cls, folder: Path) -> Self:
        about = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
        name = about.get("detector")
        if name not in DETECTORS:
            raise Fault("training.bundle.detector", place=str(folder / ABOUT), name=name, known=", ".join(DETECTORS))
        detector = DETECTORS[name].load(folder)
        quantiles = np.asarray(json.loads((folder / QUANTILES).read_text(encoding="utf-8"))[name], dtype=float)
        path = folder / CALIBRATION
        read = Calibration.of(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else None
        return cls(folder, str(about["entity"]), detector, detector.design.columns, quantiles, about, read)

    def score(self, profiles: Profiles, explain: bool = True) -> Scored:
        """Score and explain profiles; raises `Fault` when they are of another kind or lack columns of the model."""
        if profiles.entity != self.entity:
            raise Fault("training.bundle.entity", place=str(self.folder), model=self.entity, given=profiles.entity)
        if explain:
            why = self.detector.explain(profiles)
        else:
            why = Contributions(0.0, pd.DataFrame(index=profiles.values.index))
        score = self.detector.score(profiles)
        place = np.searchsorted(self.quantiles, score, side="right") / len(self.quantiles)
        name = self.detector.name
        return Scored(score, why.base, why.by_column, np.clip(place, 0.0, 1.0), name, UNITS[name])


@dataclass(frozen=True, slots=True)
class Champion:
    """The version that serves, and where its verified bundle lies."""

    entity: str
    version: str
    run_id: str
    folder: Path

    @property
    def model_version(self) -> str:
        """`gnomon-institution/3`: how warnings name the model that issued them."""
        return f"gnomon-{self.entity}/{self.version}"


def serving(settings: Settings, entity: str) -> Champion | None:
    """The champion as last promoted or fetched into this workspace; None when there is none. Reads one small file."""
    path = settings.workspace / "bundles" / entity / POINTER
    if not path.is_file():
        return None
    told = json.loads(path.read_text(encoding="utf-8"))
    version = str(told["version"])
    return Champion(entity, version, str(told["run_id"]), path.parent / version)


def point(settings: Settings, champion: Champion) -> None:
    """Say which fetched bundle serves; replaced in one step, so a reader sees the old one or the new one."""
    path = settings.workspace / "bundles" / champion.entity / POINTER
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{POINTER}.{secrets.token_hex(4)}")
    _json(fresh, {"version": champion.version, "run_id": champion.run_id})
    fresh.replace(path)


def digest(folder: Path) -> str:
    """SHA-256 of the manifest, which holds the hashes of all files: names the bundle's content."""
    return _digest(folder / MANIFEST)


def write(
    folder: Path,
    entity: str,
    detectors: Mapping[str, Learned],
    serves: str,
    scores: Mapping[str, Floats],
    about: Mapping[str, Any],
    calibration: Calibration | None = None,
) -> None:
    """Write detectors, score quantiles and `about` into `folder`, then seal it. `serves` names the one that scores."""
    folder.mkdir(parents=True, exist_ok=True)
    for detector in detectors.values():
        detector.save(folder)
    grid = np.linspace(0.0, 1.0, 1001)
    _json(folder / QUANTILES, {name: np.quantile(one, grid).tolist() for name, one in scores.items()})
    if calibration is not None:
        _json(folder / CALIBRATION, calibration.as_dict())
    _json(folder / ABOUT, {**about, "entity": entity, "detector": serves, "detectors": sorted(detectors)})
    seal(folder)


def seal(folder: Path) -> None:
    """Write the manifest: SHA-256 of every file of the bundle, all of which must be on the list."""
    names = sorted(path.name for path in folder.iterdir() if path.name != MANIFEST)
    foreign = [name for name in names if name not in ALLOWED]
    if foreign:
        raise Fault("training.bundle.foreign", place=str(folder), file=foreign[0])
    _json(folder / MANIFEST, {name: _digest(folder / name) for name in names})


def verify(folder: Path) -> None:
    """Raise `Fault` unless the folder holds exactly the files of its manifest, all allowed and unchanged."""
    if not (folder / MANIFEST).is_file():
        raise Fault("training.bundle.no_manifest", place=str(folder))
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        listed = {str(name): str(digest) for name, digest in manifest.items()}
    except (ValueError, AttributeError) as error:
        raise Fault("training.bundle.no_manifest", place=str(folder)) from error
    present = {path.name for path in folder.iterdir()} - {MANIFEST}
    for name in sorted(present | set(listed)):
        if name not in ALLOWED or name not in listed:
            raise Fault("training.bundle.foreign", place=str(folder), file=name)
        if name not in present:
            raise Fault("training.bundle.lacks_file", place=str(folder), file=name)
        if _digest(folder / name) != listed[name]:
            raise Fault("training.bundle.changed", place=str(folder / name))
    for name in (ABOUT, QUANTILES):
        if name not in listed:
            raise Fault("training.bundle.lacks_file", place=str(folder), file=name)


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _json(path: Path, told: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(told, ensure_ascii=False, indent=1, sort_keys=True), encoding="utf-8")
