"""Why a profile column is unknown for everybody: the table that is empty, or the fields that nobody fills in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

import ibis.expr.operations as ops
import ibis.expr.types as ir

from features.contracts import contract_of
from features.engine import Engine
from gnomon.i18n import both
from gnomon.terms import Text


def reasons(engine: Engine, values: Mapping[str, ir.Value]) -> dict[str, Text]:
    """For columns that came out unknown for everybody: the reason in words, by the fields their values are made of."""
    origins = {name: set(fields_of(value, engine.origins)) for name, value in values.items()}
    empty = _unfilled(engine, {field for fields in origins.values() for field in fields})
    found: dict[str, Text] = {}
    for name, fields in origins.items():
        absent = sorted({table for table, _ in fields if not engine.has(table)})
        blank = sorted(f"{table}.{column}" for table, column in fields & empty if engine.has(table))
        if absent:
            found[name] = both("features.build.no_table", tables=", ".join(absent))
        elif blank:
            found[name] = both("features.build.no_field", fields=", ".join(blank))
        else:
            found[name] = both("features.build.too_few", tables=", ".join(sorted({table for table, _ in fields})))
    return found


def fields_of(value: ir.Value, kept: Mapping[str, ir.Table] = MappingProxyType({})) -> Iterator[tuple[str, str]]:
    """Contracted table and column of everything that a value is computed from, however many views lie between.

    What only joins, filters or orders rows is not followed: it decides which rows count, not what they say.
    """
    seen: set[ops.Field] = set()
    waiting = [value.op()]
    while waiting:
        for field in waiting.pop().find(ops.Field, filter=ops.Value):
            if field in seen:
                continue
            seen.add(field)
            relation, name = field.rel, field.name
            if isinstance(relation, ops.DatabaseTable) and relation.name in kept:
                waiting.append(ops.Field(kept[relation.name].op(), name))
            elif isinstance(relation, ops.DatabaseTable):
                if not name.startswith("_"):
                    yield relation.name, name
            elif isinstance(relation, ops.Set):
                waiting += [ops.Field(relation.left, name), ops.Field(relation.right, name)]
            elif name in relation.values:
                waiting.append(relation.values[name])


def _unfilled(engine: Engine, fields: set[tuple[str, str]]) -> set[tuple[str, str]]:
    empty: set[tuple[str, str]] = set()
    for table in sorted({table for table, _ in fields if engine.has(table)}):
        rows = engine.table(table)
        optional = [c for t, c in sorted(fields) if t == table and not contract_of(table).by_name[c].required]
        if optional:
            counts = engine.arrow(rows.aggregate(**{c: rows[c].count() for c in optional})).to_pylist()[0]
            empty |= {(table, column) for column, known in counts.items() if not known}
    return empty
