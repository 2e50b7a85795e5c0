"""Parquet files, as they lie."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from features.connectors.raw import Raw, plain
from gnomon.errors import Fault


def read(data: bytes, path: Path) -> Raw:
    """All rows; the first is row 1, there being no header line. Nested columns other than lists are refused."""
    try:
        rows = pq.read_table(pa.py_buffer(data))
    except (pa.ArrowInvalid, OSError):
        raise Fault("features.file.cut", place=str(path)) from None
    for field in rows.schema:
        if pa.types.is_struct(field.type) or pa.types.is_map(field.type) or pa.types.is_binary(field.type):
            raise Fault("features.file.nested", place=str(path), column=field.name, type=str(field.type))
    columns = [plain(column) for column in rows.columns]
    return Raw(pa.table(columns, names=rows.column_names), np.arange(1, rows.num_rows + 1, dtype=np.int64))
