"""From sources to the lake: read, map, check, commit. A source goes in whole, with all its tables, or not at all.

Batches go through in bounded memory, two at a time; the lake sees one commit for a source, at the end.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from glob import glob, has_magic
from pathlib import Path

import pyarrow as pa

from features import parking, quality
from features.aside import Aside, Refusal
from features.connectors import SUFFIXES, Batches, bods, fhir, ocds
from features.connectors.standard import located
from features.lake import Committed, Intake, Lake
from features.mapping import FileOptions, Mapping
from features.references import Dangling, Parents, References
from features.transform import Carried, Offered, offer
from gnomon import tracing
from gnomon.errors import Fault, Misuse
from gnomon.progress import progress

WORKERS = 2
AHEAD = 3
"""Batches that may be on their way at a time."""
STANDARDS = {"ocds": ocds.read, "bods": bods.read, "fhir": fhir.read}


@dataclass(frozen=True, slots=True)
class Ingested:
    """What came of one source for one table: `read = kept + refused + duplicate + parked`, kept being new + corrected
    + unchanged. Rows that waited for a parent and enter now are `released`, in a line of their own."""

    path: str
    table: str
    read: int = 0
    kept: int = 0
    refused: int = 0
    duplicate: int = 0
    parked: int = 0
    released: int = 0
    repaired: int = 0
    """Values mended by a declared rule."""
    new: int = 0
    corrected: int = 0
    unchanged: int = 0
    version: int = 0
    refusals: tuple[Refusal, ...] = ()
    dangling: tuple[Dangling, ...] = ()
    """References that were accepted although the lake does not hold their other end."""
    fault: Fault | None = None
    """Why nothing of this source went in; the others go on."""


@dataclass(frozen=True)
class Place:
    """Where rows go: the lake, the folder for refused rows beside it, the deployment's key for pseudonyms."""

    lake: Lake
    refused: Path
    key: bytes

    @property
    def parked(self) -> Path:
        """Folder for rows that wait for a parent."""
        return self.refused.parent / "parked"


@dataclass
class _Counted:
    read: int = 0
    refused: int = 0
    repaired: int = 0


@dataclass(frozen=True)
class Source:
    """One source, read once: what its batches offer, and its fingerprint when they have all been read."""

    place: str
    name: str
    batches: Iterable[list[Offered]]
    mark: Callable[[], str]
    options: FileOptions
    mapping: Mapping
    watermark: Callable[[], tuple[str, str] | None] = lambda: None
    located: Callable[[pa.Table], pa.Table] = lambda refused: refused


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
    place = Place(lake, refused_folder, key)
    done: list[Ingested] = []
    if mapping.connector in STANDARDS:
        done += _ingest_standard(files, mapping, place)
    else:
        with progress("ingest", len(files)) as bar:
            for file in files:
                try:
                    done += take_in(of_file(file, mapping, key), place)
                except Fault as fault:
                    done.append(Ingested(str(file), "", fault=fault))
                bar.advance()
    return [*done, *let_in(place)]


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


def of_file(file: Path, mapping: Mapping, key: bytes) -> Source:
    """A file as a source."""
    options = mapping.file
    rows = Batches(file, options.encoding, options.delimiter, options.sheet)
    carried: Carried = {}
    batches = (offer(raw, mapping, str(file), key, carried) for raw in rows)
    return Source(str(file), mapping.name, batches, lambda: rows.mark, options, mapping)


def _ingest_standard(files: list[Path], mapping: Mapping, place: Place) -> list[Ingested]:
    # One batch: a party or a process is told piece by piece in many files, and only together they say who it is.
    batch = STANDARDS[mapping.connector](files, mapping, place.key)
    faults = [Ingested(fault.place, "", fault=fault) for fault in batch.faults]
    if not batch.offered:
        return faults
    where = str(files[0]) if len(files) == 1 else str(files[0].parent)
    source = Source(
        where,
        mapping.name,
        [batch.offered],
        lambda: batch.file_hash,
        batch.options,
        mapping,
        located=lambda refused: located(refused, batch.files),
    )
    return [*take_in(source, place), *faults]


def let_in(place: Place) -> list[Ingested]:
    """Let in parked rows whose parents have come."""
    return [
        Ingested(file, table, released=told.new + told.corrected + told.unchanged, version=told.version)
        for file, table, told in parking.release(place.lake, place.parked)
    ]


def take_in(source: Source, place: Place) -> list[Ingested]:
    """Put one source into the lake."""
    aside = Aside(place.refused)
    try:
        with tracing.span("ingest", source=source.name) as told, place.lake.receive(source.name) as intake:
            run = _Run(source, place, intake, aside)
            run.read()
            done = run.commit()
            told.tell(
                file=source.mark(), version=max((one.version for one in done), default=0),
                rows=sum(one.read for one in done), refused=sum(one.refused for one in done),
                new=sum(one.new for one in done), corrected=sum(one.corrected for one in done),
            )  # fmt: skip
            return done
    finally:
        aside.discard()


@dataclass
class _Run:
    source: Source
    place: Place
    intake: Intake
    aside: Aside
    counted: dict[str, _Counted] = field(default_factory=dict)
    references: References = field(default_factory=References)

    def read(self) -> None:
        """All batches: checked, written aside, counted."""
        with ThreadPoolExecutor(WORKERS) as pool:
            waiting: deque[Future[list[quality.Checked]]] = deque()
            for number, offered in enumerate(self.source.batches):
                waiting.append(pool.submit(self._batch, number, offered))
                if len(waiting) >= AHEAD:
                    self._count(waiting.popleft().result())
            for one in waiting:
                self._count(one.result())

    def _batch(self, number: int, offers: list[Offered]) -> list[quality.Checked]:
        done = []
        for at, offered in enumerate(offers):
            one = quality.check(offered, self.source.options, self.source.place)
            self.aside.add(one.table, self.source.located(one.refused))
            marked = self.intake.table(one.table).add(one.rows, one.numbers, at, number, offered.distinct)
            self.references.add(one.table, one.rows, marked)
            # What is written is not needed in memory any more.
            done.append(replace(one, rows=one.rows.slice(0, 0), refused=one.refused.slice(0, 0)))
        return done

    def _count(self, checked: list[quality.Checked]) -> None:
        for one in checked:
            told = self.counted.setdefault(one.table, _Counted())
            told.read += one.read
            told.refused += one.refused_rows
            told.repaired += one.repaired

    def commit(self) -> list[Ingested]:
        """One version of the lake for all of it."""
        duplicates = {name: self._settled(name) for name in self.counted}
        parents = Parents(self.place.lake, self.intake.tables)
        policy = {name: self.source.mapping.dangling_of(name) for name in self.counted}
        strict = [name for name, what in policy.items() if what != "note"]
        parked = parking.park(self.intake.tables, strict, parents, self.source.place)
        for name in (one for one in strict if policy[one] == "refuse"):
            self._orphaned(name, parked.pop(name))
        noted = {n: self.references.dangling(n, parents) for n, what in policy.items() if what == "note"}
        # What does not go in is stored first: a crash in between loses nothing, the next run writes the same again.
        mark = self.source.mark()
        self.aside.keep(list(self.counted), mark)
        for name in self.counted:
            rows = parked.get(name)
            parking.keep(self.place.parked, name, pa.table({}) if rows is None else rows, mark)
        committed = self.intake.commit(mark, self.source.watermark())
        return [
            self._told(name, committed[name], duplicates[name], parked.get(name), noted.get(name, ()))
            for name in self.counted
        ]

    def _orphaned(self, name: str, rows: pa.Table) -> None:
        self.counted[name].refused += rows.num_rows
        self.aside.add(name, self.source.located(quality.orphaned(name, rows)))

    def _settled(self, name: str) -> int:
        silent, duplicate, replaced = self.intake.table(name).settle()
        count = self.counted[name]
        count.read -= silent
        count.refused += len(replaced.numbers)
        told = quality.superseded(self.intake.table(name).of, self.source.place, replaced)
        self.aside.add(name, self.source.located(told))
        return duplicate

    def _told(
        self, name: str, told: Committed, duplicate: int, parked: pa.Table | None, noted: tuple[Dangling, ...]
    ) -> Ingested:
        count = self.counted[name]
        return Ingested(
            self.source.place,
            name,
            read=count.read,
            kept=told.new + told.corrected + told.unchanged,
            refused=count.refused,
            duplicate=duplicate,
            parked=parked.num_rows if parked is not None else 0,
            repaired=count.repaired,
            new=told.new,
            corrected=told.corrected,
            unchanged=told.unchanged,
            version=told.version,
            refusals=self.aside.refusals(name),
            dangling=noted,
        )
