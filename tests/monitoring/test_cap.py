"""A run issues at most as many new warnings as its cap allows; the rest is told, and comes with the next run."""

from __future__ import annotations

from pathlib import Path

import pytest

from cases import pages, store
from features.ingest import ingest
from features.lake import Lake
from features.mapping import straight
from gnomon.config import Settings
from gnomon.database import transaction
from serving import tasks
from tests.monitoring.clinics import files

GUILTY = 4


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    folder = tmp_path_factory.mktemp("cap")
    made = Settings(workspace=folder / "work", threads=1, audit_share=0.0)
    for table, path in files(folder, GUILTY).items():
        ingest([path], straight(table), Lake(made.lake_url), made.workspace / "refused", made.secret)
    return made


def issued(settings: Settings) -> int:
    database = store.upgrade(settings)
    with transaction(database) as session:
        rows = pages.warnings(session).rows
    database.dispose()
    return len(rows)


def test_the_count_before_a_schedule_is_saved_is_that_of_the_run_and_issues_nothing(settings: Settings) -> None:
    (told,) = tasks.would_issue(settings, ["institution"], 3)
    assert told["would_issue"] == 3
    assert told["held"] >= GUILTY - 3
    assert issued(settings) == 0
    assert not (settings.workspace / "runs").exists()
    whole = told["would_issue"] + told["held"]
    wrote = tasks.score(settings, {"entities": ["institution"], "most": 3})
    assert (wrote["issued"], wrote["held"], issued(settings)) == (3, whole - 3, 3)
    # What is known already takes no place: the next run goes on with the rest.
    wrote = tasks.score(settings, {"entities": ["institution"], "most": 3})
    assert (wrote["issued"], issued(settings)) == (min(3, whole - 3), min(6, whole))
    wrote = tasks.score(settings, {"entities": ["institution"]})
    assert (wrote["held"], issued(settings)) == (0, whole)


def test_a_schedule_may_stand_before_the_first_file_has_come(tmp_path: Path) -> None:
    empty = Settings(workspace=tmp_path)
    assert tasks.would_issue(empty, [], None) == []
    assert tasks.score(empty, {}) == {"runs": [], "issued": 0, "held": 0}
