"""Contracted tables as they stood at an as-of date: no later row enters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import ibis
import ibis.expr.types as ir

from features.contracts import contract_of

if TYPE_CHECKING:
    from features.engine import Engine

INHERITS = {
    "bid": ("tender", "tender_id"),
    "bid_item": ("bid", "bid_id"),
    "evaluation_score": ("tender", "tender_id"),
}
"""Rows that become known with another row: a bid with the opening of its tender."""

LOCAL_HOURS = 8
"""Civil time of the records' country (Asia/Shanghai) ahead of UTC, which moments are stored in."""


class Tables:
    """`tables.claim` is the claim table as of a moment, with `event_at`: when the row happened or became known.

    Registry tables without an event (organization, person, catalogue) are read as they are, spells that begin after
    the moment excepted. A row without a date counts from the day it arrived.
    """

    def __init__(self, engine: Engine, as_of: datetime | None, keep: bool = True) -> None:
        self._keep = keep
        self._engine = engine
        self._as_of = as_of
        self._built: dict[str, ir.Table] = {}
        self.bounds = {0}
        """Days before the as-of moment at which rows come in or go out, as far as queries have asked."""
        self.timed = False
        """Whether a query asked for the moment itself: what it tells may change although no row does."""

    def __getattr__(self, name: str) -> ir.Table:
        if name.startswith("_"):
            raise AttributeError(name)
        if name not in self._built:
            self._built[name] = self._until(self.dated(name))
        return self._built[name]

    def kept(self, name: str, of: str, expr: Callable[[], ir.Table]) -> ir.Table:
        """An intermediate table that several views read, held by the engine when the table `of` is large."""
        if self._as_of is None or not self.keeps(of):
            return expr()
        return self._engine.kept(name, self._as_of.isoformat(), expr)

    def keeps(self, of: str) -> bool:
        """Whether what is made of a table is held."""
        return self._keep and self._as_of is not None and self._engine.rows(of) >= self._engine.keep_from

    def coded(
        self, name: str, of: str, expr: Callable[[], ir.Table], coded: Sequence[str], numbered: Sequence[str]
    ) -> ir.Table:
        """What a kept table is made of, with codes for its identifiers: see `Engine.coded`."""
        if self._as_of is None or not self.keeps(of):
            return expr()
        return self._engine.coded(name, self._as_of.isoformat(), expr, coded, numbered)

    def part(
        self, name: str, of: str, by: Sequence[str], expr: Callable[[Tables], ir.Table], adds: bool = False
    ) -> ir.Table:
        """An intermediate table that a refresh keeps beside the profiles; here it is made whole.

        Its rows with some values in `by` are made of the rows of `of` with the same values: a refresh makes those rows
        anew that changed. One that `adds` is an aggregation, whatever it groups by, of rows that are told apart by
        `by`: what changed rows add up to is taken from it and put to it.
        """
        return expr(self)

    def counted(self, name: str, of: str, by: Sequence[str], days: Sequence[int] = (), instead: str = "") -> ir.Table:
        """How many rows (`n`) say what in some columns of a table, and how many of the last days (`n_365d`); a part.

        Where a table with the same rows is kept already under the name `instead`, these are counted.
        """

        def counts(tables: Tables) -> ir.Table:
            held = tables.held(instead)
            rows: ir.Table = getattr(tables, of) if held is None else held
            recent = {f"n_{one}d": (rows.event_at > tables.ago(one)).cast("int64").sum() for one in days}
            return rows.group_by(*by).aggregate(n=rows.count(), **recent)

        return self.part(name, of, contract_of(of).key, counts, adds=True)

    def held(self, name: str) -> ir.Table | None:
        """What `kept` holds already; None when it does not."""
        return self._engine.held(name, self._as_of.isoformat()) if self._keep and self._as_of is not None else None

    def forget(self, name: str) -> None:
        """Give back what `kept` holds."""
        self._engine.forget(name)

    @property
    def now(self) -> ir.TimestampScalar:
        """The as-of moment."""
        self.timed = True
        return self._now

    @property
    def _now(self) -> ir.TimestampScalar:
        if self._as_of is None:
            raise ValueError("no as-of moment is set")
        return ibis.literal(self._as_of.replace(tzinfo=None))

    def ago(self, days: int) -> ir.TimestampScalar:
        """So many days before the as-of moment; only to be held against a row's `event_at`."""
        self.bounds.add(days)
        return self._now - ibis.interval(days=days)

    def has(self, name: str) -> bool:
        """Whether the lake holds any row of the table, at whatever date."""
        return self._engine.has(name)

    def dated(self, name: str) -> ir.Table:
        """The whole table with `event_at`; null only where neither a date nor an arrival is known."""
        table = self._stored(name)
        own = [_moment(name, column, table[column]) for column in contract_of(name).event]
        if name in INHERITS:
            parent, key = INHERITS[name]
            above = self.dated(parent).select(key, _above="event_at").distinct(on=key)
            table = table.left_join(above, key).drop(f"{key}_right")
            # Known only once both have happened; greatest() skips the unknown one.
            own = [ibis.greatest(*own, table["_above"]) if own else table["_above"]]
            table = table.mutate(event_at=ibis.coalesce(*own, table["_ingested_at"])).drop("_above")
        elif own:
            table = table.mutate(event_at=ibis.coalesce(*own, table["_ingested_at"]))
        return table

    def _stored(self, name: str) -> ir.Table:
        return self._engine.table(name)

    def _until(self, table: ir.Table) -> ir.Table:
        if self._as_of is None:
            return table
        for column in ("event_at", "valid_from"):
            if column in table.columns:
                moment = table[column].cast("timestamp")
                table = table.filter(moment.isnull() | (moment <= self._now))
        return table


def _moment(name: str, column: str, value: ir.Value) -> ir.TimestampValue:
    """When an event column says a row happened; a month, when it is over."""
    return month_end(value) if contract_of(name).by_name[column].type == "month" else value.cast("timestamp")


def filled(table: ir.Table, column: str) -> ir.BooleanScalar:
    """Whether anybody fills in the column: where nobody does, an absence in it says nothing."""
    return table.aggregate(known=table[column].count()).as_scalar() > 0


def joined(join: ir.Table) -> ir.Table:
    """A finished join as a plain table, that window functions may be taken over."""
    return join.select(*(join[name] for name in join.columns))


def month_end(month: ir.StringValue) -> ir.TimestampValue:
    """Start of the month after `YYYY-MM`: when the month is wholly known."""
    return ((month + "-01").cast("date") + ibis.interval(months=1)).cast("timestamp")


def local(moment: ir.TimestampValue) -> ir.TimestampValue:
    """Civil time of the place; null for a full hour to the second, which is how feeds write a date without a time."""
    dateless = moment.truncate("h") == moment
    return ibis.ifelse(dateless, ibis.null(), moment + ibis.interval(hours=LOCAL_HOURS))


def civil(moment: ir.TimestampValue) -> ir.DateValue:
    """Civil date of the place."""
    return (moment + ibis.interval(hours=LOCAL_HOURS)).date()


def named(table: ir.Table, column: str = "entity_id") -> ir.Table:
    """The rows that name somebody: blank identifiers pooled would make one entity that towers over all."""
    return table.filter(table[column].notnull() & (table[column].cast("string").strip() != ""))


def commonest(table: ir.Table, *columns: str) -> ir.Table:
    """One row per entity: the values that its rows have most often in these columns; of equals the first in order."""
    per = table.group_by("entity_id", *columns).aggregate(n=table.count())
    first = ibis.window(group_by="entity_id", order_by=[ibis.desc("n"), *columns])
    return per.mutate(order=ibis.row_number().over(first)).filter(ibis._.order == 0)


def pair_id(*parts: ir.StringValue) -> ir.StringValue:
    """The id of a pair, triple …: the ids with a slash between; null where any of them is blank."""
    told = [part.cast("string") for part in parts]
    whole = told[0]
    for part in told[1:]:
        whole = whole + "/" + part
    return ibis.ifelse(ibis.and_(*(part.strip() != "" for part in told)), whole, ibis.null())


def recent(tables: Tables, table: ir.Table, days: int) -> ir.BooleanValue:
    """Whether a row is of the last `days` days."""
    return table.event_at > tables.ago(days)


def banded(value: ir.NumericValue, bounds: Sequence[float]) -> ir.StringValue:
    """A size as a band: the first bound that it does not exceed, `<=50`, or above the last, `>500`."""
    return ibis.cases(
        *((value <= bound, f"<={bound:g}") for bound in bounds),
        (value > bounds[-1], f">{bounds[-1]:g}"),
        else_=ibis.null("string"),
    )
