"""Stored profiles part by part: for work over more entities than fit into memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
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

    `most` takes a sample of about so many, drawn by a hash of the id: where an entity stands in the file has no say,
    and whoever was in the sample of one day is in that of the next. Columns that the profiles do not have are left out.
    """
    head = about(folder)
    with _opened(folder / "values.parquet") as values, _opened(folder / "deviations.parquet") as apart:
        held = [name for name in columns if name in values.schema_arrow.names]
        share = 1.0 if most is None else most / max(values.metadata.num_rows, 1)
        for told, deviations in zip(_parts(values, held), _parts(apart, held), strict=True):
            taken = drawn(told.index, share)
            yield replace(head, values=told[taken], deviations=deviations[taken])


def names(folder: Path) -> set[str]:
    """The columns that the profiles have values of."""
    import pyarrow.parquet as pq

    return set(pq.read_schema(folder / "values.parquet").names)


def column(folder: Path, frame: str, name: str) -> npt.NDArray[np.float64]:
    """One column of one frame (`values`, `deviations`, `groups`), in the order of the entities; NaN is unknown.

    Read `ROWS` entities at a time into one array: 8 bytes an entity, whatever else the profiles hold.
    """
    with _opened(folder / f"{frame}.parquet") as file:
        told, at = np.empty(file.metadata.num_rows), 0
        for part in file.iter_batches(batch_size=ROWS, columns=[name], use_threads=False):
            told[at : at + len(part)] = part.column(0).cast("float64").to_numpy(zero_copy_only=False)
            at += len(part)
    return told


def medians(folder: Path, name: str) -> npt.NDArray[np.float64]:
    """The peers' median that each entity's value of a column is held against; NaN where it has no norm."""
    known = np.append(pd.read_parquet(folder / "norms.parquet", columns=["median"])["median"].to_numpy(float), np.nan)
    # NO_NORM is -1, which is the appended NaN.
    return np.asarray(known[column(folder, "groups", name).astype(np.int64)], dtype=np.float64)


def drawn(ids: pd.Index, share: float) -> npt.NDArray[np.bool_]:
    """Which ids are in a sample of this share, by their hash alone."""
    if share >= 1.0:
        return np.ones(len(ids), dtype=bool)
    return np.asarray(pd.util.hash_array(ids.to_numpy(dtype=object)) < np.uint64(share * 2.0**64), dtype=bool)


def _opened(path: Path) -> ParquetFile:
    import pyarrow.parquet as pq

    # What is read ahead is held until the file is closed: in the end that is the whole file.
    return pq.ParquetFile(path, pre_buffer=False)


def _parts(file: ParquetFile, columns: Sequence[str]) -> Iterator[pd.DataFrame]:
    for part in file.iter_batches(batch_size=ROWS, columns=["entity_id", *columns], use_threads=False):
        yield part.replace_schema_metadata(None).to_pandas().set_index("entity_id").astype("float64")
