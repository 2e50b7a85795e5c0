"""The same expression in a form that DuckDB runs faster over many rows; what it gives is the same.

Two things are mended. A condition on names (is it blank?) over what is grouped by name would be carried down to the
rows, and asked ten million times instead of once for each name: a limit that nobody reaches keeps it where it stands.
And distinct values counted in several windows are so many tables of them: one grouping by the value, with a flag for
each window, is a single one.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from operator import add
from typing import Any

import ibis.expr.operations as ops
import ibis.expr.types as ir

EVERY = 2**63 - 1
"""A limit on rows that nobody reaches."""
WORTH = 3
"""Numbers of distinct values of one column from which they are counted together."""
BITS = 62
"""Numbers of distinct values that are counted together at most."""
_COSTLY = (ops.Strip, ops.RegexSearch)
_GROUPED = (ops.Aggregate, ops.Distinct, ops.Set)


def faster(expr: ir.Table) -> ir.Table:
    """The same rows, sooner."""

    def rewritten(node: ops.Node, changed: Mapping[str, Any] | None) -> ops.Node:
        now = changed or dict(zip(node.__argnames__, node.__args__, strict=True))
        if isinstance(node, ops.Filter) and _is_fenced(node):
            return _fenced(now)
        made = node.__recreate__(now) if changed else node
        return _counted_together(made) if isinstance(made, ops.Aggregate) else made

    return expr.op().replace(rewritten).to_expr()


def _is_fenced(node: ops.Filter) -> bool:
    below = node.parent
    while isinstance(below, ops.Project | ops.Filter):
        below = below.parent
    return isinstance(below, _GROUPED) and any(one.find(_COSTLY, filter=ops.Value) for one in node.predicates)


def _fenced(now: Mapping[str, Any]) -> ops.Node:
    fence = ops.Limit(now["parent"], EVERY, 0)
    moved = {ops.Field(now["parent"], name): ops.Field(fence, name) for name in fence.schema}
    return ops.Filter(fence, tuple(one.replace(moved, filter=ops.Value) for one in now["predicates"]))


def _counted_together(node: ops.Aggregate) -> ops.Node:
    """Distinct values of one column, counted several times, by one grouping of its own that is joined to the rest."""
    column, many = _most_counted(node)
    many = many[:BITS]
    if column is None or len(many) < WORTH or not node.groups:
        return node
    rows, keys = node.parent.to_expr(), list(node.groups)
    by = {name: value.to_expr() for name, value in node.groups.items()}
    # One number with a bit for each count: what is held for every value has to be small.
    flags = [one.arg.to_expr().notnull().ifelse(1 << i, 0) for i, one in enumerate(many)]
    values = rows.group_by(**by, _value=column.to_expr()).aggregate(_flags=reduce(add, flags).bit_or())
    told: dict[ops.Value, str] = {one: f"number{i}" for i, one in enumerate(many)}
    sums = {name: ((values["_flags"] >> i) & 1).sum() for i, name in enumerate(told.values())}
    numbers = values.group_by(keys).aggregate(**sums)
    others = {one: f"part{i}" for i, one in enumerate(one for one in _reductions(node) if one not in told)}
    rest = rows.group_by(**by).aggregate(**{name: one.to_expr() for one, name in others.items()}, _rows=rows.count())
    both = rest.inner_join(numbers, [rest[key].identical_to(numbers[key]) for key in keys])
    both = both.select(*(rest[name] for name in (*keys, *others.values())), *(numbers[name] for name in sums))
    given = {one: both[name].op() for one, name in (told | others).items()}
    metrics = {name: value.replace(given, filter=ops.Value).to_expr() for name, value in node.metrics.items()}
    return both.select(*keys, **metrics).op()


def _most_counted(node: ops.Aggregate) -> tuple[ops.Value | None, list[ops.CountDistinct]]:
    """The column whose distinct values are counted most often, and these counts."""
    counts: dict[ops.Value, list[ops.CountDistinct]] = {}
    for one in _reductions(node):
        column = _column(one.arg) if isinstance(one, ops.CountDistinct) and one.where is None else None
        if column is not None:
            counts.setdefault(column, []).append(one)
    return max(counts.items(), key=lambda item: len(item[1]), default=(None, []))


def _reductions(node: ops.Aggregate) -> dict[ops.Value, None]:
    """Every reduction in the metrics, once, in order."""
    return {one: None for value in node.metrics.values() for one in value.find(ops.Reduction, filter=ops.Value)}


def _column(value: ops.Value) -> ops.Value | None:
    """The column whose values are counted where some condition holds; None for anything else."""
    while isinstance(value, ops.IfElse) and _is_nothing(value.false_null_expr):
        value = value.true_expr
    return value if isinstance(value, ops.Field) else None


def _is_nothing(value: ops.Value) -> bool:
    while isinstance(value, ops.Cast):
        value = value.arg
    return isinstance(value, ops.Literal) and value.value is None
