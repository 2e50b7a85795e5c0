"""What a query stands on, found out without running it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import ibis.expr.operations as ops
import ibis.expr.types as ir

from features.contracts import contract_of
from features.engine import Engine
from features.measures import Entity
from features.measures.declare import View, fused
from features.measures.tables import Tables
from features.refresh.partials import Partial, partial_of
from features.unknown import fields_of

Make = Callable[[Tables], ir.Table]


@dataclass(frozen=True)
class Part:
    """An intermediate table that is kept: see `Tables.part`."""

    name: str
    of: str
    by: tuple[str, ...]
    expr: Make
    adds: bool = False

    @property
    def view(self) -> View:
        """For one that adds up: the rows that it is added up over."""
        return View(self.name, self.expr, (), self.of, "", by=self.by)


@dataclass(frozen=True)
class Plan:
    """What one query stands on."""

    reads: frozenset[str]
    columns: frozenset[tuple[str, str]]
    """Contracted table and column of everything that has a say in the result."""
    bounds: frozenset[int]
    timed: bool
    parts: Mapping[str, Part]
    partial: Partial | None = None
    made_of: Mapping[str, ir.Value] = field(default_factory=dict)

    def closures(self, table: str) -> Iterator[tuple[str, ...]]:
        """Columns of a table by which other rows belong to a changed one."""
        yield from (part.by for part in self.parts.values() if part.of == table)
        if self.partial is not None and self.partial.view.table == table:
            yield from self.partial.closures


class Planned(Tables):
    """Tables that note which parts are asked for."""

    def __init__(self, engine: Engine, as_of: datetime) -> None:
        super().__init__(engine, as_of, keep=False)
        self.parts: dict[str, Part] = {}

    def part(self, name: str, of: str, by: Sequence[str], expr: Make, adds: bool = False) -> ir.Table:
        """Note the part, and look into it."""
        self.parts[name] = Part(name, of, tuple(by), expr, adds)
        return expr(self)


def plan_of(engine: Engine, moment: datetime, make: Make) -> Plan:
    """Of a table."""
    tables = Planned(engine, moment)
    return _plan(make(tables), tables, tables.timed)


def plan_of_part(engine: Engine, moment: datetime, part: Part) -> Plan:
    """Of a part, with the two steps of one that adds up."""
    tables = Planned(engine, moment)
    query = part.expr(tables)
    adds = part.adds and engine.repeats
    return _plan(query, tables, tables.timed, partial_of(part.view, query) if adds else None)


def plan_of_view(engine: Engine, moment: datetime, kind: Entity, view: View) -> Plan:
    """Of all measures of a view."""
    tables = Planned(engine, moment)
    query, made_of = fused(kind, view, tables)
    partial = partial_of(view, query) if engine.repeats else None
    return _plan(query, tables, tables.timed or not _dated_by_rows(query), partial, made_of)


def _plan(
    query: ir.Table, tables: Planned, timed: bool, partial: Partial | None = None,
    made_of: Mapping[str, ir.Value] | None = None,
) -> Plan:  # fmt: skip
    reads = frozenset(one.name for one in query.op().find(ops.DatabaseTable))
    columns = frozenset(_columns(query.op()))
    return Plan(reads, columns, frozenset(tables.bounds), timed, tables.parts, partial, made_of or {})


def _dated_by_rows(query: ir.Table) -> bool:
    """Whether the windows of a fused aggregation go by what `Changes` looks at: when its rows happened or began."""
    rows = query.op().parent.parent.to_expr()
    dated = fields_of(rows.event_at) if "event_at" in rows.columns else ()
    return all(name in (*contract_of(table).event, "valid_from") for table, name in dated)


def _columns(query: ops.Relation) -> Iterator[tuple[str, str]]:
    """Stored columns that a query reads: those that its columns are computed from, or its rows are chosen by."""
    seen: set[ops.Node] = set()
    waiting: list[ops.Node] = list(_whole(query))
    while waiting:
        for node in waiting.pop().find((ops.Field, ops.Subquery), filter=ops.Value):
            if node in seen:
                continue
            seen.add(node)
            relation = node.rel
            if isinstance(relation, ops.DatabaseTable):
                yield relation.name, node.name
                continue
            if relation not in seen:
                seen.add(relation)
                waiting += _choosing(relation)
            if isinstance(node, ops.Subquery):
                waiting += _whole(relation)
            elif isinstance(relation, ops.Set):
                waiting += (ops.Field(side, node.name) for side in (relation.left, relation.right))
            elif node.name in relation.values:
                waiting.append(relation.values[node.name])


def _whole(relation: ops.Relation) -> Iterator[ops.Field]:
    return (ops.Field(relation, name) for name in relation.schema)


def _choosing(relation: ops.Relation) -> Iterator[ops.Node]:
    """What decides which rows a relation has: conditions, groups, keys; every column where equal rows become one."""
    if isinstance(relation, ops.Distinct):
        yield from _whole(relation.parent)
    elif isinstance(relation, ops.Set):
        yield from (*_whole(relation.left), *_whole(relation.right))
    else:
        links = (ops.JoinLink, ops.Value)
        named = (value for name, value in zip(relation.__argnames__, relation.__args__, strict=True)
                 if name not in ("values", "metrics"))  # fmt: skip
        for value in named:
            for one in (
                value.values() if isinstance(value, Mapping) else value if isinstance(value, tuple) else (value,)
            ):
                if isinstance(one, links):
                    yield from one.predicates if isinstance(one, ops.JoinLink) else (one,)
