"""Profiles of the real sets: published screens reproduced, the provider profile rich, everything repeatable."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from features.build import build
from features.engine import Engine
from features.ingest import ingest
from features.lake import Lake
from features.mapping import load
from features.profiles import Profiles
from tests.realdata import real

pytestmark = pytest.mark.realdata

MARKETS = ("brazil", "italy", "japan-okinawa", "swiss-gr-sg", "swiss-ticino", "usa-milk")
SCREENS = {"CV": "bid_cv", "SPD": "bid_spd", "KURT": "bid_kurt", "SKEW": "bid_skew", "KSTEST": "bid_kstest"}
"""Reproduced for every tender of all six markets; published is 0 where a screen has too few bids to exist."""
GAPS = {
    "brazil": 1.0,
    "italy": 0.95,
    "japan-okinawa": 0.56,
    "swiss-gr-sg": 0.96,
    "swiss-ticino": 0.99,
    "usa-milk": 0.57,
}
"""Least share of tenders whose DIFFP is ours: (second lowest price - lowest)/lowest, equal bids being one price.

With the second lowest bid in its place Ticino agrees on 66% only. In Okinawa and the milk auctions the published value
follows another order of the bids; no reading of "second" tried reproduces it.
"""


def lake_of(folder: Path, *sources: tuple[str, Path]) -> Lake:
    lake = Lake(str(folder / "lake"))
    for mapping, path in sources:
        ingest([path], load(mapping), lake, folder / "refused", b"key")
    return lake


def agreeing(ours: pd.Series, published: pd.Series) -> float:
    """Share of tenders on which our screen is the published one to 1e-3."""
    same = (ours - published).abs() < 1.1e-3
    return float(np.mean(same | (ours.isna() & (published == 0))))


@pytest.mark.parametrize("market", MARKETS)
def test_the_screens_equal_the_published_ones_for_every_tender(market: str, tmp_path: Path) -> None:
    folder = real("tenders", market)
    lake = lake_of(tmp_path, (f"tenders-{market}", folder / "bids.csv"))
    values = build(Engine.open(lake), "tender").values
    published = pd.read_csv(folder / "published_screens.csv").set_index("Tender").loc[values.index]
    assert len(values) == len(pd.read_csv(folder / "labels.csv"))
    for theirs, ours in SCREENS.items():
        assert agreeing(values[ours], published[theirs]) == 1.0, ours
    assert agreeing(values["bid_diffp"], published["DIFFP"]) >= GAPS[market]
    if market == "brazil":
        assert agreeing(values["bid_rd_low"], published["RD"]) > 0.97


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    folder = real("providers", "medicare-us")
    return lake_of(
        tmp_path_factory.mktemp("providers"),
        ("providers-totals", folder / "provider_aggregates.csv"),
        ("providers-beneficiaries", folder / "beneficiaries.csv.gz"),
        ("providers-claims", folder / "claims_inpatient.csv.gz"),
    )


@pytest.fixture(scope="module")
def providers(lake: Lake) -> Profiles:
    return build(Engine.open(lake), "institution")


def test_every_provider_has_a_profile_that_agrees_with_its_rows(lake: Lake, providers: Profiles) -> None:
    assert len(providers.values) == 5410
    claims = pd.read_csv(real("providers", "medicare-us", "claims_inpatient.csv.gz"))
    by_provider = claims.groupby("Provider")
    values = providers.values
    paid = by_provider.InscClaimAmtReimbursed.sum()
    np.testing.assert_allclose(values.loc[paid.index, "fund_paid"], paid)
    np.testing.assert_allclose(values.loc[paid.index, "patients"], by_provider.BeneID.nunique())
    nights = pd.to_datetime(claims.DischargeDt) - pd.to_datetime(claims.AdmissionDt)
    np.testing.assert_allclose(values.loc[paid.index, "stay_days_mean"], nights.dt.days.groupby(claims.Provider).mean())
    totals = pd.read_csv(real("providers", "medicare-us", "provider_aggregates.csv")).set_index("Provider")
    np.testing.assert_allclose(values["reported_reimbursed_sum"], totals.InscClaimAmtReimbursed_sum[values.index])
    assert int(values.notna().any().sum()) >= 100


def test_the_same_lake_version_gives_the_same_frame_on_several_threads(lake: Lake, providers: Profiles) -> None:
    again = build(Engine.open(lake, threads=4), "institution")
    pd.testing.assert_frame_equal(providers.values, again.values, check_exact=True)
    pd.testing.assert_frame_equal(providers.norms, again.norms, check_exact=True)
