"""What a run of comparisons says together: a column raises an alert when it stays moved, not when it moved once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from gnomon.i18n import both
from gnomon.terms import Text
from monitoring import comparison
from monitoring.comparison import SCORE, Cause, Drift, State

RUNS = 2
"""Comparisons in a row in which a column must be moved before anybody is told."""
NAMED = 3
"""Columns that an alert names; the page and the command tell all."""


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
    def told(self) -> Text:
        """The move in one sentence."""
        return both(f"monitoring.standing.{self.cause}", entity=titled(self.entity), title=self.title, runs=self.runs)


def titled(kind: str) -> Text:
    """What a kind of entity is called; its name where it is not known any more."""
    from features.measures import entities, entity

    return entity(kind).title if kind in entities() else Text(kind, kind)


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


@dataclass(frozen=True, slots=True)
class Together:
    """What is told at once: the score of one model, or all its measures that stayed moved for one cause."""

    columns: tuple[Standing, ...]
    """Those that moved furthest first."""

    @property
    def key(self) -> str:
        """Same model and cause: the same alert, however many columns and runs say it; the score has one of its own."""
        first = self.columns[0]
        what = SCORE if first.column == SCORE else "measures"
        return f"drift:{first.entity}:{first.model}:{what}:{first.cause}"

    @property
    def told(self) -> Text:
        """The alert in one sentence, with the three columns that moved furthest."""
        first = self.columns[0]
        if len(self.columns) == 1:
            return first.told
        named = [one.title for one in self.columns[:NAMED]]
        titles = Text("、".join(f"“{one.zh}”" for one in named), ", ".join(f"“{one.en}”" for one in named))
        return both(
            f"monitoring.together.{first.cause}", entity=titled(first.entity), many=len(self.columns), titles=titles,
            runs=min(one.runs for one in self.columns),
        )  # fmt: skip


def grouped(found: Sequence[Standing]) -> list[Together]:
    """The alerts of columns that stand: of each model the score, and the measures by cause. Seasons are none."""
    groups: dict[tuple[str, str, bool, Cause], list[Standing]] = {}
    for one in found:
        if one.cause is not Cause.SEASON:
            groups.setdefault((one.entity, one.model, one.column != SCORE, one.cause), []).append(one)
    furthest = [sorted(some, key=lambda one: -max(one.psi or 0.0, one.distance or 0.0)) for some in groups.values()]
    return [Together(tuple(some)) for some in furthest]


@dataclass(frozen=True, slots=True)
class OfSource:
    """Columns that stayed moved among the entities of one source, and not among everybody's."""

    entity: str
    model: str
    source: str
    columns: tuple[str, ...]
    titles: tuple[Text, ...]
    """Of the columns, in their order."""
    runs: int

    @property
    def key(self) -> str:
        """Same model and source: the same alert."""
        return f"drift:{self.entity}:{self.model}:source:{self.source}"

    @property
    def told(self) -> Text:
        """The alert in one sentence."""
        return both(
            "monitoring.standing.source", entity=titled(self.entity), source=self.source, many=len(self.columns),
            title=self.titles[0], runs=self.runs,
        )  # fmt: skip


def of_sources(history: Sequence[Drift], runs: int = RUNS) -> list[OfSource]:
    """Sources whose entities alone moved, in each of the last `runs` comparisons; `history` is the newest first.

    A column that stands moved for everybody, or is a season there, is told there and not again.
    """
    made = [one for one in history if one.state is State.COMPARED]
    same = [one for one in made if one.model == made[0].model][:runs] if made else []
    if len(same) < runs:
        return []
    newest = same[0]
    whole = {one.column for one in standing(history, runs)}
    titles = {row.column: row.title for row in newest.columns}
    found = []
    for part in newest.sources:
        before = [{c for one in past.sources if one.source == part.source for c in one.moved} for past in same[1:]]
        stays = tuple(c for c in part.moved if c not in whole and all(c in one for one in before))
        if stays:
            told = tuple(titles.get(column, Text(column, column)) for column in stays)
            found.append(OfSource(newest.entity, newest.model, part.source, stays, told, runs))
    return found


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
