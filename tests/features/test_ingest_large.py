"""Files in many batches: the same rows as in one, one version, and a kill at any moment leaves the old or the new."""

from __future__ import annotations

import gzip
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features import staging
from features.aside import kept_aside
from features.connectors import delimited
from features.ingest import Ingested, ingest
from features.lake import Lake
from features.mapping import parse, straight

HEADER = "bid_id,tender_id,bidder_id,amount,status,is_winner,disqualify_reason\n"
LINES = [
    f'B{n % 1900},T{n % 7},S{n % 3},{n % 11},valid,0,"line {n}\nbroken, and {"quoted" * (n % 3)}"\n'
    if n % 5 == 0
    else f"B{n % 1900},T{n % 7},S{n % 3},{n % 11},valid,0,原因{n % 2}\n"
    for n in range(2000)
]


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(staging, "PORTION", 300)


def put(folder: Path, path: Path, mapping: str = "") -> list[Ingested]:
    chosen = parse(mapping, "m") if mapping else straight("bid")
    return ingest([path], chosen, Lake(str(folder / "lake")), folder / "refused", b"k")


def stored(folder: Path, table: str = "bid") -> pa.Table:
    rows = pq.ParquetDataset(Lake(str(folder / "lake")).files(table)).read()
    return rows.drop_columns(["_ingested_at"]).sort_by([("_row_hash", "ascending")])


@pytest.mark.parametrize("packed", [False, True])
def test_many_batches_give_the_rows_of_one(tmp_path: Path, packed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    text = HEADER + "".join(LINES) + "B1,short\n" + "".join(LINES[:10])
    path = tmp_path / ("b.csv.gz" if packed else "b.csv")
    path.write_bytes(gzip.compress(text.encode()) if packed else text.encode())
    (whole,) = put(tmp_path / "whole", path)
    blocks = delimited.batches.__defaults__
    monkeypatch.setattr(delimited.batches, "__defaults__", (700,))
    assert blocks == (delimited.BLOCK,)
    (split,) = put(tmp_path / "split", path)
    assert (split.version, split.read) == (1, 2011)
    assert (
        (split.kept, split.refused, split.duplicate) == (whole.kept, whole.refused, whole.duplicate) == (1900, 101, 10)
    )
    assert stored(tmp_path / "split").equals(stored(tmp_path / "whole"))
    told = [kept_aside(tmp_path / name / "refused").to_pylist() for name in ("split", "whole")]
    assert sorted(map(str, told[0])) == sorted(map(str, told[1]))
    (again,) = put(tmp_path / "split", path)
    assert (again.unchanged, again.version) == (1900, 1)


def test_numbers_within_groups_and_first_rows_hold_across_batches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mapping = """
name: m
derive: {place: {number_within: tender}, bid: {text: "{tender}-{place}"}}
tables:
  - table: bid
    columns:
      {bid_id: bid, tender_id: tender, bidder_id: who, status: {constant: valid}, is_winner: {constant: "0"}}
  - table: organization
    distinct: true
    columns: {org_id: who, name: called, roles: {constant: [supplier]}, region_code: {constant: X}}
"""
    path = tmp_path / "s.csv"
    path.write_text("tender,who,called\n" + "".join(f"T{n % 3},S{n % 5},name {n}\n" for n in range(300)))
    monkeypatch.setattr(delimited.batches, "__defaults__", (200,))
    told = {one.table: one for one in put(tmp_path, path, mapping)}
    assert (told["bid"].kept, told["organization"].read, told["organization"].kept) == (300, 5, 5)
    assert {row["name"] for row in stored(tmp_path, "organization").to_pylist()} == {f"name {n}" for n in range(5)}


def test_corrections_and_new_rows_of_many_batches_make_one_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delimited.batches, "__defaults__", (900,))
    path = tmp_path / "b.csv"
    path.write_text(HEADER + "".join(f"B{n},T,S,1,valid,0,\n" for n in range(1000)))
    put(tmp_path, path)
    path.write_text(HEADER + "".join(f"B{n},T,S,{1 + n % 2},valid,0,\n" for n in range(500, 1500)))
    (told,) = put(tmp_path, path)
    assert (told.unchanged, told.corrected, told.new, told.version) == (250, 250, 500, 2)
    rows = stored(tmp_path)
    assert rows.num_rows == len(set(rows["bid_id"].to_pylist())) == 1500
    assert sum(float(one) for one in rows["amount"].to_pylist()) == 1500 + 500


def test_killed_at_any_moment_the_lake_is_the_old_one_or_the_new_one(tmp_path: Path) -> None:
    path = tmp_path / "b.csv"
    path.write_text(HEADER + "".join(f"B{n},T,S,1,valid,0,\n" for n in range(60_000)))
    code = (
        "import sys; from pathlib import Path; from features.connectors import delimited\n"
        "delimited.batches.__defaults__ = (100_000,)\n"
        "from features.ingest import ingest; from features.lake import Lake; from features.mapping import straight\n"
        "at = Path(sys.argv[1]); print('ready', flush=True)\n"
        "ingest([at / 'b.csv'], straight('bid'), Lake(str(at / 'lake')), at / 'refused', b'k')\n"
    )
    chance = random.Random(7)
    seen = set()
    for _ in range(8):
        process = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE)
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(chance.random() * 0.7)
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        lake = Lake(str(tmp_path / "lake"))
        rows = pq.ParquetDataset(lake.files("bid")).read().num_rows if lake.version else 0
        assert (lake.version, rows) in {(0, 0), (1, 60_000)}
        seen.add(lake.version)
    (told,) = put(tmp_path, path)
    assert (told.new + told.unchanged, told.version) == (60_000, 1)
    assert stored(tmp_path).num_rows == 60_000
    assert not list((tmp_path / "lake" / "staging").iterdir())
