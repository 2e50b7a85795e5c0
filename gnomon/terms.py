"""Shared value types: the nouns that travel between floors, each with one meaning."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class Language(StrEnum):
    """The two languages that every text read by a person exists in."""

    ZH = "zh"
    EN = "en"


@dataclass(frozen=True, slots=True)
class Text:
    """One text in both languages."""

    zh: str
    en: str

    def said_in(self, language: str) -> str:
        """The text in `language` (`zh` or `en`).

        >>> Text("医院", "hospital").said_in("zh")
        '医院'
        """
        return self.zh if language == Language.ZH else self.en


class Direction(StrEnum):
    """Which side of its norm makes a measure suspicious. The harmless side never raises anything."""

    HIGH = "high"
    LOW = "low"
    BOTH = "both"
    NONE = "none"
    """Context only: shown and learned from with labels, never held against anyone by itself."""


class Severity(StrEnum):
    """`warn` enters the queue; `alert` enters on top of it."""

    WARN = "warn"
    ALERT = "alert"


class Outcome(StrEnum):
    """How a case ended."""

    CONFIRMED = "confirmed"
    USEFUL = "useful"
    """Worth the look, though nothing was proved."""
    FALSE_ALARM = "false_alarm"
    DATA_ERROR = "data_error"
    """The record was wrong, not the conduct: nobody is accused and the source is told."""


@dataclass(frozen=True, slots=True)
class Norm:
    """What the peers of an entity do: the distribution of one measure at one as-of date."""

    group: Text
    """Who the peers are, in words: `level 2 × public hospitals`."""
    n: int
    median: float
    scale: float
    """Robust spread (1.4826 × MAD, floored), in the measure's unit."""
    low: float
    """5th percentile of the peers."""
    high: float
    """95th percentile of the peers."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """The rows behind a reason: where they lie and which they are."""

    table: str
    key: str
    ids: tuple[str, ...]
    """The weightiest rows first; at most a page of them."""
    total: int
    """How many rows stand behind the measure in all."""


@dataclass(frozen=True, slots=True)
class Reason:
    """One line of an explanation."""

    measure: str
    """Profile column, e.g. `fund_paid_365d`."""
    title: Text
    value: float | None
    unit: str
    norm: Norm | None
    deviation: float | None
    """Robust z of the value among its peers; null when the norm is silent."""
    contribution: float
    sentence: Text
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True)
class Change:
    """One measure taken from its value to one that peers have."""

    measure: str
    title: Text
    value: float
    to: float
    unit: str


@dataclass(frozen=True, slots=True)
class Counterfactual:
    """The smallest set of changes found under which the warning would not fire; verified by scoring again."""

    changes: tuple[Change, ...]
    sentence: Text


RANDOM = "random-audit"
"""Model and scheme of a warning that nobody's conduct gave a cause for: the entity was drawn at random."""


@dataclass(frozen=True, slots=True)
class Warned:
    """A finding that crossed its threshold or budget, with everything needed to read it years later.

    `score = base + sum of the contributions` to 1e-6; `check` asserts it and a warning that fails is never issued.
    """

    model: str
    """Catalogue id of the warning model."""
    model_version: str
    """`rules@<hash>` or `<registered name>/<version>`."""
    title: Text
    scene: str
    scheme: str
    """Warnings about one entity and scheme join one case."""
    severity: Severity
    entity_kind: str
    entity_id: str
    entity_name: str
    as_of: datetime
    lake_version: int
    score: float
    """On the detector's additive scale; higher is more unusual."""
    base: float
    percentile: float
    """Share of the scored population that this score is at or above, 0 to 1."""
    threshold: float
    reasons: tuple[Reason, ...]
    advice: Text = field(default_factory=lambda: Text("", ""))
    """What an honest explanation could be, and what to check first."""
    counterfactual: Counterfactual | None = None
    """What would have to be different; None where no few changes within peers' values are enough."""
    inclusion: float | None = None
    """Probability with which the entity was drawn at random to be looked at; None where there is a cause to look."""

    @property
    def random(self) -> bool:
        """Whether chance alone asks for this look: nobody is suspected."""
        return self.inclusion is not None

    def check(self) -> None:
        """Raise `ValueError` unless base and contributions add up to the score."""
        told = self.base + math.fsum(reason.contribution for reason in self.reasons)
        # Said so that a sum which is no number is refused too: it is neither near the score nor far from it.
        if not math.isfinite(self.score) or not abs(told - self.score) <= 1e-6:
            raise ValueError(f"{self.model} {self.entity_id}: reasons add up to {told!r}, the score is {self.score!r}")

    @property
    def fingerprint(self) -> str:
        """Same model, entity and as-of date: the same warning, however often it is scored."""
        told = json.dumps([self.model, self.entity_kind, self.entity_id, self.as_of.date().isoformat()])
        return hashlib.sha256(told.encode()).hexdigest()

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values; `Warned.of` reads it back."""
        told = asdict(self)
        told["as_of"] = self.as_of.isoformat()
        return told

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Warned:
        """The warning that `as_dict` wrote."""
        values = dict(told)
        values["as_of"] = datetime.fromisoformat(values["as_of"])
        values["title"] = Text(**values["title"])
        values["advice"] = Text(**values["advice"])
        values["severity"] = Severity(values["severity"])
        if values.get("counterfactual") is not None:
            values["counterfactual"] = _counterfactual(values["counterfactual"])
        values["reasons"] = tuple(_reason(reason) for reason in values["reasons"])
        return cls(**values)


def _counterfactual(told: Mapping[str, Any]) -> Counterfactual:
    changes = (Change(**{**one, "title": Text(**one["title"])}) for one in told["changes"])
    return Counterfactual(tuple(changes), Text(**told["sentence"]))


def _reason(told: Mapping[str, Any]) -> Reason:
    values = dict(told)
    values["title"] = Text(**values["title"])
    values["sentence"] = Text(**values["sentence"])
    if values["norm"] is not None:
        values["norm"] = Norm(**{**values["norm"], "group": Text(**values["norm"]["group"])})
    values["evidence"] = tuple(Evidence(**{**row, "ids": tuple(row["ids"])}) for row in values["evidence"])
    return Reason(**values)
