"""Which rows may enter the lake, and which are kept aside with the reason: every row offered is accounted for."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from features.connectors import Broken
from features.contracts import Column, Contract, contract_of
from features.conversion import Reading, convert
from features.mapping import FileOptions, Rule
from features.row_hash import row_hashes
from features.transform import Offered, zone_of
from gnomon.i18n import both
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
    ]
)
"""One line per fault: a row with two faults has two."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """One reason for which rows were refused, and how often."""

    column: str
    """Empty when the row could not be read at all."""
    reason: Text
    rows: int


@dataclass(frozen=True)
class Checked:
    """The rows of one source for one table. `read = kept + refused + duplicate`."""

    table: str
    rows: pa.Table
    """Rows under contract, one per key."""
    refused: pa.Table
    read: int
    refused_rows: int
    duplicate: int
    """Rows that are the same as a later row of this source in every column."""

    @property
    def refusals(self) -> tuple[Refusal, ...]:
        """Reasons, the most frequent first."""
        names = ["column", "reason_zh", "reason_en"]
        counted = self.refused.group_by(names).aggregate([([], "count_all")]).sort_by([("count_all", "descending")])
        lines = counted.to_pylist()
        return tuple(
            Refusal(one["column"] or "", Text(one["reason_zh"], one["reason_en"]), one["count_all"]) for one in lines
        )


def check(offered: Offered, options: FileOptions, file: str) -> Checked:
    """Read every column as its contract's type and keep what obeys the contract.

    A row is refused when a value does not say what its column's type asks for, or a required column is empty. Where
    rows of one source have one key and different contents the last one stands and the others are refused; identical
    rows count once.
    """
    of = contract_of(offered.table)
    numbers = offered.raw.numbers
    good = np.ones(len(numbers), bool)
    faults = [_broken_rows(offered.raw.broken, of.name, file)]
    columns = {}
    for column in of.columns:
        if column.name not in offered.rules:
            columns[column.name] = pa.nulls(len(numbers), of.schema.field(column.name).type)
            continue
        rule = offered.rules[column.name]
        texts = offered.raw.rows[column.name].combine_chunks()
        values = columns[column.name] = convert(texts, column, _reading(rule, options))
        wrong = _and_not(pc.is_valid(texts), pc.is_valid(values))
        empty = ~_mask(pc.is_valid(texts)) if column.required else np.zeros(len(good), bool)
        shown = pa.nulls(len(good), pa.string()) if rule.pseudonym else _shown(texts)
        for bad, why in ((wrong, _not_its_type), (empty, _empty)):
            if bad.any():
                good &= ~bad
                faults.append(
                    _faults(of.name, file, numbers[bad], column.name, shown.filter(pa.array(bad)), why(column))
                )
    rows = pa.table(columns).filter(pa.array(good))
    rows, duplicate, superseded = _one_per_key(rows, numbers[good], of, file)
    faults.append(superseded)
    refused = pa.concat_tables(faults)
    refused_rows = int((~good).sum()) + superseded.num_rows + len(offered.raw.broken)
    read = len(numbers) + len(offered.raw.broken)
    return Checked(of.name, rows, refused, read, refused_rows, duplicate)


def joined(first: Checked, second: Checked) -> Checked:
    """Two offers to one table as one."""
    return replace(
        first,
        rows=pa.concat_tables([first.rows, second.rows]),
        refused=pa.concat_tables([first.refused, second.refused]),
        read=first.read + second.read,
        refused_rows=first.refused_rows + second.refused_rows,
        duplicate=first.duplicate + second.duplicate,
    )


def keep_aside(folder: Path, checked: Checked, file_hash: str) -> None:
    """Store the refused rows of one source and table; nothing stays when there are none any more."""
    path = folder / checked.table / f"{file_hash}.parquet"
    if checked.refused.num_rows == 0:
        path.unlink(missing_ok=True)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}.draft")
    pq.write_table(checked.refused, draft)
    os.replace(draft, path)


def kept_aside(folder: Path, table: str | None = None) -> pa.Table:
    """All refused rows, of one table or of all, by file and row."""
    files = sorted(folder.glob(f"{table or '*'}/*.parquet"))
    if not files:
        return REFUSED.empty_table()
    rows = ds.dataset([str(file) for file in files], schema=REFUSED).to_table()
    return rows.sort_by([("table", "ascending"), ("file", "ascending"), ("row", "ascending")])


def _reading(rule: Rule, options: FileOptions) -> Reading:
    return Reading(rule.date, zone_of(rule, options), rule.scale, rule.loose_numbers, rule.separator)


def _one_per_key(
    rows: pa.Table, numbers: npt.NDArray[np.int64], of: Contract, file: str
) -> tuple[pa.Table, int, pa.Table]:
    """Rows with distinct keys, how many identical ones were dropped, and the refusals of those that differed."""
    keys = rows.select(list(of.key)).to_pandas()
    earlier = keys.duplicated(keep="last").to_numpy()
    if not earlier.any():
        return rows, 0, REFUSED.empty_table()
    shared = keys.duplicated(keep=False).to_numpy()
    groups = keys[shared].groupby(list(of.key), sort=False).ngroup().to_numpy()
    hashes = np.array(row_hashes(rows.filter(pa.array(shared))).to_pylist(), object)
    last = np.empty(groups.max() + 1, object)
    last[groups] = hashes
    differs = np.zeros(len(earlier), bool)
    differs[shared] = hashes != last[groups]
    # Two of three rows alike and the last one different: both are superseded, neither is a duplicate of what stays.
    superseded = earlier & differs
    shown = pc.binary_join_element_wise(*(rows[name].cast(pa.string()) for name in of.key), " ")
    reason = both("features.refused.superseded")
    key_columns = ", ".join(of.key)
    refused = _faults(
        of.name, file, numbers[superseded], key_columns, shown.filter(pa.array(superseded)).combine_chunks(), reason
    )
    return rows.filter(pa.array(~earlier)), int((earlier & ~differs).sum()), refused


def _broken_rows(broken: tuple[Broken, ...], table: str, file: str) -> pa.Table:
    rows = [
        {
            "table": table,
            "file": file,
            "row": one.row,
            "column": None,
            "value": one.value[:200],
            "reason_zh": one.reason.zh,
            "reason_en": one.reason.en,
        }
        for one in broken
    ]
    return pa.Table.from_pylist(rows, REFUSED)


def _faults(
    table: str, file: str, numbers: npt.NDArray[np.int64], column: str, values: pa.Array, reason: Text
) -> pa.Table:
    n = len(numbers)
    told = [table, file, pa.array(numbers), column, values, reason.zh, reason.en]
    columns = [one if isinstance(one, pa.Array | pa.ChunkedArray) else pa.repeat(one, n) for one in told]
    return pa.table(columns, schema=REFUSED)


def _empty(_column: Column) -> Text:
    return both("features.refused.required")


def _not_its_type(column: Column) -> Text:
    if column.type == "enum":
        return both("features.refused.enum", values=", ".join(column.values))
    kind = {"decimal": "number", "ratio": "number", "money": "number"}.get(column.type, column.type)
    return both(f"features.refused.{kind}")


def _shown(texts: pa.Array) -> pa.Array:
    plain = pc.binary_join(texts, "; ") if pa.types.is_list(texts.type) else texts
    return pc.utf8_slice_codeunits(plain, 0, 200)


def _and_not(there: pa.Array, not_there: pa.Array) -> npt.NDArray[np.bool_]:
    return _mask(there) & ~_mask(not_there)


def _mask(flags: pa.Array) -> npt.NDArray[np.bool_]:
    mask: npt.NDArray[np.bool_] = flags.to_numpy(zero_copy_only=False)
    return mask
