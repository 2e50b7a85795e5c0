"""How prices stood in the bidders' earlier tenders, on rows small enough to check by hand."""

from __future__ import annotations

import numpy as np
import pytest

from features.build import build
from features.engine import Engine
from tests.features.profile_rows import bids, day, table, tender


def test_only_strictly_earlier_tenders_of_the_bidders_speak() -> None:
    rows = {
        "tender": [tender(number, day(number)) for number in (1, 2, 3)] + [tender(4, day(3)), tender(5, day(4))],
        "bid": [
            *bids(1, {"A": 100.0, "B": 102.0}),
            *bids(2, {"A": 100.0, "C": 150.0}),
            *bids(3, {"A": 100.0, "B": 101.0, "C": 130.0}),
            *bids(4, {"A": 100.0, "B": 300.0}),
            *bids(5, {"Z": 100.0, "Y": 110.0}),
        ],
    }
    engine = Engine.of({name: table(name, some) for name, some in rows.items()})
    values = build(engine, "tender", day(10), min_peers=5).values
    narrow, wide = (np.std(pair, ddof=1) / np.mean(pair) for pair in ([100.0, 102.0], [100.0, 150.0]))
    # A was in both, B in the first, C in the second; the tender of the same day does not count.
    assert values.at["T003", "company_cv"] == pytest.approx((narrow * wide * narrow * wide) ** 0.25)
    assert values.at["T003", "company_rivals"] == pytest.approx(1.0)
    assert values.at["T004", "company_cv"] == pytest.approx((narrow * wide * narrow) ** (1 / 3))
    assert np.isnan(values.at["T005", "company_cv"])
    assert np.isnan(values.at["T002", "company_cv"])
