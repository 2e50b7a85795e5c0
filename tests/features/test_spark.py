"""The same lake gives the same profiles on DuckDB and on Spark: one body for both."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from features.build import build
from features.contracts import contract_of, contracts
from features.contracts.column import SYSTEM, Column
from features.engine import Engine
from features.evidence import evidence
from features.identity import REGISTERS
from features.ingest import ingest
from features.lake import Lake
from features.mapping import load, straight
from features.measures import entities
from features.profiles import Profiles
from features.samplecity import make_city

pytestmark = [
    pytest.mark.spark,
    # Spark's own: a pandas newer than it knows, and sockets that it leaves to the garbage collector.
    pytest.mark.filterwarnings("ignore::UserWarning:pyspark"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:pyspark"),
    pytest.mark.filterwarnings("ignore::FutureWarning:pyspark"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]
ENGINES = ("duckdb", "local[2]")
GAPS: dict[str, type[Exception]] = {}
"""Kinds that Spark cannot build yet, and the exception that says why; docs/engines.md tells the same."""
ROWS = 400
"""Invented rows that every table holds beside those of the sample city, so that no kind of entity is without any."""


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    folder = tmp_path_factory.mktemp("engines")
    city, lake = make_city(folder / "city", seed=7, size="small"), Lake(str(folder / "lake"))
    for table, path in city.files("history").items():
        mapping = city.mapping(table)
        ingest([path], load(str(mapping)) if mapping else straight(table), lake, folder / "refused", b"key")
    rng = np.random.default_rng(11)
    for table in contracts():
        lake.commit(table, invented(table, rng), "test", table)
    lake.commit("identity", links(), "test", "links")
    return lake


def links() -> pa.Table:
    """A few of the parties that the invented rows name are one."""
    pairs = [
        (kind, f"{register}{n}", f"{register}{n % 7}") for register, kind in REGISTERS.items() for n in (7, 15, 22)
    ]
    rows = [{"kind": kind, "record_id": one, "entity_id": other} for kind, one, other in pairs]
    fields = [field for field in contract_of("identity").schema if not field.name.startswith("_")]
    return pa.Table.from_pylist(rows, pa.schema(fields))


def invented(table: str, rng: np.random.Generator) -> pa.Table:
    """Rows that keep the contract's types and mean nothing; a fifth of what may be unknown is."""
    under = contract_of(table)
    columns: dict[str, pa.Array] = {}
    for column in under.columns:
        own = column.key and not column.references and column.type in ("str", "code", "hash")
        values = [f"{table}{row}" for row in range(ROWS)] if own else [value(column, rng) for _ in range(ROWS)]
        if not column.required and not column.key:
            values = [None if rng.random() < 0.2 else one for one in values]
        columns[column.name] = pa.array(values, under.schema.field(column.name).type)
    system = {name for name, _ in SYSTEM}
    return pa.table(columns, schema=pa.schema([field for field in under.schema if field.name not in system]))


def value(column: Column, rng: np.random.Generator) -> Any:
    moment = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(seconds=int(rng.integers(0, 500 * 86_400)))
    if column.values:
        return str(rng.choice(column.values))
    if column.references:
        return f"{column.references}{rng.integers(0, 30)}"
    match column.type:
        case "ts":
            return moment
        case "date":
            return moment.date()
        case "month":
            return f"{moment:%Y-%m}"
        case "money":
            return Decimal(int(rng.integers(1, 10**8))) / 100
        case "decimal":
            return float(rng.lognormal(2.0, 1.5))
        case "ratio":
            return float(rng.random())
        case "int":
            return int(rng.integers(0, 50))
        case "bool":
            return bool(rng.random() < 0.3)
        case "list":
            # Roles above all: without schools there would be no month of any school.
            return [str(rng.choice(("hospital", "school", "supplier")))]
        case _:
            return f"{column.name}{rng.integers(0, 20)}"


@pytest.fixture(scope="module", params=ENGINES)
def engine(request: pytest.FixtureRequest, lake: Lake) -> Iterator[Engine]:
    """Every intermediate table is kept, as with many rows."""
    opened = Engine.open(lake, threads=2, url=request.param)
    opened.keep_from = 1
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def plain(lake: Lake) -> Iterator[Engine]:
    """What the engines are held against: DuckDB on one thread, nothing kept."""
    opened = Engine.open(lake, threads=1, url="duckdb")
    opened.keep_from = 10**9
    yield opened
    opened.close()


def alike(found: Profiles, told: Profiles) -> None:
    pd.testing.assert_frame_equal(found.attributes, told.attributes)
    for name in ("values", "norms"):
        pd.testing.assert_frame_equal(getattr(found, name), getattr(told, name), rtol=1e-7, atol=1e-9)
    # A difference of two values of nine digits has fewer.
    pd.testing.assert_frame_equal(found.deviations, told.deviations, rtol=1e-6, atol=1e-6)
    assert dict(found.missing) == dict(told.missing)
    assert found.as_of == told.as_of


@pytest.mark.parametrize("kind", sorted(entities()))
def test_every_kind_has_the_same_profiles(
    kind: str, engine: Engine, plain: Engine, request: pytest.FixtureRequest
) -> None:
    if kind in GAPS and type(engine).__name__ == "SparkEngine":
        request.applymarker(pytest.mark.xfail(raises=GAPS[kind], strict=True))
    found, told = build(engine, kind, min_peers=5), build(plain, kind, min_peers=5)
    assert len(told.values) > 5
    alike(found, told)


def test_the_rows_behind_a_measure_are_the_same(engine: Engine, plain: Engine) -> None:
    ids = build(plain, "institution", min_peers=5).ids[:3]
    asked = {"rx_lines_365d": ids, "fund_paid": ids}
    found, told = (evidence(one, "institution", None, asked, limit=5) for one in (engine, plain))
    assert found == told
    assert found
