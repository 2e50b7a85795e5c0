"""The engine: Ibis tables over contracted rows, on DuckDB. The only file that names the engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, Self

import ibis
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

    def __init__(self, lake_version: int = 0, threads: int = 0) -> None:
        # Extensions are never fetched: everything used is compiled in, and the engine must work without a network.
        settings = {"autoinstall_known_extensions": False, "autoload_known_extensions": False}
        self._backend = ibis.duckdb.connect(**settings, **({"threads": threads} if threads else {}))
        self._backend.raw_sql("SET TimeZone = 'UTC'")
        # DuckDB 2.0 ends in an internal error when it turns an IN list over joined windows into a join of its own.
        self._backend.raw_sql("SET disabled_optimizers = 'in_clause'")
        self._rows: dict[str, int] = {}
        self._views: dict[str, ir.Table] = {}
        self.lake_version = lake_version
        self.executed = 0
        """Queries run so far."""

    @classmethod
    def open(cls, lake: Lake | Stored, version: int | None = None, threads: int = 0) -> Self:
        """Views over the Parquet files of one lake version (the newest when None).

        `threads` is the number of processor threads; 0 takes all.
        """
        at = lake.version if version is None else version
        engine = cls(at, threads)
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
