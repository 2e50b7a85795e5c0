"""A warning model: the catalogue entry that says when a question is worth asking and how to ask it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
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
    warns: bool
    severity: str | None = None


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
    """Condition over profile columns (see `catalogue.expression`); empty for `learned`."""
    alert: str
    """Condition that raises the severity from warn to alert; may be empty."""
    unless: tuple[Exclusion, ...]
    examples: tuple[Example, ...]
    path: Path
