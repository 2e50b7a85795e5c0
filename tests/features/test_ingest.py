"""The road of a file into the lake: kinds of file, mappings, refusals, duplicates, idempotence."""

from __future__ import annotations

import gzip
import zipfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.aside import kept_aside
from features.ingest import Ingested, ingest
from features.lake import Lake
from features.mapping import load, parse, shipped, straight
from gnomon.errors import Misuse

HEADER = "bid_id,tender_id,bidder_id,amount,status,is_winner,disqualify_reason"
GOOD = f"{HEADER}\nB1,T,S1,100.5,valid,1,\nB2,T,S2,120,valid,0,围标\n"


class Place:
    """A lake and a folder for refused rows."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.lake = Lake(str(folder / "lake"))

    def put(self, *paths: Path, mapping: str = "", table: str = "bid") -> list[Ingested]:
        chosen = parse(mapping, "test.yaml") if mapping else straight(table)
        return ingest(list(paths), chosen, self.lake, self.folder / "refused", b"key")

    def rows(self, table: str = "bid") -> list[dict[str, Any]]:
        stored = pq.ParquetDataset(self.lake.files(table)).read()
        key = next(name for name in stored.column_names if name.endswith("_id"))
        rows: list[dict[str, Any]] = stored.sort_by(key).to_pylist()
        return rows

    def refused(self) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = kept_aside(self.folder / "refused").to_pylist()
        return rows


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def written(folder: Path, name: str, data: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return path


def excel(path: Path) -> Path:
    from openpyxl import Workbook

    book = Workbook()
    sheet = book.worksheets[0]
    for line in GOOD.splitlines():
        sheet.append([float(c) if c.replace(".", "").isdigit() else c or None for c in line.split(",")])
    book.save(path)
    return path


@pytest.mark.parametrize("kind", ["utf-8", "bom", "gb18030", "gz", "zip", "xlsx", "parquet", "jsonl", "utf-16"])
def test_every_kind_of_file_gives_the_same_rows(place: Place, tmp_path: Path, kind: str) -> None:
    path = tmp_path / "bids.csv"
    if kind in ("utf-8", "gb18030", "utf-16"):
        path.write_text(GOOD, encoding=kind)
    elif kind == "bom":
        path.write_text(GOOD, encoding="utf-8-sig")
    elif kind == "gz":
        path = written(tmp_path, "bids.csv.gz", gzip.compress(GOOD.encode()))
    elif kind == "zip":
        path = tmp_path / "bids.zip"
        with zipfile.ZipFile(path, "w") as bundle:
            bundle.writestr("bids.csv", GOOD)
    elif kind == "xlsx":
        path = excel(tmp_path / "bids.xlsx")
    elif kind == "parquet":
        path = tmp_path / "bids.parquet"
        table = {"bid_id": ["B1", "B2"], "tender_id": ["T", "T"], "bidder_id": ["S1", "S2"], "amount": [100.5, 120.0]}
        rest = {"status": ["valid", "valid"], "is_winner": [True, False], "disqualify_reason": [None, "围标"]}
        pq.write_table(pa.table({**table, **rest}), path)
    else:
        line = '{"bid_id":"B%d","tender_id":"T","bidder_id":"S%d","amount":%s,"status":"valid","is_winner":%s%s}\n'
        path = written(
            tmp_path, "b.jsonl", line % (1, 1, 100.5, "true", "") + line % (2, 2, 120, 0, ',"disqualify_reason":"围标"')
        )
    (told,) = place.put(path)
    assert (told.read, told.kept, told.refused, told.new) == (2, 2, 0, 2), place.refused()
    first, second = place.rows()
    assert (float(first["amount"]), first["is_winner"], first["disqualify_reason"]) == (100.5, True, None)
    assert (float(second["amount"]), second["is_winner"], second["disqualify_reason"]) == (120, False, "围标")


def test_the_same_file_twice_changes_nothing(place: Place, tmp_path: Path) -> None:
    path = written(tmp_path, "b.csv", GOOD)
    place.put(path)
    (again,) = place.put(path)
    assert (again.unchanged, again.new, again.version, place.lake.version) == (2, 0, 1, 1)


def test_bad_rows_are_kept_aside_with_row_column_value_and_reason_and_the_good_go_in(
    place: Place, tmp_path: Path
) -> None:
    path = written(
        tmp_path,
        "b.csv",
        f"{GOOD}B3,T,S3,abc,valid,0,\n,T,S4,1,valid,0,\nB5,T,S5,1,won,0,\nB6,T\n\nB7,T,S7,1,valid,0,\n",
    )
    (told,) = place.put(path)
    assert (told.read, told.kept, told.refused) == (7, 3, 4)
    found = {(one["row"], one["column"], one["value"]) for one in place.refused()}
    assert found == {(4, "amount", "abc"), (5, "bid_id", None), (6, "status", "won"), (7, None, "B6,T")}
    assert all(one["reason_zh"] and one["reason_en"] and one["file"] == str(path) for one in place.refused())
    assert told.refusals[0].rows == 1


def test_a_mended_file_clears_nothing_it_did_not_say(place: Place, tmp_path: Path) -> None:
    path = written(tmp_path, "b.csv", f"{GOOD}B3,T,S3,abc,valid,0,\n")
    place.put(path)
    place.put(written(tmp_path, "b.csv", f"{GOOD}B3,T,S3,3,valid,0,\n"))
    assert len(place.rows()) == 3
    assert len(place.refused()) == 1  # what the first file said stays on record


def test_identical_rows_count_once_and_a_superseded_row_is_kept_aside(place: Place, tmp_path: Path) -> None:
    path = written(tmp_path, "b.csv", f"{GOOD}B2,T,S2,120,valid,0,围标\nB1,T,S1,99,valid,1,\n")
    (told,) = place.put(path)
    assert (told.read, told.kept, told.refused, told.duplicate) == (4, 2, 1, 1)
    assert float(place.rows()[0]["amount"]) == 99
    assert [(one["row"], one["column"]) for one in place.refused()] == [(2, "bid_id")]
    (again,) = place.put(path)
    assert (again.corrected, again.version) == (0, 1)


def test_a_folder_or_pattern_stands_for_its_files_and_a_broken_one_does_not_stop_the_others(
    place: Place, tmp_path: Path
) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    written(folder, "a.csv", GOOD)
    written(folder, "b.csv", b"")
    written(folder, "notes.md", "not data")
    well, broken = place.put(folder)
    assert (well.kept, broken.fault is not None) == (2, True)
    (again,) = ingest([str(folder / "a*.csv")], straight("bid"), place.lake, tmp_path / "refused", b"k")
    assert again.unchanged == 2


MAPPING = """
name: test
file: {nulls: ["NA"], zone: UTC}
derive:
  line: {number_within: tender}
  bid: {text: "{tender}-{line}"}
tables:
  - table: bid
    columns:
      bid_id: bid
      tender_id: tender
      bidder_id: {from: who, pseudonym: true}
      amount: {from: price, scale: "0.01", loose_numbers: true}
      submitted_at: {from: when, date: "%d.%m.%Y"}
      status: {from: ok, values: {yes: valid, no: withdrawn}}
      is_winner: {from: won, values: {j: "true"}, otherwise: "false"}
      disqualify_reason: {first_of: [why, note]}
  - table: tender
    distinct: true
    columns:
      tender_id: tender
      buyer_id: {constant: B}
      title: {text: "Tender {tender}"}
      category: {from: note, keywords: {fix: services}, otherwise: works}
      method: {constant: open}
      status: {from: missing_status, default: complete}
      region_code: {constant: X}
      estimated_value: {sum: [price, extra]}
  - table: award
    only: {won: j}
    columns:
      award_id: bid
      buyer_id: {constant: B}
      supplier_id: who
      amount: price
      awarded_at: {from: when, date: "%d.%m.%Y"}
      status: {constant: active}
"""
SOURCE = """tender,who,price,extra,when,ok,won,why,note,missing_status
T1,甲公司,"12,345",1,05.01.2024,yes,j,NA,fix it,
T1,乙公司,20000,,06.01.2024,no,n,late,NA,
T2,甲公司,5,NA,07.01.2024,yes,n,,,
"""


def test_a_mapping_fills_several_tables_from_one_file_in_one_version(place: Place, tmp_path: Path) -> None:
    told = {one.table: one for one in place.put(written(tmp_path, "s.csv", SOURCE), mapping=MAPPING)}
    assert {name: (one.read, one.kept, one.refused) for name, one in told.items()} == {
        "bid": (3, 3, 0),
        "tender": (2, 1, 1),
        "award": (1, 0, 1),
    }
    assert {one.version for one in told.values()} == {1}
    first, second, third = place.rows()
    assert [one["bid_id"] for one in (first, second, third)] == ["T1-1", "T1-2", "T2-1"]
    assert float(first["amount"]) == 123.45
    assert first["bidder_id"] == third["bidder_id"] != second["bidder_id"]
    assert len(first["bidder_id"]) == 64
    assert (first["status"], second["status"], first["is_winner"], second["is_winner"]) == (
        "valid",
        "withdrawn",
        True,
        False,
    )
    assert (first["disqualify_reason"], second["disqualify_reason"]) == ("fix it", "late")
    assert first["submitted_at"].isoformat() == "2024-01-05T00:00:00+00:00"
    assert place.rows("tender")[0]["estimated_value"] == 5  # the first tender's price is no plain number


def test_a_pseudonym_is_not_told_in_refused_rows(place: Place, tmp_path: Path) -> None:
    place.put(written(tmp_path, "s.csv", SOURCE.replace("20000", "x")), mapping=MAPPING)
    assert "甲公司" not in str([one for one in place.refused() if one["table"] == "bid"])


def test_unpivot_makes_a_row_of_every_known_figure(place: Place, tmp_path: Path) -> None:
    mapping = """
name: wide
tables:
  - table: reported_total
    unpivot: {columns: [a, b], name: which, value: figure}
    columns: {org_id: id, metric: which, value: figure, period_to: {constant: "2024-12-31"}}
"""
    (told,) = place.put(written(tmp_path, "w.csv", "id,a,b\nO1,1,2\nO2,,4\n"), mapping=mapping)
    assert told.kept == 3
    assert {(r["org_id"], r["metric"], r["value"]) for r in place.rows("reported_total")} == {
        ("O1", "a", 1.0),
        ("O1", "b", 2.0),
        ("O2", "b", 4.0),
    }


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("pseudonym", "pseudonim"), "pseudonym"),
        (("tender_id: tender", "tendr_id: tender"), "tender_id"),
        (("table: award", "table: awards"), "award"),
        (("distinct:", "distnct:"), "distinct"),
        (("zone: UTC", "zone: Mars/Olympus"), "time zone"),
        (("{constant: B}", "{constant: B, from: who}"), "exactly one"),
        (('"{tender}-{line}"', '"{tender!r}"'), "column name"),
        (("nulls:", "nuls:"), "nulls"),
    ],
)
def test_a_mapping_says_what_it_does_not_know_and_what_is_nearest(change: tuple[str, str], told: str) -> None:
    with pytest.raises(Misuse, match=told):
        parse(MAPPING.replace(*change), "test.yaml")


@pytest.mark.parametrize("name", sorted(shipped()))
def test_shipped_mappings_load_and_speak_both_languages(name: str) -> None:
    mapping = load(name)
    assert mapping.name == name
    assert set(mapping.title) == {"zh", "en"}
