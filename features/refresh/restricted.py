"""Tables of which one holds some of its rows only."""

from __future__ import annotations

from datetime import datetime

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from features.engine import Engine
from features.measures.tables import Tables, civil


class Restricted(Tables):
    """Tables of which one holds the rows given, or of these the ones with certain values in some columns."""

    def __init__(
        self, engine: Engine, as_of: datetime | None, table: str, rows: ir.Table, keys: pa.Table | None = None
    ) -> None:
        super().__init__(engine, as_of, keep=False)
        self._table = table
        some = rows if keys is None else sharing(rows, keys)
        # Queries name columns that have no say in what is asked of them: those were not read.
        unread = {name: kind for name, kind in engine.table(table).schema().items() if name not in some.columns}
        self._rows = some.mutate(**{name: ibis.null(kind) for name, kind in unread.items()})

    def _stored(self, name: str) -> ir.Table:
        return self._rows if name == self._table else super()._stored(name)


def sharing(rows: ir.Table, *keys: pa.Table) -> ir.Table:
    """The rows whose values in the columns of one of the `keys` are a row there."""
    held = [ibis.memtable(one) for one in keys]
    # A column of its own: the engine does not see through a condition on what it has to compute.
    days = {name for one in held for name in one.columns if name not in rows.columns}
    table = rows.mutate(**{name: told_apart(rows, name) for name in days})
    equal = [[table[name].identical_to(one[name]) for name in one.columns] for one in held]
    if len(held) == 1:
        return table.semi_join(held[0], equal[0]).drop(*days)
    return table.filter(ibis.or_(*(ibis.and_(*one).any() for one in equal))).drop(*days)


def told_apart(rows: ir.Table, name: str) -> ir.Value:
    """What a column says, or, of `column.day`, the civil day of its moment."""
    column, _, day = name.partition(".")
    return civil(rows[column].cast("timestamp")) if day else rows[column]
