"""What answers each model of the published catalogue here: the same id, other ids, a part of it, or nothing and why."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

import yaml

from gnomon.terms import Text

PATH = Path(__file__).with_name("published.yaml")
How = Literal["same", "under", "partly", "none"]


@dataclass(frozen=True, slots=True)
class Answer:
    """How one published model is answered."""

    how: How
    models: tuple[str, ...]
    lacks: Text
    """What is left out, or why it is not asked; empty where nothing is."""


def answer(published: str, shipped: Iterable[str]) -> Answer | None:
    """How a published model is answered by the shipped ones; null when nobody has said."""
    if published in shipped:
        return Answer("same", (published,), Text("", ""))
    return told().get(published)


@cache
def told() -> dict[str, Answer]:
    """The published models that have no model of the same id here."""
    file: dict[str, dict[str, Any]] = yaml.safe_load(PATH.read_text(encoding="utf-8"))
    found = {name: Answer("under", tuple(models), Text("", "")) for name, models in file["under"].items()}
    found |= {name: _partly(one) for name, one in file["partly"].items()}
    return found | {name: Answer("none", (), Text(**one)) for name, one in file["none"].items()}


def _partly(one: dict[str, Any]) -> Answer:
    return Answer("partly", tuple(one["models"]), Text(one["zh"], one["en"]))
