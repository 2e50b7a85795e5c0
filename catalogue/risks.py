"""Risk points of public works: nine stages from decision to payment, what may go wrong in each, and who asks."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from gnomon.terms import Text

PATH = Path(__file__).with_name("risk_points.yaml")


@dataclass(frozen=True, slots=True)
class Point:
    """One thing that may go wrong."""

    id: str
    """Stage and number, `5.7`."""
    title: Text
    control: Text
    """What keeps it in check."""
    models: tuple[str, ...]
    """Ids of the warning models that ask about it; none where the control alone watches."""


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage of a project, in the order in which they come."""

    id: str
    title: Text
    points: tuple[Point, ...]


@cache
def stages() -> tuple[Stage, ...]:
    """All stages with their points."""
    told = yaml.safe_load(PATH.read_text(encoding="utf-8"))
    return tuple(Stage(one["id"], Text(**one["title"]), tuple(map(_point, one["points"]))) for one in told)


def _point(told: dict[str, Any]) -> Point:
    return Point(told["id"], Text(**told["title"]), Text(**told["control"]), tuple(told["models"]))
