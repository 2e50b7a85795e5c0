"""The gate between a candidate and the champion's place: sound at all, and not worse than what serves now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.profiles import Profiles
from gnomon.errors import Fault
from gnomon.i18n import both
from gnomon.terms import Text
from training import fairness, sampling
from training.bundle import Bundle, Scored
from training.detectors.boosting import shortage
from training.detectors.contract import Floats

DRAWS = 500
Side = tuple[Bundle, pd.DataFrame | None]
"""A model and its out-of-fold scores, where it was evaluated."""


@dataclass(frozen=True)
class Verdict:
    """What the gate found, in words and figures."""

    version: str
    passed: bool
    reason: Text
    figures: Mapping[str, Any] = field(default_factory=dict)


def judge(
    version: str,
    ours: Side,
    theirs: Side | None,
    profiles: Profiles,
    labels: pd.Series | None,
    budget: int,
    weights: pd.Series | None = None,
) -> Verdict:
    """Judge a candidate against the champion (None when nothing serves yet) on the same profiles and labels.

    `weights` (index entity_id) say how many entities each labelled one stands for (`sampling.standing_for`): outcomes
    of random looks speak for all whom nobody suspected, and a candidate that finds what was missed is not held back by
    outcomes that the champion alone had asked for.

    Refused when it cannot score soundly, when the champion learned from labels and it did not, when its average
    precision on the same labelled entities lies below the champion's by more than the 95% interval of the difference,
    and when it accuses honest entities of one group (level, region, size …) clearly more often than the champion does.
    """
    try:
        scored = ours[0].score(profiles)
    except Fault as fault:
        return Verdict(version, False, both("training.gate.cannot_score", fault=fault.told("en")))
    fault_found = _unsound(scored)
    if fault_found:
        return Verdict(version, False, both(f"training.gate.{fault_found}"))
    if theirs is None:
        return Verdict(version, True, both("training.gate.first"))
    try:
        before = theirs[0].score(profiles, explain=False)
    except Fault as fault:
        return Verdict(version, True, both("training.gate.champion_fails", fault=fault.told("en")))
    figures: dict[str, Any] = {"overlap_at_budget": _overlap(scored.score, before.score, budget)}
    known = None if labels is None else labels.reindex(profiles.values.index)
    if known is not None and not shortage(known):
        mine = _unseen(ours, scored.score, profiles, known)
        champion = _unseen(theirs, before.score, profiles, known)
        each = np.ones(len(known)) if weights is None else weights.reindex(known.index).fillna(1.0).to_numpy(float)
        figures |= _at_capacity(mine, champion, known, each, budget)
        seen = known.notna().to_numpy()
        verdict = _compared(version, mine[seen], champion[seen], known, each[seen], figures)
        by_group = fairness.compared(profiles, _only(mine, seen), _only(champion, seen), known, budget)
        return _fair(verdict, by_group)
    if theirs[0].detector.name == "boosting" and ours[0].detector.name != "boosting":
        return Verdict(version, False, both("training.gate.labels_lost"), figures)
    return Verdict(version, True, both("training.gate.unlabelled"), figures)


def _unsound(scored: Scored) -> str:
    """Message key of what is wrong with scores as such; empty when nothing is."""
    if not np.isfinite(scored.score).all():
        return "not_finite"
    told = scored.base + scored.contributions.to_numpy(float).sum(axis=1)
    if np.abs(told - scored.score).max(initial=0.0) > 1e-6:
        return "not_additive"
    if len(scored.score) > 1 and len(np.unique(scored.score)) == 1:
        return "all_equal"
    return ""


def _unseen(side: Side, score: Floats, profiles: Profiles, labels: pd.Series) -> pd.Series:
    """Scores of all that never saw the label: out-of-fold where the model was taught the entity, its own elsewhere."""
    told = pd.Series(score, index=profiles.values.index)
    if side[1] is not None:
        own = side[1][side[0].detector.name]
        told.update(own[own.index.isin(told.index)])
    return told


def _at_capacity(
    mine: pd.Series, champion: pd.Series, labels: pd.Series, weight: Floats, budget: int
) -> dict[str, float]:
    """Share of hits among those whom either would ask about with the queue's real capacity, where outcomes tell."""
    share, known = min(1.0, budget / max(1, len(labels))), labels.to_numpy(float)
    told = {}
    for name, score in (("candidate", mine), ("champion", champion)):
        found = sampling.weighted(known, score.to_numpy(float), weight, share)["precision_at_budget"]
        told[f"{name}_at_budget"] = round(found, 6) if np.isfinite(found) else None
    return {name: value for name, value in told.items() if value is not None}


def _compared(
    version: str,
    mine: pd.Series,
    champion: pd.Series,
    labels: pd.Series,
    weight: Floats,
    figures: dict[str, Any],
) -> Verdict:
    target = labels.dropna().to_numpy(float) > 0.5
    ours, theirs = mine.to_numpy(float), champion.to_numpy(float)

    def ranked(score: Floats, rows: Any) -> float:
        return sampling.average_precision(target[rows], score[rows], weight[rows])

    def gain(rows: npt.NDArray[np.int64]) -> float:
        return ranked(ours, rows) - ranked(theirs, rows)

    rng = np.random.default_rng(0)
    drawn = np.array([gain(rng.integers(0, len(target), len(target))) for _ in range(DRAWS)])
    low, high = np.quantile(drawn[np.isfinite(drawn)], [0.025, 0.975])
    figures |= {
        "entities": len(target),
        "random_looks": int((weight > 1.0).sum()),
        "candidate": round(ranked(ours, slice(None)), 6),
        "champion": round(ranked(theirs, slice(None)), 6),
        "gain_low": round(float(low), 6),
        "gain_high": round(float(high), 6),
    }
    told = {name: f"{figures[name]:.3f}" for name in ("candidate", "champion", "gain_low", "gain_high")}
    key = "training.gate.worse" if high < 0.0 else "training.gate.not_worse"
    return Verdict(version, bool(high >= 0.0), both(key, n=len(target), **told), figures)


def _only(told: pd.Series, seen: npt.NDArray[np.bool_]) -> Floats:
    return np.where(seen, told.to_numpy(float), np.nan)


def _fair(verdict: Verdict, by_group: list[dict[str, Any]]) -> Verdict:
    """The verdict with the figures of every group, refused where one pays for the gain."""
    figures = {**verdict.figures, "groups": by_group}
    worst = fairness.harmed(by_group)
    if worst is None or not verdict.passed:
        return replace(verdict, figures=figures)
    told = {name: f"{worst[name]:.1%}" for name in ("candidate_false", "champion_false")}
    reason = both("training.gate.one_group", by=worst["by"], group=worst["group"], n=worst["honest"], **told)
    return replace(verdict, passed=False, reason=reason, figures=figures)


def _overlap(ours: Floats, theirs: Floats, budget: int) -> float:
    """Share of the top `budget` entities that both would warn about."""
    count = max(1, min(budget, len(ours)))
    both_sides = np.intersect1d(np.argsort(-ours, kind="stable")[:count], np.argsort(-theirs, kind="stable")[:count])
    return round(len(both_sides) / count, 6)
