"""The engine on DuckDB, in this process: the default, and the one for requests that cannot wait."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_hex
from tempfile import gettempdir
from typing import Any

import ibis
import ibis.expr.operations as ops
import ibis.expr.types as ir
import pyarrow as pa

from features.contracts import contract_of
from features.engine import MEMORY, Engine
from features.exact import MACROS, builtin, exact
from features.faster import EVERY, faster

Answer = tuple[list[str], list[tuple[Any, ...]]]
"""Names of columns, and rows."""
UTC_MOMENT = ibis.dtype("timestamp('UTC', 6)")
_microseconds = builtin("epoch_us", "timestamp('UTC', 6)", "int64")
_moment = builtin("make_timestamp", "int64", "timestamp")
MOST_CODES = 5_000_000
"""Distinct identifiers up to which a kept column is coded as numbers."""


class DuckEngine(Engine):
    """DuckDB. Sums have the same bits on any number of threads: see `features.exact`."""

    repeats = True

    def __init__(self, lake_version: int = 0, threads: int = 0, memory: str = MEMORY) -> None:
        super().__init__(lake_version)
        # Extensions are never fetched: everything used is compiled in, and the engine must work without a network.
        settings: dict[str, Any] = {"autoinstall_known_extensions": False, "autoload_known_extensions": False}
        # DuckDB makes this folder when it needs it, and removes it when it closes.
        aside = Path(gettempdir()) / f"gnomon-engine-{token_hex(8)}"
        settings |= {"memory_limit": memory, "temp_directory": str(aside), "preserve_insertion_order": False}
        self._backend = ibis.duckdb.connect(**settings, **({"threads": threads} if threads else {}))
        self._drops: dict[str, list[str]] = {}
        """What takes each kept or coded table away."""
        self._backend.raw_sql("SET TimeZone = 'UTC'")
        # DuckDB 2.0 ends in an internal error when it turns an IN list over joined windows into a join of its own.
        self._backend.raw_sql("SET disabled_optimizers = 'in_clause'")
        for macro in MACROS:
            self._backend.raw_sql(macro)

    def explained(self, expr: ir.Table) -> str:
        """The engine's plan for an expression, for tests and the curious."""
        return "\n".join(str(row[1]) for row in self._backend.raw_sql("EXPLAIN " + self._sql(expr)).fetchall())

    def close(self) -> None:
        """Give the memory back."""
        self._backend.disconnect()

    def _run(self, expr: ir.Table) -> pa.Table:
        return self._backend.to_pyarrow(self._planned(expr))

    def _scanned(self, name: str, files: list[str], schema: pa.Schema) -> ir.Table:
        # Files of older versions may lack columns that the contract gained later.
        return self._backend.read_parquet(files, table_name=name, union_by_name=True)

    def _given(self, name: str, rows: pa.Table) -> ir.Table:
        self._backend.con.register(name, rows)
        return self._backend.table(name)

    def _cast(self, value: ir.Value, to: str) -> ir.Value:
        # Casting a moment with a zone asks the calendar of the zone for each row, also where it is UTC.
        if to == "timestamp" and value.type() == UTC_MOMENT:
            return _moment(_microseconds(value))
        return value.cast(to)

    def _hold(self, place: str, made: ir.Table) -> ir.Table:
        # Rows of this process that the query names, as Ibis does before a query of its own.
        self._backend._run_pre_execute_hooks(made)
        self._backend.raw_sql(f"CREATE TEMP TABLE {place} AS {self._sql(made)}")
        self._drops[place] = [f"DROP TABLE {place}"]
        return self._temporary(place, made.schema())

    def _coded(self, place: str, made: ir.Table, coded: Sequence[str], numbered: Sequence[str]) -> ir.Table:
        self._backend._run_pre_execute_hooks(made)
        texts = [column for column in (*coded, *numbered) if made[column].type().is_string()]
        ids = self._identifiers(place, made, texts)
        told = {column: f'made."{column}"::{kind}' for column, kind in self._types(place, ids, coded).items()}
        numbers = [column for column in numbered if column in ids]
        told |= {column: f'"{column}s".number' for column in numbers}
        joins = [f'LEFT JOIN {ids[column]} AS "{column}s" ON made."{column}" = "{column}s".id' for column in numbers]
        replaced = ", ".join(f'{how} AS "{column}"' for column, how in told.items())
        chosen = f"made.* REPLACE ({replaced})" if told else "made.*"
        self._backend.raw_sql(
            f"CREATE TEMP VIEW {place} AS SELECT {chosen} FROM ({self._sql(made)}) AS made {' '.join(joins)}"
        )
        self._drops[place] = [f"DROP VIEW {place}", *(f"DROP TABLE {one}" for one in ids.values())]
        kinds = {column: "uint32" if column in numbers else kind for column, kind in made.schema().items()}
        return self._temporary(place, ibis.schema(kinds))

    def _drop(self, place: str) -> None:
        for one in self._drops.pop(place):
            self._backend.raw_sql(one)

    def _temporary(self, place: str, schema: ibis.Schema) -> ir.Table:
        # Asking the backend for the schema would spell out every identifier of the coded columns.
        namespace = ops.Namespace(catalog="temp", database="main")
        return ops.DatabaseTable(place, schema, self._backend, namespace).to_expr()

    def _identifiers(self, place: str, made: ir.Table, texts: Sequence[str]) -> dict[str, str]:
        """A table of the identifiers (`id`) in each column, with a number each in their order."""
        found = {column: f"{place}_{column}_ids" for column in texts}
        for column, name in found.items():
            stored = _stored(ops.Field(made, column)).to_expr()
            ids = self._sql(stored.as_table().distinct().select(id=stored.get_name()).filter(ibis._.id.notnull()))
            number = "(row_number() OVER (ORDER BY id))::UINTEGER AS number"
            self._backend.raw_sql(f"CREATE TEMP TABLE {name} AS SELECT id, {number} FROM ({ids})")
        return found

    def _types(self, place: str, ids: Mapping[str, str], columns: Sequence[str]) -> dict[str, str]:
        """A type of its own for the identifiers of each column; none for a column of too many."""
        found = {}
        for column in columns:
            many = self._backend.raw_sql(f"SELECT count(*) FROM {ids[column]}").fetchone()[0] if column in ids else 0
            if 0 < many <= MOST_CODES:
                found[column] = kind = f"{place}_{column}"
                self._backend.raw_sql(f"DROP TYPE IF EXISTS {kind}")
                # In order, for what is coded compares by its code.
                self._backend.raw_sql(f"CREATE TEMP TYPE {kind} AS ENUM (SELECT id FROM {ids[column]} ORDER BY number)")
        return found

    def _planned(self, expr: ir.Table) -> ir.Table:
        """What is run in the place of an expression."""
        return exact(faster(expr))

    def _sql(self, expr: ir.Table) -> str:
        return str(ibis.to_sql(self._planned(expr), dialect="duckdb"))


def _stored(value: ops.Field) -> ops.Field:
    """The column that another one shows some rows of: all its values are read sooner than those of the rows."""
    while not isinstance(value.rel, ops.PhysicalTable | ops.Set):
        below = value.rel.values.get(value.name)
        if not isinstance(below, ops.Field):
            break
        value = below
    return value


class _Slot:
    """Rows that a view reads: whichever lie here when it is read."""

    def __init__(self, rows: pa.Table) -> None:
        self.rows = rows

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self.rows.__arrow_c_stream__(requested_schema)

    def __arrow_c_schema__(self) -> object:
        return self.rows.schema.__arrow_c_schema__()


class Warm(DuckEngine):
    """Answers the same queries over ever other rows of a few entities, planned once: for requests that cannot wait.

    Tables are contracts; whether a table `has` rows is said beforehand, because queries are made accordingly. DuckDB
    plans a prepared query anew at every run if it reads a table of its own, if it holds a variable, or if a parameter
    filters a scan or is compared with a column; so rows and the moment lie in Arrow, and a limit that nobody reaches
    keeps filters out of scans.
    """

    MOMENT = datetime(1901, 2, 3, 4, 5, 6, 789000, tzinfo=UTC)
    """Stands for the as-of moment while queries are made; `fill` says the real one."""
    _WRITTEN = "MAKE_TIMESTAMP(1901, 2, 3, 4, 5, 6.789)"
    _SAID = "(SELECT moment FROM said)"

    def __init__(self, holds: Sequence[str], threads: int = 1) -> None:
        super().__init__(threads=threads)
        self._slots: dict[str, _Slot] = {}
        self._moment = _Slot(_said(self.MOMENT))
        self._backend.con.register("said", self._moment)
        self._names: list[str] = []
        for name in holds:
            self.table(name)
            self._rows[name] = 1

    def _planned(self, expr: ir.Table) -> ir.Table:
        # For few rows, and so that being asked of some entities alone is carried down to theirs.
        return exact(expr)

    def _register(self, name: str, rows: pa.Table) -> None:
        under = contract_of(name)
        self._slots[name] = _Slot(under.schema.empty_table())
        self._backend.con.register(f"given_{name}", self._slots[name])
        self._backend.con.execute(f"CREATE VIEW raw_{name} AS SELECT * FROM given_{name} LIMIT {EVERY}")
        self._typed(under, self._backend.table(f"raw_{name}"), 0)

    @property
    def reads(self) -> list[str]:
        """Tables that queries may read: those said beforehand, and those that were asked for since."""
        return list(self._slots)

    def query(self, expr: ir.Table) -> str:
        """What `prepare` is given: one that holds the same tables may be given it as well."""
        return self._sql(expr).replace(self._WRITTEN, self._SAID)

    def prepare(self, name: str, query: str) -> None:
        """Plan a query of entities by `entity_id`; `answers` runs it under this name."""
        self._names.append(name)
        # Asked of the key alone, the planner carries the condition down to the rows.
        self._backend.con.execute(
            f"PREPARE {name} AS SELECT * FROM ({query}) WHERE list_contains($ids::VARCHAR[], entity_id)"
        )

    def fill(self, tables: Mapping[str, pa.Table], moment: datetime, ids: Sequence[str]) -> None:
        """Put other rows in the place of those before; a table that is not given is empty. `ids` are asked about."""
        self._backend.con.execute("SET VARIABLE ids = (SELECT ?::VARCHAR[])", [list(ids)])
        self._moment.rows = _said(moment)
        for name, slot in self._slots.items():
            schema = slot.rows.schema
            slot.rows = tables[name].select(schema.names) if name in tables else schema.empty_table()

    def answers(self) -> dict[str, Answer]:
        """Run every prepared query over the rows that `fill` brought: names of columns, and rows, by query."""
        told = {}
        for name in self._names:
            ran = self._backend.con.execute(f"EXECUTE {name}(ids := getvariable('ids'))")
            told[name] = [str(one[0]) for one in ran.description], ran.fetchall()
        return told


def _said(moment: datetime) -> pa.Table:
    return pa.table({"moment": pa.array([moment.astimezone(UTC).replace(tzinfo=None)], pa.timestamp("us"))})
