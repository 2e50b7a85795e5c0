"""The shipped mappings on the real sets: every row accounted for, twice the same."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from features.ingest import ingest
from features.lake import Lake
from features.mapping import load
from tests.realdata import real

pytestmark = pytest.mark.realdata

SETS = [
    ("providers-claims", "providers/medicare-us/claims_inpatient.csv.gz", {"claim": 40474, "admission": 40474}),
    ("providers-beneficiaries", "providers/medicare-us/beneficiaries.csv.gz", {"person": 138556}),
    (
        "providers-totals",
        "providers/medicare-us/provider_aggregates.csv",
        {"organization": 5410, "reported_total": 178530},
    ),
    ("providers-labels", "providers/medicare-us/labels.csv", {"label": 4350}),
    ("tenders-brazil", "tenders/brazil/bids.csv", {"organization": 220, "tender": 74, "bid": 494, "award": 73}),
    ("tenders-italy", "tenders/italy/bids.csv", {"organization": 775, "tender": 199, "bid": 15061}),
    (
        "tenders-japan-okinawa",
        "tenders/japan-okinawa/bids.csv",
        {"organization": 1205, "tender": 376, "bid": 3876, "award": 376},
    ),
    (
        "tenders-swiss-gr-sg",
        "tenders/swiss-gr-sg/bids.csv",
        {"organization": 1, "tender": 2996, "bid": 14669, "award": 3041},
    ),
    (
        "tenders-swiss-ticino",
        "tenders/swiss-ticino/bids.csv",
        {"organization": 1, "tender": 224, "bid": 1629, "award": 327},
    ),
    (
        "tenders-usa-milk",
        "tenders/usa-milk/bids.csv",
        {"organization": 114, "tender": 2641, "bid": 4878, "award": 2641},
    ),
    ("tenders-labels", "tenders/italy/labels.csv", {"label": 199}),
    (
        "yichang-candidates",
        "tenders-unlabelled/yichang/candidates.csv",
        {"organization": 2705, "tender": 1966, "bid": 6254, "award": 1631},
    ),
    (
        "tsuchiura-bids",
        "tenders-unlabelled/tsuchiura/bids.csv",
        {"organization": 270, "tender": 1565, "bid": 6013, "award": 1561},
    ),
]


@pytest.mark.parametrize(("mapping", "path", "kept"), SETS, ids=[one[0] for one in SETS])
def test_a_real_set_goes_in_whole_and_going_in_twice_changes_nothing(
    tmp_path: Path, mapping: str, path: str, kept: dict[str, int]
) -> None:
    file = real(*path.split("/"))
    lake = Lake(str(tmp_path / "lake"))
    for _ in range(2):
        told = ingest([file], load(mapping), lake, tmp_path / "refused", b"key")
        assert {one.table: one.kept for one in told} == kept
        assert all(one.read == one.kept + one.refused + one.duplicate for one in told)
    assert lake.version == 1
    assert {name: state.rows for name, state in lake.state().items()} == kept


def test_scaled_prices_keep_their_digits(tmp_path: Path) -> None:
    lake = Lake(str(tmp_path / "lake"))
    ingest([real("tenders", "usa-milk", "bids.csv")], load("tenders-usa-milk"), lake, tmp_path, b"key")
    bids = pq.ParquetDataset(lake.files("bid")).read()
    first = bids.filter(pc.equal(bids["tender_id"], "T0002224688"))["amount"].to_pylist()
    assert first == [Decimal("90163244.70")]
    assert pc.min(bids["amount"]).as_py() > Decimal("10000000.00")  # nine digits and more
