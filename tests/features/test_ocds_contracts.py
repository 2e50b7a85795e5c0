"""OCDS beyond the award: planned budget, contracts, amendments from release to release, payments."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from features.ingest import Ingested, ingest
from features.lake import Lake
from features.mapping import load

BASE: dict[str, Any] = {
    "ocid": "ocds-9",
    "id": "r1",
    "date": "2024-01-01T00:00:00Z",
    "buyer": {"id": "B", "name": "City"},
    "parties": [{"id": "B", "name": "City", "roles": ["buyer"], "address": {"region": "North"}}],
    "planning": {"budget": {"projectID": "P1", "project": "Road north", "amount": {"amount": 1000, "currency": "CNY"}}},
    "tender": {"id": "t", "title": "Road", "status": "complete", "mainProcurementCategory": "works"},
    "awards": [
        {"id": "a", "status": "active", "date": "2024-02-01", "suppliers": [{"id": "S"}], "value": {"amount": 900}}
    ],
    "contracts": [
        {
            "id": "c",
            "awardID": "a",
            "status": "active",
            "dateSigned": "2024-02-10",
            "period": {"startDate": "2024-03-01", "endDate": "2024-12-31"},
            "value": {"amount": 900},
        }
    ],
}
AMENDED: dict[str, Any] = {
    "ocid": "ocds-9",
    "id": "r2",
    "date": "2024-06-01T00:00:00Z",
    "tag": ["contractAmendment"],
    "contracts": [
        {
            "id": "c",
            "value": {"amount": 980.5},
            "period": {"endDate": "2025-03-31"},
            "amendments": [
                {"id": "m1", "date": "2024-06-01", "rationale": "geology", "amendsReleaseID": "r1", "releaseID": "r2"},
                {"id": "m2", "date": "2024-07-01", "rationale": "nothing is told of the amount"},
            ],
            "implementation": {
                "transactions": [
                    {
                        "id": "x1",
                        "date": "2024-04-01",
                        "value": {"amount": 300},
                        "payer": {"id": "T"},
                        "payee": {"id": "S"},
                    },
                    {"id": "x2", "date": "2024-05-01", "amount": {"amount": 200}},
                ]
            },
        }
    ],
}


def put(folder: Path, *told: dict[str, Any]) -> dict[str, Ingested]:
    path = folder / "r.json"
    path.write_text(json.dumps({"releases": list(told)}), encoding="utf-8")
    done = ingest([path], load("ocds"), Lake(str(folder / "lake")), folder / "refused", b"k")
    return {one.table: one for one in done}


def rows(folder: Path, table: str) -> list[dict[str, Any]]:
    stored = pq.ParquetDataset(Lake(str(folder / "lake")).files(table)).read()
    told: list[dict[str, Any]] = stored.sort_by(stored.column_names[0]).to_pylist()
    return told


def test_plan_contract_amendments_and_payments_stand_beside_the_award(tmp_path: Path) -> None:
    done = put(tmp_path, BASE, AMENDED)
    (project,) = rows(tmp_path, "project")
    assert (project["project_id"], project["name"], float(project["budget_amount"])) == ("P1", "Road north", 1000)
    assert rows(tmp_path, "tender")[0]["project_id"] == "P1"
    (contract,) = rows(tmp_path, "contract")
    assert (contract["contract_id"], contract["award_id"], contract["supplier_id"]) == ("ocds-9/c", "ocds-9/a", "S")
    assert (float(contract["amount"]), contract["kind"], str(contract["end_at"])) == (980.5, "works", "2025-03-31")
    (amendment,) = rows(tmp_path, "contract_amendment")
    assert (amendment["amendment_id"], float(amendment["delta_amount"])) == ("ocds-9/c/m1", 80.5)
    assert str(amendment["new_end_at"]) == "2025-03-31"
    assert done["contract_amendment"].refused == 1  # an amendment without its amount is not read as zero
    first, second = rows(tmp_path, "payment")
    assert (first["payer_id"], first["payee_id"], float(first["amount"])) == ("T", "S", 300)
    assert (second["payer_id"], second["payee_id"], float(second["amount"])) == ("B", "S", 200)
    assert all(not one.dangling or one.table != "contract_amendment" for one in done.values())


def test_a_deprecated_list_of_changes_tells_the_amount_of_an_amendment(tmp_path: Path) -> None:
    contract = {
        **BASE["contracts"][0],
        "amendment": {"date": "2024-06-01", "changes": [{"property": "value.amount", "former_value": 850}]},
    }
    put(tmp_path, {**BASE, "contracts": [contract]})
    assert float(rows(tmp_path, "contract_amendment")[0]["delta_amount"]) == 50


def test_a_cancelled_contract_is_none_and_one_without_value_takes_the_awards(tmp_path: Path) -> None:
    told = [{"id": "c", "awardID": "a", "dateSigned": "2024-02-10"}, {"id": "d", "awardID": "a", "status": "cancelled"}]
    put(tmp_path, {**BASE, "contracts": told})
    (contract,) = rows(tmp_path, "contract")
    assert float(contract["amount"]) == 900
