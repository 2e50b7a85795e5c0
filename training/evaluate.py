"""Honest figures of the full pipeline: the detector is refitted in every fold, groups never stand on both sides.

Values and norms are made without labels and over all entities, as they are in service, so folds share them. Beside each
figure of a detector stand the trivial ranking by volume and the same detector on rates only, with no volume in it.
No setting is chosen on the folds that are reported; the threshold of balanced accuracy comes from the training folds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.profiles import Profiles
from gnomon.errors import Misuse
from training import metrics
from training.detectors.boosting import Boosting, taught
from training.detectors.contract import Detector, Floats
from training.detectors.forest import Forest
from training.metrics import FEWEST_POSITIVES, Figure, Flags
from training.volume import rates as without_size
from training.volume import total as size_of

BANDS = 5


class Maker(Protocol):
    """Makes a fresh detector for one fold."""

    def __call__(self, seed: int) -> Detector: ...


MAKERS: dict[str, Maker] = {
    "boosting": lambda seed: Boosting(seed=seed),
    "forest": lambda seed: Forest(seed=seed),
}


@dataclass(frozen=True)
class Evaluation:
    """What one set of labels says about the detectors, and about the baselines they have to beat."""

    entity: str
    as_of: datetime
    lake_version: int
    entities: int
    positives: int
    folds: int
    repeats: int
    grouped_by: str
    budget: float
    """Share of entities that can be reviewed."""
    figures: Mapping[str, Mapping[str, Figure]]
    """`boosting`, `forest`, `boosting, rates only`, `total: <column>` → metric → figure."""
    bands: Sequence[Mapping[str, Any]]
    """ROC AUC of the first detector within fifths by size, with its interval; then within fifths joined (`joined`)."""
    scores: pd.DataFrame
    """Out-of-fold score of each ranking (mean over repeats) and `label`; index entity_id."""
    notes: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        told = {name: getattr(self, name) for name in ("entity", "lake_version", "entities", "positives", "folds")}
        told |= {"repeats": self.repeats, "grouped_by": self.grouped_by, "as_of": self.as_of.isoformat()}
        told |= {"budget_share": self.budget, "base_rate": round(self.positives / max(1, self.entities), 6)}
        told["figures"] = {
            name: {metric: figure.as_dict() for metric, figure in one.items()} for name, one in self.figures.items()
        }
        return told | {"size_bands": list(self.bands), "notes": list(self.notes)}


def evaluate(
    profiles: Profiles,
    labels: pd.Series,
    *,
    folds: int = 5,
    group: pd.Series | None = None,
    seed: int = 0,
    repeats: int = 1,
    budget: float = 0.05,
    makers: Mapping[str, Maker] = MAKERS,
    volume: str | None = None,
    rates_only: bool = True,
) -> Evaluation:
    """Cross-validated figures; entities without a label are left out. Raises `Fault` when labels cannot teach.

    `group` (index entity_id): entities of one group stay on one side of every split; default each its own.
    `budget`: under 1 the share, from 1 on the number of entities that can be reviewed.
    """
    judged, target = taught(profiles, labels)
    positive = target > 0.5
    groups = np.asarray(judged.ids if group is None else group.reindex(judged.values.index).astype(str))
    if len(np.unique(groups)) < folds or folds < 2:
        raise Misuse("training.evaluate.folds", place="--folds", folds=folds, groups=len(np.unique(groups)))
    share = budget if budget < 1.0 else min(1.0, budget / len(positive))
    splits = [split(positive, groups, folds, seed + repeat) for repeat in range(repeats)]
    total = volume or size_of(judged)
    rankings = {name: _refitted(make, judged, target, splits, seed) for name, make in makers.items()}
    if rates_only and "boosting" in makers:
        rates = without_size(judged)
        if rates.columns and len(rates.columns) < len(judged.columns):
            rankings["boosting, rates only"] = _refitted(makers["boosting"], rates, target, splits, seed)
    if total is not None:
        size = np.nan_to_num(judged.values[total].to_numpy(float), nan=-np.inf)
        rankings[f"total: {total}"] = _fixed(size, positive, splits)
    told = {name: _figures(one, positive, groups, share, seed) for name, one in rankings.items()}
    first = next(iter(rankings.values()))
    return Evaluation(
        profiles.entity, profiles.as_of, profiles.lake_version, len(positive), int(positive.sum()), folds, repeats,
        "entity" if group is None else str(group.name), share, told,
        [] if total is None else _bands(judged.values[total].to_numpy(float), positive, first[0]),
        pd.DataFrame({name: one[0].mean(axis=0) for name, one in rankings.items()}, judged.values.index).assign(
            label=target
        ),
        ("values and norms are made without labels over all entities; detectors are refitted in each fold",),
    )  # fmt: skip


def split(target: Flags, groups: npt.NDArray[Any], folds: int, seed: int) -> npt.NDArray[np.int64]:
    """Fold of each row: groups stay together, positives spread evenly."""
    names, place = np.unique(groups, return_inverse=True)
    rng = np.random.default_rng(seed)
    share = np.bincount(place, weights=target) / np.bincount(place)
    order = np.lexsort((rng.random(len(names)), np.round(share, 6)))
    fold_of_group = np.empty(len(names), dtype=np.int64)
    # Neighbours in the order have like shares of positives: deal each run of `folds` groups out to all folds.
    for start in range(0, len(names), folds):
        run = order[start : start + folds]
        fold_of_group[run] = rng.permutation(folds)[: len(run)]
    return fold_of_group[place]


_Ranking = tuple[Floats, npt.NDArray[np.bool_]]
"""Out-of-fold scores and whether they cross the threshold of their training folds: repeats × entities."""


def _refitted(
    make: Maker, profiles: Profiles, target: Floats, splits: Sequence[npt.NDArray[np.int64]], seed: int
) -> _Ranking:
    index = np.asarray(profiles.ids)
    scores, fires = np.zeros((len(splits), len(index))), np.zeros((len(splits), len(index)), dtype=bool)
    for repeat, fold in enumerate(splits):
        for number in np.unique(fold):
            inside, outside = np.nonzero(fold != number)[0], np.nonzero(fold == number)[0]
            train = profiles.select(index[inside].tolist())
            known = pd.Series(target[inside], index=train.values.index)
            detector = make(seed + repeat)
            detector.fit(train, None if detector.name == "forest" else known)
            threshold = _threshold(detector, train, target[inside] > 0.5)
            scores[repeat, outside] = detector.score(profiles.select(index[outside].tolist()))
            fires[repeat, outside] = scores[repeat, outside] >= threshold
    return scores, fires


def _threshold(detector: Detector, train: Profiles, target: Flags) -> float:
    # Log-odds cross the base rate where balanced accuracy is best; scores on rows it was taught would flatter it.
    if isinstance(detector, Boosting):
        return detector.prior
    return metrics.best_threshold(target, detector.score(train))


def _fixed(score: Floats, target: Flags, splits: Sequence[npt.NDArray[np.int64]]) -> _Ranking:
    fires = np.zeros((len(splits), len(score)), dtype=bool)
    for repeat, fold in enumerate(splits):
        for number in np.unique(fold):
            inside = fold != number
            fires[repeat, ~inside] = score[~inside] >= metrics.best_threshold(target[inside], score[inside])
    return np.tile(score, (len(splits), 1)), fires


def _figures(one: _Ranking, target: Flags, groups: npt.NDArray[Any], share: float, seed: int) -> dict[str, Figure]:
    scores, fires = one

    def measure(rows: npt.NDArray[np.int64], repeat: int) -> dict[str, float]:
        return metrics.ranking(target[rows], scores[repeat][rows], fires[repeat][rows], share)

    return metrics.figures(measure, groups, len(scores), seed)


def _bands(size: Floats, target: Flags, scores: Floats) -> list[dict[str, Any]]:
    known = np.isfinite(size)
    edges = np.quantile(size[known], np.linspace(0.0, 1.0, BANDS + 1)) if known.any() else np.zeros(BANDS + 1)
    fifth = np.where(known, np.clip(np.searchsorted(edges, size, side="right") - 1, 0, BANDS - 1), -1)
    positives = np.array([int(target[fifth == number].sum()) for number in range(BANDS)])
    ranges = [(number, number) for number in range(BANDS)]
    joined = [one for one in _joined(positives) if one not in ranges]
    out = []
    for low, high in [*ranges, *joined]:
        rows = (fifth >= low) & (fifth <= high)
        auc = float(np.mean([metrics.roc_auc(target[rows], one[rows]) for one in scores])) if rows.any() else np.nan
        found = int(target[rows].sum())
        ends = metrics.auc_interval(auc, found, int(rows.sum()) - found)
        told: dict[str, Any] = {"from": float(edges[low]), "to": float(edges[high + 1]), "entities": int(rows.sum())}
        told |= {"positives": found, "joined": [low + 1, high + 1] if low < high else None}
        figures = {"roc_auc": auc, "low": ends[0], "high": ends[1]}
        out.append(told | {name: round(one, 6) if np.isfinite(one) else None for name, one in figures.items()})
    return out


def _joined(positives: npt.NDArray[np.int64]) -> list[tuple[int, int]]:
    """First and last band of each run of bands with `FEWEST_POSITIVES` at least; what is left joins the last."""
    runs: list[tuple[int, int]] = []
    start = 0
    for number in range(len(positives)):
        if positives[start : number + 1].sum() >= FEWEST_POSITIVES:
            runs.append((start, number))
            start = number + 1
    if runs and start < len(positives):
        runs[-1] = (runs[-1][0], len(positives) - 1)
    return runs
