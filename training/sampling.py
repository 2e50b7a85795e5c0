"""Looks that were not asked for by a score: a declared share of the budget goes to entities drawn at random.

Only what was warned about gets an outcome, so a model judged on outcomes is judged on what it, or the one before it,
already suspected. A random share of known probability makes figures about *all* entities possible: each outcome counts
as many entities as it stands for (Horvitz and Thompson 1952). Entities that nobody looked at are unknown, never
negative: they teach nothing, and positive-unlabelled corrections that assume labels fall at random are not made,
because warnings do not fall at random.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from math import floor

import numpy as np
import numpy.typing as npt
import pandas as pd

from training import metrics
from training.metrics import Figure

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Draw:
    """Who is looked at without being suspected, and how likely that was for everybody not suspected."""

    ids: tuple[str, ...]
    probability: float


def places(budget: int, share: float) -> int:
    """How many of `budget` looks are random; at least one as soon as a share is declared and the budget allows two.

    >>> places(20, 0.1), places(5, 0.1), places(1, 0.1), places(20, 0.0)
    (2, 1, 0, 0)
    """
    return min(budget - 1, max(1, floor(budget * share))) if share > 0.0 and budget > 1 else 0


def drawn(ids: Sequence[str], suspected: Collection[str], count: int, salt: str) -> Draw:
    """`count` entities not suspected, drawn by hash: the same salt (as-of date, seed) draws the same, in any order.

    >>> drawn(["a", "b", "c"], ["b"], 1, "2025-06-30").probability
    0.5
    """
    able = sorted(set(ids) - set(suspected))
    taken = sorted(able, key=lambda one: hashlib.sha256(f"{salt}\n{one}".encode()).digest())[:count]
    return Draw(tuple(sorted(taken)), len(taken) / len(able) if able else 0.0)


def weights(ids: Sequence[str], suspected: Collection[str], draw: Draw) -> Floats:
    """How many entities each one that was looked at stands for: 1 where suspected, 1 / probability where drawn, 0 else.

    >>> weights(["a", "b", "c"], ["b"], Draw(("a",), 0.5)).tolist()
    [2.0, 1.0, 0.0]
    """
    held, random = set(suspected), set(draw.ids)
    return np.array([1.0 if one in held else 1.0 / draw.probability if one in random else 0.0 for one in ids])


def standing_for(rows: pd.DataFrame, index: pd.Index) -> pd.Series:
    """How many entities each labelled one stands for, by the `inclusion` of its labels (index: all entities).

    1 where anybody had a cause to look (no inclusion on the label); where every look was drawn at random, one over the
    probability of having been drawn at least once. 0 without a label.
    """
    each = rows["inclusion"] if "inclusion" in rows else pd.Series(np.nan, index=rows.index)
    missed = (1.0 - each.fillna(1.0).clip(0.0, 1.0)).groupby(rows["entity_id"]).prod()
    return (1.0 / (1.0 - missed).clip(lower=1e-9)).reindex(index, fill_value=0.0).astype(float)


def teaching(weight: pd.Series) -> pd.Series | None:
    """How much each labelled entity counts in training, mean 1, of how many each stands for (`standing_for`).

    The square root of that number: with whole weights a few outcomes make the model, with none it learns what was
    suspected; half-way in between loses little on either side (flattened importance weights, Shimodaira 2000). None
    where every labelled entity stands for itself alone: nothing is weighted then.
    """
    known = np.sqrt(weight[weight > 0.0])
    return None if known.empty or known.max() <= 1.0 else known / known.mean()


def population(target: Floats, score: Floats, weight: Floats, share: float, seed: int = 0) -> Mapping[str, Figure]:
    """The figures of `weighted` with 95% intervals by bootstrap over entities."""

    def measure(rows: npt.NDArray[np.int64], _: int) -> Mapping[str, float]:
        return weighted(target[rows], score[rows], weight[rows], share)

    return metrics.figures(measure, np.arange(len(target)), 1, seed)


def weighted(target: Floats, score: Floats, weight: Floats, share: float) -> dict[str, float]:
    """Figures for the whole population from the outcomes that stand for it: `target` 1, 0 or NaN (nobody looked).

    `share`: of all entities that can be reviewed; who lies in that top is decided by all scores.
    """
    seen = ~np.isnan(target) & (weight > 0.0)
    top = np.zeros(len(score), dtype=bool)
    top[np.argsort(-score, kind="stable")[: max(1, round(share * len(score)))]] = True
    y, s, w, above = target[seen] > 0.5, score[seen], weight[seen], top[seen]
    positives = float(w[y].sum())
    return {
        "base_rate": positives / float(w.sum()) if len(w) else float("nan"),
        "roc_auc": _roc_auc(y, s, w),
        "average_precision": average_precision(y, s, w),
        "precision_at_budget": float(w[y & above].sum() / w[above].sum()) if above.any() else float("nan"),
        "recall_at_budget": float(w[y & above].sum() / positives) if positives else float("nan"),
    }


def _roc_auc(y: npt.NDArray[np.bool_], s: Floats, w: Floats) -> float:
    if y.all() or not y.any():
        return float("nan")
    _, place = np.unique(s, return_inverse=True)
    negative = np.bincount(place, weights=w * ~y)
    under = np.cumsum(negative) - negative / 2.0
    return float((w[y] * under[place[y]]).sum() / (w[y].sum() * w[~y].sum()))


def average_precision(y: npt.NDArray[np.bool_], s: Floats, w: Floats) -> float:
    """Average precision when each entity counts `w` times; that of `training.metrics` where all weights are one."""
    if not y.any():
        return float("nan")
    order = np.argsort(-s, kind="stable")
    hits, all_ = np.cumsum((w * y)[order]), np.cumsum(w[order])
    ends = np.append(np.flatnonzero(s[order][1:] != s[order][:-1]), len(order) - 1)
    recall = hits[ends] / hits[-1]
    return float((np.diff(np.append(0.0, recall)) * hits[ends] / all_[ends]).sum())
