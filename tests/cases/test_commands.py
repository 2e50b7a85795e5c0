"""`gnomon users`, `cases`, `labels` and `audit`: one case from warning to label, by the command line alone."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer
from click.testing import Result
from sqlalchemy import text
from typer.testing import CliRunner

from cases import queue, store
from gnomon.config import Settings
from gnomon.database import connect, transaction
from gnomon.errors import Fault
from serving.commands import audit, cases, labels, people

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, warn: Any) -> Run:
    app = typer.Typer()
    for module in (audit, cases, labels, people):
        module.register(app)
    engine = store.upgrade(Settings(workspace=tmp_path))
    with transaction(engine) as session:
        queue.hand_over(session, [warn(), warn(entity="H2")], "run1", "service")
    engine.dispose()

    def invoke(*words: str, **given: Any) -> Result:
        return CliRunner().invoke(app, [*words, "--workspace", str(tmp_path)], **given)

    for name, role in (("anna", "auditor"), ("sup", "supervisor"), ("vic", "viewer")):
        made = invoke("users", "add", name, "--role", role, "--generate")
        assert made.exit_code == 0
        assert len(made.stdout.strip()) == 20, "the password alone, once"
    return invoke


def fault(result: Result) -> Fault:
    assert isinstance(result.exception, Fault)
    return result.exception


def test_a_case_goes_from_the_queue_to_a_label(run: Run, tmp_path: Path) -> None:
    listed = json.loads(run("cases", "list", "--format", "json").stdout)
    assert sorted(case["entity_id"] for case in listed) == ["H1", "H2"]
    assert run("cases", "claim", "1", "--as", "anna").exit_code == 0
    done = run("cases", "close", "1", "--as", "anna", "--outcome", "confirmed", "--reason", "查实", "--found", "120.50")
    assert done.exit_code == 0
    assert "closed" in done.stderr
    shown = json.loads(run("cases", "show", "1", "--as", "sup", "--format", "json").stdout)
    assert (shown["case"]["outcome"], shown["case"]["amount_found"]) == ("confirmed", "120.50")
    assert [event["actor"] for event in shown["trail"]] == ["service", "cli:anna", "cli:anna"]
    assert shown["moves"] == ["circulate", "copy", "note", "reopen"]
    rows = list(csv.DictReader(io.StringIO(run("labels", "export").stdout)))
    assert [(row["label_id"], row["outcome"], row["origin"]) for row in rows] == [("case-1", "confirmed", "case")]


def test_labels_enter_the_lake_once_and_are_superseded(run: Run, tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    from features.lake import Lake

    run("cases", "claim", "1", "--as", "anna")
    run("cases", "close", "1", "--as", "anna", "--outcome", "confirmed", "--reason", "查实")
    lake = Lake(Settings(workspace=tmp_path).lake_url)
    for _ in range(2):
        assert run("labels", "export", "--to-lake").exit_code == 0
        assert lake.version == 1
    run("cases", "reopen", "1", "--as", "sup", "--reason", "证据不足")
    run("labels", "export", "--to-lake")
    (file,) = lake.files("label")
    (row,) = pq.read_table(file).to_pylist()
    assert (row["label_id"], row["outcome"], row["origin"]) == ("case-1", "data_error", "withdrawn")


def test_tables_read_well_in_both_languages(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "awaiting sign-in" in run("cases", "list").stdout
    monkeypatch.setenv("GNOMON_LANGUAGE", "zh")
    assert "待签收" in run("cases", "list").stdout
    shown = run("cases", "show", "1", "--as", "anna")
    assert "23.4 倍" in shown.stdout
    assert "签收" in shown.stderr
    assert "督办负责人" in run("users", "list").stdout


def test_pages_go_on_by_cursor(run: Run) -> None:
    first = run("cases", "list", "--limit", "1", "--format", "json")
    cursor = first.stderr.split("--cursor ")[1].split(".")[0]
    second = run("cases", "list", "--limit", "1", "--format", "json", "--cursor", cursor)
    ids = [case["id"] for page in (first, second) for case in json.loads(page.stdout)]
    assert sorted(ids) == [1, 2]
    assert second.stderr == ""


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (("cases", "claim", "9", "--as", "anna"), 404),
        (("cases", "claim", "1", "--as", "nobody"), 404),
        (("cases", "claim", "1", "--as", "vic"), 403),
        (("cases", "close", "1", "--as", "anna", "--outcome", "useful", "--reason", "x"), 409),
        (("cases", "claim", "1", "--as", "anna", "--version", "7"), 409),
        (("cases", "note", "1", "--as", "anna"), 422),
        (("cases", "list", "--state", "lost"), 400),
        (("cases", "list", "--cursor", "x"), 400),
        (("cases", "close", "1", "--as", "anna", "--outcome", "useful", "--found", "much"), 400),
        (("audit", "verify", "--witness", "7"), 400),
        (("users", "disable", "nobody"), 404),
    ],
)
def test_what_cannot_be_done_is_refused(run: Run, words: tuple[str, ...], status: int) -> None:
    assert fault(run(*words)).status == status


def test_a_password_is_asked_for_twice_and_not_printed(run: Run, tmp_path: Path) -> None:
    told = run("users", "add", "eva", "--role", "handler", input="a long password\na long password\n")
    assert told.exit_code == 0
    assert "a long password" not in told.stdout + told.stderr
    token = run("users", "token", "eva").stdout.strip()
    assert token.startswith("gno_")
    assert run("users", "disable", "eva").exit_code == 0
    (eva,) = [one for one in json.loads(run("users", "list", "--format", "json").stdout) if one["name"] == "eva"]
    assert (eva["role"], eva["disabled"]) == ("handler", True)


def test_verify_tells_where_the_trail_is_broken(run: Run, tmp_path: Path) -> None:
    whole = run("audit", "verify")
    assert whole.exit_code == 0
    witness = whole.stdout.split()[-1]
    assert run("audit", "verify", "--witness", witness).exit_code == 0
    lines = run("audit", "export").stdout.splitlines()
    assert json.loads(lines[-1])["hash"] == witness.split(":")[1]
    engine = connect(Settings(workspace=tmp_path))
    with engine.begin() as connection:
        connection.execute(text("DROP TRIGGER trail_refuses_update"))
        connection.execute(text("UPDATE trail SET actor = 'mallory' WHERE seq = 2"))
    engine.dispose()
    broken = run("audit", "verify")
    assert broken.exit_code == 1
    assert broken.stderr.startswith("2: Event 2 was changed")
    assert json.loads(run("audit", "verify", "--format", "json").stdout)["broken"]["kind"] == "changed"
