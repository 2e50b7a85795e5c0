"""From files to the lake: find, read, map, check, commit. A file goes in whole, with all its tables, or not at all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from glob import glob, has_magic
from pathlib import Path

from features import quality
from features.connectors import SUFFIXES, ocds, read
from features.lake import Lake
from features.mapping import Mapping
from features.quality import Checked, Refusal
from features.transform import offer
from gnomon.errors import Fault, Misuse
from gnomon.progress import progress


@dataclass(frozen=True, slots=True)
class Ingested:
    """What came of one file for one table: `read = kept + refused + duplicate`, of kept: new, corrected, unchanged."""

    path: str
    table: str
    read: int = 0
    kept: int = 0
    refused: int = 0
    duplicate: int = 0
    new: int = 0
    corrected: int = 0
    unchanged: int = 0
    version: int = 0
    refusals: tuple[Refusal, ...] = ()
    fault: Fault | None = None
    """Why nothing of this file went in; the other files go on."""


def ingest(
    paths: Sequence[str | Path], mapping: Mapping, lake: Lake, refused_folder: Path, key: bytes
) -> list[Ingested]:
    """Put files into the lake by a mapping; folders and patterns stand for the files in them.

    Running it again with the same files changes nothing. A file that cannot be read gives one entry with its fault.

    Raises
    ------
    Misuse
        When a path does not exist or a folder holds no file to read; nothing is done.
    """
    files = find(paths)
    if mapping.connector == "ocds":
        return _ingest_ocds(files, mapping, lake, refused_folder, key)
    done: list[Ingested] = []
    with progress("ingest", len(files)) as bar:
        for file in files:
            try:
                done += _ingest_file(file, mapping, lake, refused_folder, key)
            except Fault as fault:
                done.append(Ingested(str(file), "", fault=fault))
            bar.advance()
    return done


def find(paths: Sequence[str | Path]) -> list[Path]:
    """The files that paths, folders and patterns stand for, each once."""
    found: dict[Path, None] = {}
    for path in paths:
        hits = list(_hits(str(path)))
        if not hits:
            raise Misuse("features.file.none", place=str(path))
        found.update(dict.fromkeys(hits))
    return list(found)


def _hits(path: str) -> Iterator[Path]:
    here = Path(path)
    if here.is_dir():
        yield from (f for f in sorted(here.rglob("*")) if f.is_file() and f.suffix.lower() in SUFFIXES)
    elif here.is_file():
        yield here
    elif has_magic(path):
        yield from (Path(f) for f in sorted(glob(path, recursive=True)) if Path(f).is_file())


def _ingest_file(file: Path, mapping: Mapping, lake: Lake, refused_folder: Path, key: bytes) -> list[Ingested]:
    options = mapping.file
    raw, file_hash = read(file, options.encoding, options.delimiter, options.sheet)
    checked: dict[str, Checked] = {}
    for offered in offer(raw, mapping, str(file), key):
        one = quality.check(offered, options, str(file))
        checked[one.table] = quality.joined(checked[one.table], one) if one.table in checked else one
    return _commit(checked, str(file), mapping.name, file_hash, lake, refused_folder)


def _ingest_ocds(files: list[Path], mapping: Mapping, lake: Lake, refused_folder: Path, key: bytes) -> list[Ingested]:
    # One batch: a party or a process is told piece by piece in many files, and only together they say who it is.
    batch = ocds.read(files, mapping, key)
    faults = [Ingested(fault.place, "", fault=fault) for fault in batch.faults]
    place = str(files[0]) if len(files) == 1 else str(files[0].parent)
    checked = {}
    for offered in batch.offered:
        one = quality.check(offered, batch.options, place)
        checked[one.table] = replace(one, refused=ocds.located(one.refused, batch.files))
    if not checked:
        return faults
    return [*_commit(checked, place, mapping.name, batch.file_hash, lake, refused_folder), *faults]


def _commit(
    checked: dict[str, Checked], place: str, source: str, file_hash: str, lake: Lake, refused_folder: Path
) -> list[Ingested]:
    # Refusals are stored first: a crash in between loses nothing, the next run writes the same again.
    for one in checked.values():
        quality.keep_aside(refused_folder, one, file_hash)
    committed = lake.commit_all({name: one.rows for name, one in checked.items()}, source, file_hash)
    done = []
    for name, one in checked.items():
        told = committed[name]
        kept = told.new + told.corrected + told.unchanged
        done.append(
            Ingested(
                place,
                name,
                one.read,
                kept,
                one.refused_rows,
                one.duplicate + told.duplicate,
                told.new,
                told.corrected,
                told.unchanged,
                told.version,
                one.refusals,
            )
        )
    return done
