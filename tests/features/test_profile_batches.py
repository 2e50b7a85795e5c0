"""Profiles read part by part are those that were stored."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features import profile_batches, profile_store
from features.profiles import ProfileColumn, Profiles
from gnomon.errors import Fault
from gnomon.terms import Direction, Text

NAMES = ("paid", "stays")


def profiles(n: int) -> Profiles:
    draw = np.random.default_rng(1)
    ids = pd.Index([f"H{number}" for number in range(n)], name="entity_id", dtype="str")
    values = pd.DataFrame(draw.normal(size=(n, 2)), index=ids, columns=list(NAMES))
    columns = tuple(ProfileColumn(name, name, "", Text(name, name), "", Direction.HIGH) for name in NAMES)
    groups = pd.DataFrame(-1, index=ids, columns=list(NAMES), dtype="int32")
    norms = pd.DataFrame({"column": [], "zh": [], "en": [], "n": [], "median": [], "scale": [], "low": [], "high": []})
    attributes = pd.DataFrame({"name": [f"Hospital {number}" for number in range(n)]}, index=ids)
    at = datetime(2026, 3, 1, tzinfo=UTC)
    return Profiles("institution", at, 3, columns, values, values / 2, groups, norms, attributes)


def test_all_parts_together_are_the_whole_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(profile_batches, "ROWS", 40)
    made = profiles(205)
    folder = profile_store.save(made, tmp_path / "stored")
    parts = list(profile_batches.batches(folder, ["stays", "never"]))
    assert [len(one.values) for one in parts] == [40, 40, 40, 40, 40, 5]
    pd.testing.assert_frame_equal(pd.concat([one.values for one in parts]), made.values[["stays"]])
    pd.testing.assert_frame_equal(pd.concat([one.deviations for one in parts]), made.deviations[["stays"]])
    assert profile_batches.rows(folder) == 205
    head = profile_batches.about(folder)
    assert (head.entity, head.as_of, head.lake_version, head.columns) == (
        made.entity, made.as_of, made.lake_version, made.columns,
    )  # fmt: skip


def test_a_sample_is_drawn_by_the_id_and_not_by_the_place(tmp_path: Path) -> None:
    made = profiles(4_000)
    taken = []
    for turn, ids in enumerate((list(made.ids), list(made.ids)[::-1])):
        folder = profile_store.save(made.select(ids), tmp_path / f"stored{turn}")
        parts = [one for one in profile_batches.batches(folder, NAMES, most=1_000)]
        taken.append(set().union(*(one.values.index for one in parts)))
        assert all(one.values.index.equals(one.deviations.index) for one in parts)
    assert taken[0] == taken[1]
    places = np.array([int(one[1:]) for one in taken[0]])
    assert abs(len(places) - 1_000) < 150
    assert np.all(np.abs(np.histogram(places, 4, (0, 4_000))[0] - 250) < 75)


def test_profiles_that_were_not_stored_whole_are_a_fault(tmp_path: Path) -> None:
    with pytest.raises(Fault):
        profile_batches.about(tmp_path)


def test_what_has_been_read_is_let_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(profile_batches, "ROWS", 10_000)
    made = profiles(400_000)
    folder = profile_store.save(made, tmp_path / "stored")
    for frame in ("values", "deviations"):
        rows = pq.read_table(folder / f"{frame}.parquet")
        pq.write_table(rows, folder / f"{frame}.parquet", row_group_size=10_000, compression="none")
    del rows
    before = pa.total_allocated_bytes()
    held = [pa.total_allocated_bytes() - before for _ in profile_batches.batches(folder, NAMES)]
    assert len(held) == 40
    # All rows of both files are some 20 MB; of those read so far nothing is kept.
    assert max(held) < 5_000_000
