"""How a measure is declared: a small documented function beside its title, unit, direction and windows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from inspect import getdoc
from typing import Any

import ibis
import ibis.expr.types as ir

from features.measures.tables import Tables, named
from features.profiles import ProfileColumn
from features.rates import Chance
from gnomon.terms import Direction, Text

EVER = ("",)
"""All time up to the as-of date only."""
YEARLY = ("", "365d")
"""All time, the last 365 days."""
RECENT = ("", "365d", "90d")
"""All time, the last 365 days, the last 90 days."""
MONTHLY = ("", "365d", "90d", "30d")
"""The same and the last 30 days: what happens often enough that a month says something."""
WINDOW_DAYS = {"365d": 365, "90d": 90, "30d": 30}
TRIALS = "__trials"
"""After a column's name: of how many trials a rate is."""


class Rows:
    """Rows of a view, seen through a window: outside of it every column is null, so any aggregate is conditional.

    Windows share one scan because they are masks and not filters. A view that aggregates may bring what a column says
    of a window alone, as `<column>_<window>`: that is taken instead of a mask.
    """

    def __init__(self, table: ir.Table, tables: Tables, window: tuple[int, int] | None = None, told: str = "") -> None:
        self._told = told
        self._table = table
        self._tables = tables
        self._window = window

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        own = f"{name}_{self._told}"
        if self._told and own in self._table.columns:
            return self._table[own]
        inside = self.inside()
        column = self._table[name]
        return column if inside is None else ibis.ifelse(inside, column, ibis.null())

    def count(self) -> ir.IntegerScalar:
        """Number of rows in the window."""
        inside = self.inside()
        return self._table.count() if inside is None else inside.cast("int64").sum()

    def inside(self) -> ir.BooleanValue | None:
        """Whether a row is in the window; None when every row is."""
        if self._window is None:
            return None
        oldest, newest = (self._tables.ago(days) for days in self._window)
        return (self._table.event_at > oldest) & (self._table.event_at <= newest)

    def last(self, days: int, until: int = 0) -> Rows:
        """The same rows in (as_of - days, as_of - until]."""
        return Rows(self._table, self._tables, (days, until))


Compute = Callable[[Rows], ir.Value]
Parts = Callable[[Rows], tuple[ir.NumericValue, ir.NumericValue]]
Condition = Callable[[Rows], ir.BooleanValue]


@dataclass(frozen=True)
class View:
    """Rows that measures aggregate: `entity_id`, `event_at`, and what the measures read.

    A view that is itself an aggregate (institution × drug) makes two-level measures out of plain ones.
    """

    name: str
    build: Callable[[Tables], ir.Table]
    needs: tuple[str, ...]
    """Tables without which nothing of this view can be known."""
    table: str
    """Contract table that the evidence rows lie in."""
    key: str
    """Column of the evidence view that identifies a row."""
    rows: View | None = None
    """For an aggregate view: the rows under it; both share `shares`."""
    shares: tuple[str, ...] = ()
    by: tuple[str, ...] = ()
    """Columns of `table`: its rows with the same values in them make the same rows of the view, whatever else lies in
    the table. `column.day` is the civil day of a moment. A refresh then reads only the rows that share such values with
    one that changed; without them it reads the whole table again."""
    entity: tuple[str, ...] = ()
    """Columns of `table` that say which entity a row counts for; told with `by`."""


@dataclass(frozen=True)
class Behind:
    """Which rows of the view stand behind a measure, and which weigh most."""

    weigh: Callable[[Rows], ir.Value] | None = None
    where: Callable[[Rows], ir.BooleanValue] | None = None


@dataclass(frozen=True)
class Measure:
    """One number per entity and window."""

    name: str
    meaning: str
    title: Text
    unit: str
    suspicious: Direction
    windows: tuple[str, ...]
    view: View
    compute: Compute
    log: bool
    """Skewed amounts and counts: deviations are taken on log1p (LRZ)."""
    behind: Behind
    chance: Chance | None = None
    """Of a rate: what it varies by. Deviations are taken after it is drawn to the peers' rate (`features.rates`)."""
    trials: Compute | None = None
    """Of a rate: the trials, or the exposure."""

    @property
    def columns(self) -> tuple[ProfileColumn, ...]:
        """One profile column per window."""
        return tuple(
            ProfileColumn(
                f"{self.name}_{window}" if window else self.name,
                self.name,
                window,
                _within(self.title, window),
                self.unit,
                self.suspicious,
            )
            for window in self.windows
        )


@dataclass
class Entity:
    """A kind of thing that is profiled, and everything measured about it."""

    kind: str
    title: Text
    attributes: Callable[[Tables], ir.Table]
    """Table of `entity_id`, `name` and the attributes that peer groups are made of, as strings."""
    peers: tuple[tuple[str, ...], ...]
    """Attribute combinations, finest first; the last is `()`: everybody."""
    attribute_titles: dict[str, Text]
    tables: tuple[str, ...]
    """Tables whose last event is the default as-of moment."""
    measures: dict[str, Measure] = field(default_factory=dict)

    def __post_init__(self) -> None:
        made = self.attributes
        # Blank identifiers are nobody, whoever made the table.
        self.attributes = lambda tables: named(made(tables))

    def measure(
        self,
        view: View,
        title: Text,
        unit: str = "",
        suspicious: Direction = Direction.HIGH,
        windows: Sequence[str] = EVER,
        log: bool = False,
        behind: Behind | None = None,
        name: str | None = None,
    ) -> Callable[[Compute], Compute]:
        """Declare the decorated `(rows) -> Ibis value` as a measure; its docstring is the meaning.

        `unit` is empty for plain counts, `%` for shares and ratios told as 0 to 1, `CNY`, `days`, `x` for multiples,
        `claims/patient` for how many of one there are to one of the other.
        """

        def declare(compute: Compute) -> Compute:
            own = name or compute.__name__
            self._add(
                Measure(
                    own, getdoc(compute) or "", title, unit, suspicious, tuple(windows), view, compute, log,
                    behind or Behind(),
                )
            )  # fmt: skip
            return compute

        return declare

    def share(
        self,
        view: View,
        title: Text,
        suspicious: Direction = Direction.HIGH,
        windows: Sequence[str] = EVER,
        behind: Behind | None = None,
        at_least: int = 1,
    ) -> Callable[[Condition], Condition]:
        """Declare a share of rows: the decorated `(rows) -> condition` tells which rows are hits, null is unknown.

        A rate: 0 to 1, drawn to the peers' share before it is held against them. Unknown for fewer than `at_least`
        rows. The rows behind it are the hits, unless said otherwise.
        """

        def declare(hit: Condition) -> Condition:
            def parts(rows: Rows) -> tuple[ir.NumericValue, ir.NumericValue]:
                condition = hit(rows)
                return condition.cast("float64").sum(), condition.count()

            self._rate(parts, hit, view, title, "%", suspicious, windows, behind or Behind(where=hit), at_least,
                       Chance.SHARE)  # fmt: skip
            return hit

        return declare

    def rate(
        self,
        view: View,
        title: Text,
        unit: str = "%",
        suspicious: Direction = Direction.HIGH,
        windows: Sequence[str] = EVER,
        behind: Behind | None = None,
        at_least: float = 0,
        chance: Chance = Chance.SHARE,
    ) -> Callable[[Parts], Parts]:
        """Declare a rate: the decorated function gives hits and trials, or (`Chance.COUNT`) events and exposure.

        Unknown for fewer than `at_least` trials. Deviations are taken after it is drawn to the peers' rate.
        """

        def declare(parts: Parts) -> Parts:
            self._rate(
                parts, parts, view, title, unit, suspicious, windows, behind or Behind(), at_least, chance
            )  # fmt: skip
            return parts

        return declare

    def _rate(
        self, parts: Parts, told: Parts | Condition, view: View, title: Text, unit: str, suspicious: Direction,
        windows: Sequence[str], behind: Behind, at_least: float, chance: Chance,
    ) -> None:  # fmt: skip
        def value(rows: Rows) -> ir.Value:
            hits, trials = parts(rows)
            return ratio(hits, ibis.ifelse(trials >= at_least, trials, ibis.null()) if at_least else trials)

        def trials(rows: Rows) -> ir.Value:
            return parts(rows)[1]

        self._add(
            Measure(
                told.__name__, getdoc(told) or "", title, unit, suspicious, tuple(windows), view, value, False, behind,
                chance, trials,
            )
        )  # fmt: skip

    def _add(self, one: Measure) -> None:
        if one.name in self.measures:
            raise ValueError(f"{self.kind}: the measure {one.name} is declared twice")
        self.measures[one.name] = one

    @property
    def columns(self) -> tuple[ProfileColumn, ...]:
        """All profile columns in the order of declaration."""
        return tuple(column for one in self.measures.values() for column in one.columns)

    @property
    def rates(self) -> dict[str, Chance]:
        """Profile columns that are rates, and what they vary by."""
        return {column.name: one.chance for one in self.measures.values() if one.chance for column in one.columns}

    @property
    def views(self) -> tuple[View, ...]:
        """The views that measures are made from, each once."""
        return tuple({one.view.name: one.view for one in self.measures.values()}.values())


def fused(entity: Entity, view: View, tables: Tables) -> tuple[ir.Table, dict[str, ir.Value]]:
    """All measures of one view over all windows as ONE aggregation by entity, and the values in it by column.

    Beside each rate stands, as `<column>__trials`, of how many trials it is.
    """
    table = view.build(tables)
    columns: dict[str, ir.Value] = {}
    trials: dict[str, ir.Value] = {}
    for one in entity.measures.values():
        if one.view.name != view.name:
            continue
        for column in one.columns:
            rows = Rows(table, tables, windowed(column.window), column.window)
            columns[column.name] = one.compute(rows).cast("float64")
            if one.trials is not None:
                trials[column.name + TRIALS] = one.trials(rows).cast("float64")
    found = table.group_by("entity_id").aggregate(**columns, **trials)
    return named(found), columns


def windowed(window: str) -> tuple[int, int] | None:
    """The window's days before the as-of date; None for all time."""
    return (WINDOW_DAYS[window], 0) if window else None


def share(condition: ir.BooleanValue) -> ir.FloatingScalar:
    """Share of rows for which a condition holds, among those where it is known; null when none is.

    >>> share(ibis.table({"x": "boolean"}, name="t").x).type()
    Float64(nullable=True)
    """
    return condition.cast("float64").mean()


def ratio(part: ir.NumericValue, whole: ir.NumericValue) -> ir.FloatingValue:
    """`part / whole`, null where the whole is zero or either is unknown."""
    return part.cast("float64") / whole.cast("float64").nullif(0.0)


def excess(paid: ir.NumericValue, reference: ir.NumericValue) -> ir.FloatingValue:
    """What was paid over its reference value, less one, of the rows that have one."""
    return ratio(ibis.ifelse(reference.notnull(), paid, ibis.null()).sum(), reference.sum()) - 1


def correlation(x: ir.NumericValue, y: ir.NumericValue) -> ir.FloatingValue:
    """Pearson's correlation over the rows; both are known, or neither."""
    both = (x * y).mean() - x.mean() * y.mean()
    width = (((x * x).mean() - x.mean() ** 2) * ((y * y).mean() - y.mean() ** 2)).sqrt()
    return ratio(both, width)


def span(later: ir.TimestampValue, earlier: ir.TimestampValue) -> ir.FloatingValue:
    """Days between two moments, as a fraction."""
    return (later.epoch_seconds() - earlier.epoch_seconds()).cast("float64") / timedelta(days=1).total_seconds()


def _within(title: Text, window: str) -> Text:
    if not window:
        return title
    days = WINDOW_DAYS[window]
    return Text(f"{title.zh}(近{days}天)", f"{title.en}, last {days} days")
