"""Entities that may go on under another name: who began since a day, and shares people or addresses with whom."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from gnomon.config import Settings
from gnomon.errors import Misuse

if TYPE_CHECKING:
    from features.engine import Engine

OFFICES = ("legal_rep", "director", "supervisor_board", "executive", "finance")
"""Positions that stand for an organisation; doctors and project managers change employers every day."""


def succession(settings: Settings, entity: str, since: datetime) -> list[dict[str, Any]]:
    """New entities beside earlier ones that share at least two kinds of marks; those that were warned about come first.

    `what` is `renamed` when the earlier one has been silent since, and `split` when it goes on.
    """
    from features.engine import Engine
    from features.lake import Lake
    from features.measures import entity as known_entity
    from monitoring.evasion import successors
    from monitoring.sources import KEYED

    kind = known_entity(entity).kind
    if kind not in KEYED:
        raise Misuse("serving.monitor.no_activity", place=kind, entity=kind, known=", ".join(KEYED))
    engine = Engine.open(Lake(settings.lake_url), threads=settings.threads)
    try:
        active = _active(engine, kind)
        marks = _marks(engine, set(active))
    finally:
        engine.close()
    before = {one: marks[one] for one, (first, _) in active.items() if first < since and one in marks}
    new = {one: marks[one] for one, (first, _) in active.items() if first >= since and one in marks}
    found = successors(before, new)
    warned = _warned(settings, kind, {one.gone for one in found})
    told = [
        {
            "earlier": one.gone,
            "new": one.new,
            "what": "renamed" if active[one.gone][1] < since else "split",
            "shared": ", ".join(one.shared),
            "last_seen": active[one.gone][1],
            "began": active[one.new][0],
            "warned_at": warned.get(one.gone),
        }
        for one in found
    ]
    return sorted(told, key=lambda one: (one["warned_at"] is None, one["earlier"], one["new"]))


def _active(engine: Engine, kind: str) -> dict[str, tuple[datetime, datetime]]:
    """When each entity was first and last seen, over all tables that name it."""
    from features.contracts import contract_of
    from features.measures import entity as known_entity
    from features.measures.tables import Tables
    from monitoring.sources import KEYED

    found: dict[str, tuple[datetime, datetime]] = {}
    every = Tables(engine, None)
    for name in known_entity(kind).tables:
        key = next((one for one in KEYED[kind] if one in contract_of(name).by_name), None)
        if key is None or not engine.has(name):
            continue
        rows = every.dated(name)
        if "event_at" not in rows.columns:
            continue
        rows = rows.filter(rows[key].notnull(), rows.event_at.notnull())
        spans = rows.group_by(entity_id=rows[key]).aggregate(first=rows.event_at.min(), last=rows.event_at.max())
        for row in engine.arrow(spans).to_pylist():
            first, last = (row[end].replace(tzinfo=UTC) for end in ("first", "last"))
            known = found.get(row["entity_id"], (first, last))
            found[row["entity_id"]] = min(first, known[0]), max(last, known[1])
    return found


def _marks(engine: Engine, wanted: set[str]) -> dict[str, set[tuple[str, str]]]:
    """Telephones, addresses, accounts, officers and holders of each organisation."""
    marks: dict[str, set[tuple[str, str]]] = {}

    def add(entity: str, kind: str, value: str) -> None:
        if entity in wanted:
            marks.setdefault(entity, set()).add((kind, value))

    if engine.has("contact_point"):
        for row in engine.arrow(engine.table("contact_point").select("party_id", "kind", "value_norm")).to_pylist():
            add(row["party_id"], row["kind"], row["value_norm"])
    if engine.has("position"):
        rows = engine.table("position")
        rows = rows.filter(rows.role.isin(OFFICES)).select("org_id", "person_id", "role")
        for row in engine.arrow(rows).to_pylist():
            add(row["org_id"], "officer", row["person_id"])
    if engine.has("org_interest"):
        for row in engine.arrow(engine.table("org_interest").select("org_id", "holder_id")).to_pylist():
            add(row["org_id"], "holder", row["holder_id"])
    return marks


def _warned(settings: Settings, kind: str, ids: set[str]) -> dict[str, datetime]:
    """When each was last warned about."""
    from cases import pages, store
    from gnomon.database import snapshot

    database = store.upgrade(settings)
    told: dict[str, datetime] = {}
    try:
        with snapshot(database) as session:
            for one in sorted(ids):
                rows = pages.cases(session, entity_kind=kind, entity_id=one, limit=pages.MOST).rows
                if rows:
                    told[one] = max(row.opened_at for row in rows)
    finally:
        database.dispose()
    return told
