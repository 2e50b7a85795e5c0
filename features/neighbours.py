"""The rows of the lake that stand beside raw records: what the same bidders, patients or markets did before.

Records alone would make everybody a newcomer. Beside them stand the rows that the measures of their entities read, and
no more, so that one tender before its award is measured just as it will be once it is in the lake.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from features.contracts import contract_of
from features.identity import Links
from features.lake import Lake

HELD = 500_000
"""Tables of up to so many rows are held in memory; larger ones are read from the disk, filtered."""


@dataclass(frozen=True, slots=True)
class Follow:
    """Rows of `table` whose `column` is named in `by` (`table.column`) of the rows gathered so far.

    `by` may also be a table alone, whose columns of the same names are then meant; `id`, the entities asked for; or
    nothing, for the whole table (a catalogue, a list of thresholds).
    """

    table: str
    column: tuple[str, ...] = ()
    by: str = ""


def _ties() -> Iterator[Follow]:
    """What ties the bidders of the records: theirs, and everybody else's of the same holder, person or contact."""
    for table in ("org_interest", "position", "social_insurance"):
        yield Follow(table, ("org_id",), "bid.bidder_id")
    yield Follow("contact_point", ("party_id",), "bid.bidder_id")
    yield Follow("org_interest", ("holder_id",), "org_interest.holder_id")
    for table in ("position", "social_insurance"):
        for named in ("position", "social_insurance"):
            yield Follow(table, ("person_id",), f"{named}.person_id")
    yield Follow("contact_point", ("value_norm",), "contact_point.value_norm")


FOLLOWED: Mapping[str, tuple[Follow, ...]] = {
    "tender": (
        Follow("tender", ("tender_id",), "id"),
        Follow("bid", ("tender_id",), "id"),
        *_ties(),
        Follow("bid", ("bidder_id",), "bid.bidder_id"),
        Follow("tender", ("class_code", "category", "region_code"), "tender"),
        Follow("tender", ("tender_id",), "bid.tender_id"),
        Follow("bid", ("tender_id",), "tender.tender_id"),
    ),
    "supplier": (
        Follow("bid", ("bidder_id",), "id"),
        Follow("award", ("supplier_id",), "id"),
        Follow("organization", ("org_id",), "id"),
        Follow("tender", ("tender_id",), "bid.tender_id"),
        Follow("tender", ("tender_id",), "award.tender_id"),
        Follow("bid", ("tender_id",), "bid.tender_id"),
        *_ties(),
        Follow("policy_threshold"),
    ),
    "buyer": (
        Follow("tender", ("buyer_id",), "id"),
        Follow("award", ("buyer_id",), "id"),
        Follow("organization", ("org_id",), "id"),
        Follow("tender", ("tender_id",), "award.tender_id"),
        Follow("bid", ("tender_id",), "tender.tender_id"),
        Follow("policy_threshold"),
    ),
    "institution": (
        Follow("claim", ("institution_id",), "id"),
        Follow("admission", ("institution_id",), "id"),
        Follow("prescription", ("institution_id",), "id"),
        Follow("organization", ("org_id",), "id"),
        Follow("position", ("org_id",), "id"),
        Follow("reported_total", ("org_id",), "id"),
        Follow("claim_item", ("claim_id",), "claim.claim_id"),
        Follow("inpatient_day", ("admission_id",), "admission.admission_id"),
        Follow("person", ("person_id",), "claim.person_id"),
        Follow("catalog_item"),
    ),
    "practitioner": (
        Follow("prescription", ("prescriber_id",), "id"),
        Follow("claim_item", ("prescriber_id",), "id"),
        Follow("admission", ("attending_id",), "id"),
        Follow("position", ("person_id",), "id"),
        Follow("claim", ("claim_id",), "claim_item.claim_id"),
        Follow("organization", ("org_id",), "position.org_id"),
        Follow("inpatient_day", ("admission_id",), "admission.admission_id"),
        Follow("catalog_item"),
    ),
}
"""What is read beside raw records, by kind of entity. A kind that is not here cannot be scored from records."""


class Neighbours:
    """Looks up rows of one lake version; what it has read stays in memory."""

    def __init__(self, lake: Lake, version: int, most: int = HELD) -> None:
        self.version = version
        self._most = most
        self._lake = lake
        self._held: dict[str, pa.Table | ds.Dataset] = {}
        self._links = Links.of(lake, version)

    @cached_property
    def tables(self) -> frozenset[str]:
        """Tables that hold rows."""
        return frozenset(name for name, state in self._lake.state(self.version).items() if state.rows)

    def beside(self, kind: str, ids: list[str], records: Mapping[str, pa.Table]) -> dict[str, pa.Table]:
        """The records, and the rows of the lake beside them; a record takes the place of the row with its key.

        Rows are looked for under all ids of an entity, and told under one.
        """
        found = {name: _Gathered(whole(name, rows), self._table(name)) for name, rows in records.items()}
        for one in FOLLOWED[kind]:
            if one.table not in found:
                if one.table not in self.tables:
                    continue
                found[one.table] = _Gathered(contract_of(one.table).schema.empty_table(), self._table(one.table))
            table, _, column = one.by.partition(".")
            named = [pa.array(ids, pa.string())] if one.by == "id" else []
            if one.by not in ("", "id"):
                if table not in found:
                    continue
                named = [found[table].named(name) for name in ((column,) if column else one.column)]
            found[one.table].add(one.column, [self._links.together(values) for values in named])
        return self._links.as_one({name: rows.table(contract_of(name).key) for name, rows in found.items()})

    def ids(self, kind: str, records: Mapping[str, pa.Table]) -> list[str]:
        """The entities that raw records are about, in order of their ids."""
        return ids_of(kind, self._links.as_one(records))

    def _table(self, name: str) -> pa.Table | ds.Dataset | None:
        if name not in self.tables:
            return None
        held = self._held.get(name)
        if held is None:
            held = ds.dataset(self._lake.files(name, self.version), schema=contract_of(name).schema)
            if held.count_rows() <= self._most:
                held = held.to_table().combine_chunks()
            self._held[name] = held
        return held


class _Gathered:
    """Rows of one table gathered so far: those of the records, and a mask over (or a filter on) those of the lake."""

    def __init__(self, given: pa.Table, lake: pa.Table | ds.Dataset | None) -> None:
        self._given = given
        self._held = lake if isinstance(lake, pa.Table) else None
        self._stored = None if isinstance(lake, pa.Table) else lake
        self._mask = np.zeros(0 if self._held is None else self._held.num_rows, dtype=bool)
        self._filter: pc.Expression = pc.scalar(False)
        self._read: pa.Table | None = None

    def add(self, columns: Sequence[str], named: Sequence[pa.Array]) -> None:
        """Gather the rows whose columns are all among the values named; all rows when there is nothing to be among."""
        if self._held is not None:
            hit = np.ones(len(self._mask), dtype=bool)
            for column, values in zip(columns, named, strict=True):
                hit &= np.asarray(pc.fill_null(pc.is_in(self._held[column], values), False))
            self._mask |= hit
            return
        condition = pc.scalar(True)
        for column, values in zip(columns, named, strict=True):
            # Without the cast Arrow holds the statistics' texts against those asked for, and has no kernel for it.
            condition = condition & pc.field(column).cast(pa.string()).isin(values)
        self._filter, self._read = self._filter | condition, None

    def named(self, column: str) -> pa.Array:
        """Values of a column in the rows gathered so far, each once."""
        given, held = self._given[column], self._held
        beside = self._beside()[column] if held is None else held[column].filter(pa.array(self._mask))
        return pa.chunked_array([*given.chunks, *beside.chunks], given.type).unique().drop_null()

    def table(self, key: Sequence[str]) -> pa.Table:
        """The rows gathered; a record stands for the row of the lake with its key."""
        rows, names = self._beside(), self._given.schema.names
        if len(self._given) and len(rows) and key:
            marks = [_marks(part, key) for part in (rows, self._given)]
            rows = rows.filter(pc.invert(pc.is_in(marks[0], marks[1])))
        return pa.concat_tables([pa.table(part.columns, names=names) for part in (rows, self._given)])

    def _beside(self) -> pa.Table:
        if self._held is not None:
            return self._held.filter(pa.array(self._mask))
        if self._read is None:
            empty = self._given.schema.empty_table()
            self._read = empty if self._stored is None else self._stored.to_table(filter=self._filter)
        return self._read


def _marks(rows: pa.Table, key: Sequence[str]) -> pa.Array:
    texts = [pc.cast(rows[name], pa.string()) for name in key]
    return pc.binary_join_element_wise(*texts, "\x1f", null_handling="replace").combine_chunks()


def ids_of(kind: str, records: Mapping[str, pa.Table]) -> list[str]:
    """The ids that raw records name as what they are about, in order."""
    found: set[str] = set()
    for one in FOLLOWED[kind]:
        if one.by == "id" and one.table in records and set(one.column) <= set(records[one.table].column_names):
            found |= {str(id_) for id_ in records[one.table][one.column[0]].unique().to_pylist() if id_}
    return sorted(found)


def whole(table: str, rows: pa.Table) -> pa.Table:
    """All columns of the contract; those that the records lack are unknown."""
    schema = contract_of(table).schema
    columns = [
        rows[field.name].cast(field.type) if field.name in rows.column_names else pa.nulls(len(rows), field.type)
        for field in schema
    ]
    return pa.table(columns, names=schema.names)
