"""Values that gather under a threshold are told from values that just end there."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
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
from serving import evading, tasks
from serving.cli import app
from serving.watching import look


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


def counts(draw: np.random.Generator) -> np.ndarray:
    return draw.poisson(4, 1_500)


def shares(draw: np.random.Generator) -> np.ndarray:
    of = draw.integers(1, 15, 2_000)
    return draw.binomial(of, 0.4) / of


def rounded(draw: np.random.Generator) -> np.ndarray:
    """Amounts of which some are full hundreds and some full tens."""
    amounts, way = draw.lognormal(np.log(400), 0.4, 4_000), draw.random(4_000)
    return np.where(way < 0.15, np.round(amounts, -2), np.where(way < 0.45, np.round(amounts, -1), amounts))


@pytest.mark.parametrize(
    ("drawn", "threshold"),
    [(counts, 4), (counts, 6), (shares, 0.5), (shares, 1 / 3), (rounded, 400.0), (rounded, 350.0)],
    ids=lambda one: getattr(one, "__name__", str(one)),
)
@pytest.mark.parametrize("fires_at", [False, True], ids=["above", "from"])
def test_counts_simple_fractions_and_round_amounts_are_no_evasion(
    drawn: Callable[[np.random.Generator], np.ndarray], threshold: float, fires_at: bool
) -> None:
    told = sum(bunching("x", drawn(np.random.default_rng(seed)), threshold, fires_at).found for seed in range(60))
    assert told <= 2


def test_counts_kept_under_a_threshold_and_amounts_at_the_limit_itself_are_found() -> None:
    draw = np.random.default_rng(3)
    kept = counts(draw)
    kept[(kept == 6) & (draw.random(len(kept)) < 0.8)] = 5
    assert bunching("x", kept, 5).found
    assert bunching("x", kept, 6, fires_at=True).found
    assert not bunching("x", kept, 5, fires_at=True).found
    amounts = rounded(draw)
    amounts[(amounts > 400) & (amounts < 430) & (draw.random(len(amounts)) < 0.9)] = 400
    assert bunching("x", amounts, 400.0).found
    assert not bunching("x", amounts, 400.0, fires_at=True).found


def test_few_values_constant_values_and_odd_thresholds_say_so() -> None:
    assert bunching("amount", [399.0] * 14, 400.0).told.en == "amount: not enough values near the threshold: 14 of 50."
    assert bunching("amount", [1.0] * 500, 0.0).state == "no_threshold"
    assert bunching("amount", [1.0] * 500, 1.0).told.zh == "amount：阈值附近的不同取值过少，无法判断。"
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


def stored(values: np.ndarray, at: datetime, name: str = "paid") -> Profiles:
    ids = pd.Index([f"B{number}" for number in range(len(values))], name="entity_id", dtype="str")
    frame = pd.DataFrame({name: values}, index=ids)
    column = ProfileColumn(name, name, "", Text("付款", "paid"), "CNY", Direction.HIGH)
    groups = pd.DataFrame(-1, index=ids, columns=[name], dtype="int32")
    norms = pd.DataFrame({name: [] for name in ("column", "zh", "en", "n", "median", "scale", "low", "high")})
    attributes = pd.DataFrame({"name": list(ids)}, index=ids)
    return Profiles("buyer", at, 1, (column,), frame, frame * 0, groups, norms, attributes)


def test_a_column_reads_as_rules_name_it_and_nothing_else_of_the_profiles_is_read(tmp_path: Path) -> None:
    draw = np.random.default_rng(4)
    paid = np.where(draw.random(120_000) < 0.1, np.nan, draw.lognormal(5, 0.4, 120_000))
    made = stored(paid, datetime(2025, 1, 1, tzinfo=UTC))
    groups = pd.DataFrame({"paid": draw.integers(-1, 3, len(paid), dtype=np.int32)}, index=made.values.index)
    norms = pd.DataFrame({"column": "paid", "zh": "", "en": "", "n": [60, 70, 80], "median": [150.0, 0.0, np.nan],
                          "scale": 1.0, "low": 0.0, "high": 1.0})  # fmt: skip
    made = replace(made, groups=groups, norms=norms, deviations=made.values / 3.0)
    folder = profile_store.save(made, tmp_path / "buyer" / "20250101T000000-v00000001")
    wide = made.wide()
    assert set(evading.named(folder)) == {"paid", "deviation(paid)", "times_norm(paid)"}
    ratio = wide["paid"] / wide["paid__median"].where(wide["paid__median"] > 0)
    for column, told in (("paid", wide["paid"]), ("deviation(paid)", wide["paid__z"]), ("times_norm(paid)", ratio)):
        np.testing.assert_array_equal(evading.values_of(folder, column), told.to_numpy())
    for frame in ("deviations", "groups", "attributes"):
        (folder / f"{frame}.parquet").unlink()
    assert len(evading.values_of(folder, "paid")) == len(paid)


RULE = """
id: paid-much
version: 1
scene: public-works
stage: payment
entity: buyer
scheme: buyer-composite
detector: rule
title: {zh: 付款偏高, en: Pays much}
meaning: {zh: 付款超过限额。, en: Pays more than the limit.}
advice: {zh: 核对付款。, en: Look at the payments.}
basis: [test]
when: award_amount > 400
examples:
  - {who: {zh: 甲, en: A}, given: {award_amount: 500}, warns: true}
  - {who: {zh: 乙, en: B}, given: {award_amount: 300}, warns: false}
"""


def test_a_look_keeps_what_it_found_and_the_watch_tells_it(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "paid-much.yaml").write_text(RULE, encoding="utf-8")
    settings = Settings(workspace=tmp_path / "work", model_folder=tmp_path / "models", threads=1)
    draw = np.random.default_rng(1)
    paid = draw.lognormal(np.log(400), 0.4, 8_000)
    paid = np.where((paid > 400) & (paid < 430), draw.uniform(385, 400, 8_000), paid)
    made = stored(paid, datetime(2025, 1, 1, tzinfo=UTC), "award_amount")
    profile_store.save(made, profile_store.place(settings.folder("profiles"), made))
    assert evading.kept(settings) == []
    wrote = tasks.tasks(settings)["evasion"]({})
    assert (wrote["found"], wrote["thresholds"] >= 1) == (1, True)
    (found,) = [one for one in look(settings, rows=False).alerts if one.kind == "evasion"]
    assert found.key == "evasion:buyer:paid-much:award_amount"
    assert found.told.zh.startswith("paid-much：付款：紧贴阈值 400 下方有")
