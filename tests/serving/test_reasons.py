"""Reasons: ordered, in natural sentences, and adding up to the score."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest

from features.measures import entities
from features.profiles import NO_NORM, ProfileColumn, Profiles
from gnomon.terms import Direction, Evidence, Norm, Text
from serving import quantities
from serving import reasons as told
from serving.quantities import quantity

DDD = ProfileColumn("ddd", "ddd", "", Text("每名患者处方量", "Prescription volume per patient"), "DDD", Direction.HIGH)
PAID = ProfileColumn("paid", "paid", "", Text("基金支付", "Fund payment"), "CNY", Direction.HIGH)
LEVEL2 = Norm(Text("二级医院", "level-2 hospitals"), 812, 1.5, 0.4, 0.7, 2.6)


def profiles(values: dict[str, list[float]], norm: Norm = LEVEL2) -> Profiles:
    ids = pd.Index([f"H{n}" for n in range(len(next(iter(values.values()))))], name="entity_id")
    columns = tuple(ProfileColumn(name, name, "", Text(name, name), "", Direction.HIGH) for name in values)
    frame = pd.DataFrame(values, index=ids, dtype=float)
    groups = pd.DataFrame(
        {name: np.where(np.isnan(frame[name]), NO_NORM, n).astype("int32") for n, name in enumerate(values)}, index=ids
    )
    row = [norm.group.zh, norm.group.en, norm.n, norm.median, norm.scale, norm.low, norm.high]
    norms = pd.DataFrame(
        [[name, *row] for name in values], columns=["column", "zh", "en", "n", "median", "scale", "low", "high"]
    )
    attributes = pd.DataFrame({"name": list(ids)}, index=ids)
    as_of = datetime(2025, 6, 30, tzinfo=UTC)
    deviations = (frame - norm.median) / norm.scale
    return Profiles("institution", as_of, 1, columns, frame, deviations, groups, norms, attributes)


def test_a_multiple_of_the_norm_is_told_with_its_peers_in_both_languages() -> None:
    said = told.sentence(DDD, "institution", 35.2, LEVEL2)
    assert said.zh == "每名患者处方量为 35.2 DDD，是同类中位数 1.5 的 23.5 倍（同类：二级医院，共 812 家）。"
    assert said.en == (
        "Prescription volume per patient: 35.2 DDD, 23.5 times the median (1.5) of 812 peers (level-2 hospitals)."
    )


@pytest.mark.parametrize(
    ("value", "norm", "zh", "en"),
    [
        (0.3, LEVEL2, "仅为同类中位数 1.5 的 20%", "only 20% of the median (1.5) of 812"),
        (1.52, LEVEL2, "与同类中位数 1.5 接近", "close to the median (1.5)"),
        (1.8, LEVEL2, "高 20%", "20% above the median (1.5)"),
        (3.0, Norm(LEVEL2.group, 30, 0.0, 1, 0, 1), "高于同类中位数 0", "above the median (0) of 30"),
        (-2.0, Norm(LEVEL2.group, 30, 0.0, 1, 0, 1), "低于同类中位数 0", "below the median (0) of 30"),
        (0.0, Norm(LEVEL2.group, 30, 0.0, 1, 0, 1), "中位数相同", "the same as the median"),
        (9.0, None, "没有常模可供对照", "too few comparable peers"),
        (None, None, "未知：缺少计算所需的记录", "the records it needs are missing"),
    ],
)
def test_every_standing_to_the_norm_has_its_own_words(value: float | None, norm: Norm | None, zh: str, en: str) -> None:
    said = told.sentence(DDD, "institution", value, norm)
    assert zh in said.zh
    assert en in said.en


def test_a_measure_that_cannot_be_computed_says_why() -> None:
    why = Text("不适用:没有处方数据", "not applicable: no prescriptions were supplied.")
    said = told.sentence(DDD, "institution", None, None, why)
    assert said.zh == "每名患者处方量：不适用:没有处方数据。"
    assert said.en.endswith(": not applicable: no prescriptions were supplied.")


def test_money_is_read_in_the_units_of_each_language() -> None:
    said = told.sentence(PAID, "supplier", 12_345_678.0, Norm(Text("供应商", "suppliers"), 40, 1_000_000.0, 1, 0, 2))
    assert "1,234.6 万元，是同类中位数 100 万元的 12.3 倍" in said.zh
    assert "CNY 12.35 million, 12.3 times the median (CNY 1 million)" in said.en
    assert quantity(250_000_000, "CNY").zh == "2.5 亿元"
    assert quantity(99.5, "CNY").en == "CNY 99.50"


def test_small_contributions_are_summed_into_one_last_line_and_nothing_is_lost() -> None:
    shares = {f"m{n}": (-1) ** n / (n + 3) for n in range(30)}
    lines = told.reasons(profiles({name: [2.0] for name in shares}), "H0", shares, limit=5)
    assert [line.measure for line in lines] == ["m0", "m2", "m4", "m3", "m1", told.OTHER]
    assert math.fsum(line.contribution for line in lines) == pytest.approx(math.fsum(shares.values()), abs=1e-12)
    assert "25" in lines[-1].sentence.zh


def test_columns_that_moved_nothing_are_not_told() -> None:
    lines = told.reasons(profiles({"a": [3.0], "b": [1.0]}), "H0", {"a": 0.4, "b": 0.0})
    assert [line.measure for line in lines] == ["a"]


def test_the_rows_behind_travel_with_their_reason() -> None:
    rows = (Evidence("claim", "claim_id", ("C1", "C2"), 40),)
    lines = told.reasons(profiles({"a": [3.0], "b": [2.0]}), "H0", {"a": 0.4, "b": 0.1}, {("a", "H0"): rows})
    assert lines[0].evidence == rows
    assert lines[1].evidence == ()
    assert lines[0].deviation == pytest.approx(3.75)


def test_an_unknown_value_is_told_as_unknown() -> None:
    (line,) = told.reasons(profiles({"a": [math.nan]}), "H0", {"a": 0.2})
    assert line.value is None
    assert line.norm is None


def test_windows_of_one_measure_are_one_reason_told_by_the_weightiest() -> None:
    held = profiles({"wins": [1.0], "wins_90d": [1.0], "beds": [1.0]})
    windows = tuple(replace(column, measure=column.name.removesuffix("_90d")) for column in held.columns)
    shares = told.by_measure(replace(held, columns=windows), {"wins": 0.1, "wins_90d": -0.5, "beds": 0.2})
    assert shares == {"wins_90d": pytest.approx(-0.4), "beds": 0.2}


def test_every_unit_has_its_word_and_what_is_counted_apiece_is_no_multiple() -> None:
    declared = {(one.name, one.unit) for kind in entities().values() for one in kind.measures.values()}
    international = {"L", "h", "kWh", "km", "m2", "min"}
    known = quantities.SUFFIXES.keys() | quantities.SHARES | quantities.BARE | quantities.MONEY | international
    assert {unit for _, unit in declared} <= known
    assert not [name for name, unit in declared if unit == "x" and ("_per_" in name or name.endswith("_cv"))]
    assert quantity(7.52, "claims/patient") == Text("7.52 次/人", "7.52 claims per patient")
    assert quantity(0.0123, "%") == Text("1.23%", "1.23%")


def test_many_small_parts_are_told_together_by_the_records_that_they_are_read_from() -> None:
    names = ["fund_paid", "claims_count", "patients", "night_share", "weekend_share", "stays_count", "rx_lines"]
    shares = {"fund_paid": 3.0} | {name: 0.5 - 0.1 * at for at, name in enumerate(names[1:])}
    lines = told.reasons(profiles({name: [2.0] for name in names}), "H0", shares, limit=1)
    assert [line.measure for line in lines] == ["fund_paid", "other:claim", "other"]
    assert lines[1].sentence.zh.startswith("取自医保结算单记录的其余 4 项指标")
    assert "Claim), each with less weight" in lines[1].sentence.en
    assert math.fsum(line.contribution for line in lines) == pytest.approx(math.fsum(shares.values()), abs=1e-12)
