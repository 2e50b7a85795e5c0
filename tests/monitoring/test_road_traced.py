"""One trace from a file to the warnings and cases that it led to, over two processes; and the record of both runs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from cases import pages, queue, store
from gnomon.config import Settings
from gnomon.database import transaction
from gnomon.tracing import FOLDER
from monitoring import job_store
from tests.monitoring.clinics import files


def gnomon(workspace: Path, *words: str, code: int = 0) -> str:
    """One command in a process of its own."""
    surroundings = {**os.environ, "GNOMON_WORKSPACE": str(workspace), "GNOMON_TRACES": "file", "GNOMON_THREADS": "1"}
    command = [sys.executable, "-m", "serving.cli", *words]
    done = subprocess.run(command, env=surroundings, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Clinics of which one treats the dead: registers first, then claims, then a scoring run; each its own process."""
    folder = tmp_path_factory.mktemp("road")
    for table, path in files(folder).items():
        gnomon(folder / "work", "ingest", str(path), "--table", table)
    gnomon(folder / "work", "score", "institution")
    return folder / "work"


@pytest.fixture(scope="module")
def spans(workspace: Path) -> list[dict[str, Any]]:
    return told(workspace)


def told(workspace: Path) -> list[dict[str, Any]]:
    """Every span that was kept."""
    lines = [line for path in (workspace / FOLDER).glob("*.jsonl") for line in path.read_text("utf-8").splitlines()]
    return [json.loads(line) for line in lines]


def named(spans: Sequence[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    return [one for one in spans if one["name"] == name]


def test_one_trace_leads_from_the_file_to_the_warning_and_its_case(
    workspace: Path, spans: list[dict[str, Any]]
) -> None:
    manifest = json.loads((workspace / "lake" / "versions" / "00000003.json").read_text(encoding="utf-8"))
    (file,) = [one for one in named(spans, "ingest") if one["attributes"]["gnomon.file"] == manifest["file_hash"]]
    road = {one["name"] for one in spans if one["context"]["trace_id"] == file["context"]["trace_id"]}
    assert road >= {"gnomon ingest", "ingest", "lake.commit", "gnomon score", "score", "profile", "detect", "hand_over"}
    (handed,) = named(spans, "hand_over")
    assert handed["context"]["trace_id"] == file["context"]["trace_id"]
    told = {(e["attributes"]["gnomon.warning"], e["attributes"]["gnomon.case"]) for e in handed["events"]}
    database = store.upgrade(Settings(workspace=workspace))
    with transaction(database) as session:
        rows = pages.warnings(session, model="med-dead-person-claim").rows
        cases = {(row.id, queue.case_of(session, row.id)) for row in rows}
    database.dispose()
    assert cases
    assert cases <= told
    run = json.loads((workspace / "runs" / f"{rows[0].run_id}.json").read_text(encoding="utf-8"))
    assert f"0x{run['trace']}" == file["context"]["trace_id"]


def test_files_that_came_before_are_linked_to_the_run(spans: list[dict[str, Any]]) -> None:
    (run,) = named(spans, "gnomon score")
    linked = {one["context"]["trace_id"] for one in run["links"]}
    assert linked == {one["context"]["trace_id"] for one in named(spans, "lake.commit")} - {run["context"]["trace_id"]}
    assert len(linked) == 2


def test_work_on_a_case_is_linked_to_the_warning_and_through_it_to_the_file(
    workspace: Path, spans: list[dict[str, Any]]
) -> None:
    (handed,) = named(spans, "hand_over")
    number = handed["events"][0]["attributes"]["gnomon.case"]
    gnomon(workspace, "users", "add", "Zhao", "--role", "auditor", "--generate")
    gnomon(workspace, "cases", "claim", str(number), "--as", "Zhao")
    since = told(workspace)
    (act,) = named(since, "case.act")
    assert act["context"]["trace_id"] != handed["context"]["trace_id"]
    assert [one["context"] for one in act["links"]] == [handed["context"]]
    assert (act["attributes"]["gnomon.case"], act["attributes"]["gnomon.action"]) == (number, "claim")
    assert "Zhao" not in json.dumps(since)


def test_no_span_names_anybody(workspace: Path, spans: list[dict[str, Any]]) -> None:
    told = json.dumps([[one["attributes"], one["events"], one["resource"]["attributes"]] for one in spans])
    assert not [word for word in ("Clinic", '"C0"', "P0", "K0-", str(workspace)) if word in told]


def test_runs_by_hand_are_on_record_with_what_they_read_and_wrote(workspace: Path) -> None:
    gnomon(workspace, "profile", "tender", code=1)
    runs = json.loads(gnomon(workspace, "schedule", "runs", "--format", "json"))
    assert [(one["task"], one["cause"], one["state"]) for one in runs] == [
        ("profile", "hand", "failed"),
        ("score", "hand", "done"),
        *[("ingest", "hand", "done")] * 3,
    ]
    assert runs[0]["why"].startswith("tender: ")
    assert [one["read_version"] for one in runs] == [3, 3, 2, 1, 0]
    assert json.loads(runs[2]["wrote"])["version"] == 3
    assert json.loads(runs[1]["wrote"])["issued"] >= 1


KILLED = """
import sys, time
from pathlib import Path
from gnomon.config import Settings
from serving.recording import recorded

with recorded(Settings(workspace=Path(sys.argv[1])), "profile"):
    Path(sys.argv[1], "began").touch()
    time.sleep(60)
"""


def test_a_run_by_hand_that_was_killed_is_told_as_lost(tmp_path: Path) -> None:
    child = subprocess.Popen([sys.executable, "-c", KILLED, str(tmp_path)])
    while not (tmp_path / "began").exists():
        assert child.poll() is None
    child.kill()
    child.wait()
    gnomon(tmp_path, "profile", "tender", code=1)
    with job_store.opened(Settings(workspace=tmp_path)) as engine, transaction(engine) as session:
        assert [one.state for one in job_store.runs(session)] == ["failed", "lost"]
