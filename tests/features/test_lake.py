"""The lake: versions, corrections, idempotence, crashes and two writers."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import write_deltalake

from features.lake import Lake
from gnomon.errors import Fault, Misuse


def bids(**amounts: str) -> pa.Table:
    n = len(amounts)
    return pa.table(
        {
            "bid_id": list(amounts),
            "tender_id": ["T"] * n,
            "bidder_id": ["S"] * n,
            "amount": pa.array([Decimal(one) for one in amounts.values()], pa.decimal128(18, 2)),
            "status": ["valid"] * n,
            "is_winner": [False] * n,
        }
    )


def amounts(lake: Lake, version: int | None = None) -> dict[str, Decimal]:
    rows = pq.ParquetDataset(lake.files("bid", version)).read(columns=["bid_id", "amount"]).to_pylist()
    return {row["bid_id"]: row["amount"] for row in rows}


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(str(tmp_path / "lake"))


def test_an_empty_lake_is_version_0_and_has_no_tables(lake: Lake) -> None:
    assert (lake.version, lake.state(), lake.files("bid")) == (0, {}, [])


def test_the_same_rows_twice_make_no_new_version(lake: Lake) -> None:
    assert lake.commit("bid", bids(A="1", B="2"), "s", "h").new == 2
    again = lake.commit("bid", bids(A="1", B="2"), "s", "h")
    assert (again.version, again.new, again.unchanged) == (1, 0, 2)
    assert lake.version == 1


def test_a_correction_replaces_by_key_and_the_old_version_stays_readable(lake: Lake) -> None:
    lake.commit("bid", bids(A="1", B="2"), "s", "h")
    told = lake.commit("bid", bids(A="1", B="9", C="3"), "s", "h2")
    assert (told.version, told.new, told.unchanged, told.corrected) == (2, 1, 1, 1)
    assert amounts(lake) == {"A": Decimal("1.00"), "B": Decimal("9.00"), "C": Decimal("3.00")}
    assert amounts(lake, 1) == {"A": Decimal("1.00"), "B": Decimal("2.00")}
    assert lake.state()["bid"].rows == 3


def test_of_several_rows_with_one_key_the_last_stands(lake: Lake) -> None:
    told = lake.commit("bid", pa.concat_tables([bids(A="1"), bids(A="2"), bids(A="3")]), "s", "h")
    assert (told.new, told.duplicate) == (1, 2)
    assert amounts(lake) == {"A": Decimal("3.00")}


@pytest.mark.parametrize("before", [0, 1])
def test_a_crash_before_the_manifest_leaves_the_old_state_and_the_next_commit_recovers(
    lake: Lake, before: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    if before:
        lake.commit("bid", bids(A="1"), "s", "h")
    with monkeypatch.context() as patch:
        patch.setattr(Lake, "_publish", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            lake.commit("bid", bids(A="1", LOST="5"), "s", "h2")
    assert lake.version == before
    assert "LOST" not in (amounts(lake) if before else {})
    told = lake.commit("bid", bids(A="1", B="2"), "s", "h3")
    assert told.version == before + 1
    assert amounts(lake) == {"A": Decimal("1.00"), "B": Decimal("2.00")}


def test_what_another_process_wrote_to_delta_without_a_manifest_is_not_seen(lake: Lake) -> None:
    lake.commit("bid", bids(A="1"), "s", "h")
    stray = pq.ParquetDataset(lake.files("bid")).read()
    write_deltalake(lake.folder / "bid", stray, mode="append")
    assert amounts(lake) == {"A": Decimal("1.00")}
    lake.commit("bid", bids(B="2"), "s", "h")
    assert pq.ParquetDataset(lake.files("bid")).read().num_rows == 2


def test_two_writers_take_turns_and_lose_nothing(lake: Lake) -> None:
    def write(n: int) -> int:
        return Lake(str(lake.folder)).commit("bid", bids(**{f"B{n}": "1"}), "s", str(n)).version

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(write, range(6))) == [1, 2, 3, 4, 5, 6]
    assert lake.state()["bid"].rows == len(amounts(lake)) == 6


def test_several_tables_of_one_source_share_one_version(lake: Lake) -> None:
    label = pa.table(
        {
            "label_id": ["L"],
            "entity_kind": ["tender"],
            "entity_id": ["T"],
            "outcome": ["confirmed"],
            "labelled_at": pa.array([0], pa.timestamp("us", tz="UTC")),
        }
    )
    lake.commit_all({"bid": bids(A="1"), "label": label}, "s", "h")
    assert {one.version for one in lake.state().values()} == {1}


def test_a_column_outside_the_contract_is_refused_with_the_nearest(lake: Lake) -> None:
    with pytest.raises(Fault, match=r"bid: column amout .* amount"):
        lake.commit(
            "bid", bids(A="1").rename_columns(["bid_id", "tender_id", "bidder_id", "amout", "status", "won"]), "s", "h"
        )
    assert lake.version == 0


def test_a_null_in_a_required_column_is_refused(lake: Lake) -> None:
    with pytest.raises(Fault, match="is_winner is required"):
        lake.commit("bid", bids(A="1").drop_columns(["is_winner"]), "s", "h")


def test_a_version_that_is_not_there_is_misuse(lake: Lake) -> None:
    with pytest.raises(Misuse, match="no lake version 7"):
        lake.state(7)


def test_an_object_store_is_told_not_to_be_a_folder() -> None:
    with pytest.raises(Misuse, match="has to be a folder"):
        Lake("s3://bucket/lake")
