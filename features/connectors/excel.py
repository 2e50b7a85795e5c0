"""Excel workbooks: the first sheet, or the one the mapping names, with its header in the first row."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np

from features.connectors.raw import Raw, from_records
from gnomon.errors import Fault, nearest


def read(data: bytes, path: Path, sheet: str) -> Raw:
    """Rows of one sheet; rows without any value are not rows."""
    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        book = load_workbook(io.BytesIO(data), read_only=True, data_only=True)
    except (zipfile.BadZipFile, InvalidFileException, KeyError, EOFError, OSError):
        raise Fault("features.file.cut", place=str(path)) from None
    if sheet and sheet not in book.sheetnames:
        raise Fault("features.file.sheet", place=str(path), sheet=sheet, nearest=nearest(sheet, book.sheetnames))
    lines = (book[sheet] if sheet else book.worksheets[0]).iter_rows(values_only=True)
    header = next(lines, None)
    names = [str(cell).strip() for cell in header or () if cell is not None]
    if header is None or not names:
        raise Fault("features.file.no_header", place=str(path))
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise Fault("features.file.twice", place=str(path), column=", ".join(twice))
    at = [number for number, cell in enumerate(header) if cell is not None]
    records, numbers = [], []
    for number, line in enumerate(lines, start=2):
        if any(cell is not None for cell in line):
            records.append({name: line[i] if i < len(line) else None for name, i in zip(names, at, strict=True)})
            numbers.append(number)
    return Raw(from_records(records, names), np.array(numbers, np.int64))
