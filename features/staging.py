"""Rows on their way into the lake: each batch is written once, as the Parquet file that it will be in the lake.

In memory stay two numbers a row: a mark of its key and its row number in the source. Which rows share a key, and which
keys the lake holds already, is suspected by marks and proved by the keys themselves, for the suspects only and in
portions; so memory does not grow with the width of the rows, and no row is judged by a mark alone.
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from features.contracts import Contract
from features.row_hash import Marks, hashed, joint, marks

PORTION = 1_000_000
"""Suspects that are compared at a time."""
SAMPLE, OFTEN = 4_096, 0.7
"""A column in whose sample more than this share of the values are distinct is written without a dictionary."""
Flags = npt.NDArray[np.bool_]
Places = npt.NDArray[np.int64]
Known = Callable[[], Iterator[pa.Table]]
"""Scans the key columns and `_row_hash` of what the lake holds."""


@dataclass
class Part:
    """One batch, written."""

    path: Path
    rows: int
    keys: Marks
    numbers: Places
    keep: Flags
    """Rows that still count."""
    corrects: Flags
    """Rows whose key the lake holds with other contents."""
    alone: tuple[str, ...] = ()
    """Columns in which hardly a value repeats."""


@dataclass(frozen=True)
class Superseded:
    """Rows that a later row of the same source replaces: their numbers, and their keys in words."""

    numbers: Places
    keys: pa.Array


@dataclass
class Staged:
    """The rows of one source for one table. Batches may come from several threads and in any order."""

    of: Contract
    folder: Path
    source: str
    at: datetime
    parts: dict[tuple[int, int], Part] = field(default_factory=dict)
    """By (offer, batch): the order in which later rows replace earlier ones."""
    distinct: set[int] = field(default_factory=set)
    """Offers of which the first row of each key speaks for the key, silently."""
    _lock: Lock = field(default_factory=Lock)

    def add(
        self, rows: pa.Table, numbers: Places, offer: int = 0, batch: int = 0, distinct: bool = False
    ) -> dict[str, Marks]:
        """Write one batch of rows with the contract's columns; the marks of every column."""
        marked = {name: marks(rows[name]) for name in rows.column_names}
        rows = rows.append_column("_row_hash", hashed(marked, rows))
        system = {"_source": pa.scalar(self.source), "_ingested_at": pa.scalar(self.at, pa.timestamp("us", tz="UTC"))}
        for name, value in system.items():
            rows = rows.append_column(name, pa.repeat(value, rows.num_rows))
        path = self.folder / f"{self.of.name}-{secrets.token_hex(8)}.parquet"
        if rows.num_rows:
            alone = ("_row_hash", *_rarely_again(marked))
            write(rows.select(self.of.schema.names), path, alone)
            whole = np.ones(rows.num_rows, bool)
            part = Part(path, rows.num_rows, joint(marked[k] for k in self.of.key), numbers, whole, ~whole, alone)
            with self._lock:
                self.parts[offer, batch] = part
                if distinct:
                    self.distinct.add(offer)
        return marked

    @property
    def ordered(self) -> list[tuple[int, Part]]:
        """Parts with their offer, in the order of the source."""
        return [(offer, self.parts[offer, batch]) for offer, batch in sorted(self.parts)]

    @property
    def rows(self) -> int:
        """Rows that still count."""
        return sum(int(part.keep.sum()) for part in self.parts.values())

    def settle(self) -> tuple[int, int, Superseded]:
        """Leave one row per key: how many were silent repeats, how many identical duplicates, and what was replaced."""
        parts = [part for _, part in self.ordered]
        silent = duplicate = 0
        numbers: list[Places] = []
        keys: list[pa.Array] = []
        every = np.concatenate([p.keys[p.keep] for p in parts]) if parts else np.zeros(0, np.uint64)
        every.sort()
        again = np.unique(every[1:][every[1:] == every[:-1]])
        del every
        for portion in _portions(again):
            rows = self._picked(parts, portion)
            names = list(self.of.key)
            group = rows.select(names).to_pandas().groupby(names, sort=False, dropna=False).ngroup().to_numpy()
            where, offers = rows["_at"].to_numpy(), rows["_offer"].to_numpy()
            for offer in self.distinct:
                mine = np.flatnonzero(offers == offer)
                _, first = np.unique(group[mine], return_index=True)
                repeat = np.setdiff1d(mine, mine[first])
                self._drop(parts, where[repeat])
                silent += len(repeat)
                left = np.setdiff1d(np.arange(len(group)), repeat)
                rows, group, where, offers = rows.take(left), group[left], where[left], offers[left]
            last = np.zeros(int(group.max()) + 1 if len(group) else 0, np.int64)
            last[group] = np.arange(len(group))
            earlier = last[group] != np.arange(len(group))
            hashes = rows["_row_hash"].to_numpy(zero_copy_only=False)
            # Two of three rows alike and the last one different: both are replaced, neither repeats what stays.
            replaced = earlier & (hashes != hashes[last[group]])
            self._drop(parts, where[earlier])
            duplicate += int((earlier & ~replaced).sum())
            if replaced.any():
                numbers.append(rows["_number"].to_numpy()[replaced])
                keys.append(_shown(rows.filter(pa.array(replaced)), names))
        none = np.zeros(0, np.int64)
        told = pa.concat_arrays(keys) if keys else pa.array([], pa.string())
        return silent, duplicate, Superseded(np.concatenate(numbers) if numbers else none, told)

    def meet(self, known: Known) -> tuple[int, int]:
        """Compare with what the lake holds: rows unchanged, which no longer count, and rows that correct it."""
        parts = [part for _, part in self.ordered]
        mine = np.concatenate([p.keys[p.keep] for p in parts]) if parts else np.zeros(0, np.uint64)
        mine.sort()
        unchanged = corrected = 0
        if not len(mine):
            return 0, 0
        names = list(self.of.key)
        hits = sum(int(_within(_keys(rows, names), mine).sum()) for rows in known())
        for slot, slots in _slots(hits):
            met = []
            for rows in known():
                theirs = _keys(rows, names)
                hit = _within(theirs, mine) & (theirs % slots == slot)
                if hit.any():
                    met.append(rows.filter(pa.array(hit)))
            if not met:
                continue
            held = pa.concat_tables(met).rename_columns([*names, "_known_hash"])
            suspects = np.unique(_keys(held, names))
            ours = self._picked(parts, suspects)
            pairs = ours.join(held, names, join_type="inner")
            where = pairs["_at"].to_numpy()
            same = pairs["_row_hash"].to_numpy(zero_copy_only=False) == pairs["_known_hash"].to_numpy(
                zero_copy_only=False
            )
            self._drop(parts, where[same])
            for part, inside in _by_part(parts, where[~same]):
                part.corrects[inside] = True
            unchanged += int(same.sum())
            corrected += int((~same).sum())
        return unchanged, corrected

    def drop(self, gone: Mapping[tuple[int, int], Flags]) -> None:
        """Rows that shall not enter, by part."""
        for at, flags in gone.items():
            self.parts[at].keep &= ~flags

    def fresh(self) -> Iterator[Path]:
        """Files of the rows that are new; where some of a batch are not, it is written again without them."""
        for part in self.parts.values():
            entering = part.keep & ~part.corrects
            if entering.all():
                yield part.path
            elif entering.any():
                path = part.path.with_name(f"{self.of.name}-{secrets.token_hex(8)}.parquet")
                write(read(part.path, self.of.schema).filter(pa.array(entering)), path, part.alone)
                yield path

    def corrections(self) -> Iterator[pa.Table]:
        """Rows whose key the lake holds with other contents, in portions."""
        held: list[pa.Table] = []
        for part in self.parts.values():
            flags = part.keep & part.corrects
            if flags.any():
                held.append(read(part.path, self.of.schema).filter(pa.array(flags)))
                if sum(rows.num_rows for rows in held) >= PORTION:
                    yield pa.concat_tables(held)
                    held = []
        if held:
            yield pa.concat_tables(held)

    def _picked(self, parts: list[Part], suspects: Marks) -> pa.Table:
        """Keys, fingerprints and places of the rows whose mark is suspected, in the order of the source."""
        found, start = [], 0
        columns = [*self.of.key, "_row_hash"]
        offers = [offer for offer, _ in self.ordered]
        for offer, part in zip(offers, parts, strict=True):
            flags = part.keep & _within(part.keys, suspects)
            if flags.any():
                rows = read(part.path, self.of.schema, columns).filter(pa.array(flags))
                inside = np.flatnonzero(flags)
                rows = rows.append_column("_at", pa.array(inside + start))
                rows = rows.append_column("_number", pa.array(part.numbers[inside]))
                found.append(rows.append_column("_offer", pa.array(np.full(len(inside), offer))))
            start += part.rows
        if not found:
            empty = pa.schema([self.of.schema.field(name) for name in columns]).empty_table()
            for name in ("_at", "_number", "_offer"):
                empty = empty.append_column(name, pa.array([], pa.int64()))
            return empty
        return pa.concat_tables(found)

    @staticmethod
    def _drop(parts: list[Part], where: Places) -> None:
        for part, inside in _by_part(parts, where):
            part.keep[inside] = False


def write(rows: pa.Table, path: Path, alone: Sequence[str] = ()) -> None:
    """One Parquet file of the lake, on disk when this returns. `alone`: columns in which hardly a value repeats."""
    # A contract may gain a required column later; rows stored before then could not be read under NOT NULL.
    rows = rows.cast(pa.schema([one.with_nullable(True) for one in rows.schema]))
    names = rows.column_names
    repeated = [name for name in names if name not in alone]
    pack = {name: "none" if name == "_row_hash" else "snappy" for name in names}
    pq.write_table(rows, path, compression=pack, store_decimal_as_integer=True, use_dictionary=repeated)
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _rarely_again(marked: Mapping[str, Marks]) -> list[str]:
    """Columns in which hardly a value repeats, by a sample: a dictionary of them would be made in vain."""
    found = []
    for name, told in marked.items():
        some = told[:: max(1, len(told) // SAMPLE)]
        if len(np.unique(some)) > OFTEN * len(some):
            found.append(name)
    return found


def read(path: Path, schema: pa.Schema, columns: list[str] | None = None) -> pa.Table:
    """Rows of one file, under a schema that may have gained columns since."""
    return pq.ParquetDataset(path, schema=schema).read(columns=columns)


def swept(folder: Path) -> Path:
    """A fresh folder for staging; what processes left that are no more is cleared away."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.iterdir():
        if not _alive(old.name.partition("-")[0]):
            shutil.rmtree(old, ignore_errors=True)
    made = folder / f"{os.getpid()}-{secrets.token_hex(4)}"
    made.mkdir()
    return made


def _alive(pid: str) -> bool:
    with suppress(ProcessLookupError, ValueError):
        try:
            os.kill(int(pid), 0)
        except PermissionError:
            return True
        return True
    return False


def _portions(suspects: Marks) -> Iterator[Marks]:
    for start in range(0, len(suspects), PORTION):
        yield suspects[start : start + PORTION]


def _slots(rows: int) -> Iterator[tuple[np.uint64, np.uint64]]:
    slots = -(-rows // PORTION)
    for slot in range(slots):
        yield np.uint64(slot), np.uint64(slots)


def _keys(rows: pa.Table, names: list[str]) -> Marks:
    return joint(marks(rows[name]) for name in names)


def _within(values: Marks, ordered: Marks) -> Flags:
    if not len(ordered):
        return np.zeros(len(values), bool)
    at = np.searchsorted(ordered, values)
    at[at == len(ordered)] = 0
    told: Flags = ordered[at] == values
    return told


def _by_part(parts: list[Part], where: Places) -> Iterator[tuple[Part, Places]]:
    start = 0
    where = np.sort(where)
    for part in parts:
        low, high = np.searchsorted(where, [start, start + part.rows])
        if high > low:
            yield part, where[low:high] - start
        start += part.rows


def _shown(rows: pa.Table, names: list[str]) -> pa.Array:
    import pyarrow.compute as pc

    told: Any = pc.binary_join_element_wise(*(rows[name].cast(pa.string()) for name in names), " ")
    return told.combine_chunks() if isinstance(told, pa.ChunkedArray) else told
