"""Declared warning models as detectors: who fires, who is excused and why, who can't be judged, and the score."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd

from catalogue.document import GIVEN
from catalogue.expression import WIDE, parse
from catalogue.model import Example, WarningModel
from catalogue.nodes import Function
from catalogue.truth import Bools, Floats, GivenReading, Judged, ProfileReading, Reading, judge
from features.profiles import Profiles
from gnomon.terms import Severity, Text


@dataclass(frozen=True)
class RuleResult:
    """One model over all entities of a kind, entity by entity in the profiles' order."""

    fires: Bools
    """The condition holds, there is enough to look at, and no exclusion applies."""
    alert: Bools
    """Fires, and the alert condition holds too."""
    unknown: Bools
    """Could not be computed: something that the condition needs is unknown. Never the same as a clean result."""
    excluded: Mapping[str, tuple[Text, ...]]
    """Entities that would have fired, and the reasons why they are not accused."""
    score: Floats
    """Sum of the contributions; base 0; 0 where it does not fire."""
    contributions: pd.DataFrame
    """index entity_id, one column per profile column that the conditions compare."""
    lacking: tuple[str, ...] = ()
    """Profile columns that the conditions read and that nobody here has a value of."""

    def severity(self, number: int) -> Severity | None:
        """How loudly the entity in place `number` is warned about; nothing when the model does not fire on it."""
        if not self.fires[number]:
            return None
        return Severity.ALERT if self.alert[number] else Severity.WARN


def evaluate(model: WarningModel, profiles: Profiles, reading: ProfileReading | None = None) -> RuleResult:
    """Hold a rule against profiles.

    It fires where `needs` and `when` hold and no `unless` does. Each comparison of `when` that holds adds 1 at its
    threshold and 1 more for each doubling beyond (at most 8), told per profile column; of an `or` the stronger branch
    counts; where `alert` holds its comparisons add in the same way. `needs` adds nothing. An exclusion that can't be
    told does not excuse. Whoever holds many rules against the same profiles hands over one `reading` of them.
    """
    return _evaluated(model, reading or ProfileReading(profiles), profiles.values.index)


def admitted(model: WarningModel, profiles: Profiles) -> tuple[Bools, dict[str, tuple[Text, ...]]]:
    """For a `learned` model: who may be warned about at all, and who is excused though there is enough to look at.

    Whoever has too little to look at, or so little that it can't even be told, is not admitted.
    """
    reading = ProfileReading(profiles)
    enough = np.ones(reading.size, dtype=bool)
    if model.needs:
        enough = _judged(model, "needs", reading).truth.yes
    excused, reasons = _excuses(model, reading, enough, profiles.values.index)
    return enough & ~excused, reasons


def try_examples(model: WarningModel) -> list[tuple[Example, Severity | None]]:
    """Run the examples of a model; each with the severity that the model gave it."""
    index = pd.Index([str(number) for number in range(len(model.examples))])
    result = _evaluated(model, GivenReading(tuple(_given(example) for example in model.examples)), index)
    return [(example, result.severity(number)) for number, example in enumerate(model.examples)]


def _given(example: Example) -> dict[str, object]:
    told: dict[str, object] = {}
    for name, value in example.given.items():
        match = GIVEN.match(name)
        asked = match["function"] if match else None
        told[f"{match['column']}{WIDE[Function(asked)]}" if match and asked else name] = value
    return told


def _evaluated(model: WarningModel, reading: Reading, index: pd.Index) -> RuleResult:
    when = _judged(model, "when", reading)
    truth_yes, unknown = when.truth.yes, when.truth.unknown
    if model.needs:
        needs = _judged(model, "needs", reading).truth
        truth_yes, unknown = truth_yes & needs.yes, ~(when.truth.no | needs.no) & (unknown | needs.unknown)
    excused, reasons = _excuses(model, reading, truth_yes, index)
    fires = truth_yes & ~excused
    added = dict(when.added())
    alert = np.zeros(reading.size, dtype=bool)
    if model.alert:
        louder = _judged(model, "alert", reading)
        alert = fires & louder.truth.yes
        for column, more in louder.added().items():
            added[column] = added.get(column, np.zeros(reading.size)) + np.where(alert, more, 0.0)
    told = {column: np.where(fires, share, 0.0) for column, share in added.items()}
    shares = np.column_stack(list(told.values())) if told else np.empty((reading.size, 0))
    contributions = pd.DataFrame(shares, index=index, columns=_index(tuple(told)), copy=False)
    score = shares.sum(axis=1)
    return RuleResult(fires, alert, unknown, reasons, score, contributions, _lacking(model, reading))


@lru_cache(maxsize=1024)
def _index(columns: tuple[str, ...]) -> pd.Index:
    """Made once: for one entity it would take longer than the rule itself."""
    return pd.Index(columns, dtype="str")


def _judged(model: WarningModel, key: str, reading: Reading) -> Judged:
    return judge(parse(model.conditions[key], model.place(key)).condition, reading)


def _excuses(
    model: WarningModel, reading: Reading, suspected: Bools, index: pd.Index
) -> tuple[Bools, dict[str, tuple[Text, ...]]]:
    excused = np.zeros(reading.size, dtype=bool)
    reasons: dict[str, tuple[Text, ...]] = {}
    for number, exclusion in enumerate(model.unless):
        holds = suspected & _judged(model, f"unless.{number}", reading).truth.yes
        excused |= holds
        for entity in index[holds]:
            reasons[str(entity)] = (*reasons.get(str(entity), ()), exclusion.because)
    return excused, reasons


def _lacking(model: WarningModel, reading: Reading) -> tuple[str, ...]:
    keys = [key for key in ("needs", "when") if key in model.conditions]
    read = dict.fromkeys(column for key in keys for column in parse(model.conditions[key], key).columns())
    return tuple(column for column in read if reading.size and not np.isfinite(reading.number(column)).any())
