"""Stored profiles part by part: for work over more entities than fit into memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from features.profile_store import FRAMES, header
from features.profiles import Profiles

if TYPE_CHECKING:
    from pyarrow.parquet import ParquetFile

ROWS = 50_000
"""Entities that are held at a time."""


def about(folder: Path) -> Profiles:
    """What the header of stored profiles says, without any entity; `Fault` when it cannot be read."""
    nobody = pd.DataFrame(index=pd.Index([], name="entity_id", dtype="str"))
    return Profiles(**header(folder) | dict.fromkeys(FRAMES, nobody))


def rows(folder: Path) -> int:
    """How many entities were profiled."""
    import pyarrow.parquet as pq

    return int(pq.read_metadata(folder / "values.parquet").num_rows)


def batches(folder: Path, columns: Sequence[str], most: int | None = None) -> Iterator[Profiles]:
    """Values and deviations of some columns, `ROWS` entities at a time; whatever else profiles hold is left empty.

    `most` takes a sample of about so many: whole stretches, spread evenly over the file. Columns that the profiles do
    not have are left out.
    """
    import pyarrow.parquet as pq

    head = about(folder)
    with pq.ParquetFile(folder / "values.parquet") as values, pq.ParquetFile(folder / "deviations.parquet") as apart:
        held = [name for name in columns if name in values.schema_arrow.names]
        whole = most is None or values.metadata.num_rows <= most
        groups = values.num_row_groups
        each = None if whole or most is None else max(1, most // groups)
        for group in range(groups):
            both = zip(_parts(values, held, group, each), _parts(apart, held, group, each), strict=True)
            for told, deviations in both:
                yield replace(head, values=told, deviations=deviations)


def _parts(file: ParquetFile, columns: Sequence[str], group: int, most: int | None) -> Iterator[pd.DataFrame]:
    """The rows of one row group, or its first `most`."""
    size = ROWS if most is None else min(ROWS, most)
    left = file.metadata.row_group(group).num_rows if most is None else most
    parts = file.iter_batches(batch_size=size, row_groups=[group], columns=["entity_id", *columns], use_threads=False)
    for part in parts:
        yield part.slice(0, left).replace_schema_metadata(None).to_pandas().set_index("entity_id").astype("float64")
        left -= min(left, part.num_rows)
        if left <= 0:
            return
