"""Each table tells its rows, its last event and its last arrival."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa

from features.lake import Lake
from monitoring.freshness import feeds


def test_an_empty_lake_has_no_feeds(tmp_path: Path) -> None:
    assert feeds(Lake(str(tmp_path / "lake"))) == []


def test_a_table_tells_its_last_event_and_arrival(tmp_path: Path) -> None:
    lake = Lake(str(tmp_path / "lake"))
    moments = [datetime(2025, 3, day, 8, tzinfo=UTC) for day in (1, 9, 4)]
    rows = pa.table(
        {
            "request_id": ["A", "B", "C"],
            "channel": ["12345"] * 3,
            "topic_code": ["noise"] * 3,
            "received_at": pa.array(moments, pa.timestamp("us", tz="UTC")),
        }
    )
    lake.commit("service_request", rows, "hotline", "hash")
    before = datetime.now(UTC)
    (feed,) = feeds(lake)
    assert (feed.table, feed.rows, feed.last_event) == ("service_request", 3, datetime(2025, 3, 9, 8, tzinfo=UTC))
    assert feed.last_arrival is not None
    assert abs(feed.last_arrival - before) < timedelta(minutes=1)


def test_months_and_registry_tables_are_told_too(tmp_path: Path) -> None:
    lake = Lake(str(tmp_path / "lake"))
    person = {"person_id": ["P"], "org_id": ["O"], "month": ["2025-06"]}
    lake.commit("social_insurance", pa.table(person), "insurance", "hash")
    (feed,) = feeds(lake)
    assert feed.last_event == datetime(2025, 6, 1, tzinfo=UTC)
