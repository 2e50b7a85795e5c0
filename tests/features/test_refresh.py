"""Refreshed profiles are those of a rebuild to the last bit, whatever came, was corrected or passed out of a window."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from re import escape

import ibis.expr.operations as ops
import pandas as pd
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from features.build import build
from features.engine import Engine
from features.lake import Lake
from features.measures import entities
from features.measures.declare import fused
from features.measures.tables import Tables
from features.profile_store import place
from features.profiles import Profiles
from features.refresh import state
from features.refresh.refresh import Refreshed, refresh
from gnomon.errors import Fault
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


@cache
def read_by(kind: str) -> tuple[str, ...]:
    """Tables that the kind's queries read."""
    tables, of = Tables(Engine.of({}), START, keep=False), entities()[kind]
    queries = [of.attributes(tables), *(fused(of, view, tables)[0] for view in of.views)]
    return tuple(sorted({one.name for query in queries for one in query.op().find(ops.DatabaseTable)}))


def filled(folder: Path, kind: str, seed: int) -> Lake:
    """A lake with rows in every table that the kind reads."""
    lake = Lake(str(folder))
    rows = {name: arrow(name, drawn(name, range(ROWS.get(name, 15)), seed)) for name in read_by(kind)}
    lake.commit_all(rows, "test", "0")
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


def walked(kind: str, seed: int, changes: list[Step], folder: Path) -> list[Refreshed]:
    """Refresh after every step, and hold it against a rebuild: the same profiles, or the same fault."""
    lake, made = filled(folder / "lake", kind, seed), []
    for step in (Step((), 0, 0, 0.0, DAYS - 50, 0), *changes):
        put(lake, step)
        try:
            expected = rebuilt(lake, kind, day(step.as_of))
        except Fault as fault:
            with pytest.raises(Fault, match=escape(str(fault))):
                refreshed(lake, kind, folder / "profiles", day(step.as_of))
            continue
        made.append(refreshed(lake, kind, folder / "profiles", day(step.as_of)))
        assert made[-1].against == ("" if len(made) > 1 else "features.refresh.first")
        assert_same(made[-1].profiles, expected)
    return made


@pytest.mark.parametrize("kind", ["practitioner", "drug_institution"])
def test_late_and_corrected_lines_and_moments_that_go_back_give_what_a_rebuild_gives(kind: str, tmp_path: Path) -> None:
    late = Step(("prescription",), new=5, corrected=3, since=0.0, as_of=None, seed=7)
    back = Step(("prescription",), new=4, corrected=1, since=DAYS - 2.0, as_of=DAYS - 20.0, seed=8)
    made = walked(kind, 11, [late, back], tmp_path)
    assert kind != "practitioner" or made[-1].ways["days"] == "added"


def test_supply_from_another_institution_counts_after_a_refresh_too(tmp_path: Path) -> None:
    lake = filled(tmp_path / "lake", "drug_institution", 1)
    lines = drawn("prescription", range(2000, 2013), 5)
    for number, line in enumerate(lines):
        here = {"person_id": f"person{number % 12}", "institution_id": "organization1", "item_code": "catalog_item1"}
        line |= here | {"prescribed_at": START + timedelta(days=DAYS), "days_supply": 30.0}
    lines[12] |= {"institution_id": "organization2", "prescribed_at": START + timedelta(days=DAYS - 1)}
    lake.commit("prescription", arrow("prescription", [*lines[1:]]), "test", "1")
    refreshed(lake, "drug_institution", tmp_path / "profiles")
    lake.commit("prescription", arrow("prescription", lines[:1]), "test", "2")
    made = refreshed(lake, "drug_institution", tmp_path / "profiles")
    assert_same(made.profiles, rebuilt(lake, "drug_institution"))


@pytest.mark.slow
@pytest.mark.parametrize("kind", sorted(entities()))
@settings(max_examples=4, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(seed=st.integers(0, 10_000), changes=steps)
def test_a_refresh_equals_a_rebuild(
    kind: str, seed: int, changes: list[Step], tmp_path_factory: pytest.TempPathFactory
) -> None:
    walked(kind, seed, changes, tmp_path_factory.mktemp("refresh"))


def test_a_day_of_lines_is_added_up_and_what_it_does_not_touch_is_kept(tmp_path: Path) -> None:
    step = Step(("prescription",), new=5, corrected=2, since=DAYS - 1.0, as_of=DAYS - 49.5, seed=3)
    first, made = walked("institution", 1, [step], tmp_path)
    assert set(first.ways.values()) == {"whole"}
    assert (made.ways["prescriptions"], made.ways["mix"]) == ("added", "added")
    assert made.ways["attributes"] == "kept"
    assert 0 < made.touched <= len(made.profiles.values)


def test_nothing_new_keeps_everything(tmp_path: Path) -> None:
    first, made = walked("vehicle", 1, [Step((), 0, 0, 0.0, DAYS - 50, 0)], tmp_path)
    assert set(made.ways.values()) == {"kept"}
    assert (first.touched, made.touched) == (len(made.profiles.values), 0)


def test_another_smallest_group_or_program_is_measured_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lake = filled(tmp_path / "lake", "vehicle", 1)
    refreshed(lake, "vehicle", tmp_path / "profiles")
    engine = Engine.open(lake, threads=1)
    told = state.load(tmp_path / "profiles", "vehicle")
    assert refresh(engine, "vehicle", None, FEW + 1, told).against == "features.refresh.min_peers"
    monkeypatch.setattr(state, "program", lambda: "another")
    assert refresh(engine, "vehicle", None, FEW, told).against == "features.refresh.program"


def test_one_state_is_kept_and_half_of_one_is_none(tmp_path: Path) -> None:
    lake, folder = filled(tmp_path / "lake", "vehicle", 1), tmp_path / "profiles"
    for number in (DAYS - 50, DAYS - 40):
        refreshed(lake, "vehicle", folder, day(number))
    (held,) = folder.glob(f"vehicle/*/{state.FOLDER}")
    next(held.glob("*.parquet")).write_bytes(b"half")
    assert state.load(folder, "vehicle") is None
    assert refreshed(lake, "vehicle", folder, day(DAYS - 40)).against == "features.refresh.first"
