"""Every warning adds up, whichever detector raised it; one that does not is reported and not issued."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from cases import pages, store
from features.build import build
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
from tests.serving.clinics import CLINICS, clinics, labels
from training import registry
from training.threshold import Aim
from training.train import train


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return clinics(tmp_path_factory.mktemp("city") / "workspace")


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
