"""Fingerprints stay what they are: a lake would otherwise take every row that it holds for a corrected one."""

from __future__ import annotations

import random
from decimal import Decimal

import numpy as np
import pyarrow as pa

from features.row_hash import marks, row_hashes

ROWS = pa.table(
    {
        "a": pa.array(["P000001", "P000002"]),
        "b": pa.array(["x", "a longer text 京"]),
        "m": pa.array([Decimal("1.50"), None], pa.decimal128(18, 2)),
        "n": pa.array([1, 2]),
    }
)
TOLD = ["09294352b30bfcf1d0455515cdbf3683", "051449e15189498accdc5feac75cab7d"]


def test_a_fingerprint_is_the_same_as_ever() -> None:
    assert row_hashes(ROWS).to_pylist() == TOLD


def test_a_value_has_one_mark_whatever_stands_beside_it() -> None:
    """Texts of one length are worked on together, others one by one, and slices have an offset."""
    draw = random.Random(3)
    texts = ["".join(draw.choices("abc0京é", k=draw.randrange(1, 30))) for _ in range(300)]
    alone = np.array([marks(pa.array([one]))[0] for one in texts])
    assert (marks(pa.array(texts)) == alone).all()
    assert (marks(pa.array(["", *texts, "z"]).slice(1, 300)) == alone).all()
    for length in (1, 3, 8, 9, 24):
        even = ["".join(draw.choices("abcdef", k=length)) for _ in range(20_000)]
        mixed = marks(pa.array([*even, "of another length altogether"]))
        assert (marks(pa.array(even)) == mixed[:-1]).all()
        assert (marks(pa.array(["-" * length, *even]).slice(1)) == mixed[:-1]).all()


def test_many_rows_have_the_fingerprints_that_they_have_one_by_one() -> None:
    draw = random.Random(5)
    some = [None if draw.random() < 0.2 else f"D{draw.randrange(9)}" for _ in range(9_000)]
    rows = pa.table({"id": [f"R{n:05d}" for n in range(9_000)], "x": some, "y": [draw.random() for _ in range(9_000)]})
    told = row_hashes(rows)
    for at in (0, 1, 8_191, 8_192, 8_999):
        assert row_hashes(rows.slice(at, 1)).to_pylist() == [told[at].as_py()]
    assert len(set(told.to_pylist())) == 9_000
