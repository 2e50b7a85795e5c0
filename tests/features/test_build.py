"""Profiles: point-in-time, one scan a view, deterministic, the same on demand, and clear about what is unknown."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from features.build import build, measure
from features.engine import Engine
from features.measures import entity
from features.measures.declare import fused
from features.measures.tables import Tables
from features.profiles import Profiles
from gnomon.errors import Fault, Misuse
from tests.features.profile_rows import award, bids, claim, day, hospital, line, stay, table, tender, threshold

AS_OF = day(100)
KINDS = ("buyer", "institution", "patient", "practitioner", "supplier", "supplier_buyer", "supplier_pair", "tender")
"""Kinds that the rows below have entities of."""


def city() -> dict[str, list[dict[str, Any]]]:
    """A few hospitals and tenders over a hundred days."""
    rng = np.random.default_rng(5)
    rows: dict[str, list[dict[str, Any]]] = {
        name: [] for name in ("claim", "admission", "prescription", "tender", "bid", "award")
    }
    for i in range(120):
        place, person = f"H{i % 4}", f"P{rng.integers(30)}"
        rows["claim"].append(claim(i, place, person, float(rng.integers(10, 500)), day(i * 0.8)))
        rows["admission"].append(
            stay(i, place, person, day(i * 0.8), float(rng.integers(1, 9)), attending_id=f"D{i % 7}")
        )
        rows["prescription"].append(line(i, place, f"D{i % 7}", person, f"I{i % 3}", 2.0, day(i * 0.8)))
    for i in range(24):
        prices = {f"F{j}": float(rng.integers(80, 120)) for j in rng.choice(9, 4, replace=False)}
        rows["tender"].append(tender(i, day(i * 4), ceiling_price=130.0))
        rows["bid"] += bids(i, prices)
        rows["award"].append(award(i, f"B{i % 3}", min(prices, key=lambda f: prices[f]), 90.0, day(i * 4), f"T{i:03d}"))
    rows["organization"] = [hospital(f"H{i}") for i in range(4)]
    rows["policy_threshold"] = [threshold(100.0)]
    return rows


def engine_of(rows: dict[str, list[dict[str, Any]]]) -> Engine:
    return Engine.of({name: table(name, some) for name, some in rows.items()})


@pytest.mark.parametrize("kind", KINDS)
def test_all_measures_and_windows_of_a_view_are_one_query(kind: str) -> None:
    engine = engine_of(city())
    of = entity(kind)
    tables = Tables(engine, AS_OF)
    for view in of.views:
        query, columns = fused(of, view, tables)
        declared = [c.name for one in of.measures.values() if one.view is view for c in one.columns]
        assert sorted(columns) == sorted(declared)
        before = engine.executed
        engine.arrow(query)
        assert engine.executed == before + 1
    views = [view for view in of.views if all(engine.has(name) for name in view.needs)]
    before = engine.executed
    profiles = build(engine, kind, AS_OF)
    asked_why = len({name for reason in profiles.missing.values() for name in [reason.en]}) * 9
    assert len(views) + 2 <= engine.executed - before <= len(views) + 2 + asked_why


def test_windows_share_one_scan_of_the_claims() -> None:
    engine = engine_of(city())
    of = entity("institution")
    view = next(view for view in of.views if view.name == "claims")
    query, columns = fused(of, view, Tables(engine, AS_OF))
    assert {"fund_paid", "fund_paid_365d", "fund_paid_90d"} <= set(columns)
    plan = engine.explained(query)
    assert plan.count("raw_claim") <= 1
    assert plan.count("ARROW_SCAN") <= 4


@cache
def profiles_before(kind: str) -> Profiles:
    return build(engine_of(city()), kind, AS_OF, min_peers=5)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=4, deadline=None, suppress_health_check=list(HealthCheck))
@given(later=st.lists(st.tuples(st.floats(0.001, 400), st.integers(0, 3), st.integers(0, 40)), max_size=6))
def test_rows_that_happened_later_change_nothing(kind: str, later: list[tuple[float, int, int]]) -> None:
    rows, known = city(), profiles_before(kind)
    for number, (after, place, person) in enumerate(later):
        at, key = AS_OF + timedelta(days=after), 5000 + number
        rows["claim"].append(claim(key, f"H{place}", f"P{person}", 1e6, at))
        rows["admission"].append(stay(key, f"H{place}", f"P{person}", at, 3.0))
        rows["prescription"].append(line(key, f"H{place}", "D1", f"P{person}", "I1", 1e4, at))
        rows["tender"].append(tender(key, at))
        rows["bid"] += bids(key, {"F1": 1.0, f"F{person}": 2.0})
        rows["bid"] += [{**bids(number, {"F99": 1e9})[0], "is_winner": False, "submitted_at": at}]
        rows["award"].append(award(key, "B1", "F1", 99.0, at))
    again = build(engine_of(rows), kind, AS_OF, min_peers=5)
    pd.testing.assert_frame_equal(known.values, again.values)
    pd.testing.assert_frame_equal(known.deviations, again.deviations)
    pd.testing.assert_frame_equal(known.norms, again.norms)


def test_the_default_as_of_is_the_last_event() -> None:
    assert build(engine_of(city()), "tender").as_of == day(23 * 4)


def test_an_undated_row_counts_from_the_day_it_arrived() -> None:
    arrived = datetime(2026, 1, 1, tzinfo=UTC)
    rows = {
        "tender": [{**tender(1), "_ingested_at": arrived}],
        "bid": [{**row, "_ingested_at": arrived} for row in bids(1, {"F1": 1.0, "F2": 2.0})],
    }
    engine = engine_of(rows)
    profiles = build(engine, "tender")
    assert profiles.as_of == arrived
    assert np.isnan(profiles.values.at["T001", "pairs_met_share"])
    with pytest.raises(Fault, match="from 2026-01-01 on"):
        build(engine, "tender", datetime(2025, 12, 31, tzinfo=UTC))


def test_the_same_records_give_the_same_frame() -> None:
    one, two = (build(engine_of(city()), "institution", min_peers=5) for _ in range(2))
    pd.testing.assert_frame_equal(one.values, two.values)
    pd.testing.assert_frame_equal(one.wide(), two.wide())


def test_one_tender_on_demand_has_the_values_and_deviations_of_the_batch() -> None:
    rows = city()
    reference = build(engine_of(rows), "tender", min_peers=5)
    records = {
        "tender": [row for row in rows["tender"] if row["tender_id"] == "T007"],
        "bid": [row for row in rows["bid"] if row["tender_id"] == "T007"],
    }
    alone = measure(engine_of(records), "tender", reference)
    measures = entity("tender").measures
    own = [c.name for c in reference.columns if measures[c.measure].view.name in ("bids", "procedure")]
    assert len(own) > 40
    pd.testing.assert_frame_equal(alone.values[own], reference.values.loc[["T007"], own], check_exact=False, rtol=1e-12)
    pd.testing.assert_frame_equal(alone.deviations[own], reference.deviations.loc[["T007"], own], rtol=1e-9)
    pd.testing.assert_frame_equal(alone.groups[own], reference.groups.loc[["T007"], own])
    assert alone.norm("T007", "bid_cv") == reference.norm("T007", "bid_cv")


def test_what_cannot_be_computed_says_which_table_or_field_is_missing() -> None:
    profiles = build(engine_of(city()), "institution", min_peers=5)
    assert profiles.missing["no_care_day_share"].en == "not applicable: no rows in inpatient_day"
    assert profiles.missing["manual_auth_share"].en == "not applicable: nobody fills in claim.auth_method"
    assert "没有数据" in profiles.missing["reported_claims"].zh
    assert profiles.values[list(profiles.missing)].isna().all().all()


def test_ties_are_unknown_and_not_absent_without_a_registry() -> None:
    profiles = build(engine_of(city()), "supplier")
    assert "no rows in" in profiles.missing["tied_rivals"].en


def test_an_unknown_kind_of_entity_names_the_nearest() -> None:
    with pytest.raises(Misuse, match="Nearest: institution"):
        build(Engine.of({}), "institutions")


def test_nothing_to_profile_names_the_tables_to_ingest() -> None:
    with pytest.raises(Fault, match="claim, admission"):
        build(Engine.of({"tender": table("tender", [tender(1, day(0))])}), "institution")


def test_an_as_of_before_the_first_row_says_from_when_on() -> None:
    with pytest.raises(Fault, match="from 2025-01-01 on"):
        build(engine_of(city()), "institution", datetime(2020, 1, 1, tzinfo=UTC))


def test_every_profile_tells_value_norm_and_peers_side_by_side() -> None:
    profiles = build(engine_of(city()), "institution", min_peers=3)
    wide = profiles.wide()
    assert wide.at["H1", "fund_paid__n"] == 3, "the peers without itself"
    norm = profiles.norm("H1", "fund_paid")
    assert norm is not None
    assert norm.median == pytest.approx(wide.at["H1", "fund_paid__median"])


def test_a_batch_without_system_columns_is_profiled() -> None:
    rows = table("claim", [claim(1, "H1", "P1", 10.0, day(0))])
    profiles = build(Engine.of({"claim": rows.drop_columns(["_source", "_ingested_at", "_row_hash"])}), "institution")
    assert profiles.values.at["H1", "fund_paid"] == 10.0
    assert isinstance(rows, pa.Table)


def test_rows_that_name_nobody_of_the_kind_say_which_field_is_wanting() -> None:
    with pytest.raises(Fault, match=r"no row of tender, bid names one\. Fill in tender\.agency_id"):
        build(engine_of(city()), "agency", AS_OF)
