"""One tender before its award: scored from raw records just as the batch will score it from the lake."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from catalogue import load
from features import profile_store
from features.build import build
from features.contracts import contract_of
from features.engine import Engine
from features.lake import Lake
from features.ondemand import OnDemand
from gnomon.config import Settings
from serving import records, scoring

TENDERS, FIRMS = 60, 12
RIGGED = "T59"


def tender(number: int) -> dict[str, Any]:
    at = datetime(2024, 1, 10, 2, tzinfo=UTC) + timedelta(days=6 * number)
    told: dict[str, Any] = {"tender_id": f"T{number}", "buyer_id": "B1", "title": f"Road {number}", "category": "works"}
    told |= {"class_code": "B02", "method": "open", "status": "complete", "region_code": "460100"}
    return told | {"published_at": at - timedelta(days=25), "opened_at": at, "estimated_value": Decimal(1_000_000)}


def bids(number: int, draw: random.Random) -> list[dict[str, Any]]:
    """Honest bids lie apart; in the rigged tender four losers huddle well above the winner."""
    firms = draw.sample(range(FIRMS), 5)
    amounts = [Decimal(round(draw.uniform(780_000, 990_000))) for _ in firms]
    if f"T{number}" == RIGGED:
        amounts = [Decimal(one) for one in (880_000, 980_100, 981_300, 982_200, 983_900)]
    low = min(amounts)
    return [
        {
            "bid_id": f"T{number}-{firm}",
            "tender_id": f"T{number}",
            "bidder_id": f"F{firm}",
            "amount": amount,
            "status": "valid",
            "is_winner": amount == low,
        }
        for firm, amount in zip(firms, amounts, strict=True)
    ]


def typed(name: str, rows: list[dict[str, Any]]) -> pa.Table:
    under = contract_of(name)
    return pa.Table.from_pylist(rows, schema=pa.schema([field for field in under.schema if field.name in rows[0]]))


@pytest.fixture(scope="module")
def told() -> dict[str, list[dict[str, Any]]]:
    draw = random.Random(3)
    return {
        "tender": [tender(n) for n in range(TENDERS)],
        "bid": [one for n in range(TENDERS) for one in bids(n, draw)],
    }


def lake_of(settings: Settings, told: dict[str, list[dict[str, Any]]]) -> Settings:
    for name, rows in told.items():
        Lake(settings.lake_url).commit(name, typed(name, rows), "test", name)
    with_profiles = build(Engine.open(Lake(settings.lake_url), threads=1), "tender")
    profile_store.save(with_profiles, profile_store.place(settings.folder("profiles"), with_profiles))
    return settings


@pytest.fixture(scope="module")
def whole(told, tmp_path_factory) -> Settings:
    """The lake as the batch sees it, the rigged tender included."""
    return lake_of(Settings(workspace=tmp_path_factory.mktemp("whole"), threads=1), told)


@pytest.fixture(scope="module")
def before(told, tmp_path_factory) -> Settings:
    """The lake before the rigged tender came."""
    earlier = {name: [row for row in rows if row["tender_id"] != RIGGED] for name, rows in told.items()}
    return lake_of(Settings(workspace=tmp_path_factory.mktemp("before"), threads=1), earlier)


def raw(told, key: str = RIGGED) -> dict[str, pa.Table]:
    """The tender as a request brings it: JSON, nothing typed yet."""
    rows = {name: [row for row in rows if row["tender_id"] == key] for name, rows in told.items()}
    return records.tables_of(json.loads(json.dumps(rows, default=str)))


def test_a_rigged_tender_fires_alike_in_the_batch_and_before_it_is_in_the_lake(told, whole, before) -> None:
    models = load.load()
    batch, live = scoring.scorer(whole, "tender", models), scoring.scorer(before, "tender", models)
    (in_batch,) = batch.score(batch.entities([RIGGED]))
    (on_demand,) = live.score(live.records(raw(told)))
    fired = {rule.model.id for rule in in_batch.rules}
    assert "pw-screen-rd" in fired
    assert {rule.model.id for rule in on_demand.rules} == fired
    assert on_demand.excused == in_batch.excused


@pytest.mark.parametrize("held", [0, 10_000], ids=["from disk", "from memory"])
@pytest.mark.parametrize("key", ["T3", "T30", RIGGED])
def test_every_measure_comes_out_as_in_the_batch(told, whole, key: str, held: int) -> None:
    reference = profile_store.load(profile_store.latest(whole.workspace / "profiles", "tender"))
    measured = OnDemand(Lake(whole.lake_url), reference, held).measure(raw(told, key))
    np.testing.assert_allclose(
        measured.values.loc[key].to_numpy(), reference.values.loc[key].to_numpy(), rtol=1e-6, equal_nan=True
    )
    np.testing.assert_allclose(
        measured.deviations.loc[key].to_numpy(), reference.deviations.loc[key].to_numpy(), rtol=1e-6, equal_nan=True
    )


def test_bidders_with_a_past_are_no_newcomers_and_strangers_are(told, before) -> None:
    live = scoring.scorer(before, "tender", {})
    assert live.records(raw(told)).values.at[RIGGED, "newcomer_share"] == 0.0
    strangers = {**told, "bid": [row | {"bidder_id": f"new {row['bidder_id']}"} for row in told["bid"]]}
    assert live.records(raw(strangers)).values.at[RIGGED, "newcomer_share"] == 1.0


def test_a_record_takes_the_place_of_the_row_with_its_key(told, whole) -> None:
    live = scoring.scorer(whole, "tender", {})
    dearer = {**told, "bid": [row | {"amount": row["amount"] * 2} for row in told["bid"]]}
    profiles = live.records(raw(dearer))
    assert profiles.values.at[RIGGED, "bids_count"] == 5
    assert profiles.values.at[RIGGED, "lowest_bid"] == 1_760_000


def test_two_requests_with_other_tenders_do_not_mix(told, whole) -> None:
    live = scoring.scorer(whole, "tender", {})
    first, second = live.records(raw(told, "T3")), live.records(raw(told, "T30"))
    assert (first.ids, second.ids) == (["T3"], ["T30"])
    assert first.values.at["T3", "bids_count"] == second.values.at["T30", "bids_count"] == 5
