"""Text to the contract's types: what is read, and what is null because it does not say such a value."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from features.contracts import Column
from features.contracts.column import ColumnType
from features.conversion import Reading, convert
from gnomon.terms import Text


def read(kind: ColumnType, *texts: str | None, **how: Any) -> list[Any]:
    values: list[Any] = convert(
        pa.array(texts, pa.string()), Column("x", kind, Text("", "")), Reading(**how)
    ).to_pylist()
    return values


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", "1.00"),
        ("-2.5", "-2.50"),
        ("1.005", "1.01"),
        ("1e3", "1000.00"),
        ("0.0901632446987546", "0.09"),
        ("1,000", None),
        ("12 yuan", None),
        ("99999999999999999", None),
        ("1e30", None),
    ],
)
def test_money_has_two_decimals_and_is_never_guessed(text: str, value: str | None) -> None:
    wanted = Decimal(value) if value else None
    assert read("money", text) == [wanted]
    assert read("money", text, "no number") == [wanted, None]


def test_a_declared_scale_keeps_the_digits_of_small_prices() -> None:
    assert read("money", "0.0901632446987546", scale=Decimal("1000000000")) == [Decimal("90163244.70")]
    assert read("money", "57980919.81", scale=Decimal("0.01")) == [Decimal("579809.20")]


def test_full_width_digits_and_separators_are_read_only_when_declared() -> None:
    assert read("money", "１，２３４．５０", loose_numbers=True) == [Decimal("1234.50")]
    assert read("money", "１，２３４．５０") == [None]


def test_whole_numbers_may_end_in_point_zero() -> None:
    assert read("int", "1", "1.0", "-3", "+7", "1.5", "x") == [1, 1, -3, 7, None, None]


def test_numbers_are_finite() -> None:
    assert read("decimal", "0.5", ".5", "1e-3", "nan", "inf") == [0.5, 0.5, 0.001, None, None]


def test_yes_and_no_in_both_languages() -> None:
    assert read("bool", "1.0", "是", "No", "maybe") == [True, True, False, None]


@pytest.mark.parametrize("text", ["2024-01-05", "2024/1/5", "2024年1月5日", "2024-01-04T23:30:00Z"])
def test_dates_are_days_of_the_zone(text: str) -> None:
    assert read("date", text) == [date(2024, 1, 5)]


@pytest.mark.parametrize("text", ["2024-02-31", "2024-13-01", "20240105", "5.1.2024", "yesterday"])
def test_a_day_that_no_calendar_has_is_no_date(text: str) -> None:
    assert read("date", text, "2024-01-05") == [None, date(2024, 1, 5)]
    assert read("ts", text) == [None]


@pytest.mark.parametrize(
    ("text", "zone", "hour"),
    [
        ("2024-01-05 10:00:00", "Asia/Shanghai", 2),
        ("2024-01-05T10:00", "UTC", 10),
        ("2024-01-05T10:00:00+09:00", "Asia/Shanghai", 1),
        ("2024-01-05T10:00:00.250Z", "Asia/Shanghai", 10),
    ],
)
def test_times_without_a_zone_are_local_and_all_end_in_utc(text: str, zone: str, hour: int) -> None:
    alone, beside = read("ts", text, zone=zone)[0], read("ts", text, "2024-1-5", zone=zone)[0]
    assert alone == beside
    assert alone.replace(microsecond=0) == datetime(2024, 1, 5, hour, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "how", "wanted"),
    [
        ("1241654400", "unix_seconds", datetime(2009, 5, 7, tzinfo=UTC)),
        ("1987", "year", datetime(1987, 1, 1, tzinfo=UTC)),
        ("1098", "days since 2000-01-01", datetime(2003, 1, 3, tzinfo=UTC)),
        ("05.01.2024", "%d.%m.%Y", datetime(2024, 1, 5, tzinfo=UTC)),
        ("31.02.2024", "%d.%m.%Y", None),
        ("2024", "unix_second", None),
    ],
)
def test_declared_ways_of_writing_dates(text: str, how: str, wanted: datetime | None) -> None:
    assert read("ts", text, date=how, zone="UTC") == [wanted]


def test_lists_come_from_json_or_semicolons() -> None:
    assert read("list", '["a", "b"]', "a; b；c", None) == [["a", "b"], ["a", "b", "c"], None]


def test_a_moment_is_meant_in_the_time_of_its_zone_that_day() -> None:
    """China had summer time from 1986 to 1991, and local mean time long before."""
    told = {
        "2024-05-01 08:00:00": datetime(2024, 5, 1, tzinfo=UTC),
        "1992-01-01 08:00:00": datetime(1992, 1, 1, tzinfo=UTC),
        "1990-07-01 09:00:00": datetime(1990, 7, 1, tzinfo=UTC),
        "1985-07-01 08:00:00": datetime(1985, 7, 1, tzinfo=UTC),
    }
    for text, moment in told.items():
        assert read("ts", text) == [moment]
    assert read("ts", *told, None) == [*told.values(), None]
    assert read("ts", "2024-07-01 02:00:00", "2024-01-01 01:00:00", zone="Europe/Rome") == [
        datetime(2024, 7, 1, tzinfo=UTC), datetime(2024, 1, 1, tzinfo=UTC),
    ]  # fmt: skip
