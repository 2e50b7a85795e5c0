"""Raw records of a request as contracted tables: the same conversions and the same refusals as files get."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features.contracts import Contract, contract_of
from features.contracts.column import ARROW
from features.conversion import Reading, convert
from gnomon.errors import Fault, nearest

Records = Mapping[str, Sequence[Mapping[str, Any]]]
"""Rows by table, as JSON gives them."""


def tables_of(records: Records) -> dict[str, pa.Table]:
    """Typed tables of raw records.

    Raises `Fault` (422) at `table[row].column` for an unknown column, an empty required one, or a value that its type
    cannot read: a request is scored whole or not at all.
    """
    return {name: _table(contract_of(name), rows) for name, rows in records.items() if rows}


def _table(under: Contract, rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    named = dict.fromkeys(name for row in rows for name in row)
    for name in named:
        if name not in under.by_name:
            close = nearest(name, under.by_name)
            raise Fault("serving.records.column", place=f"{under.name}.{name}", nearest=close)
    columns: dict[str, pa.Array] = {}
    for column in under.columns:
        if column.name not in named and not column.required:
            continue
        texts = pa.array([_text(row.get(column.name)) for row in rows], pa.string())
        if column.required and texts.null_count:
            raise Fault("serving.records.required", place=_place(under, pc.is_null(texts), column.name))
        values = convert(texts, column, Reading())
        wrong = pc.and_(pc.is_valid(texts), pc.is_null(values))
        if pc.any(wrong).as_py():
            at = _place(under, wrong, column.name)
            shown = texts.filter(wrong)[0].as_py()[:80]
            raise Fault("serving.records.value", place=at, value=shown, title=column.title, type=column.type)
        columns[column.name] = values.cast(ARROW[column.type])
    return pa.table(columns)


def _text(value: Any) -> str | None:
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ";".join(str(one) for one in value)
    return str(value)


def _place(under: Contract, bad: pa.Array, column: str) -> str:
    first = int(np.flatnonzero(np.asarray(bad))[0])
    return f"{under.name}[{first}].{column}"
