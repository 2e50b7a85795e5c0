"""How far the reasons of a model can be trusted: the same after resampling, and few enough to be read.

Stability: the share of its five weightiest measures that an entity keeps when the model is fitted on a bootstrap sample
of the training rows (Nogueira, Sechidis and Brown 2018 for the idea; plain overlap is what a reader sees). Compactness:
how many measures carry 80% of what moves the score. Windows of a measure count as one, as they are told.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from features.profiles import Profiles
from training.detectors.boosting import Boosting
from training.detectors.contract import Detector, Floats

TOP = 5
CARRIED = 0.8
ENTITIES = 50
"""Reasons are compared for so many of the highest scores: the ones that would be told."""
REFITS = 3


@dataclass(frozen=True)
class Refitted:
    """What fitting again on resampled rows told."""

    figures: Mapping[str, float]
    """`reason_stability` (0 to 1, with `.low` over entities) and `reasons_for_80_percent` (with `.high`)."""
    out_of_bag: Floats
    """Score of each entity by a refit that had not drawn it: what a score is when nothing was learned from the entity
    itself. NaN where every refit had drawn it."""


def reasons(
    detector: Detector,
    make: Callable[[int], Detector],
    profiles: Profiles,
    labels: pd.Series | None = None,
    *,
    refits: int = REFITS,
    seed: int = 0,
) -> Refitted:
    """Fit `refits` times on bootstrap samples and compare the reasons of the highest scores.

    Where there are labels, as many of each kind are drawn as there are: a sample with too few could teach nothing.
    """
    score = detector.score(profiles)
    top = [profiles.ids[at] for at in np.argsort(-score, kind="stable")[:ENTITIES]]
    shown = profiles.select(top)
    own = by_measure(shown, detector.explain(shown).by_column)
    needed = carrying(own.to_numpy(float))
    told = {
        "reasons_for_80_percent": float(needed.mean()),
        "reasons_for_80_percent.high": float(np.quantile(needed, 0.95)),
    }
    overlaps: list[Floats] = []
    unseen = np.full(len(score), np.nan)
    rng = np.random.default_rng(seed)
    for number in range(refits):
        sample = resampled(profiles, rng, labels)
        originals = [one.rsplit("#", 1)[0] for one in sample.ids]
        known = None if labels is None else labels.reindex(originals).set_axis(sample.values.index)
        again = make(seed + number + 1)
        if isinstance(again, Boosting) and again.weights is not None:
            again.weights = again.weights.reindex(originals).set_axis(sample.values.index)
        again.fit(sample, known)
        left = ~profiles.values.index.isin(originals) & np.isnan(unseen)
        if left.any():
            unseen[left] = again.score(profiles.select(profiles.values.index[left].tolist()))
        overlaps.append(overlap(own, by_measure(shown, again.explain(shown).by_column)))
    if overlaps:
        each = np.mean(overlaps, axis=0)
        told["reason_stability"] = float(each.mean())
        told["reason_stability.low"] = float(np.quantile(each, 0.05))
    return Refitted(told, unseen)


def by_measure(profiles: Profiles, by_column: pd.DataFrame) -> pd.DataFrame:
    """Contributions summed over the windows of each measure."""
    measures = [profiles.column(str(name)).measure for name in by_column.columns]
    return by_column.T.groupby(measures).sum().T


def overlap(ours: pd.DataFrame, theirs: pd.DataFrame, top: int = TOP) -> Floats:
    """Share of the `top` measures that raise a score most on which two explanations agree, per entity."""
    columns = ours.columns.union(theirs.columns)
    a = ours.reindex(columns=columns, fill_value=0.0).to_numpy(float)
    b = theirs.reindex(columns=columns, fill_value=0.0).to_numpy(float)
    out = np.ones(len(a))
    for row in range(len(a)):
        mine, other = _best(a[row], top), _best(b[row], top)
        size = max(len(mine), len(other))
        out[row] = len(mine & other) / size if size else 1.0
    return out


def carrying(contributions: Floats, share: float = CARRIED) -> Floats:
    """How many measures carry `share` of the absolute contributions, per row.

    >>> carrying(np.array([[8.0, -1.0, 1.0], [1.0, 1.0, 1.0]])).tolist()
    [1.0, 3.0]
    """
    weight = -np.sort(-np.abs(contributions), axis=1)
    total = weight.sum(axis=1, keepdims=True)
    reached = np.cumsum(weight, axis=1) >= share * total - 1e-12
    return np.where(total[:, 0] > 0.0, reached.argmax(axis=1) + 1.0, 0.0)


def resampled(profiles: Profiles, rng: np.random.Generator, labels: pd.Series | None = None) -> Profiles:
    """A bootstrap sample of the entities, within each label where there are any; copies are told apart by `#n`."""
    ids = profiles.ids
    told = np.zeros(len(ids)) if labels is None else labels.reindex(profiles.values.index).fillna(-1.0).to_numpy(float)
    kinds = [np.flatnonzero(told == kind) for kind in np.unique(told)]
    picked = np.concatenate([kind[rng.integers(0, len(kind), len(kind))] for kind in kinds])
    drawn = profiles.select([ids[at] for at in picked])
    index = pd.Index([f"{one}#{number}" for number, one in enumerate(drawn.ids)], name="entity_id")
    frames = {name: getattr(drawn, name).set_axis(index) for name in ("values", "deviations", "groups", "attributes")}
    for name in ("centers", "spreads", "trials"):
        if getattr(drawn, name) is not None:
            frames[name] = getattr(drawn, name).set_axis(index)
    return replace(drawn, **frames)


def _best(row: Floats, top: int) -> set[int]:
    order = np.argsort(-row, kind="stable")[:top]
    return {int(at) for at in order if row[at] > 0.0}
