"""Connectors: from a file to rows of text. Nothing is computed here and no value is interpreted."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from features.connectors import delimited, excel, jsonlines, parquet
from features.connectors.archive import Opened, contents, decoded, file_mark
from features.connectors.raw import Broken, Raw
from gnomon.errors import Misuse

__all__ = ["SUFFIXES", "Batches", "Broken", "Raw"]

SUFFIXES = (".csv", ".tsv", ".txt", ".xlsx", ".xlsm", ".parquet", ".jsonl", ".ndjson", ".json", ".gz", ".zip")
"""Files that a folder is searched for."""


class Batches:
    """The rows of one file, batch by batch, in bounded memory for CSV and Parquet."""

    def __init__(self, path: Path, encoding: str = "", delimiter: str = "", sheet: str = "") -> None:
        self._file = Opened(path)
        self._options = (encoding, delimiter, sheet)
        self._mark = ""

    @property
    def mark(self) -> str:
        """SHA-256 of the file, once all batches have been read."""
        return self._mark or self._file.mark

    def __iter__(self) -> Iterator[Raw]:
        """Every batch once.

        Raises
        ------
        Fault
            When the file is empty, cut off, in a wrong encoding or has no header.
        Misuse
            When no connector knows the suffix.
        """
        encoding, delimiter, sheet = self._options
        path, suffix = self._file.path, Path(self._file.name).suffix.lower()
        if suffix in (".csv", ".tsv", ".txt"):
            yield from delimited.batches(self._file, delimiter or ("\t" if suffix == ".tsv" else ","), encoding)
        elif suffix == ".parquet" and path.suffix.lower() == ".parquet":
            self._mark = file_mark(path)
            yield from parquet.batches(path)
        elif suffix in (".xlsx", ".xlsm"):
            data, _, self._mark = contents(path)
            yield excel.read(data, path, sheet)
        elif suffix in (".jsonl", ".ndjson", ".json"):
            data, _, self._mark = contents(path)
            yield jsonlines.read(decoded(data, path, encoding), path)
        else:
            raise Misuse("features.file.suffix", place=str(path), suffix=suffix or "-", known=", ".join(SUFFIXES))
