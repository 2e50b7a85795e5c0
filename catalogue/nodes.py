"""What an expression is made of: a small typed tree that prints itself back as it was written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum


class Function(StrEnum):
    """What may be asked about one profile column beside its value."""

    DEVIATION = "deviation"
    """Robust z of the value among its peers."""
    TIMES_NORM = "times_norm"
    """The value over the median of its peers; unknown unless that median is above zero."""
    NORM = "norm"
    """The median of its peers."""
    PEERS = "peers"
    """How many peers the norm was taken from."""


KNOWN = "known"
"""`known(x)`: true when `x` has a value; the only question that unknown values answer."""

MIRRORED = {">": "<=", ">=": "<", "<": ">=", "<=": ">", "==": "!=", "!=": "=="}
"""Each comparison and the one that holds exactly when it does not."""


@dataclass(frozen=True, slots=True)
class Number:
    """A constant, never negative: a sign in front is a `Negative`."""

    value: float

    def __str__(self) -> str:
        short = f"{self.value:g}"
        return short if float(short) == self.value else repr(self.value)


@dataclass(frozen=True, slots=True)
class String:
    """A quoted text, held against an attribute."""

    value: str

    def __str__(self) -> str:
        escaped = self.value.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'


@dataclass(frozen=True, slots=True)
class Name:
    """The value of a profile column; beside a `String`, an attribute such as `level`."""

    name: str
    at: int = field(default=0, compare=False)
    """Character at which it stands in the text, from 1."""

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Call:
    """A function of one profile column."""

    function: Function
    column: Name

    def __str__(self) -> str:
        return f"{self.function}({self.column})"


@dataclass(frozen=True, slots=True)
class Negative:
    """A value with its sign turned."""

    value: Value

    def __str__(self) -> str:
        return f"-{_inner(self.value, 3)}"


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """`+`, `-`, `*` or `/`; division by zero is unknown."""

    sign: str
    left: Value
    right: Value

    def __str__(self) -> str:
        rank = _rank(self)
        # The right side binds tighter: a - (b - c) keeps its brackets, (a - b) - c loses them.
        return f"{_inner(self.left, rank)} {self.sign} {_inner(self.right, rank + 1)}"


Value = Number | String | Name | Call | Negative | Arithmetic


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two values held against each other. Both sides are kept: how far one passed the other makes the score."""

    left: Value
    sign: str
    right: Value

    def __str__(self) -> str:
        return f"{self.left} {self.sign} {self.right}"

    @property
    def is_text(self) -> bool:
        """Whether it holds an attribute against a text."""
        return isinstance(self.left, String) or isinstance(self.right, String)

    def columns(self) -> tuple[str, ...]:
        """Profile columns it reads, each once, in the order written; none when it compares texts."""
        if self.is_text:
            return ()
        return tuple(dict.fromkeys(name.name for name in names(self)))

    def weighing(self) -> tuple[str, ...]:
        """Profile columns whose size makes it hold: all that it reads but what it only divides by.

        Of forty claims in seven hundred the forty are the reason; the seven hundred are what they are held against.
        """
        if self.is_text:
            return ()
        found = (name.name for side in (self.left, self.right) for name in _measured(side))
        return tuple(dict.fromkeys(found)) or self.columns()


@dataclass(frozen=True, slots=True)
class Known:
    """Whether a column or an attribute has a value."""

    name: Name

    def __str__(self) -> str:
        return f"{KNOWN}({self.name})"


@dataclass(frozen=True, slots=True)
class Not:
    """The contrary; of unknown it is unknown."""

    part: Condition

    def __str__(self) -> str:
        return f"not {_bracketed(self.part, (And, Or))}"


@dataclass(frozen=True, slots=True)
class And:
    """All parts hold; false as soon as one is false, whatever is unknown."""

    parts: tuple[Condition, ...]

    def __str__(self) -> str:
        return " and ".join(_bracketed(part, (And, Or)) for part in self.parts)


@dataclass(frozen=True, slots=True)
class Or:
    """At least one part holds; true as soon as one is true, whatever is unknown."""

    parts: tuple[Condition, ...]

    def __str__(self) -> str:
        return " or ".join(_bracketed(part, (Or,)) for part in self.parts)


Condition = Comparison | Known | Not | And | Or
Node = Value | Condition


def children(node: Node) -> tuple[Node, ...]:
    """The parts of a node, in the order written."""
    match node:
        case Call(column=part) | Known(name=part):
            return (part,)
        case Negative(value=one):
            return (one,)
        case Not(part=condition):
            return (condition,)
        case And(parts=parts) | Or(parts=parts):
            return parts
        case Arithmetic(left=left, right=right) | Comparison(left=left, right=right):
            return (left, right)
    return ()


def walk(node: Node) -> Iterator[Node]:
    """The node and everything below it."""
    yield node
    for child in children(node):
        yield from walk(child)


def _measured(node: Node) -> Iterator[Name]:
    """Names at and below the node, without those of divisors."""
    if isinstance(node, Arithmetic) and node.sign == "/":
        yield from _measured(node.left)
    elif isinstance(node, Name):
        yield node
    else:
        for child in children(node):
            yield from _measured(child)


def names(node: Node) -> Iterator[Name]:
    """Every name at and below the node, in the order written."""
    return (one for one in walk(node) if isinstance(one, Name))


def positive(condition: Condition, denied: bool = False) -> Condition:
    """The same condition with every `not` moved down to the comparisons, which then say what really held.

    Unknown stays unknown under this: De Morgan's laws hold in three-valued logic.
    """
    match condition:
        case Not(part=part):
            return positive(part, not denied)
        case Comparison(left=left, sign=sign, right=right) if denied:
            return Comparison(left, MIRRORED[sign], right)
        case And(parts=parts) | Or(parts=parts):
            turned = tuple(positive(part, denied) for part in parts)
            return And(turned) if isinstance(condition, And) is not denied else Or(turned)
        case Known() if denied:
            return Not(condition)
    return condition


def _rank(value: Value) -> int:
    if isinstance(value, Arithmetic):
        return 1 if value.sign in "+-" else 2
    return 3


def _inner(value: Value, rank: int) -> str:
    return f"({value})" if _rank(value) < rank else str(value)


def _bracketed(part: Condition, kinds: tuple[type[And] | type[Or], ...]) -> str:
    return f"({part})" if isinstance(part, kinds) else str(part)
