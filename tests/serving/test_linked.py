"""Labels, requests and answered questions that name a record are read under the entity that it is one with by then."""

from __future__ import annotations

import csv
import io
import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from cases import pages, people, queue, service, store
from cases.workflow import Action, Role
from features.build import build
from features.engine import Engine
from features.identity import Links
from features.lake import Lake
from features.profiles import Profiles
from features.resolution import accepted
from features.resolution.links import Journal, Link
from gnomon.config import Settings
from gnomon.database import transaction
from gnomon.errors import Misuse
from gnomon.terms import Outcome
from serving.cli import app
from serving.engine import score_all
from serving.learning import from_file, outcomes
from serving.settled import settled
from tests.features.profile_rows import table
from tests.serving.clinics import CLINICS, GREEDY, clinics, put
from tests.serving.conftest import asked_by_system, warned

AS_OF = datetime(2025, 6, 30, tzinfo=UTC)
OLD, STANDS, OTHER = "C9", "C3", "C40"
"""Two greedy clinics that are one, and an honest one."""
LINK = Link("firm", STANDS, OLD, "scored", 0.97)


def label(entity_id: str, outcome: str = "confirmed") -> dict[str, object]:
    told = {"label_id": f"L-{entity_id}", "entity_kind": "institution", "entity_id": entity_id, "outcome": outcome}
    return told | {"scheme": "over-billing", "as_of": AS_OF, "labelled_at": AS_OF, "origin": "case"}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    made = clinics(tmp_path / "workspace")
    put(made, "label", [label(f"C{n}", "confirmed" if n < GREEDY else "false_alarm") for n in range(CLINICS)])
    return made


def linked(settings: Settings, holds: bool = True) -> int:
    """The lake version in which the two are one, or two again."""
    journal = Journal(settings.workspace / "resolution")
    journal.add([LINK])
    (journal.accept if holds else journal.undo)([LINK.link_id], "seen", "test")
    return accepted.commit(journal, Lake(settings.lake_url))


def read(settings: Settings, version: int | None = None) -> tuple[Engine, Profiles]:
    engine = Engine.open(Lake(settings.lake_url), version, threads=1)
    return engine, build(engine, "institution", AS_OF, settings.min_peers)


def run(settings: Settings, *words: str) -> list[dict[str, str]]:
    ran = CliRunner().invoke(app, [*words, "--workspace", str(settings.workspace), "--format", "csv"])
    assert ran.exit_code == 0, ran.output
    return list(csv.DictReader(io.StringIO(ran.stdout)))


def test_a_name_leads_to_whoever_is_known_and_nowhere_else() -> None:
    rows = [("firm", "X-17", "CODE"), ("firm", "X-18", "CODE"), ("person", "P2", "P1"), ("firm", "P2", "Z")]
    links = Links(
        [table("identity", [dict(zip(("kind", "record_id", "entity_id"), one, strict=True)) for one in rows])]
    )
    assert links.named("X-17", {"CODE"}) == "CODE"
    assert links.named("X-17", {"CODE", "X-17"}) == "X-17"
    assert links.named("X-17", {"X-18"}) == "X-17"
    # A number that a firm and a person share leads to the one of whom there is a profile.
    assert [links.named("P2", known) for known in ({"P1"}, {"Z"})] == ["P1", "Z"]
    # Ids of pairs name two; where the two stand in order, they stand in the order of their new ids.
    assert links.named("X-17/B1", {"CODE/B1"}) == "CODE/B1"
    assert links.named("X-17/B1", {"B1/CODE"}) == "B1/CODE"
    assert links.named("X-17/X-18", {"CODE"}) == "X-17/X-18"


def test_a_label_is_read_under_the_entity_that_its_record_is_one_with_and_its_own_again_once_undone(
    settings: Settings, tmp_path: Path
) -> None:
    apart = Lake(settings.lake_url).version
    joined = linked(settings)
    undone = linked(settings, holds=False)
    file = tmp_path / "labels.csv"
    file.write_text(f"id,fraud\n{OLD},yes\n{OTHER},no\n", encoding="utf-8")
    for version, name in ((apart, OLD), (joined, STANDS), (undone, OLD)):
        engine, profiles = read(settings, version)
        told = outcomes(engine, profiles)
        assert told is not None
        # No label is lost: that of the linked record is one more of the entity that stands for it.
        assert (len(told), (told["entity_id"] == name).sum()) == (CLINICS, 1 + (name == STANDS))
        assert from_file(engine, profiles, file)["entity_id"].to_list() == [name, OTHER]
        engine.close()


@pytest.mark.slow
def test_a_model_of_linked_records_is_made_again_to_the_bit_after_the_link_was_undone(settings: Settings) -> None:
    linked(settings)
    (made,) = run(settings, "train", "institution", "--as-of", "2025-06-30")
    assert (made["entities"], made["labelled"]) == (str(CLINICS - 1), str(CLINICS - 1))
    linked(settings, holds=False)
    (again,) = run(settings, "retrain", "institution", "--from-run", made["run_id"])
    assert again["differs"] == ""


@pytest.fixture
def api(settings: Settings) -> Iterator[httpx.Client]:
    linked(settings)
    score_all(settings, ["institution"], AS_OF)
    with asked_by_system(settings) as client:
        yield client


def test_who_is_asked_about_by_an_id_of_before_is_answered_and_told_under_which_entity(
    settings: Settings, api: httpx.Client
) -> None:
    asked = {"entity": "institution", "ids": [OLD, OTHER, STANDS]}
    told = api.post("/v1/score", json=asked).json()["results"]
    assert [(one["entity_id"], one["asked_as"]) for one in told] == [(STANDS, OLD), (OTHER, None), (STANDS, None)]
    key = api.post("/v1/jobs", json={**asked, "budget": 5, "explain": True}).json()["id"]
    while api.get(f"/v1/jobs/{key}").json()["state"] != "done":
        time.sleep(0.05)
    rows = api.get(f"/v1/jobs/{key}/results").json()["items"]
    assert [{k: v for k, v in row.items() if k != "asks"} for row in rows] == told
    assert rows[0]["asks"] == rows[2]["asks"]
    assert api.post("/v1/score", json={**asked, "ids": ["C99"]}).status_code == 404
    # Raw records of the one are records of the other as well.
    claims = [{"claim_id": "N1", "institution_id": OLD, "person_id": "P1", "claim_type": "outpatient",
               "service_from": "2025-06-01", "settled_at": "2025-06-01", "total_amount": "10", "fund_amount": "8",
               "status": "settled"}]  # fmt: skip
    answer = api.post("/v1/score", json={"entity": "institution", "records": {"claim": claims}})
    assert [one["entity_id"] for one in answer.json()["results"]] == [STANDS]
    # Undone, and profiled again: two as before.
    linked(settings, holds=False)
    score_all(settings, ["institution"], AS_OF)
    told = api.post("/v1/score", json=asked).json()["results"]
    assert [(one["entity_id"], one["asked_as"]) for one in told] == [(OLD, None), (OTHER, None), (STANDS, None)]


def test_a_warning_says_under_which_entity_its_record_is_read_by_now(settings: Settings) -> None:
    score_all(settings, ["institution"], AS_OF)
    database = store.upgrade(settings)
    with transaction(database) as session:
        queue.hand_over(session, [warned(OLD)], "run", "test")
        (row,) = pages.warnings(session, entity_id=OLD, model="med-rx").rows
    line = f"The record {OLD} is read as {STANDS} by now"
    place = ["--workspace", str(settings.workspace)]
    told = CliRunner().invoke(app, ["explain", str(row.id), *place]).stdout
    assert line not in told
    linked(settings)
    (here, *_) = run(settings, "profile", "institution", "--as-of", "2025-06-30", "--entity", OLD)
    assert here["column"]
    told = CliRunner().invoke(app, ["explain", str(row.id), *place]).stdout
    assert line in told
    told = CliRunner().invoke(app, ["explain", str(row.id), "--format", "json", *place]).stdout
    assert json.loads(told)["read_as"] == STANDS


def test_a_question_answered_about_a_record_rests_for_the_entity_that_it_is_read_as(settings: Settings) -> None:
    database = store.upgrade(settings)
    with transaction(database) as session:
        queue.hand_over(session, [warned(OLD)], "run", "test")
        auditor = people.add(session, "auditor", Role.AUDITOR, "test", "correct horse battery")
        (case,) = pages.cases(session, entity_id=OLD).rows
        service.act(session, case.id, Action.CLAIM, auditor, case.version)
        service.act(session, case.id, Action.CLOSE, auditor, 2, "A special clinic.", Outcome.FALSE_ALARM)
    linked(settings)
    engine, profiles = read(settings)
    links = Links.read_by(engine)
    with transaction(database) as session:
        found = settled(session, "institution", lambda told: links.named(told, set(profiles.ids)))
        assert set(settled(session, "institution").closed) == {(OLD, case.scheme)}
    assert set(found.closed) == {(STANDS, case.scheme)}


def test_an_id_of_nobody_stays_unknown(settings: Settings) -> None:
    linked(settings)
    words = ["profile", "institution", "--entity", "C99", "--workspace", str(settings.workspace)]
    with pytest.raises(Misuse, match="C99"):
        CliRunner().invoke(app, words, catch_exceptions=False)
