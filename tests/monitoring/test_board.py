"""The monitoring page: what it shows to whom, in both languages."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path

import httpx
import numpy as np
import pandas as pd
import pytest

from cases import audit, people, queue, service, store
from cases.workflow import Action, Role
from gnomon.config import Settings
from gnomon.database import transaction
from gnomon.terms import Outcome, Reason, Severity, Text, Warned
from monitoring import alerting, job_store, schedules
from monitoring.alerting import Alert
from monitoring.comparison import Light, SourceDrift, keep
from monitoring.drift import compare
from serving.api.app import create
from serving.board import board

PASSWORD = "correct horse battery"
NOW = datetime.now(UTC)
"""The page tells what holds now."""
TODAY = f"/console/monitoring/institution/{NOW:%Y-%m-%d}"


def profiles(seed: int, shift: float = 0.0) -> pd.DataFrame:
    draw = np.random.default_rng(seed)
    return pd.DataFrame({"score": draw.normal(size=300) + shift, "paid": draw.lognormal(size=300)})


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Three comparisons of which the last two moved, a failed and a done run, a silenced alert, three people."""
    made = Settings(workspace=tmp_path, mlflow="https://mlflow.example.org", threads=1)
    root = made.folder("drift")
    for day, shift in ((2, 0.0), (1, 2.0), (0, 2.0)):
        at = NOW - timedelta(days=day)
        found = compare(
            "institution", profiles(1), profiles(2 + day, shift), root, as_of=at, model="gnomon-institution/1",
            expected=(0.7, 0.52),
        )  # fmt: skip
    part = SourceDrift("clinic", Light.GREY, Text("行数不足：14 / 50。", "Not enough rows: 14 of 50."), (), 60, 14)
    keep(replace(found, sources=(part,)), root)
    compare("tender", None, profiles(5), root, as_of=NOW)
    database = store.upgrade(made)
    with transaction(database) as session:
        for role in (Role.SUPERVISOR, Role.ADMINISTRATOR, Role.AUDITOR):
            people.add(session, role.value, role, "test", PASSWORD)
        job_store.prepare(session)
        alert = Alert("drift:institution:gnomon-institution/1:score:change", Text("得分", "score"))
        alerting.settle(session, [alert], NOW, ("drift",))
        alerting.silence(session, "drift:institution", NOW + timedelta(days=60), "new price list", "test", NOW)
        number = schedules.begin_by_hand(session, "train", 4, NOW)
        schedules.end_by_hand(session, number, {"model": "2", "mlflow_run": "ab12"}, None, NOW + timedelta(seconds=9))
        number = schedules.begin_by_hand(session, "retrain", 4, NOW)
        gate = {"zh": "评分正常", "en": "the scores are sound"}
        told = {"entity": "tender", "version": "3", "run_id": "cd34", "passed": True, "gate": gate, "why": []}
        schedules.end_by_hand(session, number, {"candidates": [told]}, None, NOW + timedelta(seconds=9))
        number = schedules.begin_by_hand(session, "profile", 4, NOW)
        schedules.end_by_hand(session, number, {}, "tender: nothing there.", NOW + timedelta(seconds=2))
    database.dispose()
    return made


async def asked(app: object, name: str, language: str, *paths: str) -> list[httpx.Response]:
    transport = httpx.ASGITransport(app)  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://gnomon", follow_redirects=True) as client:
        client.headers["Accept-Language"] = language
        form = (await client.get("/console/login")).text
        found = re.search(r'name="csrf" value="([0-9a-f]+)"', form)
        assert found
        entry = {"name": name, "password": PASSWORD, "csrf": found[1], "next": "/console/monitoring"}
        return [await client.post("/console/login", data=entry), *[await client.get(path) for path in paths]]


def page(settings: Settings, name: str, language: str = "en", *paths: str) -> list[httpx.Response]:
    app = create(settings)
    try:
        return asyncio.run(asked(app, name, language, *paths))
    finally:
        app.state.serving.close()


def test_the_page_shows_lights_series_runs_and_what_is_silenced(settings: Settings) -> None:
    (told,) = page(settings, "supervisor")
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", told.text))
    assert "score moved" in text
    assert "from clinic not comparable Not enough rows: 14 of 50." in text
    assert "No reference yet" in text
    assert "Expected precision then / now: 70% / 52%" in text
    assert "silenced institution: “score” has moved in 2 comparisons in a row." in text
    assert "new price list" in text
    assert "tender: nothing there." in text
    assert 'href="https://mlflow.example.org/#/runs/ab12"' in told.text
    assert 'href="https://mlflow.example.org/#/runs/cd34"' in told.text
    assert "tender version 3 passes the gate (the scores are sound); it serves when somebody promotes it." in text
    assert told.text.count("<polyline") >= 2
    assert f"{TODAY}/page.html" in told.text


def test_the_page_is_whole_in_chinese(settings: Settings) -> None:
    (told,) = page(settings, "supervisor", "zh")
    assert "得分有变" in told.text
    assert "需要关注" in told.text
    assert "a person" not in told.text


class Clock(datetime):
    """The clock of the trail, put where the test wants it."""

    at = NOW

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Clock:  # type: ignore[override]
        return cls.fromtimestamp(cls.at.timestamp(), tz)


def suspicion(entity: int, percentile: float) -> Warned:
    why = Reason("dose", Text("用量", "dose"), 7.0, "DDD", None, None, 0.4, Text("高。", "High."))
    return Warned(
        "med-over-dose", "rules@a", Text("用量", "Dose"), "medical", "over-prescribing", Severity.WARN, "institution",
        f"C{entity}", f"C{entity}", NOW, 1, 0.5, 0.1, percentile, 0.4, (why,),
    )  # fmt: skip


def worked(settings: Settings) -> None:
    """Four months of warnings, forty a month; the higher the percentile, the more often they are confirmed."""
    draw, database = np.random.default_rng(3), store.upgrade(settings)
    for back in (120, 90, 60, 30):
        Clock.at = NOW - timedelta(days=back)
        chances = draw.uniform(0.8, 1.0, 40)
        with transaction(database) as session:
            job_store.prepare(session)
            known = people.person(session, "inspector")
            auditor = known or people.add(session, "inspector", Role.AUDITOR, "test", PASSWORD)
            queue.hand_over(
                session, [suspicion(back * 100 + n, p) for n, p in enumerate(chances)], f"run-{back}", "test"
            )
            for case in list(queue.cases(session, state="open", limit=100).rows):
                Clock.at += timedelta(hours=1)
                percentile = chances[int(case.entity_id[1:]) - back * 100]
                hit = draw.random() < (percentile - 0.8) * 5
                signed = service.act(session, case.id, Action.CLAIM, auditor, case.version)
                outcome = Outcome.CONFIRMED if hit else Outcome.FALSE_ALARM
                service.act(session, case.id, Action.CLOSE, auditor, signed.version, "looked into", outcome)
    Clock.at = NOW
    with transaction(database) as session:
        people.add(session, Role.SUPERVISOR.value, Role.SUPERVISOR, "test", PASSWORD)
    database.dispose()


def test_the_page_draws_what_was_promised_beside_what_it_came_to_by_model_scene_and_organisation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "datetime", Clock)
    made = Settings(workspace=tmp_path, threads=1)
    worked(made)
    (told,) = page(made, "supervisor")
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", told.text))
    assert re.search(r"med-over-dose 160 160 (\d+) \1 (\d+)% \(\d+%–\d+%\) 0% \(0%–2%\) 0\.\d", text)
    assert "By scene" in text
    assert "By organisation" in text
    # Two lines of months in one drawing: what came of it, and from the second month on what had been promised.
    assert told.text.count('<polyline class="beside"') == 1
    assert told.text.count('<polygon class="band beside"') == 1
    months = re.findall(r"20\d\d-\d\d \d+ \d+ \d+% \(\d+%–\d+%\) (.*?) ([+-]\d+%|—)", text)
    assert len([off for _, off in months if off != "—"]) >= 2


def test_only_those_who_watch_get_in_and_administrators_see_nothing_of_cases(settings: Settings) -> None:
    days = TODAY, f"{TODAY}/page.html"
    assert [one.status_code for one in page(settings, "auditor", "en", *days)] == [403, 403, 403]
    told = page(settings, "administrator", "en", *days)
    assert [one.status_code for one in told] == [200, 200, 200]
    assert "what became of cases is not shown" in told[0].text


def test_a_workspace_where_nothing_has_happened_says_so(tmp_path: Path) -> None:
    made = Settings(workspace=tmp_path)
    database = store.upgrade(made)
    with transaction(database) as session:
        job_store.prepare(session)
        someone = people.add(session, "sup", Role.SUPERVISOR, "test", PASSWORD)
        found = board(made, session, NOW, someone)
    database.dispose()
    assert (found.lamps, found.stands, found.ran, found.yields) == ([], [], [], {})
