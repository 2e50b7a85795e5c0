"""Rows kept aside: what was refused or repaired, with file, row, column, value and reason, beside the lake."""

from __future__ import annotations

import os
import secrets
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from gnomon.terms import Text

REFUSED = pa.schema(
    [
        pa.field("table", pa.string()),
        pa.field("file", pa.string()),
        pa.field("row", pa.int64()),
        pa.field("column", pa.string()),
        pa.field("value", pa.string()),
        pa.field("reason_zh", pa.string()),
        pa.field("reason_en", pa.string()),
        pa.field("action", pa.string()),
    ]
)
"""One line per fault: a row with two faults has two. `action`: refused, emptied, absolute, or noted: it went in."""
_DRAFT = ".draft"


@dataclass(frozen=True, slots=True)
class Refusal:
    """One reason for which rows were refused or repaired, and how often."""

    column: str
    """Empty when the row could not be read at all."""
    reason: Text
    rows: int


@dataclass
class Aside:
    """What one source's rows were refused for: written as it comes, put in its place at the end."""

    folder: Path
    _counted: dict[str, Counter[tuple[str, str, str]]] = field(default_factory=dict)
    _drafts: dict[str, tuple[Path, pq.ParquetWriter]] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def add(self, table: str, refused: pa.Table) -> None:
        """Keep some rows; batches may come from several threads."""
        if not refused.num_rows:
            return
        names = ["column", "reason_zh", "reason_en"]
        counted = refused.group_by(names).aggregate([([], "count_all")]).to_pylist()
        with self._lock:
            told = self._counted.setdefault(table, Counter())
            for one in counted:
                told[one["column"] or "", one["reason_zh"], one["reason_en"]] += one["count_all"]
            if table not in self._drafts:
                path = self.folder / table / f"{os.getpid()}-{secrets.token_hex(4)}{_DRAFT}"
                path.parent.mkdir(parents=True, exist_ok=True)
                self._drafts[table] = path, pq.ParquetWriter(path, REFUSED)
            self._drafts[table][1].write_table(refused)

    def refusals(self, table: str) -> tuple[Refusal, ...]:
        """Reasons, the most frequent first."""
        most = self._counted.get(table, Counter()).most_common()
        return tuple(Refusal(column, Text(zh, en), rows) for (column, zh, en), rows in most)

    def keep(self, tables: list[str], file_hash: str) -> None:
        """Put the rows in their place; nothing stays of a file in which nothing is wrong any more."""
        for table in tables:
            place = self.folder / table / f"{file_hash}.parquet"
            if table not in self._drafts:
                place.unlink(missing_ok=True)
        for path, writer in self._drafts.values():
            writer.close()
            path.replace(path.with_name(f"{file_hash}.parquet"))
        self._drafts.clear()

    def discard(self) -> None:
        """Forget what has not been put in its place."""
        for path, writer in self._drafts.values():
            writer.close()
            path.unlink(missing_ok=True)
        self._drafts.clear()


def kept_aside(folder: Path, table: str | None = None) -> pa.Table:
    """All refused and repaired rows, of one table or of all, by file and row."""
    files = sorted(folder.glob(f"{table or '*'}/*.parquet"))
    if not files:
        return REFUSED.empty_table()
    rows = ds.dataset([str(file) for file in files], schema=REFUSED).to_table()
    return rows.sort_by([("table", "ascending"), ("file", "ascending"), ("row", "ascending")])
