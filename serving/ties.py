"""The ties behind a warning: what its firms have in common, as of the lake version it was made on, and drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from features.network import Shared, network, tells_ties
from gnomon.config import Settings
from gnomon.errors import Fault
from gnomon.terms import Warned

ROW = 30
"""Height of a line of the drawing."""
LEFT, RIGHT = 330, 430
"""Where the lines of the drawing begin and end; names stand outside."""


@dataclass(frozen=True, slots=True)
class Point:
    """A firm or a mark in the drawing."""

    name: str
    kind: str
    """firm, owner, staff or contact."""
    y: float


@dataclass(frozen=True, slots=True)
class Drawn:
    """Firms on the left, what they share on the right, a line for each record that says so."""

    firms: tuple[Point, ...]
    marks: tuple[Point, ...]
    lines: tuple[tuple[float, float, str], ...]
    height: int


@dataclass(frozen=True, slots=True)
class Ties:
    """What the firms of a warning have in common."""

    shared: tuple[Shared, ...]
    drawn: Drawn


def ties(settings: Settings, warned: Warned) -> Ties | None:
    """What ties the firms, where a reason of the warning counts ties; None where none does or the lake is elsewhere."""
    if not tells_ties(warned.entity_kind, [reason.measure for reason in warned.reasons]):
        return None
    try:
        found = _read(settings.lake_url, warned.lake_version, warned.entity_kind, warned.entity_id, warned.as_of)
    except (Fault, OSError):
        return None
    return Ties(found, drawing(found)) if found else None


def drawing(shared: Sequence[Shared]) -> Drawn:
    """Where each firm and mark stands; the side with fewer is spread over the height of the other.

    >>> from features.network import Held
    >>> held = tuple(Held(firm, firm, "position", "", "", "") for firm in "AB")
    >>> [one.y for one in drawing([Shared("staff", "P", "", held)]).firms]
    [15.0, 45.0]
    """
    firms = dict.fromkeys(held.firm for one in shared for held in one.held)
    names = {held.firm: held.name for one in shared for held in one.held}
    height = max(len(firms), len(shared)) * ROW
    places = {firm: (number + 0.5) * height / len(firms) for number, firm in enumerate(firms)}
    at = [(number + 0.5) * height / len(shared) for number in range(len(shared))]
    lines = dict.fromkeys(
        (places[held.firm], y, one.kind) for one, y in zip(shared, at, strict=True) for held in one.held
    )
    return Drawn(
        tuple(Point(names[firm], "firm", y) for firm, y in places.items()),
        tuple(Point(one.name or shortened(one.mark), one.kind, y) for one, y in zip(shared, at, strict=True)),
        tuple(lines),
        height,
    )


def shortened(mark: str) -> str:
    """A mark as people read it: hashes by their beginning, contacts without their kind.

    >>> shortened("phone:0999"), shortened("a" * 64)
    ('0999', 'aaaaaaaaaa…')
    """
    told = mark.partition(":")[2] or mark
    return told if len(told) <= 24 else f"{told[:10]}…"


@lru_cache(maxsize=256)
def _read(url: str, version: int, kind: str, entity_id: str, as_of: datetime) -> tuple[Shared, ...]:
    # A lake version never changes, so what was read from it once may be remembered.
    from features.engine import Engine
    from features.lake import Lake

    lake = Lake(url)
    if version < 1 or version > lake.version:
        return ()
    engine = Engine.open(lake, version, threads=1)
    try:
        return network(engine, kind, entity_id, as_of)
    finally:
        engine.close()
