"""Drift split by source: a fault of one source shows there and nowhere else."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pyarrow as pa
import pytest

from features import profile_store
from features.build import build
from features.contracts import contract_of
from features.engine import Engine
from features.lake import Lake
from gnomon.config import Settings
from monitoring.comparison import SCORE, Light, State, read
from monitoring.effect import Verdict
from monitoring.sources import sources_of
from serving.comparing import compare_now
from serving.engine import profile
from training import registry
from training.train import train

CLINICS, CLAIMS = 130, 12
START = datetime(2025, 1, 1, 2, tzinfo=UTC)
TRAINED = START + timedelta(days=100)


def claims(half: int, since: int, factor: int) -> pa.Table:
    """Claims of every second clinic over a hundred days."""
    draw = random.Random(half * 1000 + since)
    rows = []
    for clinic in range(half, CLINICS, 2):
        for number in range(CLAIMS):
            at = START + timedelta(days=since + draw.randrange(99))
            paid = Decimal(draw.randrange(50, 400) * factor)
            rows.append(
                {
                    "claim_id": f"K{clinic}-{since}-{number}", "person_id": f"P{clinic}-{number}",
                    "institution_id": f"C{clinic}", "claim_type": "outpatient", "service_from": at, "settled_at": at,
                    "total_amount": paid, "fund_amount": paid, "self_amount": Decimal(0), "status": "settled",
                }
            )  # fmt: skip
    under = contract_of("claim")
    return pa.Table.from_pylist(rows, schema=pa.schema([one for one in under.schema if one.name in rows[0]]))


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A model trained on claims of two systems; afterwards the second one sends amounts in another unit."""
    made = Settings(workspace=tmp_path_factory.mktemp("sources"), threads=1)
    lake = Lake(made.lake_url)
    for half, name in ((0, "north"), (1, "south")):
        lake.commit("claim", claims(half, 0, 1), name, f"{name}-1")
    engine = Engine.open(lake, threads=1)
    profiles = profile(made, engine, "institution", TRAINED)
    version = train(made, profiles, None, lambda then: build(engine, "institution", then, 20)).version
    registry.promote(made, "institution", profiles, None, version)
    engine.close()
    return made


def test_an_entity_belongs_to_the_source_that_sends_most_of_its_rows(settings: Settings) -> None:
    engine = Engine.open(Lake(settings.lake_url), threads=1)
    split = sources_of(engine, "institution")
    assert split is not None
    assert split.value_counts().to_dict() == {"north": 65, "south": 65}
    assert (split["C0"], split["C1"]) == ("north", "south")
    assert sources_of(engine, "tender") is None
    engine.close()


def test_a_fault_of_one_source_is_told_there_and_the_other_stays_calm(settings: Settings) -> None:
    calm = compare_now(settings, "institution")
    assert [(one.source, one.light) for one in calm.sources] == [("north", Light.GREEN), ("south", Light.GREEN)]
    lake = Lake(settings.lake_url)
    lake.commit("claim", claims(0, 100, 1), "north", "north-2")
    lake.commit("claim", claims(1, 100, 100), "south", "south-2")
    found = compare_now(settings, "institution", START + timedelta(days=200))
    lights = {one.source: one for one in found.sources}
    moved = set(lights["south"].moved)
    assert {"fund_paid_90d", "fund_paid"} & moved
    assert not {name for name in lights["north"].moved if name.startswith("fund_p") and name.endswith("90d")}
    assert len(lights["north"].moved) < len(moved)
    assert read(settings.workspace / "drift", "institution", f"{found.as_of:%Y-%m-%d}") == found


def test_a_day_with_a_handful_of_entities_is_grey_and_one_without_a_column_has_no_score(settings: Settings) -> None:
    root = settings.workspace / "profiles"
    newest = profile_store.latest(root, "institution")
    assert newest is not None
    profiles = profile_store.load(newest)
    few = replace(profiles.select(profiles.ids[:14]), as_of=profiles.as_of + timedelta(days=1))
    profile_store.save(few, profile_store.place(root, few))
    found = compare_now(settings, "institution")
    assert (found.state, found.light, found.told.en) == (State.TOO_FEW, Light.GREY, "Not enough rows: 14 of 50.")
    lacking = replace(
        profiles, as_of=profiles.as_of + timedelta(days=2), values=profiles.values.drop(columns="fund_paid")
    )
    profile_store.save(lacking, profile_store.place(root, lacking))
    verdicts = {row.column: row.verdict for row in compare_now(settings, "institution").columns}
    assert (verdicts["fund_paid"], verdicts[SCORE]) == (Verdict.GONE, Verdict.GONE)


def test_a_reference_of_another_version_is_made_again(settings: Settings) -> None:
    (path,) = (settings.workspace / "references" / "institution").glob("*.json")
    path.write_text(path.read_text(encoding="utf-8").replace('"format": 2', '"format": 1'), encoding="utf-8")
    assert compare_now(settings, "institution").rows_then == CLINICS
    assert '"format": 2' in path.read_text(encoding="utf-8")
