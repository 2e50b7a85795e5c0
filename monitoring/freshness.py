"""How fresh each table of the lake is: its rows, when its last event happened and when its last row arrived."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from features.contracts import contract_of
from gnomon.terms import Text

if TYPE_CHECKING:
    from features.engine import Engine
    from features.lake import Lake


@dataclass(frozen=True, slots=True)
class Feed:
    """One table as it lies in the lake."""

    table: str
    title: Text
    rows: int
    last_event: datetime | None
    """Null when the table has no event column or no row with a date."""
    last_arrival: datetime | None
    version: int
    """Lake version in which the table last changed."""


def feeds(lake: Lake, engine: Engine | None = None) -> list[Feed]:
    """All tables that hold rows, by name; one query each over the newest state of the lake."""
    from features.engine import Engine

    at = lake.version
    opened = engine or Engine.open(lake, at)
    try:
        return [_feed(opened, name, state.rows, state.version) for name, state in sorted(lake.state(at).items())]
    finally:
        if engine is None:
            opened.close()


def _feed(engine: Engine, name: str, rows: int, version: int) -> Feed:
    under = contract_of(name)
    table = engine.table(name)
    wanted = {"arrived": table["_ingested_at"].max()}
    if under.event:
        best, *others = (_as_moment(table[column], under.by_name[column].type) for column in under.event)
        wanted["event"] = best.coalesce(*others).max()
    (found,) = engine.arrow(table.aggregate(**wanted)).to_pylist()
    return Feed(name, under.title, rows, _utc(found.get("event")), _utc(found["arrived"]), version)


def _as_moment(column: Any, kind: str) -> Any:
    # Months are kept as text, `2026-06`.
    return ((column + "-01").cast("date") if kind == "month" else column).cast("timestamp")


def _utc(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.replace(tzinfo=UTC)
