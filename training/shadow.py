"""A candidate beside the champion: both score the same profiles, only the champion issues, the difference is told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from features.profiles import Profiles
from training.bundle import Bundle
from training.detectors.contract import Floats


@dataclass(frozen=True)
class Shadow:
    """How far two models ask about the same entities at one budget."""

    population: int
    budget: int
    overlap: float
    """Share of the budget that both ask about."""
    rank_correlation: float
    """Spearman's, over all entities."""
    only_champion: tuple[str, ...]
    only_candidate: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        told: Mapping[str, Any] = {
            "population": self.population, "budget": self.budget, "overlap": round(self.overlap, 6),
            "rank_correlation": round(self.rank_correlation, 6) if np.isfinite(self.rank_correlation) else None,
            "only_champion": list(self.only_champion), "only_candidate": list(self.only_candidate),
        }  # fmt: skip
        return dict(told)


def shadow(champion: Bundle, candidate: Bundle, profiles: Profiles, budget: int) -> Shadow:
    """Compare the top `budget` of both; raises `Fault` when one of them cannot score the profiles."""
    ours = candidate.score(profiles, explain=False).score
    theirs = champion.score(profiles, explain=False).score
    count = min(budget, len(profiles.ids))
    mine, other = top(ours, count), top(theirs, count)
    ids = profiles.ids
    both = len(set(mine) & set(other))
    return Shadow(
        len(ids), count, both / count if count else 1.0, _spearman(ours, theirs),
        tuple(ids[at] for at in other if at not in set(mine)), tuple(ids[at] for at in mine if at not in set(other)),
    )  # fmt: skip


def top(score: Floats, count: int) -> list[int]:
    """Rows of the highest scores, the highest first; ties in the order of the rows."""
    return [int(at) for at in np.argsort(-score, kind="stable")[:count]]


def _spearman(a: Floats, b: Floats) -> float:
    if len(a) < 2:
        return float("nan")
    ranks = [_ranks(one) for one in (a, b)]
    if any(float(one.std()) == 0.0 for one in ranks):
        return float("nan")
    return float(np.corrcoef(ranks[0], ranks[1])[0, 1])


def _ranks(score: Floats) -> Floats:
    _, place, counts = np.unique(score, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(counts) - (counts - 1) / 2.0)[place], dtype=float)
