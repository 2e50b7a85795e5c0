"""Rows of a table that share something with a row that changed, read once for all that is made of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import ibis
import ibis.expr.types as ir

from features.contracts import contract_of
from features.engine import Engine
from features.refresh.changes import Changes
from features.refresh.restricted import sharing

Closures = Mapping[tuple[str, ...], Collection[int]]
"""Columns by which rows belong together, and the bounds that rows cross."""


class Picked:
    """The rows of one table with the same values in some columns as a changed row, held by the engine.

    `was` are those of the earlier state, `now` those of the present one, under whatever moment.
    """

    def __init__(
        self, engine: Engine, changes: Changes, table: str, columns: Collection[str], closures: Closures
    ) -> None:
        self._engine, self._names = engine, (f"now_{table}", f"was_{table}")
        self.close()
        keys = [changes.keys(table, by, bounds) for by, bounds in closures.items()]
        self.now = self.was = engine.kept(
            self._names[0], "", lambda: engine.some(table, lambda rows: sharing(rows, *keys)).select(*columns)
        )
        if table in changes.tables:
            self.was = engine.kept(self._names[1], "", lambda: self._former(changes, table))

    def _former(self, changes: Changes, table: str) -> ir.Table:
        # Records that are read as one may share a key, but did not arrive together.
        now, key = self.now, (*contract_of(table).key, "_ingested_at")
        come, gone = ibis.memtable(changes.come(table).select(key)), changes.gone(table)
        rows = now.anti_join(come, [now[name].identical_to(come[name]) for name in key])
        if not gone.num_rows:
            return rows
        return ibis.union(rows, ibis.memtable(gone.select(now.columns)).cast(now.schema()))

    def close(self) -> None:
        """Give the memory back."""
        for name in self._names:
            self._engine.forget(name)
