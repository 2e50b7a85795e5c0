"""Whatever the threads do, the same rows give the same bits."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import ibis
import ibis.expr.types as ir
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest

from benchmarks.prescriptions import written
from features.contracts import contract_of
from features.engine import Engine
from features.measures import entity
from features.measures.declare import fused
from features.measures.tables import Tables
from tests.features.profile_rows import day

N = 30_000
THREADS = (1, 2, 4)
Floats = npt.NDArray[np.float64]


@pytest.fixture(scope="module")
def amounts() -> Floats:
    rng = np.random.default_rng(5)
    return rng.lognormal(3.0, 3.0, N) * rng.choice([-1.0, 1.0], N)


def parallel(engine: Engine) -> Engine:
    """The engine, handing even small tables to all of its threads."""
    engine._backend.raw_sql("PRAGMA verify_parallelism")
    return engine


def engine_of(amounts: Floats, threads: int = 1) -> Engine:
    columns = {field.name: pa.nulls(len(amounts), field.type) for field in contract_of("claim_item").schema}
    columns["quantity"] = pa.array(amounts)
    columns["claim_id"] = pa.array([f"C{number % 7}" for number in range(len(amounts))])
    return parallel(Engine.of({"claim_item": pa.table(columns)}, threads=threads))


AGGREGATES: dict[str, Callable[[ir.Table], ir.Value]] = {
    "sum": lambda t: t.quantity.sum(),
    "mean": lambda t: t.quantity.mean(),
    "deviation": lambda t: t.quantity.std(how="sample"),
    "sum of powers": lambda t: (t.quantity**3).sum(),
    "sum of some": lambda t: ibis.ifelse(t.quantity > 0, t.quantity * 0.1, ibis.null()).sum(),
}


@pytest.mark.parametrize("name", AGGREGATES)
def test_an_aggregate_has_the_same_bits_on_any_number_of_threads_and_in_any_order(name: str, amounts: Floats) -> None:
    aggregated, over_a_window = set(), set()
    for threads in THREADS:
        for rows in (amounts, amounts[::-1]):
            engine = engine_of(rows, threads)
            item = engine.table("claim_item")
            value = AGGREGATES[name](item)
            aggregated.add(engine.arrow(item.aggregate(value=value))["value"][0].as_py().hex())
            told = engine.arrow(item.select(value=value.over(ibis.window())))["value"]
            over_a_window |= {one.hex() for one in told.unique().to_pylist()}
    assert len(aggregated) == len(over_a_window) == 1


def test_sums_and_means_are_the_true_ones(amounts: Floats) -> None:
    engine = engine_of(amounts)
    item = engine.table("claim_item")
    told = item.aggregate(sum=item.quantity.sum(), mean=item.quantity.mean(), deviation=item.quantity.std(how="sample"))
    row = engine.arrow(told).to_pylist()[0]
    assert row["sum"] == pytest.approx(math.fsum(amounts), rel=1e-12)
    assert row["mean"] == pytest.approx(math.fsum(amounts) / N, rel=1e-12)
    assert row["deviation"] == pytest.approx(amounts.std(ddof=1), rel=1e-12)


def test_a_term_that_is_no_plausible_number_is_unknown_and_breaks_nothing() -> None:
    engine = engine_of(np.array([1.5, np.inf, np.nan, 1e300, -2e15]))
    item = engine.table("claim_item")
    assert engine.arrow(item.aggregate(sum=item.quantity.sum(), mean=item.quantity.mean())).to_pylist() == [
        {"sum": 1.5, "mean": 1.5}
    ]


def test_no_rows_have_no_sum() -> None:
    engine = engine_of(np.array([1.0]))
    item = engine.table("claim_item")
    none = item.filter(item.quantity > 2)
    told = none.aggregate(sum=none.quantity.sum(), mean=none.quantity.mean(), powers=(none.quantity**2).sum())
    assert engine.arrow(told).to_pylist() == [{"sum": None, "mean": None, "powers": None}]


@pytest.mark.parametrize("kind", ["institution", "practitioner", "drug_institution"])
def test_every_measure_of_prescriptions_has_the_same_bits_on_any_number_of_threads(kind: str, tmp_path: Path) -> None:
    stored = written(tmp_path, 20_000)
    found: list[list[pa.Table]] = []
    for threads in THREADS:
        engine = parallel(Engine.open(stored, threads=threads))
        engine.keep_from = 1
        tables = Tables(engine, day(-10))
        views = [view for view in entity(kind).views if all(engine.has(table) for table in view.needs)]
        found.append([engine.arrow(fused(entity(kind), view, tables)[0].order_by("entity_id")) for view in views])
        engine.close()
    assert found[0] == found[1] == found[2]
    assert all(view.num_rows > 10 for view in found[0])
