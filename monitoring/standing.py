"""What a run of comparisons says together: a column raises an alert when it stays moved, not when it moved once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from gnomon.i18n import both
from gnomon.terms import Text
from monitoring import comparison
from monitoring.comparison import Cause, Drift, State

RUNS = 2
"""Comparisons in a row in which a column must be moved before anybody is told."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A column that stayed moved."""

    entity: str
    model: str
    column: str
    title: Text
    cause: Cause
    runs: int
    """Comparisons in a row that say so, the newest included."""
    psi: float | None
    distance: float | None

    @property
    def key(self) -> str:
        """Same column, model and cause: the same alert, however many runs say it."""
        return f"drift:{self.entity}:{self.model}:{self.column}:{self.cause}"

    @property
    def told(self) -> Text:
        """The alert in one sentence."""
        return both(f"monitoring.standing.{self.cause}", entity=self.entity, title=self.title, runs=self.runs)


def standing(history: Sequence[Drift], runs: int = RUNS) -> list[Standing]:
    """Columns that were moved in each of the last `runs` comparisons; `history` is the newest first.

    Comparisons with another model's reference, and those that could not be made, say nothing: they neither break a
    row nor lengthen it. A season is told, and is no alert. A move that changes its cause starts anew.
    """
    made = [one for one in history if one.state is State.COMPARED]
    same = [one for one in made if one.model == made[0].model] if made else []
    if len(same) < runs:
        return []
    newest = same[0]
    found = []
    for row in newest.columns:
        if row.cause is None:
            continue
        row_of = 0
        for past in same:
            if next((one.cause for one in past.columns if one.column == row.column), None) != row.cause:
                break
            row_of += 1
        if row_of >= runs:
            found.append(
                Standing(newest.entity, newest.model, row.column, row.title, row.cause, row_of, row.psi, row.distance)
            )
    return found


def alerts(history: Sequence[Drift], runs: int = RUNS) -> list[Standing]:
    """What somebody is to be told: all that stands but the seasons."""
    return [one for one in standing(history, runs) if one.cause is not Cause.SEASON]


def history(root: Path, entity: str, most: int = 12) -> list[Drift]:
    """The kept comparisons of one kind of entity, the newest first."""
    days = sorted((path.parent.name for path in (root / entity).glob(f"*/{comparison.FIGURES}")), reverse=True)
    found = (comparison.read(root, entity, day) for day in days[:most])
    return [one for one in found if one is not None]


class Why(StrEnum):
    """Whose turn it is when drift stands."""

    SOURCE = "source"
    """Records are at fault: the source is asked, nothing is retrained."""
    MODEL = "model"
    """The world changed: a model that learned the old one is proposed for retraining."""
    NOBODY = "nobody"


def turn(found: Sequence[Standing]) -> Why:
    """Data faults come first: a model retrained on broken records learns the fault."""
    causes = {one.cause for one in found}
    if Cause.DATA in causes:
        return Why.SOURCE
    return Why.MODEL if Cause.CHANGE in causes else Why.NOBODY
