"""A view's aggregation in two steps: sums, counts and extremes that add up, and the measures that are made of them.

The first step over some rows may be taken from the first step over all rows, and that over other rows put to it.
Nothing is lost on the way: counts are whole, and floating sums are whole numbers of 2^-50, as in every other query.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

import ibis
import ibis.expr.operations as ops
import ibis.expr.types as ir

from features.contracts import contract_of
from features.exact import term
from features.measures.declare import View
from features.measures.tables import named
from features.unknown import fields_of

Finish = Callable[[ir.Table], ir.Value]
UNITS = "decimal(38, 0)"
"""128 bits, as far as tables can carry them."""


@dataclass
class Partial:
    """How the measures of one view add up over its rows."""

    rows: ir.Table
    view: View
    kept: Mapping[str, ir.Table]
    sums: dict[str, ir.Value] = field(default_factory=dict)
    distinct: dict[str, ir.Value] = field(default_factory=dict)
    """Numbers of distinct values; they add up where all rows with a value are on the same side."""
    extremes: dict[str, ir.Value] = field(default_factory=dict)
    least: set[str] = field(default_factory=set)
    """Which of the extremes are minima."""
    told: dict[str, str] = field(default_factory=dict)
    """The column of the contracted table that each of `distinct` counts."""
    counted: str = ""
    """Which of the sums is the number of rows."""
    groups: tuple[str, ...] = ("entity_id",)
    """Columns of the rows that they are added up by."""
    _measures: dict[str, ops.Value] = field(default_factory=dict)
    _finish: dict[ops.Reduction, Finish] = field(default_factory=dict)
    _named: dict[ops.Node, str] = field(default_factory=dict)

    @property
    def columns(self) -> list[str]:
        """Of the first step, the id excepted."""
        return [*self.sums, *self.distinct, *self.extremes]

    @property
    def closures(self) -> dict[tuple[str, ...], list[str]]:
        """By columns of the view's table that tell rows apart: what of the first step adds up over such rows."""
        found = {self.view.by: [*self.sums, *self.extremes]}
        for name, column in self.told.items():
            found.setdefault(tuple(dict.fromkeys((*self.view.entity, column))), []).append(name)
        return found

    def first(self, names: Sequence[str]) -> ir.Table:
        """The first step by entity, some of its columns."""
        every = {**self.sums, **self.distinct, **self.extremes}
        made = self.rows.group_by(*self.groups).aggregate(**{name: every[name] for name in names})
        # Identifiers may be coded.
        made = made.cast({name: "string" for name in self.groups if made[name].type().is_string()})
        return named(made) if "entity_id" in self.groups else made

    def second(self, first: ir.Table) -> ir.Table:
        """The measures by entity, from all columns of the first step."""
        replaced = {one: finish(first).op() for one, finish in self._finish.items()}
        measures = {name: value.replace(replaced).to_expr() for name, value in self._measures.items()}
        return first.select(*self.groups, **measures)

    @property
    def _by_entity(self) -> bool:
        """Whether all rows that are not told apart are of one entity."""
        return len(self.view.entity) == 1 and self.view.entity[0] in self.view.by

    def _sum(self, value: ops.Reduction) -> str:
        return self._column(self.sums, "sum", value)

    def _column(self, to: dict[str, ir.Value], kind: str, value: ops.Reduction) -> str:
        if value not in self._named:
            self._named[value] = f"{kind}{len(to)}"
            to[self._named[value]] = value.to_expr()
        return self._named[value]

    def _added(self, one: ops.Sum | ops.Mean) -> Finish | None:
        told = term(one.arg)
        if told is None:
            return None
        added, scale = told
        total = self._sum(added.sum().cast(UNITS if scale > 1 else "float64").op())
        n = self._sum(ops.Count(one.arg, None))

        def finish(first: ir.Table) -> ir.Value:
            value = first[total].cast("float64") / scale
            value = value / first[n].cast("float64").nullif(0.0) if isinstance(one, ops.Mean) else value
            return ibis.ifelse(first[n] > 0, value.cast(one.dtype), ibis.null())

        return finish

    def take(self, one: ops.Reduction) -> bool:
        """Whether a reduction adds up over the rows of the view; what it takes is noted."""
        finish: Finish | None = None
        name = ""
        if isinstance(one, ops.Sum | ops.Mean):
            finish = self._added(one)
        elif isinstance(one, ops.Count | ops.CountStar):
            name = self._sum(one)
        elif isinstance(one, ops.CountDistinct) and (counted := _counted(one.arg, self.view, self.kept)):
            name = self._column(self.distinct, "distinct", one)
            self.told[name] = counted
        elif isinstance(one, ops.Max | ops.Min) and self._by_entity:
            name = self._column(self.extremes, "extreme", one)
            self.least |= {name} if isinstance(one, ops.Min) else set()
        if name:
            finish = lambda first: first[name]  # noqa: E731
        if finish is not None:
            self._finish[one] = finish
        return finish is not None


def partial_of(view: View, query: ir.Table, kept: Mapping[str, ir.Table] = MappingProxyType({})) -> Partial | None:
    """The two steps of a fused aggregation; None where the view does not say how, or a measure does not add up.

    `kept` tells what tables that the engine holds were made from.
    """
    if not view.by:
        return None
    aggregate = query.op()
    while not isinstance(aggregate, ops.Aggregate):
        aggregate = aggregate.parent
    made = Partial(aggregate.parent.to_expr(), view, kept, groups=tuple(aggregate.groups))
    made.counted = made._sum(ops.CountStar(aggregate.parent, None))
    made._measures = dict(aggregate.metrics)
    for value in aggregate.metrics.values():
        for one in value.find(ops.Reduction, filter=ops.Value):
            if one not in made._finish and (one.where is not None or not made.take(one)):
                return None
    return made


def _counted(value: ops.Value, view: View, kept: Mapping[str, ir.Table]) -> str | None:
    """The column of the view's table that distinct values are counted of; None when other rows have a say in it."""
    waiting, seen = [value], set[ops.Value]()
    while waiting:
        one = waiting.pop()
        if one.find((ops.WindowFunction, ops.Analytic, ops.Reduction, ops.Subquery), filter=ops.Value):
            return None
        for field_ in one.find(ops.Field, filter=ops.Value):
            behind = field_.rel.values.get(field_.name) if hasattr(field_.rel, "values") else None
            if isinstance(behind, ops.Value) and behind not in seen:
                seen.add(behind)
                waiting.append(behind)
    while not isinstance(value, ops.Field):
        if isinstance(value, ops.IfElse):
            value = value.true_expr
        elif isinstance(value, ops.Cast):
            value = value.arg
        else:
            return None
    behind = set(fields_of(value.to_expr(), kept))
    own = {(view.table, value.name)}
    return value.name if behind == own and value.name in contract_of(view.table).by_name else None
