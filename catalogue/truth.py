"""A condition over profiles that lie in memory: what holds, what is unknown, and how far each comparison was passed.

Same meaning as `Expression.to_ibis`, without a query: a request that scores one tender cannot wait for an engine.
A property test holds the two to the same answers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd

from catalogue.expression import WIDE
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
    positive,
)
from features.profiles import Profiles

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
COMPARE = {
    ">": np.greater,
    ">=": np.greater_equal,
    "<": np.less,
    "<=": np.less_equal,
    "==": np.equal,
    "!=": np.not_equal,
}
MOST = 8.0
"""What one comparison can add at most: 128 times its threshold and beyond count alike."""


class Reading(Protocol):
    """Where values come from: columns laid out like `Profiles.wide()`, one entry an entity."""

    @property
    def size(self) -> int:
        """How many entities there are."""
        ...

    def number(self, name: str) -> Floats:
        """A column as numbers; NaN is unknown, and a column that is not there is unknown throughout."""
        ...

    def text(self, name: str) -> npt.NDArray[np.object_]:
        """An attribute as texts; None is unknown."""
        ...


@dataclass(frozen=True)
class ProfileReading:
    """Reads profiles, only the columns that are asked for."""

    profiles: Profiles

    @property
    def size(self) -> int:
        """How many entities there are."""
        return len(self.profiles.values)

    def number(self, name: str) -> Floats:
        """See `Reading`."""
        column, mark, what = name.partition("__")
        at = self._places.get(column)
        if at is None:
            return np.full(self.size, np.nan)
        if not mark:
            return self._values[:, at]
        if what == "z":
            return self._deviations[:, at]
        # NO_NORM is -1, which is the appended NaN: no norm, nothing known about it.
        return self._norms[what][self._groups[:, at]]

    @cached_property
    def _places(self) -> dict[str, int]:
        return {str(name): number for number, name in enumerate(self.profiles.values.columns)}

    @cached_property
    def _values(self) -> Floats:
        return self.profiles.values.to_numpy(float)

    @cached_property
    def _deviations(self) -> Floats:
        return self.profiles.deviations.to_numpy(float)

    @cached_property
    def _groups(self) -> npt.NDArray[np.int32]:
        return self.profiles.groups[list(self._places)].to_numpy()

    @cached_property
    def _norms(self) -> dict[str, Floats]:
        return {what: np.append(self.profiles.norms[what].to_numpy(float), np.nan) for what in ("median", "n")}

    def text(self, name: str) -> npt.NDArray[np.object_]:
        """See `Reading`."""
        if name not in self.profiles.attributes.columns:
            return np.full(self.size, None, dtype=object)
        told = self.profiles.attributes[name].to_numpy(dtype=object, copy=True)
        told[pd.isna(told)] = None
        return told


@dataclass(frozen=True)
class GivenReading:
    """Reads values written down by hand, such as a model's examples: one mapping an entity."""

    rows: tuple[Mapping[str, Any], ...]

    @property
    def size(self) -> int:
        """How many entities there are."""
        return len(self.rows)

    def number(self, name: str) -> Floats:
        """See `Reading`."""
        given = [row.get(name) for row in self.rows]
        return np.array([np.nan if value is None or isinstance(value, str) else float(value) for value in given])

    def text(self, name: str) -> npt.NDArray[np.object_]:
        """See `Reading`."""
        given = [row.get(name) for row in self.rows]
        # NaN is how a number says that it is unknown; as a text it would read "nan" and be known.
        return np.array([None if value is None or value != value else str(value) for value in given], dtype=object)


@dataclass(frozen=True)
class Truth:
    """Three-valued truth of one condition, entity by entity: `yes`, `no`, or neither (unknown)."""

    yes: Bools
    no: Bools

    @property
    def unknown(self) -> Bools:
        """Where it could not be told."""
        return ~(self.yes | self.no)


@dataclass(frozen=True)
class Judged:
    """A condition with its truth and, below it, the truth of its parts."""

    condition: Condition
    truth: Truth
    parts: tuple[Judged, ...] = ()
    excess: Floats = field(default_factory=lambda: np.zeros(0))
    """For a comparison of numbers: how far it was passed where it holds; see `_excess`."""

    def added(self) -> dict[str, Floats]:
        """What each profile column adds to the score where the condition holds; nothing where it does not.

        All parts of an `and` add; of an `or` only the stronger branch; a comparison that weighs several columns
        splits its share evenly among them, and gives none to what it only divides by.
        """
        match self.condition:
            case Comparison() as comparison if self.excess.size:
                columns = comparison.weighing()
                return {column: self.excess / len(columns) for column in columns}
            case And():
                return _masked(_summed([part.added() for part in self.parts], self.truth.yes.size), self.truth.yes)
            case Or():
                return _stronger([part.added() for part in self.parts], self.truth.yes.size)
        return {}


def judge(condition: Condition, reading: Reading) -> Judged:
    """Hold a condition against every entity of a reading."""
    return _judged(positive(condition), reading)


def _judged(condition: Condition, reading: Reading) -> Judged:
    match condition:
        case Comparison() if condition.is_text:
            return Judged(condition, _texts(condition, reading))
        case Comparison():
            return _numbers(condition, reading)
        case Known(name=name):
            known = _known(name, reading)
            return Judged(condition, Truth(known, ~known))
        case Not(part=part):
            inner = _judged(part, reading)
            return Judged(condition, Truth(inner.truth.no, inner.truth.yes))
        case And(parts=parts) | Or(parts=parts):
            judged = tuple(_judged(part, reading) for part in parts)
            yes, no = np.stack([one.truth.yes for one in judged]), np.stack([one.truth.no for one in judged])
            both = isinstance(condition, And)
            truth = Truth(_all(yes), _any(no)) if both else Truth(_any(yes), _all(no))
            return Judged(condition, truth, judged)


def _all(rows: Bools) -> Bools:
    return np.asarray(rows.all(axis=0), dtype=bool)


def _any(rows: Bools) -> Bools:
    return np.asarray(rows.any(axis=0), dtype=bool)


def _known(name: Name, reading: Reading) -> Bools:
    numbers = np.isfinite(reading.number(name.name))
    texts = np.array([one is not None for one in reading.text(name.name)], dtype=bool)
    return np.asarray(numbers | texts, dtype=bool)


def _texts(comparison: Comparison, reading: Reading) -> Truth:
    sides = [
        np.full(reading.size, side.value, dtype=object) if isinstance(side, String) else reading.text(str(side))
        for side in (comparison.left, comparison.right)
    ]
    known = np.array([a is not None and b is not None for a, b in zip(*sides, strict=True)], dtype=bool)
    same = np.array([a == b for a, b in zip(*sides, strict=True)], dtype=bool)
    held = same if comparison.sign == "==" else ~same
    return Truth(known & held, known & ~held)


def _numbers(comparison: Comparison, reading: Reading) -> Judged:
    left, right = _value(comparison.left, reading), _value(comparison.right, reading)
    known = np.isfinite(left) & np.isfinite(right)
    held = np.asarray(COMPARE[comparison.sign](left, right), dtype=bool)
    truth = Truth(known & held, known & ~held)
    if not truth.yes.any():
        return Judged(comparison, truth, (), np.zeros(len(left)))
    return Judged(comparison, truth, (), np.where(truth.yes, _excess(left, comparison.sign, right), 0.0))


def _excess(left: Floats, sign: str, right: Floats) -> Floats:
    """1 at the threshold, 1 more for each doubling beyond it, at most `MOST`.

    Sides of one sign are held as a ratio; where the signs differ or a side is zero there is none, and the distance
    counts instead.
    """
    if sign in ("==", "!="):
        return np.ones_like(left)
    beyond, limit = (left, right) if sign in (">", ">=") else (right, left)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        ratio = np.where(left > 0, beyond / limit, limit / beyond)
        told = np.where(np.sign(left) * np.sign(right) > 0, np.log2(ratio), np.log2(1 + np.abs(left - right)))
    return np.asarray(np.clip(1 + np.nan_to_num(told, nan=0.0, posinf=MOST, neginf=0.0), 1.0, MOST), dtype=float)


def _value(node: Value, reading: Reading) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        match node:
            case Number(value=number):
                return np.full(reading.size, number)
            case Name(name=name):
                return reading.number(name)
            case Call(function=Function.TIMES_NORM, column=column):
                median = reading.number(f"{column}__median")
                return reading.number(column.name) / np.where(median > 0, median, np.nan)
            case Call(function=function, column=column):
                return reading.number(f"{column}{WIDE[function]}")
            case Negative(value=value):
                return -_value(value, reading)
            case Arithmetic(sign="+", left=left, right=right):
                return _value(left, reading) + _value(right, reading)
            case Arithmetic(sign="-", left=left, right=right):
                return _value(left, reading) - _value(right, reading)
            case Arithmetic(sign="*", left=left, right=right):
                return _value(left, reading) * _value(right, reading)
            case Arithmetic(left=left, right=right):
                divisor = _value(right, reading)
                return _value(left, reading) / np.where(divisor == 0, np.nan, divisor)
    raise TypeError(f"{node!r} is not a number")


def _summed(shares: list[dict[str, Floats]], size: int) -> dict[str, Floats]:
    total: dict[str, Floats] = {}
    for share in shares:
        for column, added in share.items():
            total[column] = total.get(column, np.zeros(size)) + added
    return total


def _masked(shares: dict[str, Floats], here: Bools) -> dict[str, Floats]:
    return {column: np.where(here, added, 0.0) for column, added in shares.items()}


def _stronger(branches: list[dict[str, Floats]], size: int) -> dict[str, Floats]:
    weights = np.stack([sum(branch.values(), np.zeros(size)) for branch in branches])
    strongest = weights.argmax(axis=0)
    return _summed([_masked(branch, strongest == number) for number, branch in enumerate(branches)], size)
