"""Fingerprints of rows: what tells an unchanged row from a corrected one, and what evidence refers to."""

from __future__ import annotations

from hashlib import blake2b

import pyarrow as pa
import pyarrow.compute as pc

_FIELD, _ITEM = "\x1f", "\x1e"


def row_hashes(rows: pa.Table) -> pa.Array:
    """One hexadecimal BLAKE2b-128 per row, over `name=value` of the columns that are not null, in table order.

    A column that is null adds nothing, so a contract that gains an optional column keeps the hashes of older rows.
    """
    written = [_written(name, rows[name]) for name in rows.column_names]
    joined = pc.binary_join_element_wise(*written, "").cast(pa.binary()).to_pylist()
    return pa.array([blake2b(one, digest_size=16).hexdigest() for one in joined], pa.string())


def _written(name: str, values: pa.ChunkedArray) -> pa.ChunkedArray:
    if pa.types.is_list(values.type):
        text = pc.binary_join(values, _ITEM)
    elif pa.types.is_timestamp(values.type) or pa.types.is_date(values.type):
        text = values.cast(pa.int64() if pa.types.is_timestamp(values.type) else pa.int32()).cast(pa.string())
    else:
        text = values.cast(pa.string())
    told = pc.binary_join_element_wise(name, "=", text, _FIELD, "")
    return pc.fill_null(told, "")
