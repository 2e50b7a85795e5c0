"""Which measures serve which warning model of the published catalogue."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import yaml

PATH = Path(__file__).with_name("served.yaml")


def served() -> dict[str, tuple[str, ...]]:
    """Model id -> measures as `kind.measure`; `kind.*` is the whole profile of a kind."""
    return {model: tuple(names) for model, names in _told()["measures"].items()}


def conditions() -> dict[str, str]:
    """Rules that have no measure, and what they ask instead."""
    return {model: str(why) for model, why in _told()["conditions"].items()}


@cache
def _told() -> dict[str, dict[str, list[str]]]:
    told: dict[str, dict[str, list[str]]] = yaml.safe_load(PATH.read_text(encoding="utf-8"))
    return told
