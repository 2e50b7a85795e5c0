"""Declared sources at work: read since the watermark, put in, keep the watermark in the same version of the lake."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from features.connectors import Raw, http, sql
from features.connectors.raw import from_records
from features.declaration import Declaration, Http, filled
from features.ingest import Ingested, Place, Source, ingest, let_in, take_in
from features.lake import Lake
from features.mapping import Mapping
from features.row_hash import row_hashes
from features.transform import Carried, Offered, offer
from gnomon.errors import Fault, Misuse

Record = dict[str, Any]


def pull(
    declared: Declaration, lake: Lake, refused_folder: Path, key: bytes, export: Sequence[str | Path] = ()
) -> list[Ingested]:
    """Run a declaration once. Running it again reads what came since; without news nothing changes.

    With `export`, files that hold what the source would have told are read in its place, and no watermark moves.

    Raises
    ------
    Misuse
        When an environment variable is not set, or an address is none.
    """
    place = Place(lake, refused_folder, key)
    if export or declared.files is not None:
        paths = export or [filled(one, declared.name) for one in declared.files.paths] if declared.files else export
        return ingest(paths, declared.mapping, lake, refused_folder, key)
    reading = _Reading(declared, lake.watermarks().get(declared.name))
    try:
        return [*take_in(reading.source(key), place), *let_in(place)]
    except Misuse:
        raise
    except Fault as fault:
        return [Ingested(declared.name, "", fault=fault)]


class _Reading:
    """One run over a database or a service: its batches, its fingerprint, how far it came."""

    def __init__(self, declared: Declaration, reached: str | None) -> None:
        self._declared = declared
        self._before = reached
        self._reached = reached
        self._hash = sha256()

    def source(self, key: bytes) -> Source:
        """The run as a source."""
        mapping = self._declared.mapping
        carried: Carried = {}
        batches: Iterator[list[Offered]] = (
            offer(raw, mapping, self._declared.name, key, carried) for raw in self._raws(mapping)
        )
        return Source(
            self._declared.name,
            self._declared.name,
            batches,
            self._hash.hexdigest,
            mapping.file,
            mapping,
            watermark=self._watermark,
        )

    def _watermark(self) -> tuple[str, str] | None:
        return None if self._reached is None else (self._declared.name, self._reached)

    def _raws(self, mapping: Mapping) -> Iterator[Raw]:
        first = 1
        names = _columns_read(mapping)
        for records in self._records():
            if not records:
                continue
            mark = self._declared.watermark
            if mark is not None:
                if mark.column not in records[0]:
                    raise Fault("features.source.column", place=self._declared.name, column=mark.column)
                for record in records:
                    self._reached = mark.later(self._reached, record.get(mark.column))
            # A page may lack a field in all its objects; a whole answer without it is told by the mapping.
            there = list(dict.fromkeys(name for record in records for name in record))
            lacking = [name for name in names if name not in there] if first > 1 else []
            rows = from_records(records, [*there, *lacking])
            numbers = np.arange(first, first + len(records), dtype=np.int64)
            first += len(records)
            self._hash.update("".join(row_hashes(rows).to_pylist()).encode())
            yield Raw(_texts(rows), numbers)

    def _records(self) -> Iterable[list[Record]]:
        declared, name = self._declared, self._declared.name
        since = declared.watermark.bound(self._before) if declared.watermark else None
        if declared.sql is not None:
            values = {} if since is None else {"watermark": since}
            url = filled(declared.sql.url, name)
            return sql.batches(url, declared.sql.query, values, declared.sql.batch, name)
        assert declared.http is not None
        return http.pages(_service(declared.http, name, since))


def _service(told: Http, name: str, since: Any) -> http.Service:
    parameters = {key: filled(value, name) for key, value in told.parameters.items()}
    if since is not None:
        parameters[told.since] = since.isoformat() if hasattr(since, "isoformat") else str(since)
    paging = told.paging
    if paging.size_parameter:
        parameters[paging.size_parameter] = str(paging.size)
    return http.Service(
        filled(told.url, name),
        name,
        parameters,
        {key: filled(value, name) for key, value in told.headers.items()},
        told.items,
        paging.by,
        paging.parameter,
        paging.first,
        paging.size,
        paging.next,
        told.pages,
        told.timeout,
        told.largest,
    )


def _columns_read(mapping: Mapping) -> list[str]:
    rules = [*mapping.derive.values(), *(rule for one in mapping.tables for rule in one.columns.values())]
    made = set(mapping.derive)
    return list(dict.fromkeys(name for rule in rules for name in rule.sources if name not in made))


def _texts(rows: pa.Table) -> pa.Table:
    columns = [one.cast(pa.string()) if pa.types.is_null(one.type) else one for one in rows.columns]
    return pa.table(columns, names=rows.column_names)
