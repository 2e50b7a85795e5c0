"""The review budget: which findings are worth somebody's time, when there is time for so many entities only."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from catalogue.model import WarningModel
from gnomon.terms import Severity

if TYPE_CHECKING:
    from features.profiles import Profiles
    from training.design import Floats

LEARNED_SHARE = 0.05
"""A learned score alone never questions more than one entity in twenty, however large the budget."""

SIZE_SHARE = 0.5
"""A learned score that rests on size by more than this share asks nothing: being large is no offence."""


@dataclass(frozen=True)
class Finding:
    """One entity scored by one model, before it is worded: `score = base + sum of the contributions`."""

    model: WarningModel
    model_version: str
    entity_id: str
    severity: Severity
    score: float
    base: float
    percentile: float
    """Share of the scored population that this score is at or above, 0 to 1."""
    threshold: float
    """Score from which this model issues."""
    contributions: Mapping[str, float]
    """By profile column."""
    rescore: Callable[[Profiles], Floats] | None = field(default=None, compare=False, repr=False)
    """Scores changed profiles, to tell what would have to be different; the model is silent under `silent_under`."""
    silent_under: float = 0.0


def pick(findings: Iterable[Finding], budget: int) -> list[Finding]:
    """The findings to issue for one kind of entity, the most urgent first.

    - The budget counts entities to look at, not warnings: an entity is read once, with all that was found about it.
    - Alerts of rules come first: each names a fact that was defined beforehand as grave.
    - Rule warnings and learned scores follow, interleaved by percentile: one measure of rarity for both.
    - Ties go to the higher score within a model, then to the model and entity id: a re-run picks the same.
    - Once an entity is in, its further findings come along and cost nothing.

    >>> pick([], 5)
    []
    """
    ordered = sorted(findings, key=_urgency)
    chosen: dict[str, None] = {}
    for finding in ordered:
        if len(chosen) == budget:
            break
        chosen.setdefault(finding.entity_id)
    rank = {entity_id: place for place, entity_id in enumerate(chosen)}
    kept = [finding for finding in ordered if finding.entity_id in rank]
    return sorted(kept, key=lambda finding: rank[finding.entity_id])


def select(findings: Sequence[Finding], places: int, free: bool) -> list[Finding]:
    """The findings to issue within the budget; learned ones lie beside it when they keep to an aim of their own."""
    if not free:
        return pick(findings, places)
    learned = {one.entity_id for one in findings if one.model.detector == "learned"}
    within = pick([one for one in findings if one.entity_id not in learned], places)
    return [*pick([one for one in findings if one.entity_id in learned], len(learned)), *within]


def learned_count(population: int, budget: int) -> int:
    """How many top scores of a learned model stand as findings.

    >>> learned_count(5_000, 20), learned_count(40, 20), learned_count(3, 20), learned_count(0, 20)
    (20, 2, 1, 0)
    """
    return min(budget, math.ceil(population * LEARNED_SHARE))


def by_size(contributions: Mapping[str, float], size: Collection[str]) -> bool:
    """Whether what raises a score is mostly the size of the entity: sums, counts and maxima.

    >>> by_size({"fund_paid": 0.5, "stays_count": 0.2, "rx_times_norm": 0.3, "night_share": -0.4}, {"fund_paid"})
    False
    >>> by_size({"fund_paid": 0.5, "stays_count": 0.2, "rx_times_norm": 0.3}, {"fund_paid", "stays_count"})
    True
    """
    raising = math.fsum(share for share in contributions.values() if share > 0)
    from_size = math.fsum(share for name, share in contributions.items() if share > 0 and name in size)
    return from_size > SIZE_SHARE * raising


def percentiles(scores: Sequence[float]) -> list[float]:
    """Share of the population that each score is at or above.

    >>> percentiles([0.0, 2.0, 1.0, 0.0])
    [0.5, 1.0, 0.75, 0.5]
    """
    import numpy as np

    values = np.asarray(scores, dtype=float)
    return [float(x) for x in np.searchsorted(np.sort(values), values, side="right") / max(len(values), 1)]


def _urgency(finding: Finding) -> tuple[int, float, float, str, str]:
    alert = finding.model.detector == "rule" and finding.severity is Severity.ALERT
    return (0 if alert else 1, -finding.percentile, -finding.score, finding.model.id, finding.entity_id)
