"""Aims over HTTP: a batch job draws the line of `gnomon score`, and says the same words about it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from features.build import build
from features.engine import Engine
from features.lake import Lake
from gnomon.config import Settings
from gnomon.errors import Fault, Misuse
from serving.cli import app
from serving.engine import EntityRun, score_all
from tests.serving.clinics import CLINICS, clinics, labels
from tests.serving.conftest import asked_by_system
from training import registry
from training.train import train

AS_OF = datetime(2025, 6, 30, tzinfo=UTC)


@pytest.fixture(scope="module", params=[0, pytest.param(CLINICS, marks=pytest.mark.slow)], ids=["no labels", "labels"])
def settings(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A workspace with a champion that has seen outcomes, or none."""
    made = clinics(tmp_path_factory.mktemp("city") / "workspace")
    profiles = build(Engine.open(Lake(made.lake_url)), "institution", AS_OF, made.min_peers)
    trained = train(made, profiles, labels(request.param), lambda _: profiles)
    assert registry.promote(made, "institution", profiles, None, trained.version).passed
    return made


def by_command(settings: Settings, **aim: float) -> EntityRun | Fault:
    """What the command does with an aim."""
    try:
        return score_all(settings, ["institution"], AS_OF, dry=True, **aim).entities[0]  # type: ignore[arg-type]
    except Fault as fault:
        return fault


@pytest.fixture(scope="module")
def api(settings: Settings) -> Iterator[httpx.Client]:
    by_command(settings)  # leaves the profiles that the API reads
    with asked_by_system(settings) as client:
        yield client


def by_job(api: httpx.Client, **aim: float) -> dict[str, Any]:
    asked = api.post("/v1/jobs", json={"entity": "institution", "everybody": True, **aim})
    assert asked.status_code == 202, asked.text
    for _ in range(600):
        told: dict[str, Any] = api.get(f"/v1/jobs/{asked.json()['id']}").json()
        if told["state"] in ("done", "failed"):
            return told
        time.sleep(0.05)
    raise AssertionError(told)


@pytest.mark.parametrize("aim", [{"budget": 4}, {"precision": 0.6}, {"fdr": 0.5}], ids=str)
def test_a_job_with_an_aim_draws_the_line_of_the_command_and_says_the_same(
    settings: Settings, api: httpx.Client, aim: dict[str, float]
) -> None:
    ours, told = by_command(settings, **aim), by_job(api, **aim)
    assert told["aim"] == aim
    if isinstance(ours, Fault):
        assert (told["state"], told["fault"]) == ("failed", str(ours))
        return
    assert (told["state"], told["scored"]) == ("done", CLINICS)
    assert told["threshold"] == ours.threshold
    assert told["stated"][settings.language] == ours.stated
    rows = api.get(f"/v1/jobs/{told['id']}/results").json()["items"]
    asked = {one["entity_id"] for one in rows if one["asks"]}
    assert len(asked) == ours.entities - ours.random
    learned = {one["entity_id"] for one in rows if "med-institution-composite" in one["asks"]}
    line = told["threshold"]["score"]
    assert all(one["learned"]["score"] >= line for one in rows if one["entity_id"] in learned)


def test_without_labels_a_limit_on_false_discoveries_asks_about_nobody_and_says_why(api: httpx.Client) -> None:
    told = by_job(api, fdr=0.1)
    assert told["stated"]["en"].startswith("institution: Nobody is asked about at a limit of 10%")
    assert "无人可问" in told["stated"]["zh"]
    assert (told["threshold"]["score"], told["threshold"]["asked"]) == (None, 0)
    rows = api.get(f"/v1/jobs/{told['id']}/results").json()["items"]
    assert not [one for one in rows if "med-institution-composite" in one["asks"]]


def test_two_aims_or_a_share_that_is_none_are_refused(api: httpx.Client) -> None:
    for wrong in ({"budget": 3, "fdr": 0.1}, {"fdr": 1.5}, {"precision": 0}, {"budget": 0}):
        answer = api.post("/v1/jobs", json={"entity": "institution", "everybody": True, **wrong})
        assert answer.status_code == 422


def test_without_an_aim_nobody_is_asked_about_and_nothing_is_stated(api: httpx.Client) -> None:
    told = by_job(api)
    assert (told["aim"], told["threshold"], told["stated"]) == (None, None, None)
    rows = api.get(f"/v1/jobs/{told['id']}/results").json()["items"]
    assert {one["asks"] for one in rows} == {None}


def test_a_schedule_scores_by_the_aim_that_it_was_given(settings: Settings) -> None:
    place = ["--workspace", str(settings.workspace)]
    add = ["schedule", "add", "nightly", *place, "--cron", "0 6 * * *", "--entity", "institution", "--yes"]

    def told(*words: str) -> Any:
        ran = CliRunner().invoke(app, [*words, "--format", "json"], catch_exceptions=False)
        assert ran.exit_code == 0, ran.output
        return json.loads(ran.stdout)

    (row,) = told(*add, "--task", "score", "--budget", "4")
    assert row["entities"] == 4
    (listed,) = told("schedule", "list", *place)
    assert listed["aim"] == "budget 4"
    (done,) = told("schedule", "once", "nightly", *place)
    wrote = json.loads(done["wrote"])
    assert (done["state"], wrote["entities"], wrote["issued"]) == ("done", 4, row["would_issue"])
    assert wrote["stated"][0].startswith("institution: ")
    # Whether an aim about false discoveries can be kept is said in the words of the command, before it is saved.
    (ours,) = score_all(settings, ["institution"], fdr=0.1, dry=True).entities
    saved = CliRunner().invoke(app, [*add, "--task", "score", "--fdr", "0.1"])
    assert (saved.exit_code, ours.stated in saved.stderr) == (0, True)
    for task, wrong, why in (
        ("score", ["--budget", "3", "--fdr", "0.1"], "one"),
        ("score", ["--precision", "1.5"], "1.5"),
        ("drift", ["--budget", "3"], "drift"),
    ):
        with pytest.raises(Misuse, match=why):
            CliRunner().invoke(app, [*add, "--task", task, *wrong], catch_exceptions=False)
