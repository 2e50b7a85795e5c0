"""Sixty clinics and their claims, some of which ask more for a claim: small enough to train on in a test."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pyarrow as pa

from features.contracts import contract_of
from features.lake import Lake
from gnomon.config import Settings

CLINICS = 60
GREEDY, MOST = 15, 110
"""The first clinics ask more for a claim, not more in all; the first of all treats the dead as well."""


def clinics(folder: Path) -> Settings:
    """A workspace whose lake holds the clinics and their claims."""
    made = Settings(workspace=folder, threads=1)
    draw = random.Random(2)
    places = [{"org_id": f"C{n}", "name": f"Clinic {n}", "roles": ["clinic"], "level": "1"} for n in range(CLINICS)]
    persons = [
        {"person_id": f"P{n}", "death_date": date(2024, 12, 1) if n < 10 else None} for n in range(CLINICS * MOST)
    ]
    claims = [
        claim(f"K{clinic}-{n}", clinic, f"P{clinic * MOST + n}", draw)
        for clinic in range(CLINICS)
        for n in range(31 if 0 < clinic < GREEDY else draw.randrange(60, MOST))
    ]
    for name, rows in (("organization", places), ("person", persons), ("claim", claims)):
        put(made, name, rows)
    return made


def claim(key: str, clinic: int, person: str, draw: random.Random) -> dict[str, object]:
    at = datetime(2025, 1, 1, 2, tzinfo=UTC) + timedelta(days=draw.randrange(150))
    dear = clinic < GREEDY or draw.random() < 0.05  # Others ask as much now and then: the dearest claim tells nothing.
    paid = Decimal(draw.randrange(50, 400) * (3 if dear else 1))
    return {
        "claim_id": key, "person_id": person, "institution_id": f"C{clinic}", "claim_type": "outpatient",
        "service_from": at, "settled_at": at + timedelta(hours=1), "total_amount": paid + 20, "fund_amount": paid,
        "status": "settled",
    }  # fmt: skip


def put(settings: Settings, table: str, rows: list[dict[str, object]]) -> None:
    under = contract_of(table)
    lacking = {column.name for column in under.columns if column.required} - set(rows[0])
    defaults = {
        name: column.values[0] if column.values else {"date": date(2000, 1, 1)}.get(column.type, "x")
        for name in lacking
        for column in (under.by_name[name],)
    }
    own = [field for field in under.schema if field.name in rows[0] or field.name in lacking]
    told = [{**defaults, **row} for row in rows]
    Lake(settings.lake_url).commit(table, pa.Table.from_pylist(told, schema=pa.schema(own)), "test", "0")


def labels(count: int) -> pd.DataFrame | None:
    """Outcomes of the first `count` clinics: those that ask more were confirmed; None for none."""
    if not count:
        return None
    ids = [f"C{n}" for n in range(count)]
    outcome = ["confirmed" if n < GREEDY else "false_alarm" for n in range(count)]
    table = pd.DataFrame({"entity_id": ids, "scheme": "", "outcome": outcome})
    for name in ("as_of", "labelled_at"):
        table[name] = pd.Series(pd.NaT, index=table.index, dtype=pd.DatetimeTZDtype("us", "UTC"))
    return table
