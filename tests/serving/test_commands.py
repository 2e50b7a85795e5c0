"""`gnomon warnings`, `explain` and `serve` as people and scripts call them."""

from __future__ import annotations

import json
import math
import shutil
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from gnomon.errors import Fault
from serving.commands import score, serve


@pytest.fixture
def app() -> typer.Typer:
    made = typer.Typer()
    score.register(made)
    serve.register(made)
    return made


@pytest.fixture
def workspace(template: tuple[Path, dict[str, str]], tmp_path: Path) -> str:
    return str(shutil.copytree(template[0], tmp_path / "workspace"))


def run(app: typer.Typer, *words: str) -> str:
    done = CliRunner().invoke(app, list(words), catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


def test_warnings_are_listed_as_json_alone(app, workspace) -> None:
    rows = json.loads(run(app, "warnings", "--workspace", workspace, "--format", "json"))
    assert {row["entity_id"] for row in rows} == {"H1", "H2", "H3"}
    assert len(json.loads(run(app, "warnings", "--workspace", workspace, "--format", "json", "--limit", "1"))) == 1


def test_a_warning_is_explained_in_lines_that_end_in_its_score(app, workspace, monkeypatch) -> None:
    told = run(app, "explain", "1", "--workspace", workspace)
    assert "35.2 DDD, 23.5 times the median (1.5) of 812 peers" in told
    assert "base 0.500 + contributions +7.500 = score 8.000" in told
    assert "C1, C2, C3, C4, C5 …" in told
    monkeypatch.setenv("GNOMON_LANGUAGE", "zh")
    assert "是同类中位数 1.5 的 23.5 倍" in run(app, "explain", "1", "--workspace", workspace)


def test_an_explanation_as_json_adds_up(app, workspace) -> None:
    told = json.loads(run(app, "explain", "1", "--workspace", workspace, "--format", "json"))
    assert math.isclose(told["base"] + sum(r["contribution"] for r in told["reasons"]), told["score"], abs_tol=1e-6)


def test_an_explanation_as_a_page_needs_nothing_from_elsewhere(app, workspace) -> None:
    html = run(app, "explain", "3", "--workspace", workspace, "--format", "html")
    assert html.startswith("<!doctype html>")
    assert "&lt;b&gt;H2&lt;/b&gt;" in html
    assert not any(word in html for word in ("<script", "http://", "https://", "<link"))


def test_an_unknown_warning_is_a_fault_that_says_where_to_look(app, workspace) -> None:
    with pytest.raises(Fault, match="no warning"):
        run(app, "explain", "nothing", "--workspace", workspace)


def test_serving_without_any_account_says_which_command_makes_one(app, tmp_path) -> None:
    with pytest.raises(Fault, match="gnomon users add") as caught:
        run(app, "serve", "--workspace", str(tmp_path))
    assert caught.value.exit_code == 1
