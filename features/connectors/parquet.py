"""Parquet files, as they lie."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from features.connectors.raw import Raw, plain
from gnomon.errors import Fault


def batches(path: Path, size: int = 1 << 18) -> Iterator[Raw]:
    """Rows in batches; the first is row 1, there being no header line. Nested columns other than lists are refused."""
    try:
        # What is read ahead is held until the file is closed: in the end that is the whole file.
        with pq.ParquetFile(path, pre_buffer=False) as file:
            for field in file.schema_arrow:
                if pa.types.is_struct(field.type) or pa.types.is_map(field.type) or pa.types.is_binary(field.type):
                    raise Fault("features.file.nested", place=str(path), column=field.name, type=str(field.type))
            first = 1
            empty = file.schema_arrow.empty_table().to_batches() or [pa.RecordBatch.from_pylist([], file.schema_arrow)]
            for batch in chain(file.iter_batches(size), empty if file.metadata.num_rows == 0 else ()):
                columns = [plain(pa.chunked_array([column])) for column in batch.columns]
                numbers = np.arange(first, first + batch.num_rows, dtype=np.int64)
                first += batch.num_rows
                yield Raw(pa.table(columns, names=batch.schema.names), numbers)
    except (pa.ArrowInvalid, OSError):
        raise Fault("features.file.cut", place=str(path)) from None
