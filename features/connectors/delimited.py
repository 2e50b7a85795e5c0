"""CSV and its relatives, in blocks. Every value stays text; rows with too few or too many fields are kept aside."""

from __future__ import annotations

import csv as text_csv
from collections.abc import Iterator
from functools import reduce
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from features.connectors.archive import Opened
from features.connectors.encoding import Decoder, transcoded
from features.connectors.raw import Broken, Raw, plain
from gnomon.errors import Fault
from gnomon.i18n import both

BLOCK = 1 << 24
"""Bytes read at a time."""
LONGEST_RECORD = 1 << 28
"""Bytes after which a quote that is never closed is no longer waited for."""


def batches(file: Opened, delimiter: str, encoding: str, block: int = BLOCK) -> Iterator[Raw]:
    """Rows of a text with a header line, a batch a block."""
    decoder = Decoder(file.path, encoding)
    names: list[str] = []
    row = 1
    for data in _whole_records(transcoded(file.chunks(block), file.path, encoding)):
        data, unreadable = decoder.utf8(data, row)
        if not names:
            names, data = _header(data, file.path, delimiter)
            row = 2
            if not data.strip() and not unreadable:
                yield _none(names)
                continue
        raw, lines = _rows(data, file.path, delimiter, names, row, unreadable)
        row += lines
        yield Raw(raw.rows, raw.numbers, raw.broken, decoder.repaired)
        decoder.repaired = 0
    if not names:
        raise Fault("features.file.no_header", place=str(file.path))


def _whole_records(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Blocks that end where a record ends: at a line's end with all quotes closed."""
    held = b""
    for chunk in chunks:
        if b'"' not in chunk and b'"' not in held:
            # Without a quote every line's end is a record's, and nothing is copied twice.
            end = chunk.rfind(b"\n") + 1
            if end:
                yield b"".join((held, memoryview(chunk)[:end]))
                held = chunk[end:]
                continue
        held += chunk
        end = _last_end(held)
        if not end and len(held) > LONGEST_RECORD:
            end = held.rfind(b"\n") + 1
        if end:
            yield held[:end]
            held = held[end:]
    if held:
        yield held


def _last_end(data: bytes) -> int:
    end = data.rfind(b"\n") + 1
    odd = data.count(b'"', 0, end) % 2
    while end and odd:
        before = data.rfind(b"\n", 0, end - 1) + 1
        odd = (odd - data.count(b'"', before, end)) % 2
        end = before
    return end


def _header(data: bytes, path: Path, delimiter: str) -> tuple[list[str], bytes]:
    lines = data[: 1 << 20].decode("utf-8", "ignore").splitlines(keepends=True)
    reader = text_csv.reader(lines, delimiter=delimiter)
    names = next(reader, [])
    if not data.partition(b"\n")[0].strip():
        raise Fault("features.file.no_header", place=str(path))
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise Fault("features.file.twice", place=str(path), column=", ".join(twice))
    return names, data[len("".join(lines[: reader.line_num]).encode()) :]


def _none(names: list[str]) -> Raw:
    return Raw(pa.table([pa.array([], pa.string())] * len(names), names=names), np.empty(0, np.int64))


def _rows(
    data: bytes, path: Path, delimiter: str, names: list[str], first: int, unreadable: list[Broken]
) -> tuple[Raw, int]:
    """The rows of a block whose first row has the number `first`, and how many lines of the file they are."""
    broken: list[Broken] = []
    rows = _parsed(data, path, delimiter, names, first, None)
    if rows is None:
        # Only the single-threaded reader tells which row was wrong.
        rows = _parsed(data, path, delimiter, names, first, broken)
        assert rows is not None
    skipped = [one.row for one in broken]
    lines = rows.num_rows + len(skipped)
    numbers = np.arange(first, first + lines, dtype=np.int64)
    if skipped:
        numbers = np.setdiff1d(numbers, skipped)
    rows = pa.table([plain(column) for column in rows.columns], names=names)
    if rows.column(0).null_count:
        # A line without any value is no row, though it counts as a line.
        there = reduce(pc.or_, (pc.is_valid(column) for column in rows.columns)).combine_chunks()
        rows, numbers = rows.filter(there), numbers[there.to_numpy(zero_copy_only=False)]
    told = sorted((*broken, *unreadable), key=lambda one: one.row)
    return Raw(rows, numbers, tuple(told)), lines


def _parsed(
    data: bytes, path: Path, delimiter: str, names: list[str], first: int, broken: list[Broken] | None
) -> pa.Table | None:
    found_wrong = False

    def on_wrong_row(row: csv.InvalidRow) -> str:
        nonlocal found_wrong
        found_wrong = True
        if broken is not None:
            text = row.text.strip("\r\n")
            reason = both("features.refused.fields", found=row.actual_columns, wanted=row.expected_columns)
            broken.append(Broken(first - 1 + row.number, text, reason))
        return "skip"

    if not data[:1024].strip(b"\r\n") and not data.strip(b"\r\n"):
        lines = data.count(b"\n")
        return pa.table([pa.nulls(lines, pa.string())] * len(names), names=names)
    try:
        rows = csv.read_csv(
            pa.py_buffer(data),
            csv.ReadOptions(use_threads=broken is None, block_size=max(len(data), 1) + 1, column_names=names),
            csv.ParseOptions(
                delimiter=delimiter,
                newlines_in_values=b'"' in data,
                ignore_empty_lines=False,
                invalid_row_handler=on_wrong_row,
            ),
            csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()),
                check_utf8=False,
                null_values=[""],
                strings_can_be_null=True,
            ),
        )
    except pa.ArrowInvalid as wrong:
        raise Fault("features.file.csv", place=str(path), why=str(wrong).splitlines()[0]) from None
    return None if found_wrong and broken is None else rows
