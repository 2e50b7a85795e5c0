"""Summaries out of Parquet say what summaries of the rows say, in one pass and in any order."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring.cells import Counted, cells_of, values_of
from monitoring.effect import Summary, Verdict, judge
from monitoring.scan import split, summarise, summarise_frame, summarise_parts


@given(st.lists(st.integers(-4096, 4096), min_size=1))
def test_whole_numbers_have_a_cell_of_their_own(values: list[int]) -> None:
    assert values_of(cells_of(np.array(values, float))).tolist() == [float(one) for one in values]


@given(st.lists(st.floats(-1e30, 1e30), min_size=2))
def test_cells_keep_the_order_and_tell_values_to_a_part_in_2048(values: list[float]) -> None:
    ordered = np.sort(np.array(values))
    cells = cells_of(ordered)
    assert np.all(np.diff(cells.astype(np.int64)) >= 0)
    large = np.abs(ordered) > 1e-30
    told = values_of(cells)
    assert np.all(np.abs(told - ordered)[large] <= np.abs(ordered[large]) / 2048)


def test_parts_counted_apart_add_up() -> None:
    values = np.random.default_rng(1).lognormal(size=5_000)
    whole, halves = Counted().add(values), Counted().add(values[:1_234]).merge(Counted().add(values[1_234:]))
    assert halves.summary() == whole.summary()


def test_a_scan_says_what_the_rows_say(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    frame = pd.DataFrame({"paid": rng.lognormal(size=9_000), "flag": rng.random(9_000) < 0.2, "name": "x"})
    frame.loc[:900, "paid"] = np.nan
    pq.write_table(pa.Table.from_pandas(frame), tmp_path / "values.parquet", row_group_size=1_000)
    found = summarise([tmp_path / "values.parquet"])
    assert list(found) == ["paid", "flag"]
    exact = Summary.of(frame["paid"])
    assert (found["paid"].n, found["paid"].unknown) == (exact.n, exact.unknown)
    assert np.allclose(found["paid"].sketch, exact.sketch, rtol=0.02)
    assert found["paid"] == summarise_frame(frame[["paid"]])["paid"]
    assert found["flag"].zero == int((~frame["flag"]).sum())


def test_a_file_without_the_column_does_not_know_it(tmp_path: Path) -> None:
    pq.write_table(pa.table({"a": [1.0, 2.0]}), tmp_path / "1.parquet")
    pq.write_table(pa.table({"b": [1.0, 2.0, 3.0]}), tmp_path / "2.parquet")
    found = summarise(sorted(tmp_path.glob("*.parquet")))
    assert (found["a"].n, found["a"].unknown, found["b"].unknown) == (5, 3, 2)


def test_every_row_of_a_part_counts_wherever_it_stands(tmp_path: Path) -> None:
    draw = np.random.default_rng(3)
    ids = [f"H{number}" for number in range(6_000)]
    frame = pd.DataFrame({"paid": draw.lognormal(size=6_000)}, index=pd.Index(ids, name="entity_id"))
    # The rows of the second source stand at the end and are another population.
    frame.iloc[4_000:] *= 50
    frame.iloc[::7] = np.nan
    source_of = pd.Series(["north"] * 4_000 + ["south"] * 1_999, index=ids[:-1])
    places = [tmp_path / "1.parquet", tmp_path / "2.parquet"]
    for place, rows in zip(places, (frame.iloc[:4_500], frame.iloc[4_500:]), strict=True):
        rows.to_parquet(place, row_group_size=700)
    edges = {"north": {"paid": (1.0, 2.0)}}
    sources = split(places, "entity_id", source_of, ["north", "south", "west"])
    whole, apart = summarise_parts(places, sources, edges_of=edges)
    assert whole == summarise(places)
    assert set(apart) == {"north", "south"}
    assert apart["north"] == summarise_frame(frame[:4_000], edges["north"])
    assert apart["south"] == summarise_frame(frame[4_000:-1])


@pytest.mark.parametrize("values", [[], [float("nan")] * 3, [float("inf"), 1e300], [7.0]], ids=str)
def test_odd_columns_are_summarised_too(values: list[float]) -> None:
    summary = Counted().add(np.array(values, dtype=float)).summary()
    assert summary.n == len(values)
    assert sum(summary.counts) == summary.known


def test_of_many_quiet_columns_none_is_told_and_a_planted_one_is() -> None:
    rng = np.random.default_rng(3)
    told = 0
    for _ in range(20):
        then = summarise_frame(pd.DataFrame(rng.lognormal(size=(300, 40))))
        now = pd.DataFrame(rng.lognormal(size=(300, 40)))
        now[7] *= 3
        found, _ = judge(then, summarise_frame(now, {name: one.edges for name, one in then.items()}))
        moved = {name for name, one in found.items() if one.verdict is Verdict.MOVED}
        assert "7" in moved
        told += len(moved) - 1
    assert told <= 2


def test_the_chance_of_hundreds_of_columns_does_not_hide_one() -> None:
    rng = np.random.default_rng(4)
    then = {str(n): Summary.of(rng.normal(size=400)) for n in range(300)}
    now = {name: Summary.of(rng.normal(size=400), one.edges) for name, one in then.items()}
    now["5"] = Summary.of(rng.normal(0.6, 1, 400), then["5"].edges)
    found, _ = judge(then, now)
    assert [name for name, one in found.items() if one.verdict is Verdict.MOVED] == ["5"]
