"""What the connectors of public standards share: what they hand on, and how they look into JSON of unknown quality."""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any

import numpy as np
import pyarrow as pa

from features.connectors.raw import Raw, from_records
from features.contracts import contract_of
from features.mapping import FileOptions, Mapping, Rule
from features.transform import Offered, column, with_column
from gnomon.errors import Fault

Json = dict[str, Any]
Row = tuple[int, Json]
"""Number of the record in the batch, and the contract columns that it tells."""


@dataclass(frozen=True)
class Batch:
    """What a set of files of a standard offers."""

    offered: list[Offered]
    faults: list[Fault]
    files: list[tuple[str, int]]
    """File and position of every record; `Raw.numbers` counts these from 0."""
    file_hash: str
    options: FileOptions


def located(refused: pa.Table, places: Sequence[tuple[str, int]]) -> pa.Table:
    """Refusals with the file and position of their record."""
    at = refused["row"].to_pylist()
    if not at:
        return refused
    for name, values in zip(("file", "row"), zip(*(places[one] for one in at), strict=True), strict=True):
        field = refused.schema.field(name)
        refused = refused.set_column(refused.schema.get_field_index(name), field, pa.array(values, field.type))
    return refused


def offered(table: str, rows: Sequence[Row]) -> Offered:
    """Rows that a standard offers to one table."""
    names = [c.name for c in contract_of(table).columns]
    used = [name for name in names if any(name in row for _, row in rows)] or names[:1]
    texts = from_records([row for _, row in rows], used)
    texts = pa.table(
        [one.cast(pa.string()) if pa.types.is_null(one.type) else one for one in texts.columns],
        names=used,
    )
    numbers = np.array([number for number, _ in rows], np.int64)
    rules = {name: Rule(from_=name) for name in used}
    required = {c.name: Rule(from_=c.name) for c in contract_of(table).columns if c.required and c.name not in used}
    for name in required:
        texts = texts.append_column(name, pa.chunked_array([pa.nulls(len(rows), pa.string())]))
    return Offered(table, Raw(texts, numbers), {**rules, **required})


def translated(offered: Offered, mapping: Mapping, key: bytes) -> Offered:
    """The mapping's words on top: its rules see the columns that the standard makes."""
    rows, rules = offered.raw.rows, dict(offered.rules)
    for name, rule in ((n, r) for one in mapping.tables if one.table == offered.table for n, r in one.columns.items()):
        if all(source in offered.raw.rows.column_names for source in rule.sources):
            rows = with_column(rows, name, column(rule, offered.raw.rows, key))
            rules[name] = rule
    return Offered(offered.table, replace(offered.raw, rows=rows), rules)


def batch(
    tables: dict[str, list[Row]],
    mapping: Mapping,
    key: bytes,
    faults: list[Fault],
    files: list[tuple[str, int]],
    file_hash: str,
    always: Iterable[str] = (),
) -> Batch:
    """The rows of all tables as a batch. Tables without rows are left out, but for those of `always`."""
    stays = set(always)
    mine = {table: rows for table, rows in tables.items() if mapping.fills in ("", table)}
    wanted = {table: rows for table, rows in mine.items() if rows or table in stays}
    told = [translated(offered(table, rows), mapping, key) for table, rows in wanted.items()]
    return Batch(told, faults, files, file_hash, mapping.file)


def pseudonym(key: bytes, told: str | None) -> str | None:
    """HMAC-SHA256 of an identifier with the deployment's key."""
    return None if told is None else hmac.new(key, told.encode(), sha256).hexdigest()


def text(told: Any) -> str | None:
    """The value as text; null when it is none."""
    if told is None or isinstance(told, dict | list | bool):
        return None
    return str(told).strip() or None


def an_object(told: Any) -> Json:
    """The value if it is an object, else an empty one."""
    return told if isinstance(told, dict) else {}


def objects(told: Any) -> list[Json]:
    """The objects of a list."""
    return [one for one in told if isinstance(one, dict)] if isinstance(told, list) else []


def a_list(told: Any) -> list[Any]:
    """The value if it is a list, else an empty one."""
    return told if isinstance(told, list) else []
