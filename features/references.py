"""References between tables: which values of a column name a row that the lake does not hold.

Values are compared by 64-bit marks (`features.row_hash.marks`), so that ten million references cost a few hundred
megabytes at most; the chance that a dangling one passes for present is about m·n/2⁶⁴ for m values and n parents.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from threading import Lock

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from features.contracts import Column, Contract, contract_of
from features.lake import Lake
from features.row_hash import Marks, marks
from features.staging import Staged, read

FEW = 1 << 21
"""Distinct values that are held before they are merged."""


@dataclass(frozen=True, slots=True)
class Dangling:
    """References of one column whose other end is not in the lake."""

    column: str
    parent: str
    rows: int
    registered: bool
    """Whether the lake holds any row of the parent at all: if not, there is no register to check against."""


def referring(of: Contract) -> list[Column]:
    """Columns that hold another table's key."""
    return [column for column in of.columns if column.references]


def key_column(parent: str) -> str:
    """The column of a table that others refer to: the first of its key."""
    return contract_of(parent).key[0]


def missing(values: Marks, parents: Marks) -> npt.NDArray[np.bool_]:
    """Which values are not among the parents, which are in order."""
    if not len(parents):
        return np.ones(len(values), bool)
    at = np.searchsorted(parents, values)
    at[at == len(parents)] = 0
    told: npt.NDArray[np.bool_] = parents[at] != values
    return told


@dataclass
class References:
    """What the rows of one source refer to: distinct values with their number of rows, by table and column."""

    _seen: dict[tuple[str, str], list[pd.Series]] = field(default_factory=lambda: defaultdict(list))
    _lock: Lock = field(default_factory=Lock)

    def add(self, table: str, rows: pa.Table, marked: Mapping[str, Marks]) -> None:
        """Note the references of one batch; batches may come from several threads."""
        for column in referring(contract_of(table)):
            values = rows[column.name]
            told = marked[column.name]
            if values.null_count:
                told = told[pc.is_valid(values).to_numpy()]
            if len(told):
                counted = pd.Series(told).value_counts(sort=False)
                with self._lock:
                    held = self._seen[table, column.name]
                    held.append(counted)
                    if len(held) > 1 and sum(map(len, held)) > FEW:
                        merged = pd.concat(held)
                        self._seen[table, column.name] = [merged.groupby(level=0, sort=False).sum()]

    def dangling(self, table: str, parents: Parents) -> tuple[Dangling, ...]:
        """The dangling references of a table, by column."""
        found = []
        for column in referring(contract_of(table)):
            held = self._seen.get((table, column.name))
            if not held or column.references is None:
                continue
            counted = pd.concat(held)
            known = parents.of(column.references)
            rows = int(counted.to_numpy()[missing(counted.index.to_numpy(), known)].sum())
            if rows:
                found.append(Dangling(column.name, column.references, rows, bool(len(known))))
        return tuple(found)


@dataclass
class Parents:
    """Marks of the keys that can be referred to: those of the lake and those on their way in."""

    lake: Lake
    staged: Mapping[str, Staged]
    _lake: dict[str, Marks] = field(default_factory=dict)

    def of(self, table: str) -> Marks:
        """Marks of one table's keys, in order."""
        name = key_column(table)
        if table not in self._lake:
            found = [marks(rows[name]) for rows in self.lake.known(table, [name])]
            self._lake[table] = np.unique(np.concatenate(found)) if found else np.zeros(0, np.uint64)
        coming = list(_coming(self.staged[table], name)) if table in self.staged else []
        return np.unique(np.concatenate([self._lake[table], *coming])) if coming else self._lake[table]


def _coming(staged: Staged, name: str) -> Iterator[Marks]:
    for _, part in staged.ordered:
        if staged.of.key == (name,):
            yield part.keys[part.keep]
        else:
            yield marks(read(part.path, staged.of.schema, [name])[name])[part.keep]
