"""Drift split by source: a fault of one source shows there and nowhere else."""

from __future__ import annotations

import random
import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

from features import profile_store
from features.build import build
from features.contracts import contract_of
from features.engine import Engine
from features.lake import Lake
from gnomon.config import Settings
from gnomon.errors import Fault
from monitoring.comparison import SCORE, Cause, Light, State, read
from monitoring.effect import Verdict
from monitoring.scan import summarise_frame
from monitoring.sources import sources_of
from serving import champions, tasks
from serving.comparing import compare_now, expected, reference_of
from serving.engine import profile
from training import registry
from training.calibration import Calibration
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


def test_the_reference_is_everybody_at_the_training_though_their_profiles_are_gone(
    settings: Settings, tmp_path: Path
) -> None:
    champion = champions.local(settings, "institution")
    assert champion is not None
    stored = reference_of(settings, champion)
    bare = Settings(workspace=tmp_path, lake=settings.lake_url, threads=1)
    built = reference_of(bare, champion)
    assert (built.rows, set(built.sources)) == (CLINICS, {"north", "south"})
    assert built == stored
    assert not (tmp_path / "profiles").exists()


def test_the_share_of_hits_that_scores_promise_is_of_as_many_as_the_queue_has_places_for(settings: Settings) -> None:
    champion = champions.local(settings, "institution")
    assert champion is not None
    best = reference_of(settings, champion).best
    newest = profile_store.latest(settings.workspace / "profiles", "institution")
    assert newest is not None
    score = champion.bundle.score(profile_store.load(newest), explain=False).score
    assert best == pytest.approx(sorted(score, reverse=True)[: settings.budget])
    assert expected(champion, best, best) == (None, None)
    taught = Calibration("platt", (1.0, -float(max(best))), (), (), "refuted")
    knows = replace(champion, bundle=replace(champion.bundle, calibration=taught))
    then, now = expected(knows, best, [one - 2.0 for one in best])
    assert then is not None
    assert now is not None
    assert 0.0 < now < then < 0.5
    assert expected(knows, best, ()) == (None, None)


def test_a_lake_that_is_another_does_not_become_the_reference(settings: Settings, tmp_path: Path) -> None:
    champion = champions.local(settings, "institution")
    assert champion is not None
    other = Settings(workspace=tmp_path, threads=1)
    lake = Lake(other.lake_url)
    for half in (0, 1):
        lake.commit("claim", claims(half, 0, 100), f"half {half}", f"other-{half}")
    made = reference_of(other, champion)
    assert (made.sources, made.summaries) == ({}, summarise_frame(_sample(champion)))


def _sample(champion: champions.Loaded) -> pd.DataFrame:
    return pd.read_parquet(champion.bundle.folder / "reference.parquet")


def test_profiles_are_brought_up_to_date_before_they_are_compared(settings: Settings) -> None:
    lake = Lake(settings.lake_url)
    lake.commit("claim", claims(0, 1, 1).slice(0, 1), "north", "north-one-more")
    found = compare_now(settings, "institution")
    assert (found.as_of < TRAINED, found.light) == (True, Light.GREEN)
    (made,) = (settings.workspace / "profiles" / "institution").glob(f"*-v{lake.version:08d}")
    assert made.name == f"{found.as_of:%Y%m%dT%H%M%S}-v{lake.version:08d}"


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


def test_a_season_is_told_from_the_lake_where_no_profiles_of_a_year_before_are_stored(tmp_path: Path) -> None:
    made = Settings(workspace=tmp_path, threads=1)
    lake = Lake(made.lake_url)
    for since, factor in ((0, 9), (100, 1), (190, 1), (270, 1), (365, 9)):
        for half in (0, 1):
            lake.commit("claim", claims(half, since, factor), f"half {half}", f"{half}-{since}")
    spring = START + timedelta(days=364)
    engine = Engine.open(lake, threads=1)
    profiles = profile(made, engine, "institution", spring)
    version = train(made, profiles, None, lambda then: build(engine, "institution", then, 20)).version
    registry.promote(made, "institution", profiles, None, version)
    engine.close()
    found = compare_now(made, "institution", START + timedelta(days=464))
    causes = {row.column: row.cause for row in found.moved}
    assert causes["fund_paid_90d"] is Cause.SEASON
    stored = [path.name for path in (tmp_path / "profiles" / "institution").glob("2025041*")]
    assert stored == [f"20250410T020000-v{lake.version:08d}"]


def test_a_day_with_a_handful_or_nobody_is_grey_and_one_without_a_column_has_no_score(settings: Settings) -> None:
    root = settings.workspace / "profiles"
    newest = profile_store.latest(root, "institution")
    assert newest is not None
    profiles = profile_store.load(newest)
    few = replace(profiles.select(profiles.ids[:14]), as_of=profiles.as_of + timedelta(days=1))
    profile_store.save(few, profile_store.place(root, few))
    found = compare_now(settings, "institution")
    assert (found.state, found.light, found.told.en) == (State.TOO_FEW, Light.GREY, "Not enough rows: 14 of 50.")
    nobody = replace(profiles.select([]), as_of=profiles.as_of + timedelta(days=1, hours=1))
    profile_store.save(nobody, profile_store.place(root, nobody))
    found = compare_now(settings, "institution")
    assert (found.state, found.light, found.rows_now) == (State.EMPTY, Light.GREY, 0)
    lacking = replace(
        profiles, as_of=profiles.as_of + timedelta(days=2), values=profiles.values.drop(columns="fund_paid")
    )
    profile_store.save(lacking, profile_store.place(root, lacking))
    found = compare_now(settings, "institution")
    verdicts = {row.column: row.verdict for row in found.columns}
    assert (verdicts["fund_paid"], verdicts[SCORE], found.light) == (Verdict.GONE, Verdict.GONE, Light.RED)
    assert {one.light for one in found.sources} == {Light.RED}


def test_a_kind_that_cannot_be_compared_holds_up_no_other(settings: Settings) -> None:
    broken = settings.workspace / "profiles" / "department" / "20260101T000000-v00000001"
    broken.mkdir(parents=True)
    (broken / profile_store.HEADER).write_text("{", encoding="utf-8")
    newest = settings.workspace / "drift" / "institution"
    shutil.rmtree(newest, ignore_errors=True)
    with pytest.raises(Fault, match="department"):
        tasks.drift(settings, {"entities": ["department", "institution"]})
    assert [path.name for path in newest.glob("*/figures.json")] == ["figures.json"]
    shutil.rmtree(broken)


def test_a_reference_of_another_version_is_made_again(settings: Settings) -> None:
    (path,) = (settings.workspace / "references" / "institution").glob("*.json")
    path.write_text(path.read_text(encoding="utf-8").replace('"format": 2', '"format": 1'), encoding="utf-8")
    assert compare_now(settings, "institution").rows_then == CLINICS
    assert '"format": 2' in path.read_text(encoding="utf-8")
