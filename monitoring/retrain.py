"""Retraining proposals: what speaks for a new model. Proposes only; the gate and a person decide."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gnomon.i18n import both
from gnomon.terms import Text
from monitoring.comparison import SCORE
from monitoring.outcomes import Share
from monitoring.standing import Standing, Why, titled, turn

SHARE = 0.1
"""Share of the model's columns from which standing changes speak for a new model."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """What is proposed for the model of one kind of entity, and why."""

    entity: str
    model: str
    what: str
    """retrain, wait (a data fault stands: first mend the source) or nothing."""
    reasons: tuple[Text, ...]

    @property
    def key(self) -> str:
        """Same model: the same proposal."""
        return f"retrain:{self.entity}:{self.model}"

    @property
    def told(self) -> Text:
        """The proposal in one sentence; the reasons stand beside it."""
        return both(
            f"monitoring.retrain.{self.what}", entity=titled(self.entity), model=self.model, many=len(self.reasons)
        )


def proposal(
    entity: str,
    model: str,
    standing: Sequence[Standing],
    columns: int,
    before: Share | None = None,
    now: Share | None = None,
) -> Proposal:
    """What drift and precision say together.

    Parameters
    ----------
    standing:
        Columns that stayed moved (`monitoring.standing`).
    columns:
        Columns that the model reads.
    before, now:
        Precision of the model's warnings when it was young, and lately; it has fallen when the two intervals part.
    """
    ours = [one for one in standing if one.model == model]
    whose = turn(ours)
    if whose is Why.SOURCE:
        faults = [one.told for one in ours if one.cause == "data"]
        return Proposal(entity, model, "wait", tuple(faults))
    changed = [one for one in ours if one.cause == "change"]
    reasons = []
    if any(one.column == SCORE for one in changed):
        reasons.append(both("monitoring.retrain.score", runs=max(one.runs for one in changed if one.column == SCORE)))
    measures = [one for one in changed if one.column != SCORE]
    if columns and len(measures) / columns >= SHARE:
        reasons.append(both("monitoring.retrain.measures", moved=len(measures), columns=columns))
        reasons += [one.told for one in measures[:5]]
    if before is not None and now is not None and now.high < before.low:
        was, is_now = f"{before.value or 0:.0%}", f"{now.value or 0:.0%}"
        reasons.append(both("monitoring.retrain.precision", before=was, now=is_now, judged=now.of))
    return Proposal(entity, model, "retrain" if reasons else "nothing", tuple(reasons))
