"""Reads the text of a condition into its tree: tokenizer and recursive-descent parser, each fault at its character."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn

from catalogue.nodes import (
    KNOWN,
    And,
    Arithmetic,
    Call,
    Comparison,
    Condition,
    Function,
    Known,
    Name,
    Negative,
    Node,
    Not,
    Number,
    Or,
    String,
    Value,
    names,
)
from gnomon.errors import Fault, nearest

DEEPEST = 40
"""Brackets and signs inside one another, and terms of one sum; nobody reads further, and the stack ends somewhere."""

_TOKEN = re.compile(
    r"""(?P<space>\s+)
    |(?P<number>(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)
    |(?P<name>[A-Za-z_][A-Za-z0-9_]*)
    |(?P<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
    |(?P<sign>>=|<=|==|!=|[<>+\-*/()])""",
    re.VERBOSE | re.DOTALL,
)
_MEANT = {
    "=": "==", "<>": "!=", "=>": ">=", "=<": "<=", "&&": "and", "&": "and", "||": "or", "|": "or", "!": "not",
    "（": "(", "）": ")", "＞": ">", "＜": "<", "＝": "==", "≥": ">=", "≤": "<=", "≠": "!=", "×": "*", "÷": "/",
    "－": "-", "＋": "+", "“": '"', "”": '"', "且": "and", "或": "or", "非": "not", "%": "/ 100",
}  # fmt: skip
"""Signs that people write, and the ones that are meant."""
_WORDS = ("and", "or", "not")
_COMPARES = frozenset({">", ">=", "<", "<=", "==", "!="})


@dataclass(frozen=True, slots=True)
class Token:
    """One word or sign of the text."""

    kind: str
    text: str
    at: int
    """Character at which it starts, from 1."""


def read(text: str, where: str) -> Condition:
    """The condition that `text` writes; `where` leads every fault."""
    return _Parser(text, where).whole()


def _tokens(text: str, where: str) -> list[Token]:
    found: list[Token] = []
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            _unreadable(text, at, where)
        kind = str(match.lastgroup)
        if kind != "space":
            found.append(Token(kind, match.group(), at + 1))
        at = match.end()
    return [*found, Token("end", "", len(text) + 1)]


def _unreadable(text: str, at: int, where: str) -> NoReturn:
    for length in (2, 1):
        wrong = text[at : at + length]
        if wrong in _MEANT:
            raise Fault("catalogue.expression.meant", place=where, at=at + 1, wrong=wrong, meant=_MEANT[wrong])
    if text[at] in "\"'":
        raise Fault("catalogue.expression.open_quote", place=where, at=at + 1)
    raise Fault("catalogue.expression.character", place=where, at=at + 1, wrong=text[at])


class _Parser:
    """Recursive descent, one method a level: or, and, not, comparison, sum, product, sign, atom."""

    def __init__(self, text: str, where: str) -> None:
        self.where = where
        self.tokens = _tokens(text, where)
        self.next = 0
        self.depth = 0

    @property
    def token(self) -> Token:
        return self.tokens[self.next]

    def fail(self, key: str, at: int, **values: object) -> NoReturn:
        raise Fault(f"catalogue.expression.{key}", **{"place": self.where, "at": at, **values})  # type: ignore[arg-type]

    def taken(self, *texts: str) -> Token | None:
        """The next token when it is one of these signs or words, else nothing."""
        token = self.token
        if token.kind in ("sign", "name") and token.text in texts:
            self.next += 1
            return token
        return None

    def whole(self) -> Condition:
        if self.token.kind == "end":
            self.fail("empty", 1)
        read = self.condition(self.token.at, self.disjunction())
        if self.token.kind != "end":
            self.unexpected()
        return read

    def unexpected(self) -> NoReturn:
        token = self.token
        if token.kind == "end":
            self.fail("ends", token.at)
        if token.text in _COMPARES:
            self.fail("chained", token.at, wrong=token.text)
        word = token.text.lower()
        meant = word if word in _WORDS else "and"
        self.fail("unexpected", token.at, wrong=token.text, meant=meant)

    def deeper(self, read: Callable[[], Node]) -> Node:
        self.depth += 1
        if self.depth > DEEPEST:
            self.fail("deep", self.token.at, deepest=DEEPEST)
        node = read()
        self.depth -= 1
        return node

    def condition(self, at: int, node: Node) -> Condition:
        """The node as a condition, else a fault at `at`."""
        if isinstance(node, Comparison | Known | Not | And | Or):
            return node
        return self.fail("not_condition", at, wrong=str(node))

    def value(self, at: int, node: Node) -> Value:
        """The node as a value, else a fault at `at`."""
        if isinstance(node, Comparison | Known | Not | And | Or):
            self.fail("not_value", at, wrong=str(node))
        return node

    def disjunction(self) -> Node:
        return self.joined("or", self.conjunction, Or)

    def conjunction(self) -> Node:
        return self.joined("and", self.denial, And)

    def joined(self, word: str, read: Callable[[], Node], kind: type[And] | type[Or]) -> Node:
        at = self.token.at
        first = read()
        parts: list[Condition] = []
        while self.taken(word):
            if not parts:
                parts.append(self.condition(at, first))
            parts.append(self.condition(self.token.at, read()))
        return kind(tuple(parts)) if parts else first

    def denial(self) -> Node:
        if self.taken("not"):
            return Not(self.condition(self.token.at, self.deeper(self.denial)))
        return self.comparison()

    def comparison(self) -> Node:
        at = self.token.at
        left = self.sum()
        sign = self.taken(*_COMPARES)
        if sign is None:
            return left
        built = Comparison(self.value(at, left), sign.text, self.value(self.token.at, self.sum()))
        self.check_sides(built, at)
        return built

    def check_sides(self, built: Comparison, at: int) -> None:
        if built.is_text:
            sides = {type(built.left), type(built.right)}
            if sides != {String, Name}:
                self.fail("text_side", at, wrong=str(built))
            if built.sign not in ("==", "!="):
                self.fail("text_order", at, wrong=built.sign)
        elif not any(names(built)):
            self.fail("constant", at, wrong=str(built))

    def sum(self) -> Node:
        return self.chain(("+", "-"), self.product)

    def product(self) -> Node:
        return self.chain(("*", "/"), self.signed)

    def chain(self, signs: tuple[str, ...], read: Callable[[], Node]) -> Node:
        at = self.token.at
        built = read()
        length = 0
        while (sign := self.taken(*signs)) is not None:
            length += 1
            if length > DEEPEST:
                self.fail("deep", sign.at, deepest=DEEPEST)
            left = self.number(at, built)
            built = Arithmetic(sign.text, left, self.number(self.token.at, read()))
        return built

    def number(self, at: int, node: Node) -> Value:
        """The node as a value that can be reckoned with, else a fault at `at`."""
        value = self.value(at, node)
        if isinstance(value, String):
            self.fail("text_side", at, wrong=str(value))
        return value

    def signed(self) -> Node:
        if self.taken("-"):
            return Negative(self.number(self.token.at, self.deeper(self.signed)))
        return self.atom()

    def atom(self) -> Node:
        token = self.token
        if self.taken("("):
            inside = self.deeper(self.disjunction)
            if not self.taken(")"):
                self.fail("bracket", self.token.at, opened=token.at)
            return inside
        if token.kind == "number":
            self.next += 1
            value = float(token.text)
            if not math.isfinite(value):
                self.fail("number", token.at, wrong=token.text)
            return Number(value)
        if token.kind == "string":
            self.next += 1
            return String(re.sub(r"\\(.)", r"\1", token.text[1:-1], flags=re.DOTALL))
        if token.kind == "name" and token.text not in _WORDS:
            self.next += 1
            return self.call(token) if self.taken("(") else Name(token.text, token.at)
        return self.unexpected()

    def call(self, called: Token) -> Node:
        known = (KNOWN, *Function)
        if called.text not in known:
            self.fail("function", called.at, name=called.text, nearest=nearest(called.text, map(str, known)))
        argument = self.token
        if argument.kind != "name" or argument.text in _WORDS:
            self.fail("argument", argument.at, function=called.text)
        self.next += 1
        if not self.taken(")"):
            self.fail("argument", self.token.at, function=called.text)
        name = Name(argument.text, argument.at)
        return Known(name) if called.text == KNOWN else Call(Function(called.text), name)
