"""The engine: Ibis tables over contracted rows. DuckDB in this process, or Spark on a cluster: one URL says which."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

import ibis
import ibis.expr.types as ir
import pandas as pd
import pyarrow as pa

from features import identity
from features.contracts import Contract, contract_of
from features.contracts.column import SYSTEM
from gnomon.config import Settings
from gnomon.errors import Misuse, nearest

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

EMBEDDED = "duckdb"
CLUSTERS = ("local", "spark://", "yarn", "k8s://")
"""How the URL of a Spark master begins."""
MEMORY = "3GB"
"""What the engine holds in memory unless told otherwise; beyond it, it works from the disk."""
KEEP_FROM = 200_000
"""Rows from which an intermediate table that several views read is worth keeping."""

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


class Engine(ABC):
    """Reads contracted tables and runs Ibis expressions over them. Not to be shared between threads."""

    _backend: Any
    """The connection of Ibis."""
    repeats = False
    """Whether the same rows give the same bits every time; sums may then be added to and taken from."""

    def __init__(self, lake_version: int = 0) -> None:
        self._rows: dict[str, int] = {}
        self._views: dict[str, ir.Table] = {}
        self._raw: dict[str, ir.Table] = {}
        self._kept: dict[str, tuple[str, ir.Table]] = {}
        self.origins: dict[str, ir.Table] = {}
        """What each table behind a view, or kept, stands for, by the name under which queries read it."""
        self.keep_from = KEEP_FROM
        self.lake_version = lake_version
        self.files: dict[str, tuple[str, ...]] = {}
        """Parquet files that each table is read from; none for raw records."""
        self.executed = 0
        """Queries run so far."""
        self._linked: tuple[str, ...] = ()
        """Kinds of entities that any records are linked of; see `features.identity`."""

    @classmethod
    def open(
        cls,
        lake: Lake | Stored,
        version: int | None = None,
        threads: int = 0,
        memory: str = MEMORY,
        url: str | None = None,
    ) -> Engine:
        """Views over the Parquet files of one lake version (the newest when None).

        `threads` is the number of processor threads; 0 takes all. Beyond `memory` the engine works from the disk.
        `url` is `duckdb`, or a Spark master such as `local[2]` or `spark://host:7077`; None asks the settings.
        """
        at = lake.version if version is None else version
        engine = _started(Settings().engine if url is None else url, at, threads, memory)
        held = lake.state(at)
        for name in _links_first(held):
            state = held[name]
            files = lake.files(name, at) if state.rows else []
            if files:
                engine.files[name] = tuple(files)
                under = contract_of(name)
                engine._typed(under, engine._scanned(f"raw_{under.name}", list(files), under.schema), state.rows)
        return engine

    @classmethod
    def of(cls, tables: Mapping[str, pa.Table], lake_version: int = 0, threads: int = 0, url: str = EMBEDDED) -> Engine:
        """Views over raw records: one tender with its bids, a batch of claims.

        Columns that a record batch lacks are unknown; columns outside the contract are refused.
        """
        engine = _started(url, lake_version, threads, MEMORY)
        for name in _links_first(tables):
            if tables[name].num_rows:
                engine._register(name, tables[name])
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

    def some(self, name: str, chosen: Callable[[ir.Table], ir.Table]) -> ir.Table:
        """Rows of the table that are chosen by what is stored, so that no others need be decoded or converted.

        `chosen` is given the rows as they are stored: moments with their zone, whole numbers and text as ever.
        """
        typed, under = self.table(name), contract_of(name)
        raw = self._raw[name]
        # Records that are read as one are stored under ids of their own.
        if self._linked or not {column.name for column in under.columns} <= set(raw.columns):
            return chosen(typed)
        self.origins[raw.get_name()] = typed
        return self._as_contract(under, chosen(raw))

    def kept(self, name: str, moment: str, expr: Callable[[], ir.Table]) -> ir.Table:
        """An intermediate table, computed once and read by every later query of the same moment.

        A table of another `moment` takes the place.
        """
        return self._made(name, moment, expr, self._hold)

    def coded(
        self, name: str, moment: str, expr: Callable[[], ir.Table], coded: Sequence[str], numbered: Sequence[str]
    ) -> ir.Table:
        """A table with codes for identifiers, which are cheap to group by; its rows are computed by who reads them.

        Parameters
        ----------
        moment:
            A table of another moment takes the place.
        coded:
            Columns held as numbers that read, and compare, as the text they stand for.
        numbered:
            Columns that are only told apart and counted: whole numbers, in order of the text.
        """
        return self._made(name, moment, expr, partial(self._coded, coded=coded, numbered=numbered))

    def _made(
        self, name: str, moment: str, expr: Callable[[], ir.Table], make: Callable[[str, ir.Table], ir.Table]
    ) -> ir.Table:
        if (table := self.held(name, moment)) is not None:
            return table
        # First the former one, for what it is made of goes with it.
        self.forget(name)
        made, place = expr(), f"kept_{name}"
        table = make(place, made)
        self.origins[place] = made
        self._kept[name] = (moment, table)
        return table

    def held(self, name: str, moment: str) -> ir.Table | None:
        """What is kept or coded under a name for that moment; None when nothing is."""
        return self._kept[name][1] if name in self._kept and self._kept[name][0] == moment else None

    def forget(self, name: str) -> None:
        """Give the memory of a kept or coded table back."""
        if self._kept.pop(name, None) is not None:
            self._drop(f"kept_{name}")

    def arrow(self, expr: ir.Table) -> pa.Table:
        """Run an expression; an Arrow table."""
        self.executed += 1
        return self._run(expr)

    def frame(self, expr: ir.Table) -> pd.DataFrame:
        """Run an expression; a data frame."""
        rows: pd.DataFrame = self.arrow(expr).to_pandas()
        return rows

    @abstractmethod
    def explained(self, expr: ir.Table) -> str:
        """The engine's plan for an expression, for tests and the curious."""

    @abstractmethod
    def close(self) -> None:
        """Give the memory back."""

    @abstractmethod
    def _run(self, expr: ir.Table) -> pa.Table: ...

    @abstractmethod
    def _scanned(self, name: str, files: list[str], schema: pa.Schema) -> ir.Table:
        """Rows of Parquet files, as they are. `schema` is the contract's; older files may lack columns of it."""

    @abstractmethod
    def _given(self, name: str, rows: pa.Table) -> ir.Table:
        """Rows of this process, as they are."""

    @abstractmethod
    def _hold(self, place: str, made: ir.Table) -> ir.Table:
        """Compute a table and keep its rows under a name."""

    @abstractmethod
    def _coded(self, place: str, made: ir.Table, coded: Sequence[str], numbered: Sequence[str]) -> ir.Table:
        """The table with codes for some of its columns."""

    @abstractmethod
    def _drop(self, place: str) -> None: ...

    def _register(self, name: str, rows: pa.Table) -> None:
        under = contract_of(name)
        known = {field.name for field in under.schema}
        for column in rows.column_names:
            if column not in known:
                raise Misuse("features.engine.column", place=f"{name}.{column}", nearest=nearest(column, known))
        self._typed(under, self._given(f"raw_{under.name}", rows), rows.num_rows)

    def _typed(self, under: Contract, raw: ir.Table, rows: int) -> None:
        typed = self._as_contract(under, raw)
        if self._linked:
            typed = identity.as_one(under, typed, identity.standing(self._views[identity.TABLE]), self._linked)
        self._views[under.name] = self._backend.create_view(under.name, typed, overwrite=True)
        self._rows[under.name] = rows
        self._raw[under.name] = raw
        if under.name == identity.TABLE and rows:
            kinds = self.arrow(identity.standing(self._views[under.name]).select("kind").distinct())
            self._linked = tuple(sorted(kinds["kind"].to_pylist()))

    def _as_contract(self, under: Contract, raw: ir.Table) -> ir.Table:
        types = {column.name: READ_AS.get(column.type, "string") for column in under.columns}
        types.update({name: SYSTEM_AS[name] for name, _ in SYSTEM})
        return raw.select(
            **{name: self._cast(raw[name] if name in raw.columns else ibis.null(), to) for name, to in types.items()}
        )

    def _cast(self, value: ir.Value, to: str) -> ir.Value:
        """A stored value as its contract types it."""
        return value.cast(to)


def _links_first(tables: Iterable[str]) -> list[str]:
    """Names of tables, the one that says which records are one before those that are read by it."""
    return sorted(tables, key=lambda name: name != identity.TABLE)


def _started(url: str, lake_version: int, threads: int, memory: str) -> Engine:
    """The engine that a URL names; pyspark and duckdb are imported by whoever needs them."""
    if url == EMBEDDED:
        from features.engine_duckdb import DuckEngine

        return DuckEngine(lake_version, threads, memory)
    if url.startswith(CLUSTERS):
        from features.engine_spark import SparkEngine

        return SparkEngine(lake_version, url, memory)
    raise Misuse("features.engine.unknown", place="GNOMON_ENGINE", engine=url)
