"""What every connector hands on: rows as they stand in the source, each with the number a reader sees."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from gnomon.terms import Text


def _table(*bytes_: int) -> npt.NDArray[np.bool_]:
    told = np.zeros(256, bool)
    told[[*range(0x21), 0x7F, *bytes_]] = True
    return told


_OPENS = _table(0xC2, 0xE1, 0xE2, 0xE3)
_CLOSES = _table(*range(0x80, 0x8B), 0x9F, 0xA0, 0xA8, 0xA9, 0xAF)
"""First and last bytes that white space has in UTF-8, U+0085, U+00A0, U+1680, U+2000 to U+205F and U+3000 included."""


@dataclass(frozen=True, slots=True)
class Broken:
    """One row that could not even be read."""

    row: int
    value: str
    reason: Text


@dataclass(frozen=True)
class Raw:
    """Rows of one source. Columns are `string` or `list<string>`; blanks are null."""

    rows: pa.Table
    numbers: npt.NDArray[np.int64]
    """Row number of every row in its file, 1 being the first line (the header, where there is one)."""
    broken: tuple[Broken, ...] = field(default=())
    repaired: int = 0
    """Lines that were read although they are in another encoding than the rest."""


def plain(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Trimmed text of a column of any flat type; blank is null."""
    if pa.types.is_list(values.type) or pa.types.is_large_list(values.type):
        return values.cast(pa.list_(pa.string()))
    if pa.types.is_dictionary(values.type):
        values = values.cast(values.type.value_type)
    if pa.types.is_null(values.type):
        return values.cast(pa.string())
    values = values.cast(pa.string())
    if not any(_may_need_trimming(chunk) for chunk in values.chunks):
        return values
    trimmed = pc.utf8_trim_whitespace(values)
    return pc.if_else(pc.equal(trimmed, ""), None, trimmed)


def _may_need_trimming(texts: pa.Array) -> bool:
    """Whether any text is empty, or its first or last byte may belong to white space."""
    if len(texts) == 0:
        return False
    _, places, held = texts.buffers()
    offsets = np.frombuffer(places, np.int32)[texts.offset : texts.offset + len(texts) + 1]
    lengths = np.diff(offsets)
    length, rows = int(lengths[0]), len(texts)
    if length and held is not None and (lengths == length).all():
        # All of one length, as most identifiers are: no place has to be looked up.
        data = np.frombuffer(held, np.uint8)[int(offsets[0]) : int(offsets[-1])].reshape(rows, length)
        return _opens(data[:, 0]) or _closes(data[:, -1])
    there = lengths > 0
    if int((~there).sum()) > texts.null_count:
        return True
    if held is None or not there.any():
        return False
    data = np.frombuffer(held, np.uint8)
    first, last = (offsets[:-1], offsets[1:] - 1) if there.all() else (offsets[:-1][there], offsets[1:][there] - 1)
    return _opens(data[first]) or _closes(data[last])


def _opens(first: npt.NDArray[np.uint8]) -> bool:
    return not _letters(first) and bool(_OPENS[first].any())


def _closes(last: npt.NDArray[np.uint8]) -> bool:
    return not _letters(last) and bool(_CLOSES[last].any())


def _letters(data: npt.NDArray[np.uint8]) -> bool:
    """Whether all are bytes that no white space has: quickly told, and so for nearly every column."""
    return bool(data.min() > 0x20 and data.max() < 0x7F)


def from_records(records: Sequence[Mapping[str, Any]], names: Sequence[str]) -> pa.Table:
    """Text columns from Python values: what Excel cells and JSON objects hold."""
    columns = []
    for name in names:
        values = [record.get(name) for record in records]
        if any(isinstance(value, list) for value in values):
            columns.append(pa.chunked_array([pa.array([_texts(value) for value in values], pa.list_(pa.string()))]))
        else:
            columns.append(plain(pa.chunked_array([pa.array([_text(value) for value in values], pa.string())])))
    return pa.table(columns, names=list(names))


def _texts(value: Any) -> list[str] | None:
    if value is None:
        return None
    parts = value if isinstance(value, list) else [value]
    return [text for part in parts if (text := _text(part))]


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, datetime | date):
        return value.isoformat()
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else str(value)
