"""The language of conditions: text in, a typed tree out, and from the tree an Ibis expression.

    times_norm(drug_fund_per_visit) >= 5 and deviation(drug_fund_per_visit) >= 3.5 and level == "3"

Comparisons (`>` `>=` `<` `<=` `==` `!=`), `and` `or` `not`, `+ - * /`, numbers, quoted texts, profile columns,
attributes, and the functions `deviation(x)`, `times_norm(x)`, `norm(x)`, `peers(x)` and `known(x)`. Logic has three
values: a comparison with something unknown is unknown, and an unknown condition never fires.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import cached_property, lru_cache, reduce
from operator import and_, or_
from typing import TYPE_CHECKING

from catalogue import syntax
from catalogue.nodes import (
    And,
    Arithmetic,
    Call,
    Comparison,
    Condition,
    Function,
    Known,
    Name,
    Negative,
    Not,
    Number,
    Or,
    String,
    Value,
    names,
    walk,
)
from gnomon.errors import Fault, nearest

if TYPE_CHECKING:
    import ibis.expr.types as ir

WIDE = {Function.DEVIATION: "__z", Function.NORM: "__median", Function.PEERS: "__n"}
"""Where `Profiles.wide` keeps what a function asks for."""


@dataclass(frozen=True)
class Expression:
    """A parsed condition. `str` prints it in canonical form, which parses to the same expression again."""

    condition: Condition

    def __str__(self) -> str:
        return str(self.condition)

    @cached_property
    def _told_apart(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        texts: set[str] = set()
        asked: set[str] = set()
        measured: set[str] = set()
        for node in walk(self.condition):
            if isinstance(node, Known):
                asked.add(node.name.name)
            elif isinstance(node, Comparison):
                (texts if node.is_text else measured).update(name.name for name in names(node))
        order = dict.fromkeys(name.name for name in names(self.condition))
        attributes = tuple(name for name in order if name in texts)
        # A name that is only asked whether it is known counts as a column unless a text was held against it.
        return tuple(name for name in order if name in measured or (name in asked and name not in texts)), attributes

    def columns(self) -> tuple[str, ...]:
        """Profile columns it reads, each once, in the order written."""
        return self._told_apart[0]

    def attributes(self) -> tuple[str, ...]:
        """Attributes that it holds against texts, each once, in the order written."""
        return self._told_apart[1]

    def comparisons(self) -> tuple[Comparison, ...]:
        """All comparisons, in the order written."""
        return tuple(node for node in walk(self.condition) if isinstance(node, Comparison))

    def faults(self, where: str, kind: str, columns: Collection[str], attributes: Collection[str]) -> list[Fault]:
        """One located fault for each name that profiles of the entity `kind` do not have."""
        told: dict[str, Fault] = {}
        texts = set(self.attributes())
        for name in names(self.condition):
            here = attributes if name.name in texts else columns
            asked_only = name.name not in texts and not self._measures(name.name)
            if name.name in here or (asked_only and name.name in attributes):
                continue
            key = "catalogue.expression.attribute" if name.name in texts else "catalogue.expression.column"
            close = nearest(name.name, here)
            told.setdefault(name.name, Fault(key, place=where, at=name.at, name=name.name, entity=kind, nearest=close))
        return list(told.values())

    def _measures(self, name: str) -> bool:
        return any(name in comparison.columns() for comparison in self.comparisons())

    def to_ibis(self, table: ir.Table) -> ir.BooleanValue:
        """The condition over a table laid out like `Profiles.wide()`; null where it is unknown."""
        return _condition(self.condition, table)


@lru_cache(maxsize=4096)
def parse(text: str, where: str) -> Expression:
    """Read a condition. `where` (file and line, or a form field) leads every fault; the character is told from 1."""
    return Expression(syntax.read(text, where))


def _condition(node: Condition, table: ir.Table) -> ir.BooleanValue:
    match node:
        case Comparison():
            return _comparison(node, table)
        case Known(name=name):
            return _column(table, name.name).notnull()
        case Not(part=part):
            return ~_condition(part, table)
        case And(parts=parts):
            return reduce(and_, (_condition(part, table) for part in parts))
        case Or(parts=parts):
            return reduce(or_, (_condition(part, table) for part in parts))


def _comparison(node: Comparison, table: ir.Table) -> ir.BooleanValue:
    left, right = _value(node.left, table), _value(node.right, table)
    signs: dict[str, Callable[[], ir.BooleanValue]] = {
        ">": lambda: left > right,
        ">=": lambda: left >= right,
        "<": lambda: left < right,
        "<=": lambda: left <= right,
        "==": lambda: left == right,
        "!=": lambda: left != right,
    }
    return signs[node.sign]()


def _value(node: Value, table: ir.Table) -> ir.Value:
    import ibis

    match node:
        case Number(value=number):
            return ibis.literal(number)
        case String(value=text):
            return ibis.literal(text)
        case Name(name=name):
            return _column(table, name)
        case Call(function=Function.TIMES_NORM, column=column):
            median = _column(table, f"{column}__median")
            return _column(table, column.name) / ibis.ifelse(median > 0, median, ibis.null("float64"))
        case Call(function=function, column=column):
            return _column(table, f"{column}{WIDE[function]}")
        case Negative(value=value):
            return -_value(value, table)
        case Arithmetic(sign=sign, left=left, right=right):
            return _arithmetic(sign, _value(left, table), _value(right, table))


def _arithmetic(sign: str, left: ir.Value, right: ir.Value) -> ir.Value:
    if sign == "+":
        return left + right
    if sign == "-":
        return left - right
    return left * right if sign == "*" else left / right.nullif(0)


def _column(table: ir.Table, name: str) -> ir.Value:
    import ibis

    column = table[name]
    # NaN, pandas' word for unknown, is the greatest number of all to SQL: it would fire every upper limit.
    return ibis.ifelse(column.isnan(), ibis.null("float64"), column) if column.type().is_floating() else column
