"""BODS 0.4 statements become organization, person and org_interest rows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from features.ingest import Ingested, ingest
from features.lake import Lake
from features.mapping import load, restricted


def statement(record: str, kind: str, day: str = "2024-01-01", status: str = "new", **details: Any) -> dict[str, Any]:
    return {
        "statementId": f"{record}-{day}",
        "declarationSubject": "e1",
        "statementDate": day,
        "recordId": record,
        "recordType": kind,
        "recordStatus": status,
        "recordDetails": {"isComponent": False, **details},
    }


ENTITY = statement(
    "e1",
    "entity",
    entityType={"type": "registeredEntity"},
    name="海口甲建设有限公司",
    jurisdiction={"name": "China", "code": "CN"},
    identifiers=[{"id": "4601", "scheme": "CN-REG"}, {"id": "91460100MA5RC0001X", "scheme": "CN-USCC"}],
    foundingDate="2015-06-01",
)
HOLDING = statement("e2", "entity", name="Holding", identifiers=[{"id": "77", "scheme": "GB-COH"}])
PERSON = statement(
    "p1",
    "person",
    personType="knownPerson",
    names=[{"type": "alternative", "fullName": "A"}, {"type": "legal", "fullName": "张三"}],
    identifiers=[{"id": "460100197001011236", "schemeName": "identity card"}],
    birthDate="1970-01-01",
)
OWNS = statement(
    "x1",
    "relationship",
    subject="e1",
    interestedParty="p1",
    interests=[
        {
            "type": "shareholding",
            "directOrIndirect": "direct",
            "share": {"minimum": 25, "maximum": 50},
            "startDate": "2015-06-01",
        },
        {"type": "boardMember"},
    ],
)
FIRM_OWNS = statement(
    "x2",
    "relationship",
    subject="e1",
    interestedParty="e2",
    interests=[{"type": "votingRights", "directOrIndirect": "indirect", "share": {"exact": 40}}],
)
UNKNOWN = statement("x3", "relationship", subject="e1", interestedParty={"reason": "subjectUnableToConfirm"})
ALL = [OWNS, ENTITY, HOLDING, PERSON, FIRM_OWNS, UNKNOWN]


def put(folder: Path, told: Any, table: str = "") -> dict[str, Ingested]:
    path = folder / "s.json"
    path.write_text(told if isinstance(told, str) else json.dumps(told), encoding="utf-8")
    mapping = restricted(load("bods"), table) if table else load("bods")
    done = ingest([path], mapping, Lake(str(folder / "lake")), folder / "refused", b"k")
    return {one.table: one for one in done}


def rows(folder: Path, table: str) -> dict[str, dict[str, Any]]:
    stored = pq.ParquetDataset(Lake(str(folder / "lake")).files(table)).read()
    return {row[stored.column_names[0]]: row for row in stored.to_pylist()}


@pytest.mark.parametrize("lines", [False, True])
def test_statements_in_any_order_become_parties_and_interests(tmp_path: Path, lines: bool) -> None:
    done = put(tmp_path, "\n".join(map(json.dumps, ALL)) if lines else ALL)
    assert {name: (one.kept, one.refused) for name, one in done.items()} == {
        "organization": (2, 0),
        "person": (1, 0),
        "org_interest": (3, 1),  # the holder of the fourth is unspecified
    }
    assert set(rows(tmp_path, "organization")) == {"91460100MA5RC0001X", "GB-COH-77"}
    (person,) = rows(tmp_path, "person").values()
    assert "张三" not in str(person)
    interests = rows(tmp_path, "org_interest")
    assert (interests["x1"]["holder_id"], interests["x1"]["holder_kind"]) == (person["person_id"], "person")
    assert (interests["x1"]["share_pct"], interests["x1"]["directness"]) == (25, "direct")
    assert (interests["x1/2"]["interest_type"], interests["x1/2"]["directness"]) == ("boardMember", "unknown")
    assert (interests["x2"]["holder_id"], interests["x2"]["share_pct"]) == ("GB-COH-77", 40)
    assert done["org_interest"].dangling == ()


def test_the_newest_statement_speaks_for_a_record_and_a_closed_one_ends(tmp_path: Path) -> None:
    details = FIRM_OWNS["recordDetails"]
    put(tmp_path, [*ALL, statement("x2", "relationship", "2024-05-01", "closed", **details)])
    assert str(rows(tmp_path, "org_interest")["x2"]["valid_to"]) == "2024-05-01"


def test_one_table_alone_can_be_taken(tmp_path: Path) -> None:
    assert set(put(tmp_path, ALL, "org_interest")) == {"org_interest"}


def test_a_file_without_statements_says_so(tmp_path: Path) -> None:
    (told,) = put(tmp_path, [{"hello": 1}]).values()
    assert told.fault is not None
    assert "BODS" in told.fault.told("en")
