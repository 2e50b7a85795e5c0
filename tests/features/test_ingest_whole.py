"""Every format is read whole, and every kind of bad input is counted, kept and listed by `gnomon tables --refused`."""

from __future__ import annotations

import csv
import gzip
import io
import json
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from features.build import build
from features.connectors import Batches
from features.engine import Engine
from features.ingest import ingest
from features.lake import Lake
from features.mapping import parse, straight
from features.profiles import Profiles
from serving.cli import app
from tests.features.profile_rows import Row, bids, day, table, tender
from tests.features.random_rows import arrow

TEXT = st.text(st.sampled_from("甲乙𠮷龘Aé7,;\"'\n\t　 ．－"), min_size=1, max_size=8).filter(
    lambda text: text == text.strip() and not text.startswith("'")
)
"""Commas, quotes, ends of lines and rare characters inside a value; blanks around one are not part of it."""
RECORDS = st.lists(st.tuples(TEXT, st.sampled_from(["007", "1e5", "２０２４", "", "甲"])), min_size=1, max_size=6)
NAMES = ["名称", "code"]


def as_csv(rows: list[tuple[str, str]], encoding: str) -> bytes:
    held = io.StringIO(newline="")
    csv.writer(held, lineterminator="\r\n").writerows([NAMES, *rows])
    return held.getvalue().encode(encoding)


def as_excel(rows: list[tuple[str, str]]) -> bytes:
    from openpyxl import Workbook

    book, held = Workbook(), io.BytesIO()
    for row in [NAMES, *rows]:
        book.worksheets[0].append([cell or None for cell in row])
    book.save(held)
    return held.getvalue()


def as_parquet(rows: list[tuple[str, str]]) -> bytes:
    held = io.BytesIO()
    pq.write_table(pa.table([pa.array([row[n] or None for row in rows], pa.string()) for n in (0, 1)], NAMES), held)
    return held.getvalue()


def as_lines(rows: list[tuple[str, str]]) -> bytes:
    return "\n".join(json.dumps(dict(zip(NAMES, row, strict=True)), ensure_ascii=False) for row in rows).encode()


def as_zip(data: bytes, name: str) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as bundle:
        bundle.writestr(name, data)
    return held.getvalue()


FORMATS: dict[str, Callable[[list[tuple[str, str]]], bytes]] = {
    "utf8.csv": lambda rows: as_csv(rows, "utf-8"),
    "gb18030.csv": lambda rows: as_csv(rows, "gb18030"),
    "book.xlsx": as_excel,
    "rows.parquet": as_parquet,
    "rows.jsonl": as_lines,
    "utf8.csv.gz": lambda rows: gzip.compress(as_csv(rows, "utf-8")),
    "rows.jsonl.gz": lambda rows: gzip.compress(as_lines(rows)),
    "gb18030.zip": lambda rows: as_zip(as_csv(rows, "gb18030"), "里面.csv"),
    "book.zip": lambda rows: as_zip(as_excel(rows), "book.xlsx"),
}


@settings(max_examples=25, deadline=None)
@given(rows=RECORDS)
def test_every_format_is_read_whole(rows: list[tuple[str, str]], tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("whole")
    for name, made in FORMATS.items():
        path = folder / name
        path.write_bytes(made(rows))
        # Said, because six rows of a few characters each do not tell GB18030 from other encodings.
        encoding = "gb18030" if name.startswith("gb") else ""
        batches = list(Batches(path, encoding))
        assert not [one.broken for one in batches if one.broken], name
        read = [tuple(row[n] for n in NAMES) for one in batches for row in one.rows.to_pylist()]
        assert read == [(text, code or None) for text, code in rows], name


BAD = """id,claim,doctor,qty,price,amount,at
L1,C1,D1,1,5.00,5.00,2024-01-01
L2,C1,,1,5.00,5.00,2024-01-01
L3,C1,   ,1,5.00,5.00,2024-01-01
L4,C1,　,1,5.00,5.00,2024-01-01
,C1,D1,1,5.00,5.00,2024-01-01
  ,C1,D1,1,5.00,5.00,2024-01-01
L7,C1,D1,1,5.00,-5.00,2024-01-01
L8,C1,D1,1,5.00,5.00,2999-01-01
L9,C1,D1,1,5.00,"1,000.00",2024-01-01
L10,C1,D1,１,"１，０００．００",1000.00,2024-01-01
L11,C1,D1,1,5.00,5.00,2024-02-30
L1,C1,D1,1,7.00,7.00,2024-01-01
L13,C1
"""
BAD_MAPPING = """
name: bad
tables:
  - table: claim_item
    columns:
      line_id: id
      claim_id: claim
      item_code: {constant: X}
      prescriber_id: doctor
      quantity: {from: qty, loose_numbers: true}
      unit_price: {from: price, loose_numbers: true}
      amount: amount
      fund_amount: {constant: "0"}
      occurred_at: at
"""


def listed(workspace: Path) -> list[dict[str, str]]:
    """What `gnomon tables --refused` shows."""
    ran = CliRunner().invoke(app, ["tables", "--refused", "--workspace", str(workspace), "--format", "csv"])
    assert ran.exit_code == 0, ran.output
    return list(csv.DictReader(io.StringIO(ran.stdout)))


def test_every_kind_of_bad_row_is_counted_kept_and_listed_by_the_command(tmp_path: Path) -> None:
    path, workspace = tmp_path / "bad.csv", tmp_path / "ws"
    path.write_bytes(BAD.encode() + "L14,C1,王医生,1,5.00,5.00,2024-01-01\n".encode("gb18030"))
    lake = Lake(str(workspace / "lake"))
    (told,) = ingest([path], parse(BAD_MAPPING, "m"), lake, workspace / "refused", b"k")
    assert (told.read, told.kept, told.refused, told.repaired) == (14, 5, 9, 2)
    found = {(int(one["row"]), one["column"], one["value"]) for one in listed(workspace)}
    assert found == {
        (6, "line_id", ""),  # a row that names nothing is no row of somebody else
        (7, "line_id", ""),
        (8, "amount", "-5.00"),
        (9, "occurred_at", "2999-01-01"),
        (10, "amount", "1,000.00"),  # not declared for this column
        (12, "occurred_at", "2024-02-30"),
        (2, "line_id", "L1"),  # its key came again with other values
        (14, "", "L13,C1"),
        (15, "", "L14,C1,王医生,1,5.00,5.00,2024-01-01"),
    }
    assert all(one["reason_zh"] and one["reason_en"] and one["file"] == str(path) for one in listed(workspace))
    # Blank doctors are unknown, none of them the same as another.
    rows = pa.concat_tables(lake.known("claim_item", ["line_id", "prescriber_id", "unit_price"])).to_pylist()
    assert {row["line_id"]: row["prescriber_id"] for row in rows} == {
        "L1": "D1", "L2": None, "L3": None, "L4": None, "L10": "D1",
    }  # fmt: skip
    assert {row["line_id"]: float(row["unit_price"]) for row in rows}["L10"] == 1000


def test_a_mapping_that_names_a_column_that_is_not_there_is_told_the_nearest_and_nothing_goes_in(
    tmp_path: Path,
) -> None:
    path, lake = tmp_path / "bad.csv", Lake(str(tmp_path / "lake"))
    path.write_text(BAD.replace("doctor", "docter"), encoding="utf-8")
    (told,) = ingest([path], parse(BAD_MAPPING, "m"), lake, tmp_path / "refused", b"k")
    assert told.fault is not None
    assert "doctor (→ docter)" in told.fault.told("en")
    assert "doctor (→ docter)" in told.fault.told("zh")
    assert lake.version == 0


def test_a_later_file_corrects_a_key_and_the_earlier_version_keeps_what_it_held(tmp_path: Path) -> None:
    lake = Lake(str(tmp_path / "lake"))
    head = "bid_id,tender_id,bidder_id,amount,status,is_winner\n"
    counted: Counter[str] = Counter()
    for amount in ("1", "2"):
        path = tmp_path / f"{amount}.csv"
        path.write_text(f"{head}B1,T,S,{amount},valid,0\n")
        (told,) = ingest([path], straight("bid"), lake, tmp_path / "refused", b"k")
        counted += Counter(new=told.new, corrected=told.corrected)
    assert counted == {"new": 1, "corrected": 1}
    held = [pa.concat_tables(lake.known("bid", ["amount"], version)).to_pylist() for version in (1, 2)]
    assert [float(row["amount"]) for (row,) in held] == [1, 2]


def profiles(lake: Lake, version: int) -> Profiles:
    engine = Engine.open(lake, version, threads=2)
    try:
        return build(engine, "supplier", min_peers=2)
    finally:
        engine.close()


def test_a_past_version_gives_the_same_profiles_to_the_last_bit_after_late_and_corrected_rows(tmp_path: Path) -> None:
    lake = Lake(str(tmp_path / "lake"))

    def put(**rows: list[Row]) -> None:
        lake.commit_all({name: arrow(name, table(name, some).to_pylist()) for name, some in rows.items()}, "t", "0")

    prices = [{f"F{firm}": 100.0 + 7 * n + firm / 4 for firm in range(5)} for n in range(6)]
    put(tender=[tender(n, day(n * 9)) for n in range(6)], bid=[one for n in range(6) for one in bids(n, prices[n])])
    before = profiles(lake, 1)
    put(bid=bids(2, {"F1": 1.0, "F4": 900.0}), tender=[tender(7, day(3))])  # corrected, and late
    put(bid=bids(7, {"F0": 10.0, "F9": 11.0}))
    assert lake.version == 3
    assert not profiles(lake, 3).values.equals(before.values)
    again = profiles(lake, 1)
    for name in ("values", "deviations", "norms", "groups", "attributes", "centers", "spreads", "trials"):
        pd.testing.assert_frame_equal(getattr(again, name), getattr(before, name), check_exact=True, obj=name)
