"""What differs between two states of the tables and two as-of moments: rows that came, went, or crossed a bound."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

import ibis
import ibis.expr.types as ir
import pyarrow as pa
import pyarrow.compute as pc

from features.contracts import contract_of
from features.engine import EMBEDDED, Engine
from features.measures.tables import Tables, civil

Files = Mapping[str, Sequence[str]]
WHEN = ("event_at", "valid_from")
"""What decides from when on a row is known."""
MARKS = ("_row_hash", "_ingested_at")
"""What tells two rows of one key apart."""


@dataclass(frozen=True)
class Some:
    """Some files of each table, as the engine asks for them."""

    found: Files
    version: int

    def state(self, version: int | None = None) -> dict[str, Held]:
        """The tables."""
        return {table: Held() for table in self.found}

    def files(self, table: str, version: int | None = None) -> list[str]:
        """Their files."""
        return list(self.found[table])


@dataclass(frozen=True)
class Held:
    """What the engine wants to know of a table."""

    rows: int = 1


class Changes:
    """Rows of contracted tables that differ between an earlier state and moment and the present ones.

    Parameters
    ----------
    columns:
        What will be asked of the rows of a table, by table.
    bounds:
        Days before the moment at which rows come in or go out of what is measured; 0 is the moment itself.
    """

    def __init__(
        self, before: Engine, now: Engine, moments: tuple[datetime, datetime], columns: Mapping[str, Collection[str]],
        bounds: Collection[int],
    ) -> None:  # fmt: skip
        self._before, self._now, self._moments = before, now, moments
        self._columns, self._bounds = columns, bounds
        self._crossed: dict[str, pa.Table] = {}
        self._lone: dict[tuple[str, Engine], pa.Table] = {}

    @cached_property
    def tables(self) -> frozenset[str]:
        """Tables that are not made of the same files any more."""
        old, new = self._before.files, self._now.files
        return frozenset(name for name in {*old, *new} if set(old.get(name, ())) != set(new.get(name, ())))

    def stirred(self, table: str, bounds: Collection[int]) -> bool:
        """Whether anything in a table may be seen otherwise than before."""
        return table in self.tables or self._crossing(table, bounds).num_rows > 0

    def keys(self, table: str, columns: Sequence[str], bounds: Collection[int]) -> pa.Table:
        """The values in these columns of all rows that differ or crossed a bound, each once."""
        parts = [self._crossing(table, bounds).select(columns)]
        if table in self.tables:
            parts += [self._only(table, self._now, self._before), self._only(table, self._before, self._now)]
        return (
            pa.concat_tables([one.select(columns) for one in parts], promote_options="default")
            .group_by(list(columns))
            .aggregate([])
        )

    def _only(self, table: str, here: Engine, there: Engine) -> pa.Table:
        """Rows that are here and not there: of files that only one has, those that were not just copied."""
        if (table, here) not in self._lone:
            ours, theirs = set(here.files.get(table, ())), set(there.files.get(table, ()))
            own = _of_files(table, sorted(ours - theirs), self._columns[table])
            copies = _of_files(table, sorted(theirs - ours), ())
            alike = [*contract_of(table).key, *MARKS]
            both = own.num_rows and copies.num_rows
            self._lone[table, here] = own.join(copies, alike, join_type="left anti") if both else own
        return self._lone[table, here]

    def _crossing(self, table: str, bounds: Collection[int]) -> pa.Table:
        """Rows of the present state that crossed one of the bounds between the two moments."""
        if table not in self._crossed:
            self._crossed[table] = self._now.arrow(self._between(table))
        found = self._crossed[table]
        first, last = sorted(one.replace(tzinfo=None) for one in self._moments)
        inside = pa.array([False] * found.num_rows, pa.bool_())
        for name in WHEN:
            if name not in found.column_names:
                continue
            when = found[name].cast(pa.timestamp("us"))
            for days in bounds:
                back = pa.scalar(days * 86_400_000_000, pa.duration("us"))
                low, high = (pc.subtract(pa.scalar(one, pa.timestamp("us")), back) for one in (first, last))
                inside = pc.or_(inside, pc.fill_null(pc.and_(pc.greater(when, low), pc.less_equal(when, high)), False))
        return found.filter(inside)

    def _between(self, table: str) -> ir.Table:
        rows = Tables(self._now, None).dated(table)
        first, last = (ibis.literal(one.replace(tzinfo=None)) for one in sorted(self._moments))
        when = [name for name in WHEN if name in rows.columns]
        wanted = {name: told_apart(rows, name) for name in self._columns.get(table, ())}
        wanted |= {name: rows[name].cast("timestamp") for name in when}
        if not when or self._moments[0] == self._moments[1]:
            return rows.select(**(wanted or {"_ingested_at": rows["_ingested_at"]})).limit(0)
        crossed = [
            (rows[name].cast("timestamp") > first - ibis.interval(days=days))
            & (rows[name].cast("timestamp") <= last - ibis.interval(days=days))
            for name in when
            for days in self._bounds
        ]
        return rows.filter(ibis.or_(*crossed)).select(**wanted)


def told_apart(rows: ir.Table, name: str) -> ir.Value:
    """What a column says, or, of `column.day`, the civil day of its moment."""
    column, _, day = name.partition(".")
    return civil(rows[column]) if day else rows[column]


def _of_files(table: str, files: Sequence[str], columns: Collection[str]) -> pa.Table:
    """Columns of the rows in some files, and what tells the rows apart."""
    wanted = list(dict.fromkeys([*columns, *contract_of(table).key, *MARKS]))
    if not files:
        return pa.table({name: pa.array([], pa.null()) for name in wanted})
    some = Engine.open(Some({table: files}, 0), url=EMBEDDED)
    try:
        rows = some.table(table)
        return some.arrow(rows.select(**{name: told_apart(rows, name) for name in wanted}))
    finally:
        some.close()
