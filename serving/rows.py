"""The rows behind a reason, read back from the lake version that the warning was made on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Any

from features.contracts import Column, contract_of
from features.contracts.column import SYSTEM
from features.lake import Lake
from gnomon.config import Settings
from gnomon.terms import Evidence, Text, Warned

SHOWN = 10
"""Rows shown at a time; the ids of the page of evidence are told in full."""


@dataclass(frozen=True, slots=True)
class RowsBehind:
    """Rows of one table, in the order of the evidence: the weightiest first."""

    table: str
    title: Text
    columns: tuple[Column, ...]
    """Columns in which at least one row says something."""
    rows: tuple[tuple[Any, ...], ...]


def rows_behind(settings: Settings, lake_version: int, evidence: Evidence) -> RowsBehind | None:
    """The rows of one piece of evidence; None when the lake cannot give them (other deployment, raw records)."""
    return _read(settings.lake_url, lake_version, evidence.table, evidence.key, evidence.ids[:SHOWN])


def all_rows(settings: Settings, warned: Warned) -> dict[Evidence, RowsBehind]:
    """The rows behind every reason of a warning that the lake can still give."""
    behind: dict[Evidence, RowsBehind] = {}
    for reason in warned.reasons:
        for evidence in reason.evidence:
            found = behind.get(evidence) or rows_behind(settings, warned.lake_version, evidence)
            if found is not None:
                behind[evidence] = found
    return behind


@lru_cache(maxsize=512)
def _read(url: str, version: int, table: str, key: str, ids: tuple[str, ...]) -> RowsBehind | None:
    # A lake version never changes, so what was read from it once may be remembered.
    import pyarrow.dataset as ds

    under = contract_of(table)
    lake = Lake(url)
    if not ids or version < 1 or version > lake.version or key not in under.by_name:
        return None
    files = lake.files(table, version)
    if not files:
        return None
    found = ds.dataset(files, schema=under.schema).to_table(filter=ds.field(key).cast("string").isin(list(ids)))
    rows = found.to_pylist()
    place = {one: n for n, one in enumerate(ids)}
    rows.sort(key=lambda row: place.get(str(row[key]), len(place)))
    hidden = {name for name, _ in SYSTEM}
    told = tuple(c for c in under.columns if c.name not in hidden and any(row[c.name] is not None for row in rows))
    shown = tuple(tuple(plain(row[c.name]) for c in told) for row in rows[:SHOWN])
    return RowsBehind(table, under.title, told, shown) if shown else None


def plain(value: Any) -> Any:
    """A cell as people read it: dates without midnight, lists joined.

    >>> plain(datetime(2024, 5, 1)), plain(["a", "b"]), plain(None)
    ('2024-05-01', 'a, b', '')
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "✓" if value else "✗"
    if isinstance(value, datetime):
        midnight = (value.hour, value.minute, value.second) == (0, 0, 0)
        return value.strftime("%Y-%m-%d" if midnight else "%Y-%m-%d %H:%M")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(str(one) for one in value)
    return value
