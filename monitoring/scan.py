"""Summaries of stored profiles: one pass over the Parquet files, a column and a row group at a time.

What is held at once is one row group of one column and its cells, whatever the number of rows and columns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from monitoring.cells import Counted
from monitoring.effect import Summary

if TYPE_CHECKING:
    import pandas as pd
    from pyarrow.parquet import ParquetFile


def summarise(
    files: Iterable[Path],
    columns: Sequence[str] | None = None,
    edges: Mapping[str, Sequence[float]] | None = None,
    watch: Callable[[str], None] = lambda column: None,
) -> dict[str, Summary]:
    """Summarise the numeric columns of profiles, all files as one table.

    Parameters
    ----------
    columns:
        Which ones; all numeric columns when None. A column that no file has is left out.
    edges:
        Bin edges by column, of the reference that the summaries will be compared with.
    watch:
        Called with each column that is done.
    """
    import pyarrow.parquet as pq

    opened = [pq.ParquetFile(path) for path in files]
    try:
        held = {name: None for one in opened for name in _numeric(one)}
        wanted = list(held) if columns is None else [name for name in columns if name in held]
        found = {}
        for name in wanted:
            under = None if edges is None or name not in edges else tuple(edges[name])
            found[name] = _counted(opened, name).summary(under)
            watch(name)
        return found
    finally:
        for one in opened:
            one.close()


def summarise_frame(frame: pd.DataFrame, edges: Mapping[str, Sequence[float]] | None = None) -> dict[str, Summary]:
    """The same summaries of rows that are in memory."""
    found = {}
    for column in frame.columns:
        name = str(column)
        values = frame[column].to_numpy(dtype=np.float64, na_value=np.nan)
        under = None if edges is None or name not in edges else tuple(edges[name])
        found[name] = Counted().add(values).summary(under)
    return found


def _counted(opened: Iterable[ParquetFile], name: str) -> Counted:
    counted = Counted()
    for file in opened:
        if name not in file.schema_arrow.names:
            # Rows without the column do not know it.
            counted.n += file.metadata.num_rows
            continue
        for group in range(file.num_row_groups):
            for chunk in file.read_row_group(group, columns=[name], use_threads=False).column(0).chunks:
                counted.add(np.asarray(chunk.cast("float64").to_numpy(zero_copy_only=False), dtype=np.float64))
    return counted


def _numeric(file: ParquetFile) -> list[str]:
    import pyarrow.types as kinds

    def number(kind: object) -> bool:
        return any(is_one(kind) for is_one in (kinds.is_floating, kinds.is_integer, kinds.is_boolean))

    return [one.name for one in file.schema_arrow if number(one.type) and not one.name.startswith("__index")]
