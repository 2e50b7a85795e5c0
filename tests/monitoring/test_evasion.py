"""Values that gather under a threshold are told from values that just end there."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from typer.testing import CliRunner

from features import profile_store
from features.contracts import contract_of
from features.lake import Lake
from features.profiles import ProfileColumn, Profiles
from gnomon.config import Settings
from gnomon.errors import Fault
from gnomon.terms import Direction, Text
from monitoring.evasion import bunching, published, successors, together
from serving.cli import app


def test_tenders_kept_just_under_a_threshold_are_found() -> None:
    rng = np.random.default_rng(1)
    amounts = rng.lognormal(np.log(400), 0.4, 8_000)
    over = (amounts > 400) & (amounts < 430) & (rng.random(8_000) < 0.6)
    amounts[over] = rng.uniform(385, 400, int(over.sum()))
    found = bunching("amount", amounts, 400.0)
    assert found.found
    assert "just under the threshold 400" in found.told.en


@pytest.mark.parametrize("spread", [0.1, 0.4, 1.5])
def test_values_without_evasion_are_seldom_told(spread: float) -> None:
    told = sum(
        bunching("amount", np.random.default_rng(seed).lognormal(np.log(380), spread, 4_000), 400.0).found
        for seed in range(100)
    )
    assert told <= 3


def test_few_values_constant_values_and_odd_thresholds_say_so() -> None:
    assert bunching("amount", [399.0] * 14, 400.0).told.en == "amount: not enough values near the threshold: 14 of 50."
    assert bunching("amount", [1.0] * 500, 0.0).state == "no_threshold"
    assert bunching("amount", [np.nan, np.inf] * 100, 400.0).state == "too_few"
    assert not bunching("amount", [np.nan], float("nan")).found


def test_a_move_from_over_to_under_after_publishing_is_found_and_better_conduct_is_not() -> None:
    rng = np.random.default_rng(2)
    before = rng.lognormal(np.log(90), 0.3, 3_000)
    evading = np.where((before > 100) & (before < 125), rng.uniform(90, 100, 3_000), before)
    assert published("price", before, evading, 100.0).found
    assert not published("price", before, before * 0.7, 100.0).found
    assert not published("price", before, rng.lognormal(np.log(90), 0.3, 3_000), 100.0).found
    assert published("price", before[:10], before, 100.0).chance is None


def test_a_renamed_firm_is_found_by_its_marks_and_an_office_tower_is_none() -> None:
    gone = {"OLD": {("phone", "1"), ("officer", "A"), ("address", "T")}}
    new = {
        "NEW": {("phone", "1"), ("phone", "2"), ("officer", "A"), ("address", "T")},
        "OTHER": {("officer", "B"), ("address", "T")},
    }
    (found,) = successors(gone, new)
    assert (found.gone, found.new, found.shared) == ("OLD", "NEW", ("address", "officer", "phone"))
    tower = {f"N{n}": {("phone", "9"), ("address", "T")} for n in range(9)}
    assert successors({"OLD": {("phone", "9"), ("address", "T")}}, tower) == []
    assert successors({"OLD": {("phone", "1"), ("phone", "2")}}, {"NEW": {("phone", "1"), ("phone", "2")}}) == []
    assert successors({"OLD": set()}, {"NEW": set()}) == []


def test_many_thresholds_at_once_are_told_no_more_often_than_one() -> None:
    told = 0
    for seed in range(20):
        draw = np.random.default_rng(seed)
        signs = [
            published("price", draw.lognormal(np.log(90), 0.3, 2_000), draw.lognormal(np.log(90), 0.3, 2_000), 100.0)
            for _ in range(50)
        ]
        told += any(one.found for one in together(signs))
    assert told <= 2


def test_the_commands_tell_bunching_moves_and_successors(tmp_path: Path) -> None:
    settings = Settings(workspace=tmp_path, threads=1)
    lake = Lake(settings.lake_url)
    began = datetime(2025, 1, 1, tzinfo=UTC)
    seen = [("OLD", 0), ("STAYS", 1), ("STAYS", 90), ("NEW", 80), ("FORK", 81)]
    bids = [
        {"bid_id": f"B{n}", "tender_id": f"T{n}", "lot_id": "1", "bidder_id": who, "submitted_at": began + day(at)}
        for n, (who, at) in enumerate(seen)
    ]
    marks = [("OLD", "1"), ("NEW", "1"), ("STAYS", "2"), ("FORK", "2")]
    contacts = [{"party_id": who, "kind": kind, "value_norm": f"{kind}{what}"}
                for who, what in marks for kind in ("phone", "address")]  # fmt: skip
    for table, rows in (("bid", bids), ("contact_point", contacts)):
        lake.commit(table, filled(table, rows), "test", table)
    words = ["monitor", "successors", "supplier", "--since", "2025-02-28", "--format", "json"]
    told = CliRunner().invoke(app, [*words, "--workspace", str(tmp_path)])
    assert told.exit_code == 0, told.exception
    assert [(one["earlier"], one["new"], one["what"], one["shared"]) for one in json.loads(told.stdout)] == [
        ("OLD", "NEW", "renamed", "address, phone"),
        ("STAYS", "FORK", "split", "address, phone"),
    ]


def day(number: int) -> timedelta:
    return timedelta(days=number)


def filled(table: str, rows: list[dict[str, object]]) -> pa.Table:
    """The rows under their contract, what it requires beside filled in."""
    under = contract_of(table)
    plain = {"money": Decimal(1), "bool": False, "int": 1, "ts": datetime(2025, 1, 1, tzinfo=UTC)}
    lacking = [one for one in under.columns if one.required and one.name not in rows[0]]
    made = [{**{one.name: one.values[0] if one.values else plain.get(one.type, "x") for one in lacking}, **row}
            for row in rows]  # fmt: skip
    return pa.Table.from_pylist(made, schema=pa.schema([one for one in under.schema if one.name in made[0]]))


def test_a_move_after_publishing_is_told_from_stored_profiles(tmp_path: Path) -> None:
    settings = Settings(workspace=tmp_path, threads=1)
    draw = np.random.default_rng(2)
    before = draw.lognormal(np.log(90), 0.3, 2_000)
    after = np.where((before > 100) & (before < 125), draw.uniform(90, 100, 2_000), before)
    for month, values in ((1, before), (3, after)):
        made = stored(values, datetime(2025, month, 1, tzinfo=UTC))
        profile_store.save(made, profile_store.place(settings.folder("profiles"), made))
    words = ["monitor", "evasion", "buyer", "--column", "paid", "--threshold", "100", "--format", "json"]
    told = CliRunner().invoke(app, [*words, "--since", "2025-02-01", "--workspace", str(tmp_path)])
    assert told.exit_code == 0, told.exception
    (sign,) = json.loads(told.stdout)
    assert sign["found"]
    assert "since it is known" in sign["told"]["en"]
    early = CliRunner().invoke(app, [*words, "--since", "2024-01-01", "--workspace", str(tmp_path)])
    assert isinstance(early.exception, Fault)


def stored(values: np.ndarray, at: datetime) -> Profiles:
    ids = pd.Index([f"B{number}" for number in range(len(values))], name="entity_id", dtype="str")
    frame = pd.DataFrame({"paid": values}, index=ids)
    column = ProfileColumn("paid", "paid", "", Text("付款", "paid"), "CNY", Direction.HIGH)
    groups = pd.DataFrame(-1, index=ids, columns=["paid"], dtype="int32")
    norms = pd.DataFrame({name: [] for name in ("column", "zh", "en", "n", "median", "scale", "low", "high")})
    attributes = pd.DataFrame({"name": list(ids)}, index=ids)
    return Profiles("buyer", at, 1, (column,), frame, frame * 0, groups, norms, attributes)
