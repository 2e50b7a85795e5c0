"""Foreign keys: dangling references are counted or parked, and parked rows enter by themselves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from features import parking
from features.aside import kept_aside
from features.ingest import Ingested, ingest
from features.lake import Lake
from features.mapping import Mapping, straight
from serving.cli import app

TENDERS = "tender_id,buyer_id,title,status,region_code\nT1,B,Road,active,460100\n"
BIDS = "bid_id,tender_id,bidder_id,amount,status,is_winner\n"
FILES = "file_id,bid_id,kind\nF1,B1,technical\nF2,B9,technical\n"


class Place:
    """A lake with its folders."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.lake = Lake(str(folder / "lake"))

    def put(self, table: str, text: str, policy: str = "note", name: str = "") -> list[Ingested]:
        path = self.folder / (name or f"{table}.csv")
        path.write_text(text)
        mapping: Mapping = straight(table).model_copy(update={"dangling": policy})
        return ingest([path], mapping, self.lake, self.folder / "refused", b"k")

    def ids(self, table: str, column: str) -> set[str]:
        files = self.lake.files(table)
        return set(pq.ParquetDataset(files).read([column])[column].to_pylist()) if files else set()

    def parked(self) -> list[dict[str, Any]]:
        return parking.parked(self.folder / "parked")


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_a_dangling_reference_is_taken_and_counted_unless_declared_otherwise(place: Place) -> None:
    place.put("tender", TENDERS)
    (told,) = place.put("bid", f"{BIDS}B1,T1,S,1,valid,0\nB2,T2,S,1,valid,0\nB3,T2,S,1,valid,0\n")
    assert told.kept == 3
    assert {(one.column, one.parent, one.rows, one.registered) for one in told.dangling} == {
        ("tender_id", "tender", 2, True),
        ("bidder_id", "organization", 3, False),
    }


def test_parked_rows_are_accounted_for_listed_and_enter_when_their_parents_come(place: Place) -> None:
    place.put("organization", "org_id,name,roles,region_code\nS,Firm,supplier,460100\n")
    bids = f"{BIDS}B1,T1,S,1,valid,0\nB2,T2,S,1,valid,0\nB3,T2,X,1,valid,0\n"
    (told,) = place.put("bid", bids, "park")
    assert (told.read, told.kept, told.parked) == (3, 0, 3)
    assert place.ids("bid", "bid_id") == set()
    lines = {line["key"]: line for line in place.parked()}
    assert (lines["B1"]["row"], lines["B1"]["column"], lines["B1"]["value"]) == (2, "tender_id", "T1")
    assert lines["B3"]["column"] == "tender_id; bidder_id"
    assert lines["B1"]["reason_zh"] != lines["B1"]["reason_en"]
    _, released = place.put("tender", f"{TENDERS}T2,B,Bridge,active,460100\n")
    assert (released.table, released.released) == ("bid", 2)
    assert place.ids("bid", "bid_id") == {"B1", "B2"}
    assert [line["key"] for line in place.parked()] == ["B3"]
    version = place.lake.version
    (again,) = place.put("bid", bids, "park")
    assert (again.unchanged, again.parked, place.lake.version) == (2, 1, version)


def test_a_dangling_reference_is_refused_where_declared_counted_and_listed(place: Place) -> None:
    place.put("organization", "org_id,name,roles,region_code\nS,Firm,supplier,460100\n")
    place.put("tender", TENDERS)
    bids = f"{BIDS}B1,T1,S,1,valid,0\nB2,T2,S,1,valid,0\nB3,T2,X,1,valid,0\n"
    (told,) = place.put("bid", bids, "refuse")
    assert (told.read, told.kept, told.refused, told.parked) == (3, 1, 2, 0)
    assert place.parked() == []
    lines = {one["row"]: one for one in kept_aside(place.folder / "refused", "bid").to_pylist()}
    assert {row: (one["column"], one["value"]) for row, one in lines.items()} == {
        3: ("tender_id", "T2"), 4: ("tender_id; bidder_id", "T2; X"),
    }  # fmt: skip
    assert "tender" in lines[3]["reason_en"]
    assert "tender" in lines[3]["reason_zh"]
    assert sum(one.rows for one in told.refusals) == 2
    # Once the parent is there the same file goes in, as far as it can.
    place.put("tender", f"{TENDERS}T2,B,Bridge,active,460100\n")
    (again,) = place.put("bid", bids, "refuse")
    assert (again.new, again.unchanged, again.refused) == (1, 1, 1)


def test_a_released_row_can_be_the_parent_of_another(place: Place) -> None:
    place.put("organization", "org_id,name,roles,region_code\nS,Firm,supplier,460100\n")
    place.put("bid_file", FILES, "park")
    place.put("bid", f"{BIDS}B1,T1,S,1,valid,0\n", "park")
    assert (len(place.parked()), place.lake.version) == (3, 1)
    told = place.put("tender", TENDERS)
    assert [(one.table, one.released) for one in told[1:]] == [("bid", 1), ("bid_file", 1)]
    assert [line["key"] for line in place.parked()] == ["F2"]


def test_a_row_that_came_meanwhile_with_other_contents_is_not_overwritten_by_a_parked_one(place: Place) -> None:
    place.put("organization", "org_id,name,roles,region_code\nS,Firm,supplier,460100\n")
    place.put("bid", f"{BIDS}B1,T1,S,1,valid,0\n", "park")
    place.put("bid", f"{BIDS}B1,T1,S,999,valid,0\n", "note", "newer.csv")
    place.put("tender", TENDERS)
    amounts = pq.ParquetDataset(place.lake.files("bid")).read(["amount"])["amount"].to_pylist()
    assert [float(one) for one in amounts] == [999]
    assert place.parked() == []


def test_a_parent_in_the_same_source_counts(place: Place) -> None:
    contracts = (
        "contract_id,parent_contract_id,buyer_id,supplier_id,kind,amount,signed_at\n"
        "C1,,B,S,works,1,2024-01-01\nC2,C1,B,S,works,1,2024-01-01\nC3,C9,B,S,works,1,2024-01-01\nC4,C3,B,S,works,1,2024-01-01\n"
    )
    place.put("organization", "org_id,name,roles,region_code\nB,City,buyer,460100\nS,Firm,supplier,460100\n")
    (told,) = place.put("contract", contracts, "park")
    assert place.ids("contract", "contract_id") == {"C1", "C2"}  # C4 hangs on C3, which is parked itself
    assert told.parked == 2


def test_the_command_lists_what_is_parked(tmp_path: Path) -> None:
    path = tmp_path / "b.csv"
    path.write_text(f"{BIDS}B1,T1,S,1,valid,0\n")
    mapping = tmp_path / "own.yaml"
    mapping.write_text("name: own\ntables: [{table: bid, same_names: true, dangling: park}]")
    workspace = ["--workspace", str(tmp_path / "ws"), "--format", "csv"]
    told = CliRunner().invoke(app, ["ingest", str(path), "--mapping", str(mapping), *workspace])
    assert told.exit_code == 0, told.output
    listed = CliRunner().invoke(app, ["tables", "--parked", *workspace])
    assert "B1" in listed.stdout
    assert "tender_id; bidder_id" in listed.stdout


def test_every_measured_column_has_a_unit_and_every_reference_an_end() -> None:
    from features.contracts import contracts

    plain = {"line_no", "rx_line", "seq", "fiscal_year", "month", "param"}
    for name, of in contracts().items():
        for column in of.columns:
            measured = column.type in ("money", "decimal", "ratio", "int") and column.name not in plain
            assert column.unit or not measured, f"{name}.{column.name}"
            assert column.references is None or column.references in contracts(), f"{name}.{column.name}"
