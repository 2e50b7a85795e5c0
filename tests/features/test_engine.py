"""The engine reads what the contract says, from records and from a lake."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pytest

from features.engine import Engine
from features.lake import Lake
from gnomon.errors import Misuse
from tests.features.profile_rows import claim, day, table


def test_money_is_read_as_a_float_and_moments_as_utc_without_a_zone() -> None:
    engine = Engine.of({"claim": table("claim", [claim(1, "H1", "P1", 12.34, day(0))])})
    row = engine.arrow(engine.table("claim").select("fund_amount", "settled_at")).to_pylist()[0]
    assert row == {"fund_amount": 12.34, "settled_at": datetime(2025, 1, 1, 2, 30, 1)}


def test_an_absent_table_is_empty_and_typed() -> None:
    engine = Engine.of({})
    assert not engine.has("bid")
    assert engine.arrow(engine.table("bid")).num_rows == 0
    assert str(engine.table("bid").amount.type()) == "float64"


def test_a_record_may_leave_out_what_it_does_not_know() -> None:
    engine = Engine.of({"bid": pa.table({"bid_id": ["b1"], "tender_id": ["T1"]})})
    assert engine.arrow(engine.table("bid")).to_pylist()[0]["amount"] is None


def test_a_column_outside_the_contract_is_refused_with_the_nearest() -> None:
    with pytest.raises(Misuse, match="Nearest: amount"):
        Engine.of({"bid": pa.table({"bid_id": ["b1"], "amuont": [1.0]})})


def test_an_unknown_table_is_refused_with_the_nearest() -> None:
    with pytest.raises(Misuse, match="Nearest: claim"):
        Engine.of({}).table("claims")


def test_each_lake_version_is_read_as_it_was(tmp_path: Path) -> None:
    lake = Lake(str(tmp_path))
    lake.commit("claim", table("claim", [claim(1, "H1", "P1", 10.0, day(0))]).drop_columns(SYSTEM), "test", "a")
    lake.commit("claim", table("claim", [claim(2, "H1", "P2", 20.0, day(1))]).drop_columns(SYSTEM), "test", "b")
    assert [Engine.open(lake, version).rows("claim") for version in (1, 2)] == [1, 2]
    newest = Engine.open(lake, threads=1)
    assert newest.lake_version == 2
    assert newest.frame(newest.table("claim")).fund_amount.sum() == 30.0


def test_an_engine_that_is_not_there_is_refused_with_those_that_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GNOMON_ENGINE", "postgres")
    with pytest.raises(Misuse, match=r"no engine postgres\. Use duckdb"):
        Engine.open(Lake(str(tmp_path)))


SYSTEM = ["_source", "_ingested_at", "_row_hash"]
