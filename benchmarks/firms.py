"""Firm-disjoint figures: what a detector says of tenders in which no bidder was ever seen when it was fitted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from itertools import combinations

import numpy as np
import pandas as pd

from benchmarks.markets import LabelledSet
from gnomon.errors import Fault
from training.detectors.boosting import Boosting, taught
from training.metrics import Flags, Floats

FOLDS = 5
FEWEST = 30
"""Fewer tenders that can be judged make no figure."""


def disjoint(one: LabelledSet, seed: int) -> tuple[Flags, Floats, Floats] | None:
    """Target, score and threshold of each tender whose bidders all lie in one fold of firms; None where too few do.

    Whoever bids in the fold is gone from training with all tenders, so neither firm nor firm history can be learned by
    heart. Tenders whose bidders lie in several folds are judged by nobody. Circles of firms that meet make the folds;
    where that leaves nothing to learn from, because one circle holds all that was confirmed, firms are dealt singly.
    """
    if one.firms is None:
        return None
    return _judged(one, one.firms, folds(one.firms, seed), seed) or _judged(
        one, one.firms, alone(one.firms, seed), seed
    )


def _judged(
    one: LabelledSet, firms_of: Mapping[str, frozenset[str]], fold_of: Mapping[str, int], seed: int
) -> tuple[Flags, Floats, Floats] | None:
    judged, target = taught(one.profiles, one.labels)
    told = [{fold_of[firm] for firm in firms_of.get(entity, frozenset())} for entity in judged.ids]
    ids = np.asarray(judged.ids)
    positive, score, line = [], [], []
    for fold in range(FOLDS):
        outside = np.array([places == {fold} for places in told])
        inside = np.array([fold not in places for places in told])
        try:
            fitted = Boosting(seed=seed).fit(
                judged.select(ids[inside].tolist()), pd.Series(target[inside], ids[inside])
            )
        except Fault:
            continue
        if outside.any():
            positive.append(target[outside] > 0.5)
            score.append(fitted.score(judged.select(ids[outside].tolist())))
            line.append(np.full(int(outside.sum()), fitted.prior))
    if sum(map(len, positive)) < FEWEST or len(np.unique(np.concatenate(positive))) < 2:
        return None
    return np.concatenate(positive), np.concatenate(score), np.concatenate(line)


def folds(firms: Mapping[str, frozenset[str]], seed: int) -> dict[str, int]:
    """Fold of each firm. Firms that often meet are kept together, as long as nobody's circle outgrows a fold."""
    met: Counter[tuple[str, str]] = Counter()
    bids: Counter[str] = Counter()
    for bidders in firms.values():
        bids.update(bidders)
        met.update(combinations(sorted(bidders), 2))
    circle = {firm: firm for firm in bids}
    size = dict(bids)
    most = sum(bids.values()) / FOLDS

    def root(firm: str) -> str:
        while circle[firm] != firm:
            firm = circle[firm]
        return firm

    for (left, right), _ in sorted(met.items(), key=lambda item: (-item[1], item[0])):
        a, b = root(left), root(right)
        if a != b and size[a] + size[b] <= most:
            circle[b] = a
            size[a] += size[b]
    circles = sorted({root(firm) for firm in circle})
    order = np.random.default_rng(seed).permutation(len(circles))
    load, placed = np.zeros(FOLDS), {}
    for number in sorted(order.tolist(), key=lambda at: -size[circles[at]]):
        placed[circles[number]] = int(load.argmin())
        load[load.argmin()] += size[circles[number]]
    return {firm: placed[root(firm)] for firm in circle}


def alone(firms: Mapping[str, frozenset[str]], seed: int) -> dict[str, int]:
    """Fold of each firm, drawn at random: where one circle holds the whole cartel, only this parts it."""
    names = sorted({firm for bidders in firms.values() for firm in bidders})
    return dict(zip(names, np.random.default_rng(seed).integers(0, FOLDS, len(names)).tolist(), strict=True))
