"""The engine on Spark: for those whose records have outgrown one machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.operations as ops
import ibis.expr.types as ir
import pyarrow as pa

from features.engine import MEMORY, Engine
from gnomon.errors import Misuse

SETTINGS = {
    # As DuckDB has it: no number instead of a fault for what cannot be divided or converted.
    "spark.sql.ansi.enabled": "false",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.execution.arrow.pyspark.enabled": "true",
    "spark.sql.caseSensitive": "true",
    "spark.sql.legacy.sizeOfNull": "false",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
}


class SparkEngine(Engine):
    """Spark, on the master that the URL names. Sums depend on the order of rows in their last digits."""

    def __init__(self, lake_version: int = 0, url: str = "local[*]", memory: str = MEMORY) -> None:
        super().__init__(lake_version)
        self._session = _session(url, memory)
        self._backend = ibis.pyspark.connect(self._session)
        self._held: dict[str, Any] = {}

    def explained(self, expr: ir.Table) -> str:
        """The engine's plan for an expression, for tests and the curious."""
        return str(self._session.sql("EXPLAIN " + self._sql(expr)).collect()[0][0])

    def close(self) -> None:
        """Give the memory back; the session goes on, for starting one takes longer than most queries."""
        for place in list(self._held):
            self._drop(place)

    def _run(self, expr: ir.Table) -> pa.Table:
        return self._backend.to_pyarrow(spoken(expr))

    def _scanned(self, name: str, files: list[str], schema: pa.Schema) -> ir.Table:
        from pyspark.sql.pandas.types import from_arrow_schema

        # Told the schema, Spark need not open every file, and what a file lacks is unknown.
        self._session.read.schema(from_arrow_schema(schema)).parquet(*files).createOrReplaceTempView(name)
        return self._backend.table(name)

    def _given(self, name: str, rows: pa.Table) -> ir.Table:
        self._session.createDataFrame(rows).createOrReplaceTempView(name)
        return self._backend.table(name)

    def _coded(self, place: str, made: ir.Table, coded: Sequence[str], numbered: Sequence[str]) -> ir.Table:
        # Spark writes each distinct text of a column block once by itself.
        return made

    def _hold(self, place: str, made: ir.Table) -> ir.Table:
        self._held[place] = self._session.sql(self._sql(made)).persist()
        self._held[place].createOrReplaceTempView(place)
        return self._backend.table(place)

    def _drop(self, place: str) -> None:
        if place in self._held:
            self._held.pop(place).unpersist()
            self._session.catalog.dropTempView(place)

    @staticmethod
    def _sql(expr: ir.Table) -> str:
        return str(ibis.to_sql(spoken(expr), dialect="pyspark"))


def spoken(expr: ir.Table) -> ir.Table:
    """The same expression in words that Spark has.

    Over a window it counts nothing distinct, and takes no bounds of two different units; its seconds of a
    moment are whole.
    """

    def rewritten(node: ops.Node, changed: Mapping[str, Any] | None) -> ops.Node:
        now = changed or dict(zip(node.__argnames__, node.__args__, strict=True))
        if isinstance(node, ops.WindowFunction):
            if _unit(node.start) != _unit(node.end):
                now = {**now, "start": _in_seconds(now["start"]), "end": _in_seconds(now["end"])}
                changed = now
            if isinstance(now["func"], ops.CountDistinct):
                values = _set(now["func"].arg.to_expr().cast("string")).op()
                return ops.ArrayLength(ops.WindowFunction(**{**now, "func": values}))
        if isinstance(node, ops.ExtractEpochSeconds):
            return _seconds(now["arg"].to_expr()).op()
        return node.__recreate__(now) if changed else node

    return expr.op().replace(rewritten).to_expr()


def _collected(x: Any) -> Any:
    raise NotImplementedError


_seconds = ibis.udf.scalar.builtin(_collected, name="double", signature=(("timestamp",), "float64"))
"""Seconds since 1970 with their fraction, as DuckDB gives them."""

_set = ibis.udf.agg.builtin(_collected, name="collect_set", signature=(("string",), "array<string>"))
"""The distinct values of a column."""


def _unit(bound: ops.WindowBoundary | None) -> dt.IntervalUnit | None:
    """Unit of a bound in time; None for one in rows, and for none."""
    return bound.dtype.unit if bound is not None and bound.dtype.is_interval() else None


def _in_seconds(bound: ops.WindowBoundary | None) -> ops.WindowBoundary | None:
    if bound is None or not bound.dtype.is_interval() or not isinstance(bound.value, ops.Literal):
        return bound
    seconds = int(timedelta(**{SPANS[bound.dtype.unit.short]: bound.value.value}).total_seconds())
    return ops.WindowBoundary(ops.Literal(seconds, dt.Interval("s")), preceding=bound.preceding)


SPANS = {"W": "weeks", "D": "days", "h": "hours", "m": "minutes", "s": "seconds"}
"""What Python calls the units of Ibis."""


def _session(url: str, memory: str) -> Any:
    try:
        from pyspark.sql import SparkSession
    except ModuleNotFoundError:
        raise Misuse("features.engine.no_spark", place="GNOMON_ENGINE", engine=url) from None

    builder = SparkSession.builder.master(url).appName("gnomon").config("spark.driver.memory", memory.rstrip("B"))
    for name, value in SETTINGS.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    if url.startswith("local"):
        # Two hundred parts, as a cluster wants them, are two hundred small tasks for a few threads.
        session.conf.set("spark.sql.shuffle.partitions", str(4 * session.sparkContext.defaultParallelism))
    return session
