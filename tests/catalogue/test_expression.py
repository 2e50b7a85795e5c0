"""The language of conditions: what it reads, how it prints, and how it refuses."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalogue.expression import Expression, parse
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
)
from gnomon.errors import Fault

SIGNS = st.sampled_from([">", ">=", "<", "<=", "==", "!="])
NAMES = st.sampled_from(["a", "fund_paid_365d", "cv", "known", "norm", "x1"]).map(Name)
NUMBERS = st.floats(0, 1e300, allow_nan=False).map(Number)
VALUES: st.SearchStrategy[Value] = st.recursive(
    NUMBERS | NAMES | st.builds(Call, st.sampled_from(list(Function)), NAMES),
    lambda inner: st.builds(Negative, inner) | st.builds(Arithmetic, st.sampled_from("+-*/"), inner, inner),
    max_leaves=5,
)
COMPARISONS = st.builds(Comparison, VALUES, SIGNS, VALUES).filter(lambda one: any(names(one)))
TEXTS = st.builds(
    Comparison, NAMES, st.sampled_from(["==", "!="]), st.text(st.characters(exclude_categories=["Cs"])).map(String)
)
CONDITIONS: st.SearchStrategy[Condition] = st.recursive(
    COMPARISONS | TEXTS | st.builds(Known, NAMES),
    lambda inner: (
        st.builds(Not, inner)
        | st.lists(inner, min_size=2, max_size=3).map(tuple).map(And)
        | st.lists(inner, min_size=2, max_size=3).map(tuple).map(Or)
    ),
    max_leaves=6,
)


@given(CONDITIONS)
def test_what_is_printed_parses_to_the_same_expression(condition: Condition) -> None:
    expression = Expression(condition)
    assert parse(str(expression), "here") == expression


WORDS = [
    "and",
    "or",
    "not",
    "known",
    "norm",
    "(",
    ")",
    "(",
    "a",
    "b_1",
    "3",
    "1.5",
    ">=",
    "<",
    "==",
    "=",
    "-",
    "/",
    '"t"',
    "'",
]


@settings(max_examples=300)
@given(st.text() | st.lists(st.sampled_from(WORDS)).map(" ".join))
def test_any_text_is_read_or_refused_at_a_character_of_it(text: str) -> None:
    fault = refusal(text)
    if fault is not None:
        assert fault.place == "models/x.yaml:7"
        assert 1 <= int(str(fault.values["at"])) <= len(text) + 1
        assert fault.told("zh").startswith("models/x.yaml:7: ")


def refusal(text: str) -> Fault | None:
    try:
        parse(text, "models/x.yaml:7")
    except Fault as fault:
        return fault
    return None


@pytest.mark.parametrize(
    "text", ["(" * 5000, "not " * 5000 + "a > 1", "a > " + "-" * 5000 + "1", "a" + " + a" * 5000 + " > 1"]
)
def test_nesting_ends_before_the_stack_does(text: str) -> None:
    fault = refusal(text)
    assert fault is not None
    assert fault.key == "catalogue.expression.deep"


def test_a_long_list_of_alternatives_is_no_nesting() -> None:
    assert len(parse("a>1" + " or a>1" * 3000, "here").comparisons()) == 3001


@pytest.mark.parametrize(
    ("text", "at", "says"),
    [
        ("", 1, "empty"),
        ("a", 1, "`a` is a value, not a condition"),
        ("a >", 4, "ends too early"),
        ("a = 3", 3, "Write `==`"),
        ("a ＞ 3", 3, "Write `>`"),
        ("a >= 5%", 7, "Write `/ 100`"),
        ("1 < a < 3", 7, "Join two comparisons with `and`"),
        ("a > 1 AND b > 2", 7, "Join conditions with `and`"),
        ("(a > 1", 7, "bracket opened at character 1"),
        ("deviaton(a) > 3", 1, "Nearest: `deviation`"),
        ("deviation(3) > 3", 11, "Write `deviation(x)`"),
        ("level > \"3\"", 1, "Use `==` or `!=`"),
        ("deviation(a) == \"3\"", 1, "against an attribute alone"),
        ("a + \"3\" > 1", 5, "against an attribute alone"),
        ("2 > 1", 1, "reads no profile column"),
        ("(a > 1) * 2 > 3", 1, "only values" ),
        ("a > 1 or 5", 10, "not a condition"),
        ("a > \"x", 5, "has no end"),
        ("a > 1e999", 5, "too large"),
        ("a > #", 5, "not part of this language"),
    ],
)  # fmt: skip
def test_a_fault_says_where_and_what_would_be_right(text: str, at: int, says: str) -> None:
    with pytest.raises(Fault) as caught:
        parse(text, "m.yaml:3")
    told = caught.value.told("en")
    assert told.startswith(f"m.yaml:3: character {at}: " if text else "m.yaml:3: ")
    assert caught.value.values["at"] == at
    assert re.search(re.escape(says), told, re.IGNORECASE), told


def test_and_binds_tighter_than_or_and_not_tighter_still() -> None:
    one = parse("not a > 1 and b > 2 or c > 3", "here").condition
    assert isinstance(one, Or)
    assert isinstance(one.parts[0], And)
    assert isinstance(one.parts[0].parts[0], Not)


def test_products_bind_tighter_than_sums_and_both_go_left_to_right() -> None:
    assert str(parse("(a - b) - c * (d / 2) > -(1 + e)", "here")) == "a - b - c * (d / 2) > -(1 + e)"


def test_columns_and_attributes_are_told_apart_by_what_they_are_held_against() -> None:
    one = parse('times_norm(a) >= 5 and level == "3" and (known(b) or norm(c) > a) and known(level)', "here")
    assert one.columns() == ("a", "b", "c")
    assert one.attributes() == ("level",)


def test_a_name_that_the_profile_lacks_is_told_with_its_character_and_the_nearest() -> None:
    one = parse('cvv <= 0.03 and known(lvl) and regionn == "46"', "m.yaml:9")
    told = [fault.told("en") for fault in one.faults("m.yaml:9", "tender", {"cv", "bids"}, {"level", "region"})]
    assert told == [
        "m.yaml:9: character 1: `cvv` is not a column of the tender profile. Nearest: `cv`.",
        "m.yaml:9: character 23: `lvl` is not a column of the tender profile. Nearest: `bids, cv`.",
        "m.yaml:9: character 32: `regionn` is not an attribute of the tender profile. Nearest: `region`.",
    ]


def test_known_may_ask_for_an_attribute() -> None:
    assert parse("known(level) and cv < 1", "here").faults("here", "tender", {"cv"}, {"level"}) == []
