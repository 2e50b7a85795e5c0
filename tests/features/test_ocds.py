"""OCDS: packages, records, releases and JSON lines become organization, tender, bid and award rows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from features.ingest import Ingested, ingest
from features.lake import Lake
from features.mapping import load, parse

RELEASE: dict[str, Any] = {
    "ocid": "ocds-1",
    "date": "2024-01-01T00:00:00Z",
    "tag": ["tender"],
    "buyer": {"id": "B", "name": "Buyer"},
    "parties": [{"id": "B", "name": "City", "roles": ["buyer"], "address": {"region": "North"}}],
    "tender": {
        "id": "t",
        "title": "Road",
        "status": "complete",
        "procurementMethod": "selective",
        "mainProcurementCategory": "works",
        "value": {"amount": 100},
        "tenderPeriod": {"startDate": "2024-01-02T00:00:00+08:00", "endDate": "2024-02-01"},
    },
}
LATER: dict[str, Any] = {
    "ocid": "ocds-1",
    "date": "2024-03-01T00:00:00Z",
    "tag": ["award"],
    "bids": {
        "details": [
            {"id": 1, "status": "valid", "tenderers": [{"id": "S1", "name": "One"}], "value": {"amount": 90.5}},
            {"id": 2, "status": "valid", "tenderers": [{"id": "S2"}, {"id": "S3"}], "value": {"amount": 95}},
            {"id": 3, "status": "invited", "tenderers": [{"id": "S4"}]},
        ]
    },
    "awards": [
        {"id": "a", "status": "active", "date": "2024-03-01", "suppliers": [{"id": "S1"}], "value": {"amount": 90.5}}
    ],
}


def put(folder: Path, *paths: Path) -> list[Ingested]:
    return ingest(list(paths), load("ocds"), Lake(str(folder / "lake")), folder / "refused", b"key")


def rows(folder: Path, table: str) -> list[dict[str, Any]]:
    stored: list[dict[str, Any]] = pq.ParquetDataset(Lake(str(folder / "lake")).files(table)).read().to_pylist()
    return stored


def written(folder: Path, name: str, told: Any) -> Path:
    path = folder / name
    path.write_text(told if isinstance(told, str) else json.dumps(told), encoding="utf-8")
    return path


SHAPES = {
    "package.json": {"releases": [RELEASE, LATER]},
    "records.json": {"records": [{"ocid": "ocds-1", "compiledRelease": {**RELEASE, **LATER}}]},
    "record.json": {"compiledRelease": {**RELEASE, **LATER}},
    "embedded.json": {"records": [{"ocid": "ocds-1", "releases": [LATER, RELEASE]}]},
    "release.json": {**RELEASE, **LATER},
    "lines.jsonl": f"{json.dumps(RELEASE)}\n\n{json.dumps(LATER)}\n",
}


@pytest.mark.parametrize("name", SHAPES)
def test_every_shape_of_publication_gives_the_same_rows(tmp_path: Path, name: str) -> None:
    told = put(tmp_path, written(tmp_path, name, SHAPES[name]))
    assert {one.table: (one.kept, one.refused) for one in told} == {
        "organization": (5, 0),
        "tender": (1, 0),
        "bid": (2, 0),
        "award": (1, 0),
    }
    (tender,) = rows(tmp_path, "tender")
    assert (tender["tender_id"], tender["buyer_id"], tender["method"]) == ("ocds-1", "B", "invited")
    assert (float(tender["estimated_value"]), tender["region_code"]) == (100, "North")
    assert tender["published_at"].isoformat() == "2024-01-01T16:00:00+00:00"
    winner, other = sorted(rows(tmp_path, "bid"), key=lambda bid: str(bid["bid_id"]))
    assert (winner["is_winner"], other["is_winner"], other["consortium_id"]) == (True, False, "S2+S3")
    assert rows(tmp_path, "award")[0]["supplier_id"] == "S1"
    names = {one["org_id"]: (one["name"], one["roles"]) for one in rows(tmp_path, "organization")}
    assert names["B"] == ("City", ["buyer"])
    assert names["S2"] == ("S2", ["supplier"])


def test_each_lot_is_a_tender_with_its_own_bids(tmp_path: Path) -> None:
    lots = [{"id": "L1", "value": {"amount": 1}}, {"id": "L2", "value": {"amount": 2}}]
    release = {**RELEASE, **LATER, "tender": {**RELEASE["tender"], "lots": lots}}
    for bid, lot in zip(release["bids"]["details"], ("L1", "L2", "L2"), strict=True):
        bid = bid.update(relatedLots=[lot])
    try:
        put(tmp_path, written(tmp_path, "r.json", release))
    finally:
        for bid in release["bids"]["details"]:
            del bid["relatedLots"]
    assert {one["tender_id"] for one in rows(tmp_path, "tender")} == {"ocds-1/L1", "ocds-1/L2"}
    assert {one["tender_id"] for one in rows(tmp_path, "bid")} == {"ocds-1/L1", "ocds-1/L2"}


def test_broken_files_are_told_with_their_place_and_do_not_stop_the_others(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    written(folder, "good.json", RELEASE)
    written(folder, "cut.json", json.dumps(LATER)[:80])
    written(folder, "empty.json", "")
    written(folder, "other.json", {"hello": 1})
    written(folder, "lines.jsonl", f"{json.dumps(LATER)}\n{{cut\n{json.dumps({'tender': {}})}\n")
    told = put(tmp_path, folder)
    places = {one.fault.told("en") for one in told if one.fault is not None}
    assert len(places) == 5
    for wanted in (
        "cut.json:1: not readable",
        "empty.json: the file is empty",
        "other.json: no OCDS",
        "lines.jsonl:2:",
    ):
        assert any(wanted in place for place in places), wanted
    assert len(rows(tmp_path, "tender")) == 1


def test_what_a_publisher_never_tells_is_unknown_unless_a_mapping_of_ones_own_supplies_it(tmp_path: Path) -> None:
    tender = {name: value for name, value in RELEASE["tender"].items() if name != "mainProcurementCategory"}
    path = written(tmp_path, "r.json", {**RELEASE, "tender": tender})
    assert {one.table: one.refused for one in put(tmp_path, path)}["tender"] == 0
    assert [one["category"] for one in rows(tmp_path, "tender")] == [None]
    own = parse(
        "name: own\nconnector: ocds\ntables: [{table: tender, columns: {category: {from: category, default: works}}}]",
        "own",
    )
    told = ingest([path], own, Lake(str(tmp_path / "lake")), tmp_path / "refused", b"key")
    assert {one.table: one.kept for one in told}["tender"] == 1
    assert [one["category"] for one in rows(tmp_path, "tender")] == ["works"]
