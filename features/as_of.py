"""The as-of moment: when the first and the last event of an entity's tables happened."""

from __future__ import annotations

from datetime import UTC, datetime

import ibis
import ibis.expr.types as ir

from features.engine import Engine
from features.measures.declare import Entity
from features.measures.tables import Tables
from gnomon.errors import Fault


def last_event(engine: Engine, kind: Entity) -> datetime:
    """Moment of the last event in the entity's tables; now, when no row says when it happened or arrived."""
    if not any(engine.has(table) for table in kind.tables):
        raise Fault("features.build.empty", place=kind.kind, tables=", ".join(kind.tables))
    return _moment(engine, kind, "last") or datetime.now(UTC)


def first_event(engine: Engine, kind: Entity) -> datetime | None:
    """Moment of the first event in the entity's tables; None when no row is dated."""
    return _moment(engine, kind, "first")


def happened_by(engine: Engine, kind: Entity, moment: datetime) -> bool:
    """Whether any event is not later; the first that is found ends the search."""
    told = ibis.literal(moment.replace(tzinfo=None))
    events = _events(engine, kind)
    return any(engine.arrow(table.filter(table.event_at <= told).limit(1)).num_rows for table in events)


def _moment(engine: Engine, kind: Entity, end: str) -> datetime | None:
    moments = _events(engine, kind)
    if not moments:
        return None
    both_ends = ibis.union(*moments) if len(moments) > 1 else moments[0]
    row = engine.arrow(both_ends.aggregate(first=both_ends.event_at.min(), last=both_ends.event_at.max())).to_pylist()[
        0
    ]
    found: datetime | None = row[end]
    return None if found is None else found.replace(tzinfo=UTC)


def _events(engine: Engine, kind: Entity) -> list[ir.Table]:
    every = Tables(engine, None)
    dated = [every.dated(table) for table in kind.tables if engine.has(table)]
    return [table.select("event_at") for table in dated if "event_at" in table.columns]
