"""Clinics of which one treats the dead: three small files, as a settlement system would send them."""

from __future__ import annotations

import csv
import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

CLINICS, PATIENTS, DEAD = 26, 20, 10
START = datetime(2025, 1, 1, 2, tzinfo=UTC)


def written(path: Path, rows: Sequence[dict[str, Any]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def claim(clinic: int, number: int, draw: random.Random) -> dict[str, Any]:
    at = START + timedelta(days=draw.randrange(150))
    paid = draw.randrange(50, 400)
    return {
        "claim_id": f"K{clinic}-{number}", "person_id": f"P{clinic * PATIENTS + number}",
        "institution_id": f"C{clinic}",
        "claim_type": "outpatient", "service_from": at.isoformat(), "settled_at": (at + timedelta(hours=1)).isoformat(),
        "total_amount": paid + 20, "fund_amount": paid, "self_amount": 20, "status": "settled",
    }  # fmt: skip


def files(folder: Path, guilty: int = 1) -> dict[str, Path]:
    """File by table, registers first; the first `guilty` clinics treat patients who had died before."""
    draw = random.Random(1)
    clinics = [
        {"org_id": f"C{n}", "name": f"Clinic {n}", "roles": "clinic", "level": "1", "region_code": "11"}
        for n in range(CLINICS)
    ]
    people = [
        {
            "person_id": f"P{n}",
            "death_date": "2024-12-01" if n // PATIENTS < guilty and n % PATIENTS < DEAD else "",
        }
        for n in range(CLINICS * PATIENTS)
    ]
    claims = [claim(clinic, number, draw) for clinic in range(CLINICS) for number in range(PATIENTS)]
    rows = {"organization": clinics, "person": people, "claim": claims}
    return {table: written(folder / f"{table}.csv", told) for table, told in rows.items()}
