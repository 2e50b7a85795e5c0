"""Three-valued logic, and how far a comparison was passed; the engine is the oracle."""

from __future__ import annotations

import math
from collections.abc import Mapping

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalogue.expression import parse
from catalogue.truth import MOST, GivenReading, Judged, judge

U = None


def judged(text: str, *rows: Mapping[str, object]) -> Judged:
    return judge(parse(text, "here").condition, GivenReading(rows))


def told(text: str, *rows: Mapping[str, object]) -> list[bool | None]:
    truth = judged(text, *rows).truth
    return [True if yes else False if no else None for yes, no in zip(truth.yes, truth.no, strict=True)]


VALUES = {True: 1.0, False: 0.0, U: None}
TABLE_AND = {(1, 1): True, (1, 0): False, (1, U): U, (0, 0): False, (0, U): False, (U, U): U}
TABLE_OR = {(1, 1): True, (1, 0): True, (1, U): True, (0, 0): False, (0, U): U, (U, U): U}


@pytest.mark.parametrize(("word", "table"), [("and", TABLE_AND), ("or", TABLE_OR)])
def test_and_and_or_follow_kleenes_tables(word: str, table: dict[tuple[int, int], bool | None]) -> None:
    for (left, right), truth in table.items():
        for a, b in ((left, right), (right, left)):
            assert told(f"a == 1 {word} b == 1", {"a": a, "b": b}) == [truth], (a, word, b)


def test_not_turns_yes_and_no_and_leaves_unknown() -> None:
    assert told("not a == 1", {"a": 1}, {"a": 0}, {"a": None}) == [False, True, None]


@pytest.mark.parametrize(
    "text",
    [
        "a > 1",
        "a <= 1",
        "a != 1",
        "a + 1 > 0",
        "b / a > 1",
        "deviation(a) <= 99",
        "times_norm(a) < 1e9",
        'a == "x"',
        'a != "x"',
    ],
)
def test_a_comparison_with_something_unknown_is_unknown(text: str) -> None:
    assert told(text, {"a": None, "b": 1}) == [None]
    assert told(f"not ({text})", {"a": None, "b": 1}) == [None]


def test_known_answers_even_when_the_value_is_not() -> None:
    assert told("known(a)", {"a": None}, {"a": 0}, {"a": "x"}, {"a": float("nan")}) == [False, True, True, False]


def test_division_by_zero_and_a_norm_of_zero_are_unknown() -> None:
    assert told("a / b > 1", {"a": 5, "b": 0}) == [None]
    assert told("times_norm(a) > 1", {"a": 5, "a__median": 0}, {"a": 5, "a__median": 2}) == [None, True]


def test_a_comparison_adds_one_at_its_threshold_and_one_more_at_each_doubling() -> None:
    rows = [{"a": value} for value in (4, 5, 10, 20, 5e9)]
    assert judged("a >= 5", *rows).added()["a"].tolist() == [0, 1, 2, 3, MOST]


@pytest.mark.parametrize(
    ("text", "value", "adds"),
    [
        ("a <= 0.04", 0.01, 3.0), ("a <= 0.04", 0.0, 1 + math.log2(1.04)), ("a <= -3", -6.0, 2.0),
        ("a >= -3", -1.5, 2.0),
        ("a > 0", 1.0, 2.0), ("a < 0", -1.0, 2.0), ("a == 2", 2.0, 1.0), ("5 <= a", 10.0, 2.0),
        ("not a < 5", 10.0, 2.0),
    ],
)  # fmt: skip
def test_what_a_comparison_adds(text: str, value: float, adds: float) -> None:
    assert judged(text, {"a": value}).added()["a"].tolist() == pytest.approx([adds])


def test_an_or_counts_its_stronger_branch_and_an_and_all_of_its_parts() -> None:
    added = judged("(a >= 1 or b >= 1) and c >= 1", {"a": 2, "b": 8, "c": 1}, {"a": 2, "b": None, "c": 1}).added()
    assert {name: share.tolist() for name, share in added.items()} == {"a": [0, 2], "b": [4, 0], "c": [1, 1]}


@pytest.mark.parametrize(
    ("text", "adds"),
    [
        ("a + b >= 5", {"a": 1, "b": 1}),
        ("a / b >= 2", {"a": 2}),
        ("(a + b) / b >= 5", {"a": 0.5, "b": 0.5}),
        ("1 / b >= 0.25", {"b": 2}),
    ],
)
def test_a_comparison_gives_its_share_to_what_it_weighs_and_none_to_what_it_divides_by(
    text: str, adds: dict[str, float]
) -> None:
    added = judged(text, {"a": 8, "b": 2}).added()
    assert {name: share.tolist() for name, share in added.items()} == {name: [one] for name, one in adds.items()}


COLUMNS = ("a", "b", "a__z", "a__median", "a__n")
NUMBER = st.one_of(
    st.none(), st.sampled_from([-3.0, 0.0, 1.0, 20.0]), st.floats(-1e6, 1e6).map(lambda one: round(one, 3))
)
ROWS = st.lists(
    st.fixed_dictionaries({**dict.fromkeys(COLUMNS, NUMBER), "level": st.one_of(st.none(), st.sampled_from("123"))}),
    min_size=1,
    max_size=4,
)
PARTS = st.sampled_from(
    [
        "a > 1", "a <= b", "b != 0", "times_norm(a) >= 5", "deviation(a) < -2.5", "peers(a) >= 20", "a / b > 2",
        "-a >= b - 1",
        'level == "3"', 'level != "1"', "known(a)", "known(level)", "norm(a) * 2 < a + b",
    ]
)  # fmt: skip
TEXTS = st.recursive(
    PARTS,
    lambda inner: (
        inner.map(lambda one: f"not ({one})")
        | st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(lambda it: f"({it[0]}) {it[1]} ({it[2]})")
    ),
    max_leaves=5,
)


@settings(max_examples=60, deadline=None)
@given(TEXTS, ROWS)
def test_memory_and_engine_give_the_same_answer(text: str, rows: list[dict[str, object]]) -> None:
    frame = pd.DataFrame(rows).astype(dict.fromkeys(COLUMNS, "float64"))
    # The engine reads NaN and null alike: half of the unknown values go in as NaN.
    table = pa.table(
        {
            **{name: pa.array(frame[name], from_pandas=name != "b") for name in COLUMNS},
            "level": pa.array([row["level"] for row in rows], pa.string()),
        }
    )
    held = ibis.memtable(table)
    answer = held.select(it=parse(text, "here").to_ibis(held)).to_pyarrow()["it"].to_pylist()
    assert told(text, *rows) == answer
    assert np.all(
        judge(parse(text, "here").condition, GivenReading(tuple(rows))).truth.unknown == [a is None for a in answer]
    )
