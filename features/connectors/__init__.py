"""Connectors: from a file to rows of text. Nothing is computed here and no value is interpreted."""

from __future__ import annotations

from pathlib import Path

from features.connectors import delimited, excel, jsonlines, parquet
from features.connectors.archive import contents, decoded
from features.connectors.raw import Broken, Raw
from gnomon.errors import Misuse

__all__ = ["SUFFIXES", "Broken", "Raw", "read"]

SUFFIXES = (".csv", ".tsv", ".txt", ".xlsx", ".xlsm", ".parquet", ".jsonl", ".ndjson", ".json", ".gz", ".zip")
"""Files that a folder is searched for."""


def read(path: Path, encoding: str = "", delimiter: str = "", sheet: str = "") -> tuple[Raw, str]:
    """Rows of one file and the SHA-256 of the file.

    Raises
    ------
    Fault
        When the file is empty, cut off, in a wrong encoding or has no header.
    Misuse
        When no connector knows the suffix.
    """
    data, name, mark = contents(path)
    suffix = Path(name).suffix.lower()
    if suffix in (".csv", ".tsv", ".txt"):
        separator = delimiter or ("\t" if suffix == ".tsv" else ",")
        return delimited.read(decoded(data, path, encoding), path, separator), mark
    if suffix in (".xlsx", ".xlsm"):
        return excel.read(data, path, sheet), mark
    if suffix == ".parquet":
        return parquet.read(data, path), mark
    if suffix in (".jsonl", ".ndjson", ".json"):
        return jsonlines.read(decoded(data, path, encoding), path), mark
    raise Misuse("features.file.suffix", place=str(path), suffix=suffix or "-", known=", ".join(SUFFIXES))
