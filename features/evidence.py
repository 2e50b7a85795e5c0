"""Evidence: the rows behind a profile column, the weightiest first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import ibis
import ibis.expr.types as ir

from features.as_of import last_event
from features.engine import Engine
from features.measures import entity as entity_of
from features.measures.declare import Entity, Measure, Rows, windowed
from features.measures.tables import Tables, joined
from gnomon.errors import Misuse, nearest
from gnomon.terms import Evidence

Found = dict[tuple[str, str], tuple[Evidence, ...]]


def evidence(
    engine: Engine,
    entity: str,
    as_of: datetime | None,
    columns: Mapping[str, Sequence[str]],
    limit: int = 20,
) -> Found:
    """Rows behind profile columns, one query a column.

    Parameters
    ----------
    columns:
        Profile column -> ids of the entities whose rows are wanted.
    limit:
        Ids given at most for one column and entity; `Evidence.total` counts all.

    Returns
    -------
    (column, entity id) -> evidence; a column without rows behind it for an entity is left out.
    """
    kind = entity_of(entity)
    moment = last_event(engine, kind) if as_of is None else as_of.astimezone(UTC)
    tables = Tables(engine, moment, keep=False)
    found: Found = {}
    for column, ids in columns.items():
        one, window = _measure(kind, column)
        if not ids or not all(engine.has(table) for table in one.view.needs):
            continue
        answer = engine.arrow(_weightiest(one, window, tables, list(ids), limit))
        grouped: dict[str, list[str]] = {}
        totals: dict[str, int] = {}
        for row in answer.to_pylist():
            grouped.setdefault(row["entity_id"], []).append(str(row["row_id"]))
            totals[row["entity_id"]] = row["total"]
        base = one.view.rows or one.view
        for entity_id, keys in grouped.items():
            found[column, entity_id] = (Evidence(base.table, base.key, tuple(keys), totals[entity_id]),)
    return found


def _measure(kind: Entity, column: str) -> tuple[Measure, str]:
    for one in kind.measures.values():
        for declared in one.columns:
            if declared.name == column:
                return one, declared.window
    known = [column.name for column in kind.columns]
    raise Misuse("features.evidence.column", place=f"{kind.kind}.{column}", nearest=nearest(column, known))


def _weightiest(one: Measure, window: str, tables: Tables, ids: list[str], limit: int) -> ir.Table:
    view, behind = one.view, one.behind
    table = view.build(tables)
    table = table.filter(table.entity_id.isin(ids))
    if behind.where is not None:
        table = table.filter(behind.where(Rows(table, tables, told=window)).fill_null(False))
    table = table.mutate(
        _weight=ibis.literal(0.0) if behind.weigh is None else _number(behind.weigh(Rows(table, tables, told=window)))
    )
    if view.rows is not None:
        base = view.rows.build(tables)
        shares = ["entity_id", *view.shares]
        kept = [*shares, view.rows.key] + (["event_at"] if "event_at" not in shares else [])
        table = joined(base.select(*kept).inner_join(table.select(*shares, "_weight"), shares))
    inside = Rows(table, tables, windowed(window)).inside()
    if inside is not None:
        table = table.filter(inside)
    key = (view.rows or view).key
    rows = table.group_by("entity_id", row_id=table[key]).aggregate(weight=table["_weight"].max())
    order = ibis.window(group_by="entity_id", order_by=[rows.weight.desc(nulls_first=False), rows.row_id])
    rows = rows.mutate(place=ibis.row_number().over(order), total=rows.count().over(ibis.window(group_by="entity_id")))
    return rows.filter(rows.place < limit).order_by("entity_id", "place").select("entity_id", "row_id", "total")


def _number(value: ir.Value) -> ir.FloatingValue:
    return value.cast("float64")
