"""A warning model: the catalogue entry that says when a question is worth asking and how to ask it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from gnomon.terms import Text


@dataclass(frozen=True, slots=True)
class Exclusion:
    """A look-alike that must not be accused: the condition, and its reason in words."""

    when: str
    because: Text


@dataclass(frozen=True, slots=True)
class Example:
    """A test that the model carries with it: these profile values warn, or do not."""

    given: Mapping[str, Any]
    """Values by profile column or attribute, and `norm(x)`, `deviation(x)`, `peers(x)`; whatever is not given is
    unknown."""
    warns: bool
    severity: str | None = None
    who: Text = field(default_factory=lambda: Text("", ""))
    """Whom the example shows, in a few words."""


@dataclass(frozen=True, slots=True)
class WarningModel:
    """One entry of the catalogue."""

    id: str
    version: int
    scene: str
    stage: str
    entity: str
    scheme: str
    """What is suspected, e.g. `over-prescribing`: warnings about one entity and scheme join one case."""
    detector: Literal["rule", "learned"]
    """`rule` fires on `when`; `learned` issues the champion's top scores for this entity."""
    title: Text
    meaning: Text
    """What is measured and why it is a question, for the auditor."""
    advice: Text
    """Honest explanations and what to check first."""
    basis: tuple[str, ...]
    """Regulations, standards or papers."""
    when: str
    """Condition over profile columns (see `catalogue.expression`); empty for `learned`. What it compares makes the
    score."""
    alert: str
    """Condition that raises the severity from warn to alert; may be empty."""
    unless: tuple[Exclusion, ...]
    examples: tuple[Example, ...]
    path: Path
    needs: str = ""
    """Condition on how much there must be to look at before the question may be asked (cases, peers, money). It gates
    the model and adds nothing to the score, so that nobody scores high for being large."""
    lines: Mapping[str, int] = field(default_factory=dict, compare=False)
    """Line of the file on which each key stands: `when`, `unless.0`, `examples.2` …"""

    def place(self, key: str) -> str:
        """Where a key of this model stands: file and line."""
        return f"{self.path}:{self.lines.get(key, 1)}"

    @property
    def conditions(self) -> Mapping[str, str]:
        """Every condition it states, by key, in the order they are asked."""
        stated = {"needs": self.needs, "when": self.when, "alert": self.alert}
        stated.update({f"unless.{number}": exclusion.when for number, exclusion in enumerate(self.unless)})
        return {key: text for key, text in stated.items() if text}

    @property
    def digest(self) -> str:
        """Twelve hex digits that change when what the model asks changes; texts do not count."""
        told = "\n".join([self.id, str(self.version), self.entity, *(f"{k}: {v}" for k, v in self.conditions.items())])
        return hashlib.sha256(told.encode()).hexdigest()[:12]


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What conditions about one kind of entity may name."""

    columns: frozenset[str]
    """Profile columns."""
    attributes: frozenset[str]
    """Peer attributes, held against texts."""
