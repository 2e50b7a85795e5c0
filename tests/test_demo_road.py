"""The whole road on a small city: files, profiles, models, warnings, cases, labels, a retrained model, drift."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from serving.cli import app

pytestmark = pytest.mark.xdist_group("demo")


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo") / "w"


@pytest.fixture(scope="module")
def walked(workspace: Path) -> Result:
    told = CliRunner().invoke(app, ["demo", "--workspace", str(workspace), "--size", "small"])
    assert told.exit_code == 0, told.output
    return told


def _json(*arguments: str) -> list[dict[str, object]]:
    told = CliRunner().invoke(app, [*arguments, "--format", "json"])
    assert told.exit_code == 0, told.output
    rows: list[dict[str, object]] = json.loads(told.stdout)
    return rows


def _truth(workspace: Path, name: str) -> list[dict[str, str]]:
    with (workspace / "city" / "truth" / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_demo_ends_by_saying_where_things_lie_and_how_to_open_the_console(walked: Result, workspace: Path) -> None:
    assert f"gnomon serve --workspace {workspace}" in walked.stdout
    passwords = re.findall(r"account (\w+), random password shown this once: (\S{16})", walked.stdout)
    assert [name for name, _ in passwords] == ["auditor", "supervisor"]
    assert len({password for _, password in passwords}) == 2


def test_what_was_refused_is_what_the_manifest_counts(walked: Result, workspace: Path) -> None:
    manifest = json.loads((workspace / "city" / "manifest.json").read_text(encoding="utf-8"))
    expected = sum(row["refused"] for wave in manifest["rows"].values() for row in wave.values())
    assert len(_json("tables", "--refused", "--workspace", str(workspace))) >= expected > 0


def test_every_planted_over_prescriber_is_found_and_its_warning_explains_itself(
    walked: Result, workspace: Path
) -> None:
    planted = {
        row["entity_id"]
        for row in _truth(workspace, "truth")
        if (row["entity_kind"], row["scheme"]) == ("institution", "over-prescribing")
    }
    issued = _json("warnings", "--entity", "institution", "--limit", "1000", "--workspace", str(workspace))
    assert planted <= {str(row["entity_id"]) for row in issued}
    first = next(row for row in issued if row["entity_id"] in planted)
    told = CliRunner().invoke(app, ["explain", str(first["id"]), "--format", "json", "--workspace", str(workspace)])
    pack = json.loads(told.stdout)
    adds_up = pack["base"] + sum(reason["contribution"] for reason in pack["reasons"])
    assert adds_up == pytest.approx(pack["score"], abs=1e-6)
    assert any(reason["evidence"] for reason in pack["reasons"])
    assert all(reason["sentence"]["zh"] and reason["sentence"]["en"] for reason in pack["reasons"])


def test_look_alikes_are_not_accused_by_rules_for_being_unusual_in_size(walked: Result, workspace: Path) -> None:
    size_alone = {"biggest-hospital", "tiny-village-clinic", "monopoly-supplier", "blank-doctor-names"}
    honest = {row["entity_id"] for row in _truth(workspace, "lookalikes") if row["kind"] in size_alone}
    issued = _json("warnings", "--limit", "5000", "--workspace", str(workspace))
    accused = [row for row in issued if row["entity_id"] in honest and "composite" not in str(row["model"])]
    assert accused == []


def test_two_cases_were_closed_their_labels_are_in_the_lake_and_models_were_retrained(
    walked: Result, workspace: Path
) -> None:
    closed = _json("cases", "list", "--state", "closed", "--workspace", str(workspace))
    assert len(closed) == 2
    exported = CliRunner().invoke(app, ["labels", "export", "--workspace", str(workspace)])
    assert len(exported.stdout.strip().splitlines()) == 3
    versions = _json("models", "--workspace", str(workspace))
    assert {str(row["entity"]) for row in versions} == {"institution", "practitioner", "supplier", "tender"}
    assert len([row for row in versions if row["entity"] == "tender"]) == 2


def test_drift_was_compared_and_the_trail_is_whole(walked: Result, workspace: Path) -> None:
    assert list((workspace / "drift" / "institution").glob("*/*"))
    told = CliRunner().invoke(app, ["audit", "verify", "--workspace", str(workspace)])
    assert told.exit_code == 0, told.output


def test_a_workspace_that_holds_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "lake").mkdir()
    told = CliRunner().invoke(app, ["demo", "--workspace", str(tmp_path), "--size", "small"])
    assert told.exit_code != 0
    assert [one.name for one in tmp_path.iterdir()] == ["lake"]
