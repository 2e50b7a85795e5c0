"""The lake: contracted tables on disk, one Delta table each, versioned as a whole by a manifest per version.

A manifest `versions/<n>.json` maps every table to the Delta version it had in that state. It is written last and by
an atomic rename, so a process that dies anywhere before leaves the old state standing; what its Delta commit had
already written is rolled back by the next commit. Delta history is never cleaned up: a version names a state for ever.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from deltalake import DeltaTable, write_deltalake

from features.contracts import Contract, contract_of
from features.row_hash import row_hashes
from gnomon.errors import Fault, Misuse, nearest

KEPT_FOR_EVER = {
    "delta.logRetentionDuration": "interval 36500 days",
    "delta.deletedFileRetentionDuration": "interval 36500 days",
    "delta.enableExpiredLogCleanup": "false",
}


@dataclass(frozen=True, slots=True)
class TableState:
    """One table in one state of the lake."""

    table: str
    rows: int
    version: int
    """Lake version in which this table last changed."""
    delta_version: int


@dataclass(frozen=True, slots=True)
class Committed:
    """What a commit did to one table. `new + unchanged + corrected + duplicate` is the number of rows given."""

    version: int
    new: int
    unchanged: int
    """Rows that the lake already holds just so."""
    corrected: int
    """Rows whose key was there with other contents; the new contents replace the old."""
    duplicate: int
    """Rows followed by another row with the same key in the same commit: the last one stands."""


@dataclass(frozen=True)
class _Change:
    rows: pa.Table
    """What has to be written: new rows and corrections, with the system columns."""
    told: Committed


class Lake:
    """Versioned storage of contracted tables in a folder.

    Any number of readers, one writer at a time: a second writer waits for the first.
    """

    def __init__(self, url: str) -> None:
        self.folder = _local(url)

    @property
    def version(self) -> int:
        """Newest version; 0 is the empty lake."""
        return max((int(path.stem) for path in self._manifests.glob("*.json") if path.stem.isdigit()), default=0)

    def state(self, version: int | None = None) -> dict[str, TableState]:
        """The tables of one version, by name; tables without rows yet are absent."""
        wanted = self.version if version is None else version
        if wanted == 0:
            return {}
        try:
            told = json.loads(self._manifest(wanted).read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise Misuse("features.lake.no_version", place=str(self.folder), wanted=wanted, last=self.version) from None
        return {name: TableState(**values) for name, values in told["tables"].items()}

    def files(self, table: str, version: int | None = None) -> list[str]:
        """Parquet files that hold one table in one version; empty when it has no rows."""
        state = self.state(version).get(table)
        return [] if state is None else self._files(state)

    def commit(self, table: str, rows: pa.Table, source: str, file_hash: str) -> Committed:
        """Put rows of one table into the lake; see `commit_all`."""
        return self.commit_all({table: rows}, source, file_hash)[table]

    def commit_all(self, tables: Mapping[str, pa.Table], source: str, file_hash: str) -> dict[str, Committed]:
        """Put the rows of one source into the lake, all tables in one step.

        Rows have their contract's columns (optional ones may be missing) and no system columns. Committing what the
        lake already holds makes no new version.

        Raises
        ------
        Fault
            When a column is not the contract's, or a required one is missing or has nulls; nothing is written.
        """
        ready = {name: _under_contract(contract_of(name), rows) for name, rows in tables.items()}
        with self._writing():
            last = self.version
            state = self.state(last)
            now = datetime.now(UTC)
            changes = {n: self._change(contract_of(n), r, state.get(n), source, now, last) for n, r in ready.items()}
            if not any(change.rows.num_rows for change in changes.values()):
                return {name: change.told for name, change in changes.items()}
            for name, change in changes.items():
                if change.rows.num_rows:
                    state[name] = self._write(contract_of(name), change, state.get(name), last + 1)
            self._publish(last + 1, state, {"source": source, "file_hash": file_hash, "at": now.isoformat()})
            return {name: _at(change.told, last + 1) for name, change in changes.items()}

    def _change(
        self, of: Contract, rows: pa.Table, state: TableState | None, source: str, now: datetime, last: int
    ) -> _Change:
        unique = _last_of_each_key(rows, of.key)
        duplicate = rows.num_rows - unique.num_rows
        unique = unique.append_column("_row_hash", row_hashes(unique))
        known = self._known(of, state)
        if known is None:
            fresh, corrected = unique, 0
        else:
            at = pa.array(np.arange(unique.num_rows))
            ours = unique.select([*of.key, "_row_hash"]).append_column("_at", at)
            met = ours.join(known, list(of.key), join_type="left outer").sort_by("_at")
            old = met["_known_hash"]
            differs = pc.fill_null(pc.not_equal(old, met["_row_hash"]), True)
            fresh = unique.filter(differs)
            corrected = int(pc.sum(pc.and_(pc.is_valid(old), differs)).as_py() or 0)
        system = {"_source": pa.scalar(source), "_ingested_at": pa.scalar(now, pa.timestamp("us", tz="UTC"))}
        for name, value in system.items():
            fresh = fresh.append_column(name, pa.repeat(value, fresh.num_rows))
        told = Committed(last, fresh.num_rows - corrected, unique.num_rows - fresh.num_rows, corrected, duplicate)
        return _Change(fresh.select(of.schema.names), told)

    def _known(self, of: Contract, state: TableState | None) -> pa.Table | None:
        if state is None:
            return None
        # With the schema told: a merge leaves files in view types, which joins do not know.
        known = pq.ParquetDataset(self._files(state), schema=of.schema).read(columns=[*of.key, "_row_hash"])
        return known.rename_columns([*of.key, "_known_hash"])

    def _write(self, of: Contract, change: _Change, state: TableState | None, version: int) -> TableState:
        path = self.folder / of.name
        rows = _nullable(change.rows)
        delta = self._rolled_back(path, state)
        if change.told.corrected and delta is not None:
            same = " AND ".join(f"old.{name} = new.{name}" for name in of.key)
            merge = delta.merge(rows, same, source_alias="new", target_alias="old", merge_schema=True)
            merge.when_matched_update_all().when_not_matched_insert_all().execute()
        elif delta is not None:
            write_deltalake(delta, rows, mode="append", schema_mode="merge")
        else:
            write_deltalake(path, rows, mode="error", configuration=KEPT_FOR_EVER)
        held = (state.rows if state else 0) + change.told.new
        return TableState(of.name, held, version, DeltaTable(path).version())

    @staticmethod
    def _rolled_back(path: Path, state: TableState | None) -> DeltaTable | None:
        """The Delta table as the last manifest knows it: what a crashed commit left behind is undone."""
        if not DeltaTable.is_deltatable(str(path)):
            return None
        delta = DeltaTable(path)
        if state is None:
            delta.delete()
        elif delta.version() != state.delta_version:
            delta.restore(state.delta_version)
        return delta

    def _files(self, state: TableState) -> list[str]:
        delta = DeltaTable(self.folder / state.table, version=state.delta_version)
        return sorted(_local(uri).as_posix() for uri in delta.file_uris())

    @property
    def _manifests(self) -> Path:
        return self.folder / "versions"

    def _manifest(self, version: int) -> Path:
        return self._manifests / f"{version:08d}.json"

    def _publish(self, version: int, state: Mapping[str, TableState], cause: Mapping[str, Any]) -> None:
        tables = {name: asdict(one) for name, one in sorted(state.items())}
        draft = self._manifest(version).with_suffix(".draft")
        with draft.open("w", encoding="utf-8") as file:
            json.dump({"version": version, **cause, "tables": tables}, file, ensure_ascii=False, indent=1)
            file.flush()
            os.fsync(file.fileno())
        draft.rename(self._manifest(version))
        folder = os.open(self._manifests, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        self._manifests.mkdir(parents=True, exist_ok=True)
        # The system frees the lock when its holder dies, kill -9 included: there are no stale locks to clear.
        with (self.folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _local(url: str) -> Path:
    parsed = urlparse(url)
    if parsed.scheme not in ("", "file"):
        raise Misuse("features.lake.not_a_folder", place=url)
    return Path(unquote(parsed.path) if parsed.scheme else url).absolute()


def _at(told: Committed, version: int) -> Committed:
    return Committed(version, told.new, told.unchanged, told.corrected, told.duplicate)


def _under_contract(of: Contract, rows: pa.Table) -> pa.Table:
    """The rows with exactly the contract's columns, in its order and types."""
    for name in rows.column_names:
        if name not in of.by_name:
            raise Fault("features.lake.unknown_column", place=of.name, column=name, nearest=nearest(name, of.by_name))
    columns = []
    for column in of.columns:
        kind = of.schema.field(column.name).type
        here = column.name in rows.column_names
        values = rows[column.name].cast(kind) if here else pa.nulls(rows.num_rows, kind)
        if column.required and values.null_count:
            raise Fault("features.lake.null", place=of.name, column=column.name, rows=values.null_count)
        columns.append(values)
    return pa.table(columns, names=[column.name for column in of.columns])


def _last_of_each_key(rows: pa.Table, key: tuple[str, ...]) -> pa.Table:
    at = pa.array(np.arange(rows.num_rows))
    last = rows.select(list(key)).append_column("_at", at).group_by(list(key)).aggregate([("_at", "max")])
    if last.num_rows == rows.num_rows:
        return rows
    return rows.take(last["_at_max"].sort())


def _nullable(rows: pa.Table) -> pa.Table:
    # A contract may gain a required column later; rows stored before then could not be read under NOT NULL.
    return rows.cast(pa.schema([field.with_nullable(True) for field in rows.schema]))
