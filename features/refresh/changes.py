"""What differs between two states of the tables and two as-of moments: rows that came, went, or crossed a bound."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property

import ibis
import ibis.expr.types as ir
import pyarrow as pa
import pyarrow.compute as pc

from features.contracts import contract_of
from features.engine import EMBEDDED, Engine
from features.identity import TABLE as IDENTITY
from features.measures.tables import INHERITS
from features.refresh.restricted import Restricted, told_apart

Files = Mapping[str, Sequence[str]]
WHEN = ("event_at", "valid_from")
"""What decides from when on a row is known."""
MARKS = ("_row_hash", "_ingested_at")
"""What tells two rows of one key apart."""


@dataclass(frozen=True)
class Some:
    """Some files of each table, as the engine asks for them."""

    found: Files
    version: int = 0

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
        self, before: Files, now: Engine, moments: tuple[datetime, datetime], columns: Mapping[str, Collection[str]],
        bounds: Collection[int],
    ) -> None:  # fmt: skip
        self._before, self._now, self._moments = before, now, moments
        self._columns, self._bounds = columns, bounds
        self._near: dict[str, pa.Table] = {}
        self._crossed: dict[tuple[str, frozenset[int]], pa.Table] = {}
        self._lone: dict[tuple[str, bool], pa.Table] = {}

    @cached_property
    def tables(self) -> frozenset[str]:
        """Tables that are not made of the same files any more."""
        old, new = self._before, self._now.files
        return frozenset(name for name in {*old, *new} if set(old.get(name, ())) != set(new.get(name, ())))

    def stirred(self, table: str, bounds: Collection[int]) -> bool:
        """Whether anything in a table may be seen otherwise than before."""
        return table in self.tables or self._crossing(table, bounds).num_rows > 0

    def keys(self, table: str, columns: Sequence[str], bounds: Collection[int]) -> pa.Table:
        """The values in these columns of all rows that differ or crossed a bound, each once."""
        parts = [self._crossing(table, bounds).select(columns)]
        if table in self.tables:
            parts += [self.come(table), self.gone(table)]
        return (
            pa.concat_tables([one.select(columns) for one in parts], promote_options="default")
            .group_by(list(columns))
            .aggregate([])
        )

    def come(self, table: str) -> pa.Table:
        """Rows of the present state that were not in the earlier one."""
        return self._only(table, True)

    def gone(self, table: str) -> pa.Table:
        """Rows of the earlier state that are not in the present one."""
        return self._only(table, False)

    def _only(self, table: str, come: bool) -> pa.Table:
        """Of files that only one state has, the rows that were not just copied."""
        if (table, come) not in self._lone:
            sides = [set(files.get(table, ())) for files in (self._before, self._now.files)]
            ours, theirs = sides[come], sides[not come]
            # Where the links are not the same any more, all is read anew: nobody asks.
            links = self._now.files.get(IDENTITY, ())
            own = _of_files(table, sorted(ours - theirs), self._columns[table], links)
            copies = _of_files(table, sorted(theirs - ours), (), links)
            alike = [*contract_of(table).key, *MARKS]
            both = own.num_rows and copies.num_rows
            self._lone[table, come] = own.join(copies, alike, join_type="left anti") if both else own
        return self._lone[table, come]

    def _crossing(self, table: str, bounds: Collection[int]) -> pa.Table:
        """Rows of the present state that crossed one of the bounds between the two moments."""
        asked = table, frozenset(bounds)
        if asked not in self._crossed:
            if table not in self._near:
                self._near[table] = self._now.arrow(self._between(table))
            self._crossed[asked] = self._inside(self._near[table], bounds)
        return self._crossed[asked]

    def _inside(self, found: pa.Table, bounds: Collection[int]) -> pa.Table:
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
        first, last = (one.replace(tzinfo=None) for one in sorted(self._moments))
        spans = [(first - timedelta(days=days), last - timedelta(days=days)) for days in self._bounds]
        near = self._now.some(table, lambda rows: _nearby(table, rows, spans))
        rows = Restricted(self._now, None, table, near).dated(table)
        when = [name for name in WHEN if name in rows.columns]
        wanted = {name: told_apart(rows, name) for name in self._columns.get(table, ())}
        wanted |= {name: rows[name].cast("timestamp") for name in when}
        if not when or first == last:
            return rows.select(**(wanted or {"_ingested_at": rows["_ingested_at"]})).limit(0)
        return rows.filter(ibis.or_(*(_within(wanted[name], span) for name in when for span in spans))).select(**wanted)


def _nearby(table: str, rows: ir.Table, spans: Sequence[tuple[datetime, datetime]]) -> ir.Table:
    """All rows that may have happened or begun in one of the spans, as far as stored moments and days tell.

    So said, whole stretches of a table need not be read: its rows lie about in the order in which they happened.
    """
    own = contract_of(table).event
    when = [rows[name] for name in (*own, "valid_from") if name in rows.columns]
    if table in INHERITS or any(not (one.type().is_timestamp() or one.type().is_date()) for one in when):
        return rows
    undated = [ibis.and_(*(rows[name].isnull() for name in own))] if own else []
    return rows.filter(ibis.or_(*undated, *(_within(one, span) for one in when for span in spans)))


def _within(when: ir.Value, span: tuple[datetime, datetime]) -> ir.BooleanValue:
    first, last = span
    if when.type().is_date():
        return (when >= ibis.literal(first.date())) & (when <= ibis.literal(last.date()))
    zone = UTC if when.type().timezone else None
    return (when > ibis.literal(first.replace(tzinfo=zone))) & (when <= ibis.literal(last.replace(tzinfo=zone)))


def _of_files(table: str, files: Sequence[str], columns: Collection[str], links: Sequence[str]) -> pa.Table:
    """Columns of the rows in some files, and what tells the rows apart; `links` are those of the `identity` table."""
    wanted = list(dict.fromkeys([*columns, *contract_of(table).key, *MARKS]))
    if not files:
        return pa.table({name: pa.array([], pa.null()) for name in wanted})
    held = {table: files} | ({IDENTITY: links} if links else {})
    some = Engine.open(Some(held), url=EMBEDDED)
    try:
        rows = some.table(table)
        return some.arrow(rows.select(**{name: told_apart(rows, name) for name in wanted}))
    finally:
        some.close()
