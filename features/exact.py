"""Sums that come out the same to the last bit, in whatever order threads add them up.

Adding floating numbers in another order gives another last digit, and the engine's threads take rows in no fixed order.
So what is summed or averaged becomes a whole number of 2^-50 first: whole numbers of 128 bits add up exactly. A term
keeps all its 53 bits from 2^-8 upwards and is told to 2^-51 below. Sums of what is whole anyhow (counts, flags, days)
are exact as they are. Powers, whose sums may be too large for that, and standard deviations are taken over the values
in order of size.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import ibis
import ibis.expr.operations as ops
import ibis.expr.types as ir

SCALE = 2.0**50
LARGEST = 1e15
"""A term beyond it is taken for unknown: a hundred million of them still add up within 128 bits."""
MACROS = (
    f"CREATE TEMP MACRO gnomon_fixed(x) AS CASE WHEN abs(x) <= {LARGEST!r} THEN CAST(x * {SCALE!r} AS HUGEINT) END",
)
"""What DuckDB has to know before it runs an exact expression."""

Finish = Callable[[ops.Value], ops.Value]


def builtin(name: str, takes: str, gives: str) -> Callable[[ir.Value], ir.Value]:
    """A function of DuckDB that Ibis has no word for."""

    def told(x: Any) -> Any:
        raise NotImplementedError

    function: Callable[[ir.Value], ir.Value] = ibis.udf.scalar.builtin(told, name=name, signature=((takes,), gives))
    return function


_fixed = builtin("gnomon_fixed", "float64", "int64")
"""In units of 1/SCALE; 128 bits wide, whatever the type says."""
_sum = builtin("list_sum", "array<float64>", "float64")
_mean = builtin("list_avg", "array<float64>", "float64")
_sample_deviation = builtin("list_stddev_samp", "array<float64>", "float64")
_population_deviation = builtin("list_stddev_pop", "array<float64>", "float64")


def exact(expr: ir.Table) -> ir.Table:
    """The same expression, its floating sums, means and standard deviations free of the order of rows."""
    whole: dict[ops.Value, bool] = {}
    inside: dict[ops.Node, tuple[ops.Value, Finish]] = {}

    def rewritten(node: ops.Node, changed: Mapping[str, Any] | None) -> ops.Node:
        now = changed or dict(zip(node.__argnames__, node.__args__, strict=True))
        if isinstance(node, ops.WindowFunction) and now["func"] in inside:
            aggregate, finish = inside[now["func"]]
            return finish(ops.WindowFunction(**{**now, "func": aggregate}))
        if not isinstance(node, ops.Sum | ops.Mean | ops.StandardDev):
            return node.__recreate__(now) if changed else node
        if isinstance(node, ops.StandardDev):
            aggregate, finish = (
                _listed(now),
                _over(_sample_deviation if node.how == "sample" else _population_deviation),
            )
        elif _is_whole(node.arg, whole):
            return node.__recreate__(now) if changed else node
        elif any(_powers(node.arg)):
            aggregate, finish = _listed(now), _over(_sum if isinstance(node, ops.Sum) else _mean)
        else:
            aggregate, finish = type(node)(**{**now, "arg": _fixed(now["arg"].to_expr()).op()}), _in_units
        outer = finish(aggregate)
        inside[outer] = aggregate, finish
        return outer

    return expr.op().replace(rewritten).to_expr()


def term(value: ops.Value) -> tuple[ir.Value, float] | None:
    """What an exact sum adds for each row, as a whole number, and how many of them make one; None for a power.

    Sums of terms over some rows may be added to and taken from sums over others.
    """
    if _is_whole(value, {}):
        return value.to_expr(), 1.0
    return None if any(_powers(value)) else (_fixed(value.to_expr()), SCALE)


def _listed(now: Mapping[str, Any]) -> ops.Value:
    """All values in order of size."""
    return ops.ArrayCollect(now["arg"], where=now["where"], order_by=[ops.SortKey(now["arg"])], distinct=False)


def _over(function: Callable[[ir.Value], ir.Value]) -> Finish:
    return lambda values: function(values.to_expr()).op()


def _in_units(value: ops.Value) -> ops.Value:
    return (value.to_expr().cast("float64") / SCALE).op()


def _is_whole(value: ops.Value, known: dict[ops.Value, bool]) -> bool:
    """Whether a value is a whole number in every row, as far as its expression tells."""
    if value not in known:
        known[value] = _told_whole(value, known)
    return known[value]


def _told_whole(value: ops.Value, known: dict[ops.Value, bool]) -> bool:
    if value.dtype.is_integer() or value.dtype.is_boolean() or value.dtype.is_null():
        return True
    if value.dtype.is_decimal() and value.dtype.scale == 0:
        return True
    if isinstance(value, ops.Literal):
        return value.value is None or float(value.value).is_integer()
    if isinstance(value, ops.Cast):
        return not value.arg.dtype.is_string() and _is_whole(value.arg, known)
    if isinstance(value, ops.IfElse):
        return _is_whole(value.true_expr, known) and _is_whole(value.false_null_expr, known)
    if isinstance(value, ops.Coalesce):
        return all(_is_whole(one, known) for one in value.arg)
    if isinstance(value, ops.Sum | ops.Max | ops.Min):
        return _is_whole(value.arg, known)
    behind = _behind(value)
    return behind is not None and _is_whole(behind, known)


def _powers(value: ops.Value) -> Iterator[bool]:
    """A True for every power that a value is made of, by way of earlier columns too."""
    for node in value.find((ops.Power, ops.Field), filter=ops.Value):
        if isinstance(node, ops.Power):
            yield True
        elif (behind := _behind(node)) is not None:
            yield from _powers(behind)


def _behind(value: ops.Value) -> ops.Value | None:
    """What a column of an intermediate table is computed from; None for one that is stored."""
    if not isinstance(value, ops.Field) or isinstance(value.rel, ops.PhysicalTable | ops.Set):
        return None
    found: ops.Value | None = value.rel.values.get(value.name)
    return None if found is value else found
