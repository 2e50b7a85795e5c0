"""The closest few bids, on rows small enough to check by hand."""

from __future__ import annotations

import numpy as np
import pytest

from features.build import build
from features.engine import Engine
from tests.features.profile_rows import bids, day, table, tender


def test_the_closest_three_and_four_bids_are_found_among_honest_ones() -> None:
    prices = {"A": 50.0, "B": 100.0, "C": 101.0, "D": 102.0, "E": 110.0, "F": 190.0}
    few = {"A": 10.0, "B": 20.0}
    rows = {
        "tender": [tender(1, day(0)), tender(2, day(1))],
        "bid": [*bids(1, prices), *bids(2, few)],
    }
    engine = Engine.of({name: table(name, some) for name, some in rows.items()})
    values = build(engine, "tender", day(10), min_peers=5).values
    assert values.at["T001", "closest_three_spread"] == pytest.approx(0.02)
    assert values.at["T001", "closest_four_spread"] == pytest.approx(0.10)
    assert np.isnan(values.at["T002", "closest_three_spread"])
