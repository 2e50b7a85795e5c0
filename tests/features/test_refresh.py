"""Refreshed profiles are those of a rebuild to the last bit, whatever came, was corrected or passed out of a window."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from features.build import build
from features.engine import Engine
from features.lake import Lake
from features.measures import entities
from features.profile_store import place
from features.profiles import Profiles
from features.refresh import state
from features.refresh.refresh import Refreshed, refresh
from tests.features.random_rows import DAYS, START, arrow, drawn

FEW = 3
"""Peers that make a norm."""
ROWS = {
    "organization": 5, "person": 14, "position": 12, "catalog_item": 3, "claim": 60, "claim_item": 60, "admission": 40,
    "inpatient_day": 40, "prescription": 220, "reported_total": 12, "tender": 25, "bid": 90, "award": 40,
    "policy_threshold": 2, "org_interest": 8, "contact_point": 8, "social_insurance": 8, "contract": 15,
    "contract_amendment": 20, "payment": 20, "project": 8, "project_event": 20, "approval": 60, "service_request": 40,
    "vehicle_trip": 30, "expense": 30,
}  # fmt: skip
FRAMES = ("values", "trials", "attributes", "norms", "groups", "deviations", "centers", "spreads")


@dataclass(frozen=True)
class Step:
    """What comes into the lake, and the moment asked about then."""

    tables: tuple[str, ...]
    new: int
    corrected: int
    since: float
    """Day from which on the rows are dated: new ones and late ones."""
    as_of: float | None
    seed: int


steps = st.lists(
    st.builds(
        Step,
        tables=st.lists(st.sampled_from(sorted(ROWS)), min_size=0, max_size=3, unique=True).map(tuple),
        new=st.integers(0, 6),
        corrected=st.integers(0, 3),
        since=st.sampled_from([0.0, DAYS - 2.0]),
        as_of=st.one_of(st.none(), st.floats(DAYS - 100, DAYS + 100)),
        seed=st.integers(0, 10_000),
    ),
    min_size=1,
    max_size=2,
)


def filled(folder: Path, seed: int) -> Lake:
    lake = Lake(str(folder))
    lake.commit_all({name: arrow(name, drawn(name, range(n), seed)) for name, n in ROWS.items()}, "test", "0")
    return lake


def put(lake: Lake, step: Step) -> None:
    rows = {
        name: drawn(name, [*range(step.corrected), *range(1000 + step.seed, 1000 + step.seed + step.new)], step.seed,
                    step.since)
        for name in step.tables
    }  # fmt: skip
    lake.commit_all({name: arrow(name, some) for name, some in rows.items() if some}, "test", "1")


def day(number: float | None) -> datetime | None:
    return None if number is None else START + timedelta(days=number)


def refreshed(lake: Lake, kind: str, folder: Path, as_of: datetime | None = None) -> Refreshed:
    """As the command does: from what is stored, and stored again."""
    engine = Engine.open(lake, threads=2)
    try:
        made = refresh(engine, kind, as_of, FEW, state.load(folder, kind))
        state.save(made.profiles, made.state, place(folder, made.profiles))
        return made
    finally:
        engine.close()


def rebuilt(lake: Lake, kind: str, as_of: datetime | None = None) -> Profiles:
    engine = Engine.open(lake, threads=2)
    try:
        return build(engine, kind, as_of, FEW)
    finally:
        engine.close()


def assert_same(one: Profiles, other: Profiles) -> None:
    for name in FRAMES:
        pd.testing.assert_frame_equal(getattr(one, name), getattr(other, name), check_exact=True, obj=name)
    assert (one.as_of, one.lake_version, one.missing) == (other.as_of, other.lake_version, other.missing)


@pytest.mark.parametrize("kind", sorted(entities()))
@settings(max_examples=2, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 10_000), changes=steps)
def test_a_refresh_equals_a_rebuild(
    kind: str, seed: int, changes: list[Step], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("refresh")
    lake = filled(folder / "lake", seed)
    assert_same(
        refreshed(lake, kind, folder / "profiles", day(DAYS - 50)).profiles, rebuilt(lake, kind, day(DAYS - 50))
    )
    for step in changes:
        put(lake, step)
        made = refreshed(lake, kind, folder / "profiles", day(step.as_of))
        assert made.against == ""
        assert_same(made.profiles, rebuilt(lake, kind, day(step.as_of)))
