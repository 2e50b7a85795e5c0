"""Dirty rows: what real feeds hold, so that quality control has something to refuse. All of them are counted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from features.contracts import contract_of
from features.samplecity.plan import City


@dataclass(frozen=True, slots=True)
class Dirt:
    """`count` rows of a table (at the default size) whose `column` holds `value` instead of something good."""

    table: str
    fault: str
    column: str
    value: str | None
    count: int


_DIRT = (
    Dirt("prescription", "bad_date", "prescribed_at", "2025-02-30 10:00:00", 40),
    Dirt("prescription", "unknown_code", "rx_type", "其他", 25),
    Dirt("prescription", "missing", "prescriber_id", None, 60),
    Dirt("prescription", "not_a_number", "quantity", "十盒", 20),
    Dirt("claim", "bad_date", "settled_at", "20251399", 15),
    Dirt("claim", "unknown_code", "claim_type", "88", 12),
    Dirt("claim", "not_a_number", "total_amount", "壹佰元", 8),
    Dirt("admission", "bad_date", "admit_at", "2025-13-01 08:00:00", 8),
    Dirt("admission", "missing", "dx_primary", None, 6),
    Dirt("dispensing", "missing", "item_code", None, 15),
    Dirt("bid", "unknown_code", "status", "有效?", 10),
    Dirt("tender", "unknown_code", "category", "其它", 5),
)
_DUPLICATES = {"prescription": 80, "claim": 40, "dispensing": 50, "bid": 25, "award": 5, "admission": 6, "position": 4}
FAULTS = ("bad_date", "unknown_code", "missing", "not_a_number")
"""Faults for which a row has to be refused; a `duplicate` is only counted once."""


def soil(city: City, table: str, rows: pa.Table, part: float) -> tuple[pa.Table, list[dict[str, object]]]:
    """The rows with dirty ones in between, and a note of each (`row` counts the heading as 1)."""
    rng = city.rng(f"dirt {table} {part}")
    key = contract_of(table).key[0]
    extra: list[pa.Table] = []
    notes: list[dict[str, object]] = []
    for dirt in (one for one in _DIRT if one.table == table):
        count = max(1, round(dirt.count * part))
        broken = rows.take(rng.integers(0, len(rows), count))
        fresh = pa.array([f"{one}-{dirt.fault[:2]}{number}" for number, one in enumerate(broken[key].to_pylist())])
        broken = broken.set_column(broken.schema.get_field_index(key), key, fresh)
        bad = pa.array([dirt.value] * count, pa.string())
        extra.append(broken.set_column(broken.schema.get_field_index(dirt.column), dirt.column, bad))
        notes += [{"fault": dirt.fault, "column": dirt.column}] * count
    if table in _DUPLICATES:
        count = max(1, round(_DUPLICATES[table] * part))
        extra.append(rows.take(rng.choice(len(rows), size=count, replace=False)))
        notes += [{"fault": "duplicate", "column": key}] * count
    if not extra:
        return rows, []
    place = np.concatenate([np.arange(len(rows)), rng.integers(0, len(rows), len(notes)) + 0.5])
    order = np.argsort(place, kind="stable")
    found = np.empty(len(order), int)
    found[order] = np.arange(len(order))
    told = [{"row": int(found[len(rows) + number]) + 2, **note} for number, note in enumerate(notes)]
    return pa.concat_tables([rows, *extra]).take(order), sorted(told, key=lambda one: int(str(one["row"])))
