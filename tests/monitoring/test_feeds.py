"""A source is judged by what it has sent before, and says so when that is not enough."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from features.aside import REFUSED
from features.engine import Engine
from features.lake import Lake
from monitoring.arrivals import Arrival, arrivals
from monitoring.feeds import Sign, health

START = datetime(2026, 1, 1, 6, tzinfo=UTC)


def daily(days: int, **told: object) -> list[Arrival]:
    """A source that sends every day some hundred rows."""
    return [
        replace(
            Arrival("claims", START + timedelta(days=n), n + 1, {"claim": 95 + (n * 7) % 11}, 1,
                    {"claim.visit_date": (2, 100)}, {"claim.person_id": (1, 100)}),
            **(told if n == days - 1 else {}),  # type: ignore[arg-type]
        )
        for n in range(days)
    ]  # fmt: skip


def signs(past: list[Arrival], now: datetime | None = None) -> list[Sign]:
    (one,) = health({"claims": past}, now or past[-1].at + timedelta(hours=2))
    return [trouble.sign for trouble in one.troubles]


def test_a_source_as_usual_has_no_troubles() -> None:
    assert signs(daily(30)) == []


def test_a_source_that_stops_is_late_against_its_own_pauses() -> None:
    past = daily(12)
    assert signs(past, past[-1].at + timedelta(days=1, hours=20)) == []
    assert signs(past, past[-1].at + timedelta(days=3)) == [Sign.LATE]
    weekly = [replace(one, at=START + timedelta(days=7 * n)) for n, one in enumerate(past)]
    assert signs(weekly, weekly[-1].at + timedelta(days=10)) == []


def test_a_thin_delivery_a_renamed_column_and_broken_keys_are_told() -> None:
    assert signs(daily(12, rows={"claim": 3})) == [Sign.VOLUME]
    assert signs(daily(12, rows={"claim": 0})) == [Sign.VOLUME]
    assert signs(daily(12, unknown={"claim.visit_date": (100, 100)})) == [Sign.UNKNOWN]
    assert signs(daily(12, broken={"claim.person_id": (60, 100)})) == [Sign.BROKEN]
    assert signs(daily(12, refused=80)) == [Sign.REFUSED]


def test_a_single_row_with_an_unknown_value_is_no_trouble() -> None:
    assert signs(daily(12, unknown={"claim.visit_date": (1, 1)})) == []
    few = [replace(one, unknown={"claim.visit_date": (n % 2, 2)}) for n, one in enumerate(daily(12))]
    assert signs(few) == []


def test_without_a_history_nothing_is_said() -> None:
    (one,) = health({"claims": daily(3, rows={"claim": 0})}, START + timedelta(days=400))
    assert one.troubles == ()
    assert one.told.en == "Not enough history: 2 of 5 earlier arrivals."


def test_an_arrival_in_the_future_is_a_clock_and_a_clock_set_back_is_no_pause() -> None:
    past = daily(12)
    assert signs(past, past[-1].at - timedelta(days=2)) == [Sign.CLOCK]
    past[5] = replace(past[5], at=past[5].at - timedelta(days=40))
    assert Sign.LATE not in signs(past)


def test_the_lake_tells_rows_unknown_values_broken_keys_and_refusals_by_arrival(tmp_path: Path) -> None:
    lake = Lake(str(tmp_path / "lake"))
    for number in (1, 2):
        rows = pa.table(
            {"person_id": [f"P{number}{n}" for n in range(4)], "org_id": ["O"] * 4, "month": ["2025-06"] * 4}
        )
        lake.commit("social_insurance", rows, "insurance", f"h{number}")
    refused = pa.table({one.name: pa.array(["x" if one.type == pa.string() else 1], one.type) for one in REFUSED})
    (tmp_path / "refused" / "social_insurance").mkdir(parents=True)
    pq.write_table(refused, tmp_path / "refused" / "social_insurance" / "h2.parquet")
    person = pa.table({"person_id": ["P10", "P11"]})
    lake.commit("person", person, "people", "p")
    engine = Engine.open(lake, threads=1)
    found = arrivals(lake, tmp_path / "refused", engine)
    engine.close()
    first, second = found["insurance"]
    assert (first.rows, second.rows) == ({"social_insurance": 4}, {"social_insurance": 4})
    assert (first.refused, second.refused) == (0, 1)
    assert second.broken["social_insurance.person_id"] == (4, 4)
    assert first.broken["social_insurance.person_id"] == (2, 4)
    assert first.unknown
