"""Rows under any contract, drawn from a seed: few parties, so that rows meet, and unknown values among them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa

from features.contracts import contract_of
from features.contracts.column import SYSTEM, Column

START = datetime(2024, 1, 1, tzinfo=UTC)
DAYS = 500
POOL = {"organization": 4, "person": 14, "catalog_item": 2}
"""How many different ones rows refer to; 5 where nothing is said."""
WORDS = {
    "roles": ("hospital", "clinic", "gov_dept"),
    "role": ("doctor", "pharmacist", "legal_rep"),
    "level": ("1", "2"),
    "metric": ("TotalClaims", "UniqueBeneficiaries", "TotalUniquePhysicians"),
    "key": ("tender.works.mandatory", "tender.goods.mandatory"),
    "prescriber_id": ("person0", "person1", "person2", "person3", "无"),
}
"""Values that measures ask for."""

Row = dict[str, Any]


def drawn(table: str, numbers: Sequence[int], seed: int, since: float = 0, until: float = DAYS) -> list[Row]:
    """A row for each number, which its key is made of; what is dated lies between these days after the start."""
    rng = np.random.default_rng([seed, *table.encode()])
    of = contract_of(table)
    rows = []
    for number in numbers:
        row = {one.name: _value(one, rng, since, until) for one in of.columns}
        if of.by_name[of.key[0]].type not in ("enum", "date", "month"):
            row[of.key[0]] = f"{table if of.by_name[of.key[0]].references is None else of.key[0]}{number}"
        rows.append(row)
    # One row a key: which of two would stand is another question.
    return list({tuple(row[name] for name in of.key): row for row in rows}.values())


def arrow(table: str, rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    """Rows without system columns, as a lake takes them."""
    system = {name for name, _ in SYSTEM}
    schema = pa.schema([one for one in contract_of(table).schema if one.name not in system])
    return pa.table({one.name: pa.array([row[one.name] for row in rows], one.type) for one in schema}, schema=schema)


def _value(column: Column, rng: np.random.Generator, since: float, until: float) -> Any:
    if not column.required and rng.random() < 0.15:
        return None
    moment = START + timedelta(minutes=int(rng.integers(int(since * 1440), int(until * 1440))))
    if column.type in ("date", "month", "ts"):
        return {"date": moment.date(), "month": f"{moment:%Y-%m}", "ts": moment}[column.type]
    if column.type == "list":
        return [str(one) for one in rng.choice(WORDS["roles"] if column.name == "roles" else ("A01", "B02", "C03"), 2)]
    if column.type == "enum" and column.values:
        # The first values are those that most measures ask for: settled, valid, active, open.
        return column.values[min(int(rng.geometric(0.6)) - 1, len(column.values) - 1)]
    numbers = {
        "money": Decimal(int(rng.integers(1, 50_000))) / 100,
        "decimal": float(rng.integers(1, 40)) / 3,
        "ratio": float(rng.integers(1, 40)) / 40,
        "int": int(rng.integers(0, 5)),
        "bool": bool(rng.random() < 0.5),
    }
    if column.type in numbers:
        return numbers[column.type]
    if column.name in WORDS:
        return str(rng.choice(WORDS[column.name]))
    kind = column.references or column.name
    return f"{kind}{rng.integers(0, POOL.get(kind, 5))}"
