"""What our models say about what another platform warns of."""

from __future__ import annotations

from collections.abc import Callable

from cases.rescreen import Ours
from gnomon.errors import Fault
from serving.scoring import Scorer


def verdict(scorer_of: Callable[[str], Scorer], kind: str, entity_id: str, scheme: str) -> Ours | None:
    """Ours on one entity and scheme; null when it has no profile, or no model of ours can judge it."""
    try:
        scorer = scorer_of(kind)
        (told,) = scorer.score(scorer.entities([entity_id]), explain=False)
    except Fault:
        return None
    fired = [one for one in told.rules if one.model.scheme == scheme]
    if fired:
        best = max(fired, key=lambda one: one.score)
        return Ours(best.model.id, best.score, 1.0, warns=True)
    if told.learned is not None:
        return Ours(told.learned.model, told.learned.score, told.learned.percentile, warns=False)
    silent = [model for model in scorer.rules if model.scheme == scheme and model.id not in told.unknown]
    return Ours(silent[0].id, 0.0, 0.0, warns=False) if silent else None
