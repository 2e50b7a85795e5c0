"""Summaries of stored profiles: one pass over the Parquet files, a column and a row group at a time.

What is held at once is one row group of one column and its cells (those of each part beside them), whatever the number
of rows and columns.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from monitoring.cells import Counted
from monitoring.effect import Floats, Summary

if TYPE_CHECKING:
    import pandas as pd
    from pyarrow.parquet import ParquetFile

Edges = Mapping[str, Sequence[float]]
"""Bin edges by column."""


@dataclass(frozen=True)
class Split:
    """Which part each row belongs to, in the order of the rows."""

    names: tuple[str, ...]
    codes: npt.NDArray[np.int8]
    """Place of the row's part in `names`; -1 where it belongs to none of them."""

    def of(self, values: Floats, start: int) -> list[Floats]:
        """Of rows that begin at number `start`, the values outside all parts, then those of each part."""
        if not self.names:
            return [values]
        codes = self.codes[start : start + len(values)]
        return [values[codes == number] for number in range(-1, len(self.names))]


EVERYBODY = Split((), np.empty(0, dtype=np.int8))
"""No parts."""


def split(files: Iterable[Path], key: str, part_of: pd.Series[str], names: Sequence[str]) -> Split:
    """The part of every row of some files, told by its `key`; `part_of` names the part of each key."""
    import pandas as pd
    import pyarrow.parquet as pq

    place = pd.Series(pd.Categorical(part_of, categories=list(names)).codes, index=part_of.index)
    codes = [np.empty(0, dtype=np.int8)]
    for path in files:
        with pq.ParquetFile(path, pre_buffer=False) as file:
            for batch in file.iter_batches(columns=[key], use_threads=False):
                codes.append(place.reindex(batch.column(0).to_pandas(), fill_value=-1).to_numpy(dtype=np.int8))
    return Split(tuple(names), np.concatenate(codes))


def summarise(
    files: Iterable[Path],
    columns: Sequence[str] | None = None,
    edges: Edges | None = None,
) -> dict[str, Summary]:
    """Summarise the numeric columns of profiles, all files as one table.

    Parameters
    ----------
    columns:
        Which ones; all numeric columns when None. A column that no file has is left out.
    edges:
        Bin edges by column, of the reference that the summaries will be compared with.
    """
    return summarise_parts(files, EVERYBODY, columns, edges)[0]


def summarise_parts(
    files: Iterable[Path],
    parts: Split,
    columns: Sequence[str] | None = None,
    edges: Edges | None = None,
    edges_of: Mapping[str, Edges] | None = None,
) -> tuple[dict[str, Summary], dict[str, dict[str, Summary]]]:
    """The same, with every part summarised beside the whole: all its rows, in the one pass.

    `edges_of` are bin edges by part and column. A part without rows is left out.
    """
    import pyarrow.parquet as pq

    opened = [pq.ParquetFile(path, pre_buffer=False) for path in files]
    try:
        held = {name: None for one in opened for name in _numeric(one)}
        whole: dict[str, Summary] = {}
        apart: dict[str, dict[str, Summary]] = {}
        for name in list(held) if columns is None else [name for name in columns if name in held]:
            counted, of_each = _counted(opened, name, parts)
            whole[name] = counted.summary(_under(edges, name))
            for part, one in zip(parts.names, of_each, strict=True):
                if one.n:
                    apart.setdefault(part, {})[name] = one.summary(_under((edges_of or {}).get(part), name))
        return whole, apart
    finally:
        for one in opened:
            one.close()


def summarise_frame(frame: pd.DataFrame, edges: Edges | None = None) -> dict[str, Summary]:
    """The same summaries of rows that are in memory."""
    found = {}
    for column in frame.columns:
        name = str(column)
        values = frame[column].to_numpy(dtype=np.float64, na_value=np.nan)
        found[name] = Counted().add(values).summary(_under(edges, name))
    return found


def _under(edges: Edges | None, name: str) -> tuple[float, ...] | None:
    return None if edges is None or name not in edges else tuple(edges[name])


def _counted(opened: Iterable[ParquetFile], name: str, parts: Split) -> tuple[Counted, list[Counted]]:
    whole, of_each, at = Counted(), [Counted() for _ in parts.names], 0
    for values in (chunk for file in opened for chunk in _values(file, name)):
        for one, told in zip((whole, *of_each), parts.of(values, at), strict=True):
            one.add(told)
        at += len(values)
    for one in of_each:
        whole.merge(one)
    return whole, of_each


def _values(file: ParquetFile, name: str) -> Iterator[Floats]:
    """One column of a file, a row group at a time."""
    for group in range(file.num_row_groups):
        if name not in file.schema_arrow.names:
            # Rows without the column do not know it.
            yield np.full(file.metadata.row_group(group).num_rows, np.nan)
            continue
        for chunk in file.read_row_group(group, columns=[name], use_threads=False).column(0).chunks:
            yield np.asarray(chunk.cast("float64").to_numpy(zero_copy_only=False), dtype=np.float64)


def _numeric(file: ParquetFile) -> list[str]:
    import pyarrow.types as kinds

    def number(kind: object) -> bool:
        return any(is_one(kind) for is_one in (kinds.is_floating, kinds.is_integer, kinds.is_boolean))

    return [one.name for one in file.schema_arrow if number(one.type) and not one.name.startswith("__index")]
