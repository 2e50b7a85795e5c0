"""Records to be resolved, in comparable form: raw ones from a source, or those that the lake holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import pyarrow as pa

from features.lake import Lake
from features.resolution import codes, names

FIRM = ("record", "code", "name", "core", "form", "region", "phone", "address", "representative")
PERSON = ("record", "code", "name", "birth", "sex", "region", "phone", "address", "household")


def firms(rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Comparable firms from raw records with record, code, name, region, phone, address, representative."""
    made = []
    for row in rows:
        name = names.firm_name(row.get("name"))
        made.append(
            {
                "record": row["record"],
                "code": codes.credit_code(row.get("code")),
                "name": names.plain(row.get("name")),
                "core": name.core,
                "form": name.form,
                "region": row.get("region"),
                "phone": names.phone(row.get("phone")),
                "address": names.address(row.get("address")),
                "representative": names.person_name(row.get("representative")),
            }
        )
    return _framed(made, FIRM)


def people(rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Comparable persons from raw records with record, code, name, birth, sex, region, phone, address, household."""
    made = []
    for row in rows:
        code = codes.citizen_id(row.get("code"))
        made.append(
            {
                "record": row["record"],
                "code": code,
                "name": names.person_name(row.get("name")),
                "birth": str(row.get("birth") or (f"{code[6:10]}-{code[10:12]}-{code[12:14]}" if code else "")),
                "sex": row.get("sex") or (("M" if int(code[16]) % 2 else "F") if code else None),
                "region": row.get("region"),
                "phone": names.phone(row.get("phone")),
                "address": names.address(row.get("address")),
                "household": row.get("household"),
            }
        )
    return _framed(made, PERSON)


def firms_of(lake: Lake) -> pd.DataFrame:
    """The lake's organizations with their contact points."""
    rows = _table(lake, "organization", ["org_id", "name", "region_code"])
    points = _contacts(lake)
    return firms(
        [
            {
                "record": row["org_id"],
                "code": row["org_id"],
                "name": row["name"],
                "region": row["region_code"],
                "phone": points.get((row["org_id"], "phone")),
                "address": points.get((row["org_id"], "address")),
            }
            for row in rows
        ]
    )


def people_of(lake: Lake) -> pd.DataFrame:
    """The lake's persons. Names are pseudonyms there: equal or not, never alike."""
    columns = ["person_id", "name_hash", "sex", "birth_date", "region_code", "household_id"]
    points = _contacts(lake)
    rows = [
        {
            "record": row["person_id"],
            "code": None,
            "name": row["name_hash"],
            "birth": row["birth_date"].isoformat() if row["birth_date"] else None,
            "sex": row["sex"],
            "region": row["region_code"],
            "phone": points.get((row["person_id"], "phone")),
            "address": points.get((row["person_id"], "address")),
            "household": row["household_id"],
        }
        for row in _table(lake, "person", columns)
    ]
    return _framed(rows, PERSON)


def _contacts(lake: Lake) -> dict[tuple[str, str], str]:
    rows = _table(lake, "contact_point", ["party_id", "kind", "value_norm"])
    return {(row["party_id"], row["kind"]): row["value_norm"] for row in rows}


def _table(lake: Lake, table: str, columns: list[str]) -> list[dict[str, Any]]:
    found = list(lake.known(table, columns))
    rows: list[dict[str, Any]] = pa.concat_tables(found).to_pylist() if found else []
    return rows


def _framed(rows: list[dict[str, Any]], columns: Sequence[str]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=list(columns)).astype(object)
    return frame.where(frame.notna() & (frame != ""), None)
