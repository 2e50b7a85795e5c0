"""Seeded prescription lines in contract form, as Parquet, for the feature benchmarks.

The shape is fixed: 2,000 institutions, 20,000 practitioners, 500,000 patients, 1,500 drugs, two years. Only the number
of lines varies; below a million lines the parties shrink with them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from hashlib import sha256
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from features.contracts import contract_of

FULL = 1_000_000
"""From so many lines on the parties have their full number."""
START = datetime(2023, 1, 1, tzinfo=UTC)
DAYS = 730
BATCH = 1_000_000
SYSTEM_TIME = datetime(2025, 1, 2, tzinfo=UTC)


@dataclass(frozen=True)
class Stored:
    """Parquet files of one state, as the engine asks for them; stands in for a lake."""

    folder: Path
    version: int = 1

    def state(self, version: int | None = None) -> dict[str, Rows]:
        """Tables with their number of rows."""
        names = sorted({path.parent.name for path in self.folder.glob("*/*.parquet")})
        return {name: Rows(sum(pq.read_metadata(file).num_rows for file in self.files(name))) for name in names}

    def files(self, table: str, version: int | None = None) -> list[str]:
        """Parquet files of a table."""
        return sorted(map(str, (self.folder / table).glob("*.parquet")))


@dataclass(frozen=True)
class Rows:
    """What the engine wants to know of a table."""

    rows: int


def written(folder: Path, rows: int, seed: int = 7) -> Stored:
    """The records under `folder`; written once, found again by number of rows and seed."""
    place = folder / f"prescriptions-{rows}-{seed}"
    if not (place / "done").exists():
        for table, batches in _tables(rows, seed).items():
            (place / table).mkdir(parents=True, exist_ok=True)
            for number, batch in enumerate(batches):
                pq.write_table(batch, place / table / f"{number:04d}.parquet", compression="zstd")
        (place / "done").touch()
    return Stored(place)


def _tables(rows: int, seed: int) -> dict[str, Iterator[pa.Table]]:
    rng = np.random.default_rng(seed)
    size = Size.of(rows)
    return {
        "organization": iter([_organizations(size, rng)]),
        "position": iter([_positions(size, rng)]),
        "catalog_item": iter([_drugs(size, rng)]),
        "prescription": _lines(rows, size, rng),
    }


@dataclass(frozen=True)
class Size:
    """How many parties there are."""

    institutions: int
    practitioners: int
    patients: int
    drugs: int

    @classmethod
    def of(cls, rows: int) -> Size:
        """The full number, or its part below `FULL` lines."""
        part = min(1.0, rows / FULL)
        return cls(*(max(20, round(part * full)) for full in (2_000, 20_000, 500_000, 1_500)))


def _under_contract(table: str, **columns: pa.Array) -> pa.Table:
    """Rows in the stored form, what is not given unknown."""
    n = len(next(iter(columns.values())))
    schema = contract_of(table).schema
    given = {**columns, "_ingested_at": pa.repeat(pa.scalar(SYSTEM_TIME, pa.timestamp("us", "UTC")), n)}
    return pa.table(
        {f.name: given[f.name].cast(f.type) if f.name in given else pa.nulls(n, f.type) for f in schema},
        schema=pa.schema([f.with_nullable(True) for f in schema]),
    )


def _coded(kind: str, numbers: np.ndarray) -> pa.Array:
    return pa.array([f"{kind}{number:06d}" for number in numbers])


def _hashed(kind: str, n: int) -> pa.Array:
    return pa.array([sha256(f"{kind}{number}".encode()).hexdigest() for number in range(n)])


def _organizations(size: Size, rng: np.random.Generator) -> pa.Table:
    n = size.institutions
    level = rng.choice(["1", "2", "3"], n, p=[0.6, 0.3, 0.1])
    return _under_contract(
        "organization",
        org_id=_coded("H", np.arange(n)),
        name=_coded("Hospital ", np.arange(n)),
        roles=pa.array([["hospital"]] * n),
        level=pa.array(level),
        ownership=pa.array(rng.choice(["public", "private"], n)),
        region_code=pa.array([f"4601{r:02d}" for r in rng.integers(0, 8, n)]),
    )


def _positions(size: Size, rng: np.random.Generator) -> pa.Table:
    n = size.practitioners
    return _under_contract(
        "position",
        position_id=_coded("N", np.arange(n)),
        person_id=_hashed("D", n),
        org_id=_coded("H", np.arange(n) % size.institutions),
        role=pa.array(["doctor"] * n),
        is_public_official=pa.array([False] * n),
        specialty_code=pa.array([f"S{s:02d}" for s in rng.integers(0, 20, n)]),
        valid_from=pa.array([date(2020, 1, 1)] * n),
    )


def _drugs(size: Size, rng: np.random.Generator) -> pa.Table:
    n = size.drugs
    strength = rng.choice([5.0, 10.0, 20.0, 50.0, 100.0], n)
    ddd = strength * rng.choice([1.0, 2.0, 3.0], n)
    return _under_contract(
        "catalog_item",
        item_code=_coded("I", np.arange(n)),
        item_kind=pa.array(["drug"] * n),
        name=_coded("Drug ", np.arange(n)),
        base_unit=pa.array(["tablet"] * n),
        strength=pa.array(strength),
        ddd=pa.array(ddd),
        max_daily_dose=pa.array(4.0 * ddd),
        is_controlled=pa.array(rng.random(n) < 0.02),
    )


def _lines(rows: int, size: Size, rng: np.random.Generator) -> Iterator[pa.Table]:
    patients, doctors = _hashed("P", size.patients), _hashed("D", size.practitioners)
    drugs, places = _coded("I", np.arange(size.drugs)), _coded("H", np.arange(size.institutions))
    for start in range(0, rows, BATCH):
        n = min(BATCH, rows - start)
        doctor = np.minimum(rng.gamma(1.5, size.practitioners / 6, n).astype(np.int64), size.practitioners - 1)
        # One line in fifty is written elsewhere than at the doctor's own institution.
        away = rng.random(n) < 0.02
        place = np.where(away, rng.integers(0, size.institutions, n), doctor % size.institutions)
        drug = np.minimum((size.drugs * rng.beta(0.6, 2.5, n)).astype(np.int64), size.drugs - 1)
        # Lines arrive in order of time, as feeds deliver them.
        day = np.sort(start + rng.random(n) * n) / rows * DAYS
        hour = rng.normal(13.0, 4.0, n).clip(0, 23.9)
        seconds = (np.floor(day) * 86_400 + hour * 3_600 - 8 * 3_600).astype(np.int64)
        supply = rng.choice([3.0, 7.0, 14.0, 28.0], n)
        daily = rng.choice([1.0, 2.0, 3.0], n)
        moment = (int(START.timestamp()) + seconds) * 1_000_000
        yield _under_contract(
            "prescription",
            rx_id=pa.array(np.arange(start, start + n)).cast(pa.string()),
            rx_line=pa.array(np.ones(n, np.int64)),
            person_id=patients.take(pa.array(rng.integers(0, size.patients, n))),
            institution_id=places.take(pa.array(place)),
            prescriber_id=doctors.take(pa.array(doctor)),
            item_code=drugs.take(pa.array(drug)),
            prescribed_at=pa.array(moment, pa.timestamp("us", "UTC")),
            quantity=pa.array(np.round(supply * daily)),
            days_supply=pa.array(supply),
            rx_type=pa.array(np.full(n, "normal")),
        )
