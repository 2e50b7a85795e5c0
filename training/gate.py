"""The gate between a candidate and the champion's place: sound at all, and no worse than what serves now."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
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
MARGIN = 0.02
"""Average precision by which a candidate's estimate may lie below the champion's when the champion has drifted."""
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
    drifted: bool = False,
    although: str = "",
) -> Verdict:
    """Judge a candidate against the champion (None when nothing serves yet) on the same profiles and labels.

    `weights` (index entity_id) say how many entities each labelled one stands for (`sampling.standing_for`): outcomes
    of random looks speak for all whom nobody suspected, and a candidate that finds what was missed is not held back by
    outcomes that the champion alone had asked for.

    Refused when it cannot score soundly, when the champion learned from labels and it did not, when its average
    precision on the same labelled entities lies below the champion's, and when it accuses honest entities of one group
    (level, region, size …) clearly more often than the champion does.

    A lower estimate within what chance explains passes for one of two reasons: the champion has `drifted` (then it may
    lie `MARGIN` below, for figures of the past flatter who learned the past), or somebody promotes it `although` it is
    lower and says why. One that is lower by more than the 95% interval of the difference never passes.
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
        seen = known.notna().to_numpy()
        figures |= _ranked(mine[seen], champion[seen], known[seen], each[seen])
        figures |= _at_capacity(mine, champion, known, each, budget)
        verdict = _decided(version, figures, drifted, although)
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
    """Whom each would ask about with the queue's real capacity: the share of hits among those who were judged, and the
    share of all known hits that it reaches; each with the 95% interval of the difference, over the judged entities."""
    size = max(1, min(budget, len(labels)))
    seen = labels.notna().to_numpy()
    hit, each = labels.to_numpy(float)[seen] > 0.5, weight[seen]
    asked = []
    for score in (mine, champion):
        top = np.zeros(len(labels), dtype=bool)
        top[np.argsort(-score.to_numpy(float), kind="stable")[:size]] = True
        asked.append(top[seen])

    def share(number: int, of: npt.NDArray[np.bool_], rows: Any) -> float:
        whole = float((each * of)[rows].sum())
        return float((each * (asked[number] & hit))[rows].sum()) / whole if whole else float("nan")

    told: dict[str, float] = {"budget": size}
    for name, parts in (("at_budget", (asked[0], asked[1])), ("reached", (hit, hit))):
        ours, theirs = (share(number, of, slice(None)) for number, of in enumerate(parts))
        if np.isfinite([ours, theirs]).all():
            low, high = _interval(partial(_gain, share, parts), len(hit))
            names = (f"candidate_{name}", f"champion_{name}", f"gain_{name}_low", f"gain_{name}_high")
            told |= {one: round(value, 6) for one, value in zip(names, (ours, theirs, low, high), strict=True)}
    return told


def _gain(share: Callable[[int, Any, Any], float], parts: tuple[Any, Any], rows: npt.NDArray[np.int64]) -> float:
    return share(0, parts[0], rows) - share(1, parts[1], rows)


def _ranked(mine: pd.Series, champion: pd.Series, labels: pd.Series, weight: Floats) -> dict[str, float]:
    """Average precision of both on the judged entities, and the 95% interval of the difference."""
    target = labels.to_numpy(float) > 0.5
    ours, theirs = mine.to_numpy(float), champion.to_numpy(float)

    def precision(score: Floats, rows: Any) -> float:
        return sampling.average_precision(target[rows], score[rows], weight[rows])

    low, high = _interval(lambda rows: precision(ours, rows) - precision(theirs, rows), len(target))
    return {
        "entities": len(target),
        "random_looks": int((weight > 1.0).sum()),
        "candidate": round(precision(ours, slice(None)), 6),
        "champion": round(precision(theirs, slice(None)), 6),
        "gain_low": round(low, 6),
        "gain_high": round(high, 6),
    }


def _interval(gain: Callable[[npt.NDArray[np.int64]], float], entities: int) -> tuple[float, float]:
    """95% of a difference by bootstrap over entities; draws in which it has no value are left out."""
    rng = np.random.default_rng(0)
    drawn = np.array([gain(rng.integers(0, entities, entities)) for _ in range(DRAWS)])
    low, high = np.quantile(drawn[np.isfinite(drawn)], [0.025, 0.975])
    return float(low), float(high)


def _decided(version: str, figures: Mapping[str, Any], drifted: bool, although: str) -> Verdict:
    gain = figures["candidate"] - figures["champion"]
    if gain >= 0.0:
        word, passed = "no_lower", True
    elif figures["gain_high"] < 0.0:
        word, passed = "worse", False
    elif although:
        word, passed = "although", True
    elif drifted and gain >= -MARGIN:
        word, passed = "drifted", True
    else:
        word, passed = "lower", False
    told = {name: f"{value:.3f}" for name, value in figures.items() if isinstance(value, float)}
    compared = both("training.gate.compared", n=figures["entities"], **told)
    if "candidate_reached" in figures:
        shares = {name: f"{figures[name]:.0%}" for name in ("candidate_reached", "champion_reached")}
        span = {name: f"{100 * figures[f'gain_reached_{name}']:+.0f}" for name in ("low", "high")}
        compared = both("training.gate.at_capacity", compared=compared, budget=figures["budget"], **shares, **span)
    why = {"although": although} if word == "although" else {}
    reason = both(f"training.gate.{word}", compared=compared, margin=f"{MARGIN:.2f}", **why)
    return Verdict(version, passed, reason, figures)


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
