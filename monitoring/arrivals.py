"""What each source has sent so far, arrival by arrival: read from the lake's manifests, refused rows and rows."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from features.contracts import contract_of

if TYPE_CHECKING:
    from features.engine import Engine
    from features.lake import Lake


@dataclass(frozen=True, slots=True)
class Arrival:
    """One lake version that a source made."""

    source: str
    at: datetime
    version: int
    rows: Mapping[str, int]
    """Rows by which each table grew; corrections make none."""
    refused: int = 0
    """Faults kept aside from the same file."""
    unknown: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    """`table.column` → unknown values and rows, of the rows that still stand as they arrived."""
    broken: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    """`table.column` → references whose other end is not in the lake, and references."""

    @property
    def total(self) -> int:
        """Rows of all tables."""
        return sum(self.rows.values())


def arrivals(lake: Lake, refused: Path | None = None, engine: Engine | None = None) -> dict[str, list[Arrival]]:
    """Arrivals by source, the oldest first.

    With an engine (over the same lake) the rows are looked into as well: one query a table, one a reference.
    """
    aside = {} if refused is None else _aside(refused)
    told: list[dict[str, Any]] = []
    held: dict[str, int] = {}
    for version in range(1, lake.version + 1):
        path = lake.folder / "versions" / f"{version:08d}.json"
        try:
            manifest = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            # A version that cannot be read says nothing about its source; ingest tells about it.
            continue
        now = {name: int(one["rows"]) for name, one in manifest["tables"].items() if one["version"] == version}
        grown = {name: rows - held.get(name, 0) for name, rows in now.items()}
        held |= now
        told.append(manifest | {"grown": grown})
    looked = _looked(engine) if engine is not None else {}
    by_source: dict[str, list[Arrival]] = {}
    for one in told:
        at = datetime.fromisoformat(one["at"])
        unknown, broken = looked.get((one["source"], at.astimezone(UTC).replace(tzinfo=None)), ({}, {}))
        found = Arrival(
            one["source"], at, one["version"], one["grown"], aside.get(one["file_hash"], 0), unknown, broken
        )
        by_source.setdefault(found.source, []).append(found)
    return by_source


def _aside(folder: Path) -> dict[str, int]:
    import pyarrow.parquet as pq

    counted: dict[str, int] = {}
    for path in folder.glob("*/*.parquet"):
        counted[path.stem] = counted.get(path.stem, 0) + pq.read_metadata(path).num_rows
    return counted


Counts = dict[str, tuple[int, int]]


def _looked(engine: Engine) -> dict[tuple[str, datetime], tuple[Counts, Counts]]:
    """Unknown values and broken references by source and arrival."""
    found: dict[tuple[str, datetime], tuple[Counts, Counts]] = {}
    for name in _tables():
        if not engine.has(name):
            continue
        table, under = engine.table(name), contract_of(name)
        optional = [column.name for column in under.columns if not column.required]
        groups = ["_source", "_ingested_at"]
        counts = {f"null_{column}": table[column].isnull().sum() for column in optional}
        for row in engine.arrow(table.group_by(groups).aggregate(_rows=table.count(), **counts)).to_pylist():
            unknown, _ = found.setdefault((row["_source"], row["_ingested_at"]), ({}, {}))
            unknown |= {f"{name}.{column}": (int(row[f"null_{column}"]), int(row["_rows"])) for column in optional}
        for column in under.columns:
            if not column.references or not engine.has(column.references):
                continue
            parent = engine.table(column.references)
            keys = parent.select(_key=parent[contract_of(column.references).key[0]]).distinct()
            child = table.filter(table[column.name].notnull()).select(*groups, column.name)
            joined = child.left_join(keys, child[column.name] == keys["_key"])
            told = joined.group_by(groups).aggregate(_rows=joined.count(), _broken=joined["_key"].isnull().sum())
            for row in engine.arrow(told).to_pylist():
                _, broken = found.setdefault((row["_source"], row["_ingested_at"]), ({}, {}))
                broken[f"{name}.{column.name}"] = (int(row["_broken"]), int(row["_rows"]))
    return found


def _tables() -> list[str]:
    from features.contracts import contracts

    return sorted(contracts())
