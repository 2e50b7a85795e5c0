"""The engine: Ibis tables over contracted rows, on DuckDB. The only file that names the engine."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_hex
from tempfile import gettempdir
from typing import TYPE_CHECKING, Any, Protocol, Self

import ibis
import ibis.expr.operations as ops
import ibis.expr.types as ir
import pandas as pd
import pyarrow as pa

from features.contracts import Contract, contract_of
from features.contracts.column import SYSTEM
from gnomon.errors import Misuse

if TYPE_CHECKING:
    from features.lake import Lake

READ_AS = {
    "money": "float64",
    "decimal": "float64",
    "ratio": "float64",
    "int": "int64",
    "bool": "boolean",
    "date": "date",
    "ts": "timestamp",
    "list": "array<string>",
}
"""How the engine reads each contract type: money as floating yuan, moments as UTC without a zone, the rest as text."""

MEMORY = "3GB"
"""What the engine holds in memory unless told otherwise; beyond it, it works from the disk."""
KEEP_FROM = 200_000
"""Rows from which an intermediate table that several views read is worth keeping."""
MOST_CODES = 5_000_000
"""Distinct identifiers up to which a kept column is coded as numbers."""

SYSTEM_AS = {"_source": "string", "_ingested_at": "timestamp", "_row_hash": "string"}


class Stored(Protocol):
    """What the engine asks of a lake: see `features.lake.Lake`."""

    @property
    def version(self) -> int:
        """Number of the newest state."""
        ...

    def state(self, version: int | None = None) -> Mapping[str, Any]:
        """Tables of that state; each value tells its `rows`."""
        ...

    def files(self, table: str, version: int | None = None) -> list[str]:
        """Parquet files of a table in that state."""
        ...


class Engine:
    """Reads contracted tables and runs Ibis expressions over them. Not to be shared between threads."""

    def __init__(self, lake_version: int = 0, threads: int = 0, memory: str = MEMORY) -> None:
        # Extensions are never fetched: everything used is compiled in, and the engine must work without a network.
        settings: dict[str, Any] = {"autoinstall_known_extensions": False, "autoload_known_extensions": False}
        # DuckDB makes this folder when it needs it, and removes it when it closes.
        aside = Path(gettempdir()) / f"gnomon-engine-{token_hex(8)}"
        settings |= {"memory_limit": memory, "temp_directory": str(aside), "preserve_insertion_order": False}
        self._backend = ibis.duckdb.connect(**settings, **({"threads": threads} if threads else {}))
        self._backend.raw_sql("SET TimeZone = 'UTC'")
        # DuckDB 2.0 ends in an internal error when it turns an IN list over joined windows into a join of its own.
        self._backend.raw_sql("SET disabled_optimizers = 'in_clause'")
        self._rows: dict[str, int] = {}
        self._views: dict[str, ir.Table] = {}
        self._kept: dict[str, tuple[str, ir.Table]] = {}
        self.origins: dict[str, ir.Table] = {}
        """What each kept table was made from, by the name under which queries read it."""
        self.keep_from = KEEP_FROM
        self.lake_version = lake_version
        self.executed = 0
        """Queries run so far."""

    @classmethod
    def open(cls, lake: Lake | Stored, version: int | None = None, threads: int = 0, memory: str = MEMORY) -> Self:
        """Views over the Parquet files of one lake version (the newest when None).

        `threads` is the number of processor threads; 0 takes all. Beyond `memory` the engine works from the disk.
        """
        at = lake.version if version is None else version
        engine = cls(at, threads, memory)
        for name, state in lake.state(at).items():
            files = lake.files(name, at) if state.rows else []
            if files:
                engine._read(name, files, state.rows)
        return engine

    @classmethod
    def of(cls, tables: Mapping[str, pa.Table], lake_version: int = 0, threads: int = 0) -> Self:
        """Views over raw records: one tender with its bids, a batch of claims.

        Columns that a record batch lacks are unknown; columns outside the contract are refused.
        """
        engine = cls(lake_version, threads)
        for name, rows in tables.items():
            if rows.num_rows:
                engine._register(name, rows)
        return engine

    def has(self, table: str) -> bool:
        """Whether the table holds any row."""
        return self._rows.get(contract_of(table).name, 0) > 0

    def rows(self, table: str) -> int:
        """Number of rows of the table."""
        return self._rows.get(table, 0)

    def table(self, name: str) -> ir.Table:
        """The table as its contract types it; without rows when there are none."""
        if name not in self._views:
            under = contract_of(name)
            self._register(name, under.schema.empty_table())
        return self._views[name]

    def kept(
        self,
        name: str,
        moment: str,
        expr: Callable[[], ir.Table],
        coded: Sequence[str] = (),
        numbered: Sequence[str] = (),
    ) -> ir.Table:
        """An intermediate table, computed once and read by every later query of the same moment.

        Parameters
        ----------
        moment:
            A table of another moment takes the place.
        coded:
            Columns of identifiers, held as numbers that read as the text they stand for: cheap to group by.
        numbered:
            Columns of identifiers that are only told apart and counted: whole numbers in their place.
        """
        if name in self._kept and self._kept[name][0] == moment:
            return self._kept[name][1]
        # First the former one, for what it is made of goes with it.
        self.forget(name)
        made, place = expr(), f"kept_{name}"
        codes = self._codes(place, made, [*coded, *numbered])
        told = {column: f'"{column}"::{kind}' for column, kind in codes.items()}
        told |= {column: f"enum_code({told[column]})" for column in numbered if column in told}
        replaced = ", ".join(f'{how} AS "{column}"' for column, how in told.items())
        chosen = f"* REPLACE ({replaced})" if told else "*"
        self._backend.raw_sql(f"CREATE TEMP TABLE {place} AS SELECT {chosen} FROM ({self._sql(made)})")
        schema = {c: "int64" if c in numbered and c in told else kind for c, kind in made.schema().items()}
        # Asking the backend for the schema would spell out every identifier of the coded columns.
        namespace = ops.Namespace(catalog="temp", database="main")
        table = ops.DatabaseTable(place, ibis.schema(schema), self._backend, namespace).to_expr()
        self.origins[place] = made
        self._kept[name] = (moment, table)
        return table

    def forget(self, name: str) -> None:
        """Give the memory of a kept table back."""
        if self._kept.pop(name, None) is not None:
            self._backend.raw_sql(f"DROP TABLE IF EXISTS kept_{name}")

    def _codes(self, place: str, made: ir.Table, columns: Sequence[str]) -> dict[str, str]:
        """A type of its own for the identifiers of each column; none for a column of too many."""
        found = {}
        for column in columns:
            if not made[column].type().is_string():
                continue
            held, kind = f"{place}_{column}_ids", f"{place}_{column}"
            ids = made.filter(made[column].notnull()).select(column).distinct()
            self._backend.raw_sql(f"CREATE OR REPLACE TEMP TABLE {held} AS {self._sql(ids)}")
            (many,) = self._backend.raw_sql(f"SELECT count(*) FROM {held}").fetchone()
            if 0 < many <= MOST_CODES:
                self._backend.raw_sql(f"DROP TYPE IF EXISTS {kind}")
                self._backend.raw_sql(f"CREATE TEMP TYPE {kind} AS ENUM (SELECT * FROM {held})")
                found[column] = kind
            self._backend.raw_sql(f"DROP TABLE {held}")
        return found

    @staticmethod
    def _sql(expr: ir.Table) -> str:
        return str(ibis.to_sql(expr, dialect="duckdb"))

    def arrow(self, expr: ir.Table) -> pa.Table:
        """Run an expression; an Arrow table."""
        self.executed += 1
        return self._backend.to_pyarrow(expr)

    def frame(self, expr: ir.Table) -> pd.DataFrame:
        """Run an expression; a data frame."""
        rows: pd.DataFrame = self.arrow(expr).to_pandas()
        return rows

    def explained(self, expr: ir.Table) -> str:
        """The engine's plan for an expression, for tests and the curious."""
        return "\n".join(str(row[1]) for row in self._backend.raw_sql("EXPLAIN " + ibis.to_sql(expr)).fetchall())

    def close(self) -> None:
        """Give the memory back."""
        self._backend.disconnect()

    def _read(self, name: str, files: Sequence[str], rows: int) -> None:
        under = contract_of(name)
        # Files of older versions may lack columns that the contract gained later.
        raw = self._backend.read_parquet(list(files), table_name=f"raw_{under.name}", union_by_name=True)
        self._typed(under, raw, rows)

    def _register(self, name: str, rows: pa.Table) -> None:
        under = contract_of(name)
        known = {field.name for field in under.schema}
        for column in rows.column_names:
            if column not in known:
                from gnomon.errors import nearest

                raise Misuse("features.engine.column", place=f"{name}.{column}", nearest=nearest(column, known))
        self._backend.con.register(f"raw_{under.name}", rows)
        self._typed(under, self._backend.table(f"raw_{under.name}"), rows.num_rows)

    def _typed(self, under: Contract, raw: ir.Table, rows: int) -> None:
        types = {column.name: READ_AS.get(column.type, "string") for column in under.columns}
        types.update({name: SYSTEM_AS[name] for name, _ in SYSTEM})
        columns = {name: (raw[name] if name in raw.columns else ibis.null()).cast(kind) for name, kind in types.items()}
        self._views[under.name] = self._backend.create_view(under.name, raw.select(**columns), overwrite=True)
        self._rows[under.name] = rows


class Warm(Engine):
    """Answers the same queries over ever other rows of a few entities, planned once: for requests that cannot wait.

    Tables are contracts; whether a table `has` rows is said beforehand, because queries are made accordingly.
    """

    MOMENT = datetime(1901, 2, 3, 4, 5, 6, 789000, tzinfo=UTC)
    """Stands for the as-of moment while queries are made; `fill` says the real one."""
    _WRITTEN = "MAKE_TIMESTAMP(1901, 2, 3, 4, 5, 6.789)"

    def __init__(self, holds: Sequence[str], threads: int = 1) -> None:
        super().__init__(threads=threads)
        self._backend.con.execute(f"SET VARIABLE moment = {self._WRITTEN}")
        self._backend.con.execute("SET VARIABLE ids = []::VARCHAR[]")
        self._filled: set[str] = set()
        self._schemas: dict[str, pa.Schema] = {}
        for name in holds:
            self.table(name)
            self._rows[name] = 1

    def _register(self, name: str, rows: pa.Table) -> None:
        under = contract_of(name)
        self._schemas[name] = under.schema
        self._backend.con.register("given", under.schema.empty_table())
        self._backend.con.execute(f"CREATE TABLE raw_{name} AS SELECT * FROM given")
        self._backend.con.unregister("given")
        self._typed(under, self._backend.table(f"raw_{name}"), 0)

    def prepare(self, name: str, expr: ir.Table) -> None:
        """Plan a query of entities by `entity_id`; `answer` runs it under this name."""
        query = self._sql(expr).replace(self._WRITTEN, "getvariable('moment')")
        # Asked of the key alone, the planner carries the condition down to the rows.
        self._backend.con.execute(
            f"PREPARE {name} AS SELECT * FROM ({query}) WHERE list_contains(getvariable('ids'), entity_id)"
        )

    def fill(self, tables: Mapping[str, pa.Table], moment: datetime, ids: Sequence[str]) -> None:
        """Put other rows in the place of those before; a table that is not given is empty. `ids` are asked about."""
        self._backend.con.execute("SET VARIABLE ids = (SELECT ?::VARCHAR[])", [list(ids)])
        told = f"TIMESTAMP '{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}'"
        self._backend.con.execute(f"SET VARIABLE moment = {told}")
        for name in self._filled:
            self._backend.con.execute(f"TRUNCATE raw_{name}")
        self._filled = {name for name, rows in tables.items() if rows.num_rows and name in self._schemas}
        for name in self._filled:
            self._backend.con.register("given", tables[name].select(self._schemas[name].names))
            self._backend.con.execute(f"INSERT INTO raw_{name} SELECT * FROM given")
            self._backend.con.unregister("given")

    def answer(self, name: str) -> tuple[list[str], list[tuple[Any, ...]]]:
        """Run a prepared query over the rows that `fill` brought: names of columns, and rows."""
        ran = self._backend.con.execute(f"EXECUTE {name}")
        return [str(one[0]) for one in ran.description], ran.fetchall()
