"""The lake: contracted tables on disk, one Delta table each, versioned as a whole by a manifest per version.

A manifest `versions/<n>.json` maps every table to the Delta version it had in that state. It is written last and by
an atomic rename, so a process that dies anywhere before leaves the old state standing; what its Delta commit had
already written is rolled back by the next commit. Delta history is never cleaned up: a version names a state for ever.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

import numpy as np
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
from deltalake import DeltaTable, Schema
from deltalake.transaction import AddAction, create_table_with_add_actions

from features.contracts import Contract, contract_of
from features.staging import Staged, swept
from gnomon import tracing
from gnomon.errors import Fault, Misuse, nearest

TRACED = 100
"""Commits that a run over the lake names as what led to it."""
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


@dataclass
class Intake:
    """Rows of one source, on their way in: written aside batch by batch, committed whole or not at all."""

    lake: Lake
    folder: Path
    source: str
    at: datetime
    tables: dict[str, Staged] = field(default_factory=dict)

    def table(self, name: str) -> Staged:
        """Where the rows of one table are added."""
        # One step, for batches come from several threads.
        return self.tables.setdefault(name, Staged(contract_of(name), self.folder, self.source, self.at))

    def commit(self, file_hash: str, mark: tuple[str, str] | None = None) -> dict[str, Committed]:
        """Make what was added the next version, with `mark`, the watermark of a named source, in the same step.

        Every table must have been settled before. Where nothing is new and no watermark moves there is no new version.
        """
        return self.lake.publish(self.tables, self.source, file_hash, self.at, mark)


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
            told = self._told(wanted)
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
        with self.receive(source) as intake:
            duplicates = {}
            for name, rows in ready.items():
                intake.table(name).add(rows, np.arange(rows.num_rows, dtype=np.int64))
                _, same, replaced = intake.table(name).settle()
                duplicates[name] = same + len(replaced.numbers)
            told = intake.commit(file_hash)
        return {name: replace(told[name], duplicate=duplicates[name]) for name in ready}

    @contextmanager
    def receive(self, source: str) -> Iterator[Intake]:
        """Take in the rows of one source batch by batch; nothing is seen before `Intake.commit`."""
        folder = swept(self.folder / "staging")
        try:
            yield Intake(self, folder, source, datetime.now(UTC))
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def known(self, table: str, columns: Sequence[str], version: int | None = None) -> Iterator[pa.Table]:
        """Scan some columns of a table batch by batch."""
        state = self.state(version).get(table)
        return iter(()) if state is None else self._scan(state, columns)

    def watermarks(self) -> dict[str, str]:
        """How far every declared source has been read, by its name, as of the newest version."""
        return {} if self.version == 0 else dict(self._told(self.version).get("watermarks", {}))

    def traces(self, version: int | None = None) -> list[str]:
        """Where the latest commits up to a version were traced, the newest first: `traceparent` of each.

        Whoever works on with the data goes on with its trace. Commits that were not traced are left out.
        """
        newest = self.version if version is None else version
        told = (str(self._told(one).get("trace", "")) for one in range(newest, max(0, newest - TRACED), -1))
        return [one for one in dict.fromkeys(told) if one]

    def publish(
        self, staged: Mapping[str, Staged], source: str, file_hash: str, at: datetime, mark: tuple[str, str] | None
    ) -> dict[str, Committed]:
        """Make staged rows the next version, all tables and the source's watermark in one step; see `Intake.commit`."""
        with self._writing():
            last, state, marks = self.version, self.state(), self.watermarks()
            done = {name: self._write(one, state, last + 1) for name, one in staged.items()}
            moved = mark is not None and marks.get(mark[0]) != mark[1]
            if not moved and not any(one.new or one.corrected for one in done.values()):
                return {name: replace(one, version=last) for name, one in done.items()}
            marks |= dict([mark] if mark else [])
            cause = {"source": source, "file_hash": file_hash, "at": at.isoformat(), "watermarks": marks}
            with tracing.span("lake.commit", source=source, version=last + 1, tables=sorted(done)):
                traced = {"trace": tracing.context()} if tracing.on() else {}
                self._publish(last + 1, state, cause | traced)
            return done

    def _write(self, staged: Staged, state: dict[str, TableState], version: int) -> Committed:
        """Bring one table up to date; `state` then holds what it is now."""
        of = staged.of
        old = state.get(of.name)
        unchanged = corrected = 0
        if old is not None:
            scanned = [*of.key, "_row_hash"]
            unchanged, corrected = staged.meet(lambda: self._scan(old, scanned))
        new = staged.rows - corrected
        told = Committed(version, new, unchanged, corrected, 0)
        if new + corrected == 0:
            return told
        path = self.folder / of.name
        delta = self._rolled_back(path, old)
        if new:
            self._append(path, delta, of, list(staged.fresh()))
        for rows in staged.corrections():
            delta = DeltaTable(path)
            same = " AND ".join(f"old.{name} = new.{name}" for name in of.key)
            merge = delta.merge(rows, same, source_alias="new", target_alias="old", merge_schema=True)
            merge.when_matched_update_all().when_not_matched_insert_all().execute()
        held = (old.rows if old else 0) + new
        state[of.name] = TableState(of.name, held, version, DeltaTable(path).version())
        return told

    @staticmethod
    def _append(path: Path, delta: DeltaTable | None, of: Contract, files: Sequence[Path]) -> None:
        """Make files part of a Delta table, as they are."""
        schema = pa.schema([one.with_nullable(True) for one in of.schema])
        path.mkdir(exist_ok=True)
        adds = []
        for file in files:
            rows = pq.read_metadata(file).num_rows
            placed = file.rename(path / file.name)
            stats = json.dumps({"numRecords": rows})
            adds.append(
                AddAction(placed.name, placed.stat().st_size, {}, int(placed.stat().st_mtime * 1000), True, stats)
            )
        if delta is None:
            create_table_with_add_actions(path.as_posix(), Schema.from_arrow(schema), adds, configuration=KEPT_FOR_EVER)
            return
        lacking = [
            one for one in Schema.from_arrow(schema).fields if one.name not in {f.name for f in delta.schema().fields}
        ]
        if lacking:
            delta.alter.add_columns(lacking)
        delta.create_write_transaction(adds, mode="append", schema=delta.schema())

    def _scan(self, state: TableState, columns: Sequence[str]) -> Iterator[pa.Table]:
        schema = contract_of(state.table).schema
        for file in self._files(state):
            # With the schema told: a merge leaves files in view types, which joins do not know.
            for batch in ds.dataset(file, schema=schema).to_batches(columns=list(columns), batch_size=1 << 18):
                yield pa.Table.from_batches([batch])

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

    def _told(self, version: int) -> dict[str, Any]:
        told: dict[str, Any] = json.loads(self._manifest(version).read_text(encoding="utf-8"))
        return told

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
