"""Every warning adds up, whichever detector raised it; one that does not is reported and not issued."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pandas as pd
import pyarrow as pa
import pytest

from cases import pages, store
from features.build import build
from features.contracts import contract_of
from features.engine import Engine
from features.lake import Lake
from features.profiles import Profiles
from gnomon.config import Settings
from gnomon.database import transaction
from gnomon.terms import Warned
from serving.change import change
from serving.detection import detect
from serving.engine import score_all
from serving.wording import checked, worded
from training import registry
from training.threshold import Aim
from training.train import train

CLINICS = 60
GREEDY, MOST = 15, 110
"""The first clinics ask more for a claim, not more in all; the first of all treats the dead as well."""


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    made = Settings(workspace=tmp_path_factory.mktemp("city") / "workspace", threads=1)
    draw = random.Random(2)
    clinics = [{"org_id": f"C{n}", "name": f"Clinic {n}", "roles": ["clinic"], "level": "1"} for n in range(CLINICS)]
    persons = [
        {"person_id": f"P{n}", "death_date": date(2024, 12, 1) if n < 10 else None} for n in range(CLINICS * MOST)
    ]
    claims = [
        claim(f"K{clinic}-{n}", clinic, f"P{clinic * MOST + n}", draw)
        for clinic in range(CLINICS)
        for n in range(31 if 0 < clinic < GREEDY else draw.randrange(60, MOST))
    ]
    for name, rows in (("organization", clinics), ("person", persons), ("claim", claims)):
        put(made, name, rows)
    return made


def claim(key: str, clinic: int, person: str, draw: random.Random) -> dict[str, object]:
    at = datetime(2025, 1, 1, 2, tzinfo=UTC) + timedelta(days=draw.randrange(150))
    paid = Decimal(draw.randrange(50, 400) * (3 if clinic < GREEDY else 1))
    return {
        "claim_id": key, "person_id": person, "institution_id": f"C{clinic}", "claim_type": "outpatient",
        "service_from": at, "settled_at": at + timedelta(hours=1), "total_amount": paid + 20, "fund_amount": paid,
        "status": "settled",
    }  # fmt: skip


def put(settings: Settings, table: str, rows: list[dict[str, object]]) -> None:
    under = contract_of(table)
    lacking = {column.name for column in under.columns if column.required} - set(rows[0])
    defaults = {
        name: column.values[0] if column.values else {"date": date(2000, 1, 1)}.get(column.type, "x")
        for name in lacking
        for column in (under.by_name[name],)
    }
    own = [field for field in under.schema if field.name in rows[0] or field.name in lacking]
    told = [{**defaults, **row} for row in rows]
    Lake(settings.lake_url).commit(table, pa.Table.from_pylist(told, schema=pa.schema(own)), "test", "0")


def labels(count: int) -> pd.DataFrame | None:
    if not count:
        return None
    ids = [f"C{n}" for n in range(count)]
    outcome = ["confirmed" if n < GREEDY else "false_alarm" for n in range(count)]
    table = pd.DataFrame({"entity_id": ids, "scheme": "", "outcome": outcome})
    for name in ("as_of", "labelled_at"):
        table[name] = pd.Series(pd.NaT, index=table.index, dtype=pd.DatetimeTZDtype("us", "UTC"))
    return table


@pytest.fixture(scope="module")
def profiles(settings: Settings) -> Profiles:
    return build(Engine.open(Lake(settings.lake_url)), "institution", None, settings.min_peers)


@pytest.fixture(scope="module", params=["rarity", "boosting"])
def issued(request: pytest.FixtureRequest, settings: Settings, profiles: Profiles) -> tuple[str, list[Warned]]:
    """Warnings of one run of the engine, rules and the champion together."""
    made = train(settings, profiles, labels(0 if request.param == "rarity" else CLINICS), lambda _: profiles)
    assert made.detector == request.param
    assert registry.promote(settings, "institution", profiles, None, made.version).passed
    day = 10 if request.param == "rarity" else 20
    (done,) = score_all(settings, ["institution"], datetime(2025, 6, day, tzinfo=UTC)).entities
    assert (done.refused, done.champion) == ([], f"gnomon-institution/{made.version}")
    with transaction(store.upgrade(settings)) as session:
        rows = pages.warnings(session, limit=200).rows
        return request.param, [one.warned() for one in rows if one.warned().as_of == done.as_of]


def test_every_warning_of_rules_and_champion_adds_up(issued: tuple[str, list[Warned]]) -> None:
    _, warnings = issued
    assert any(one.model_version.startswith("rules@") for one in warnings)
    assert any(one.model_version.startswith("gnomon-institution/") for one in warnings)
    for one in warnings:
        assert math.isclose(one.base + math.fsum(r.contribution for r in one.reasons), one.score, abs_tol=1e-6)


def test_warnings_say_what_would_have_to_be_different(issued: tuple[str, list[Warned]], profiles: Profiles) -> None:
    name, warnings = issued
    told = {one.model: one.counterfactual for one in warnings if one.entity_id == "C0"}
    dead = told["med-dead-person-claim"]
    assert dead is not None
    windows = ["after_death_claims", "after_death_claims_365d", "after_death_claims_90d"]
    assert [one.measure for one in dead.changes] == windows, "a measure changes in all its windows at once"
    assert dead.changes[0].value == 10.0
    assert "instead of 10" in dead.sentence.en
    assert "10" in dead.sentence.zh
    learned = [one.counterfactual for one in warnings if one.model_version.startswith("gnomon-institution/")]
    assert any(learned), name
    for one in filter(None, learned):
        assert all(change.to != change.value for change in one.changes)


def test_a_finding_whose_explanation_fails_is_reported_and_not_issued(
    issued: tuple[str, list[Warned]], settings: Settings, profiles: Profiles
) -> None:
    findings = detect(settings, profiles, Aim(budget=5)).findings
    broken = replace(findings[0], contributions={**findings[0].contributions, "claims_count": 0.25})
    engine = Engine.open(Lake(settings.lake_url))
    good, refused = worded(engine, profiles, [broken, *findings[1:]])
    assert len(good) == len(findings) - 1
    assert len(refused) == 1
    assert findings[0].entity_id in refused[0]


def test_a_score_that_is_no_number_is_not_issued(issued: tuple[str, list[Warned]]) -> None:
    _, warnings = issued
    good, refused = checked([replace(warnings[0], score=math.nan), *warnings[1:]])
    assert (len(good), len(refused)) == (len(warnings) - 1, 1)


def test_a_warning_of_before_reads_back_without_what_is_new(issued: tuple[str, list[Warned]]) -> None:
    _, warnings = issued
    told = warnings[0].as_dict()
    assert Warned.of(told) == warnings[0]
    del told["counterfactual"]
    assert Warned.of(told) == replace(warnings[0], counterfactual=None)


def test_a_finding_that_cannot_be_scored_again_has_no_answer(
    issued: tuple[str, list[Warned]], settings: Settings, profiles: Profiles
) -> None:
    finding = detect(settings, profiles, Aim(budget=5)).findings[0]
    assert change(profiles, replace(finding, rescore=None)) is None
