"""Rows whose parent has not come yet: kept aside in the workspace, and let in by themselves when it comes."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from features.contracts import Contract, contract_of
from features.lake import Committed, Lake
from features.references import Parents, missing, referring
from features.row_hash import joint, marks
from features.staging import Staged, read
from gnomon.i18n import both

_OWN = pa.schema(
    [
        pa.field("_file", pa.string()),
        pa.field("_row", pa.int64()),
        pa.field("_column", pa.string()),
        pa.field("_value", pa.string()),
        pa.field("_parent", pa.string()),
    ]
)


def park(staged: Mapping[str, Staged], tables: list[str], parents: Parents, file: str) -> dict[str, pa.Table]:
    """Take rows with dangling references out of what is on its way in, until none is left; the rows taken out."""
    taken: dict[str, list[pa.Table]] = {name: [] for name in tables}
    found = True
    while found:
        found = False
        for name in tables:
            for part in staged[name].parts.values():
                rows = read(part.path, staged[name].of.schema)
                lacking = _lacking(staged[name].of, rows, parents)
                gone = np.array([bool(one) for one in lacking]) & part.keep
                if gone.any():
                    # A row that is taken out may have been the parent of another: look again.
                    found = True
                    part.keep &= ~gone
                    told = [one for one, out in zip(lacking, gone, strict=True) if out]
                    taken[name].append(_with_own(rows.filter(pa.array(gone)), told, file, part.numbers[gone]))
    return {
        name: pa.concat_tables(rows) if rows else _schema(contract_of(name)).empty_table()
        for name, rows in taken.items()
    }


def keep(folder: Path, table: str, rows: pa.Table, file_hash: str) -> None:
    """Store the parked rows of one source and table; nothing stays when there are none any more."""
    path = folder / table / f"{file_hash}.parquet"
    if not rows.num_rows:
        path.unlink(missing_ok=True)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}.draft")
    pq.write_table(rows, draft)
    os.replace(draft, path)


def release(lake: Lake, folder: Path) -> Iterator[tuple[str, str, Committed]]:
    """Let in the parked rows whose parents have come: (source file, table, what was committed).

    A crash between the commit and the tidying changes nothing: the same rows would be let in once more, unchanged.
    """
    found = True
    while found:
        found = False
        for path in sorted(folder.glob("*/*.parquet")):
            of = contract_of(path.parent.name)
            held = pq.read_table(path, schema=_schema(of))
            still = _outdated(lake, of, held)
            held = held.filter(pa.array(~still))
            lacking = _lacking(of, held, Parents(lake, {}))
            free = np.array([not one for one in lacking], bool)
            if not free.any() and not still.any():
                continue
            file = str(held["_file"][0]) if held.num_rows else ""
            if free.any():
                found = True
                own = {name for name in held.column_names if name.startswith("_")}
                source = str(held["_source"][0])
                rows = held.filter(pa.array(free)).drop_columns(sorted(own))
                yield file, of.name, lake.commit(of.name, rows, source, path.stem)
            keep(folder, of.name, held.filter(pa.array(~free)), path.stem)


def parked(folder: Path, table: str | None = None) -> list[dict[str, Any]]:
    """All parked rows as a reader wants them: where they came from and what they wait for."""
    lines: list[dict[str, Any]] = []
    for path in sorted(folder.glob(f"{table or '*'}/*.parquet")):
        of = contract_of(path.parent.name)
        for row in pq.read_table(path).to_pylist():
            reason = both("features.parked", column=row["_column"], parent=row["_parent"])
            key = " ".join(str(row[name]) for name in of.key)
            told = {"table": of.name, "file": row["_file"], "row": row["_row"], "key": key, "column": row["_column"]}
            lines.append({**told, "value": row["_value"], "reason_zh": reason.zh, "reason_en": reason.en})
    return lines


def _lacking(of: Contract, rows: pa.Table, parents: Parents) -> list[list[tuple[str, str, str]]]:
    """For every row the dangling references: column, value, parent."""
    lacking: list[list[tuple[str, str, str]]] = [[] for _ in range(rows.num_rows)]
    for column in referring(of):
        values = rows[column.name]
        assert column.references is not None
        gone = missing(marks(values), parents.of(column.references)) & pc.is_valid(values).to_numpy()
        for at in np.flatnonzero(gone):
            lacking[at].append((column.name, str(values[at]), column.references))
    return lacking


def _outdated(lake: Lake, of: Contract, held: pa.Table) -> np.typing.NDArray[np.bool_]:
    """Parked rows whose key has come with a later source: what is newer stands."""
    mine = joint(marks(held[name]) for name in of.key)
    newest: dict[int, Any] = {}
    for rows in lake.known(of.name, [*of.key, "_ingested_at"]):
        theirs = joint(marks(rows[name]) for name in of.key)
        hit = np.isin(theirs, mine)
        if hit.any():
            at = rows["_ingested_at"].filter(pa.array(hit)).to_pylist()
            newest.update(zip(theirs[hit].tolist(), at, strict=True))
    arrived = held["_ingested_at"].to_pylist()
    return np.array([m in newest and newest[m] > at for m, at in zip(mine.tolist(), arrived, strict=True)], bool)


def _with_own(
    rows: pa.Table, lacking: list[list[tuple[str, str, str]]], file: str, numbers: np.typing.NDArray[np.int64]
) -> pa.Table:
    told = ["; ".join(one[at] for one in each) for at in range(3) for each in lacking]
    n = rows.num_rows
    own = [pa.repeat(file, n), pa.array(numbers), *(pa.array(told[i * n : (i + 1) * n], pa.string()) for i in range(3))]
    for name, values in zip(_OWN.names, own, strict=True):
        rows = rows.append_column(name, values)
    return rows


def _schema(of: Contract) -> pa.Schema:
    return pa.schema([*of.schema, *_OWN])
