"""CSV and its relatives. Every value stays text; rows with too few or too many fields are kept aside."""

from __future__ import annotations

from functools import reduce
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from features.connectors.raw import Broken, Raw, plain
from gnomon.errors import Fault
from gnomon.i18n import both


def read(data: bytes, path: Path, delimiter: str) -> Raw:
    """Rows of a UTF-8 text with a header line."""
    first, _, rest = data.partition(b"\n")
    if not first.strip():
        raise Fault("features.file.no_header", place=str(path))
    names = _names(data, path, delimiter)
    if not rest.strip():
        return Raw(pa.table([pa.array([], pa.string())] * len(names), names=names), np.empty(0, np.int64))
    broken: list[Broken] = []
    rows = _parsed(data, path, delimiter, names, None)
    if rows is None:
        # Only the single-threaded reader tells which row was wrong.
        rows = _parsed(data, path, delimiter, names, broken)
        assert rows is not None
    skipped = [one.row for one in broken]
    numbers = np.setdiff1d(np.arange(2, 2 + rows.num_rows + len(skipped), dtype=np.int64), skipped)
    rows = pa.table([plain(column) for column in rows.columns], names=names)
    if rows.column(0).null_count:
        # A line without any value is no row, though it counts as a line.
        there = reduce(pc.or_, (pc.is_valid(column) for column in rows.columns)).combine_chunks()
        rows, numbers = rows.filter(there), numbers[there.to_numpy(zero_copy_only=False)]
    return Raw(rows, numbers, tuple(broken))


def _parsed(data: bytes, path: Path, delimiter: str, names: list[str], broken: list[Broken] | None) -> pa.Table | None:
    found_wrong = False

    def on_wrong_row(row: csv.InvalidRow) -> str:
        nonlocal found_wrong
        found_wrong = True
        if broken is not None:
            text = row.text.strip("\r\n")
            reason = both("features.refused.fields", found=row.actual_columns, wanted=row.expected_columns)
            broken.append(Broken(row.number, text, reason))
        return "skip"

    try:
        rows = csv.read_csv(
            pa.py_buffer(data),
            csv.ReadOptions(use_threads=broken is None, block_size=1 << 24),
            csv.ParseOptions(
                delimiter=delimiter,
                newlines_in_values=b'"' in data,
                ignore_empty_lines=False,
                invalid_row_handler=on_wrong_row,
            ),
            csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), check_utf8=False),
        )
    except pa.ArrowInvalid as wrong:
        raise Fault("features.file.csv", place=str(path), why=str(wrong).splitlines()[0]) from None
    return None if found_wrong and broken is None else rows


def _names(data: bytes, path: Path, delimiter: str) -> list[str]:
    import csv as text_csv

    with_lines = data[: 1 << 20].decode("utf-8", "ignore").splitlines(keepends=True)
    names = [name for name in next(text_csv.reader(with_lines, delimiter=delimiter))]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise Fault("features.file.twice", place=str(path), column=", ".join(twice))
    return names
