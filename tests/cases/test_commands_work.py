"""The commands beyond single actions, by the command line alone: bodies, lists, imports, clock, messages, bundles."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer
from click.testing import Result
from typer.testing import CliRunner

from cases import packages, queue, store
from gnomon.config import Settings
from gnomon.database import transaction
from gnomon.errors import Fault
from serving.commands import audit, cases, people

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, warn: Any) -> Run:
    app = typer.Typer()
    for module in (audit, cases, people):
        module.register(app)
    engine = store.upgrade(Settings(workspace=tmp_path))
    with transaction(engine) as session:
        queue.hand_over(session, [warn(entity=f"H{n}") for n in range(4)], "run1", "service")
    engine.dispose()

    def invoke(*words: str) -> Result:
        return CliRunner().invoke(app, [*words, "--workspace", str(tmp_path)])

    for name, kind, more in (
        ("纪委", "discipline", ["--oversight"]),
        ("医保局", "department", []),
        ("住建局", "department", []),
    ):
        done(invoke("users", "body", name, "--kind", kind, *more))
    for name, role, body in (
        ("anna", "auditor", "纪委"),
        ("sup", "supervisor", "纪委"),
        ("doc", "auditor", "医保局"),
        ("hu", "auditor", "住建局"),
    ):
        done(invoke("users", "add", name, "--role", role, "--organisation", body, "--no-password"))
    return invoke


def done(result: Result) -> str:
    assert result.exit_code == 0, (result.output, result.exception)
    return result.stdout


def test_a_case_is_shared_split_and_reconciled(run: Run) -> None:
    done(run("users", "route", "medical", "医保局"))
    assert json.loads(done(run("users", "bodies", "--format", "json")))[0]["kind"] == "department"
    number = done(run("cases", "next", "--as", "anna")).strip()
    split = run(
        "cases", "split", number, "--as", "anna", "--part", "核查处方;doc", "--part", "核查采购;;住建局;2027-03-01"
    )
    assert "split" in split.stderr
    shown = json.loads(done(run("cases", "show", number, "--as", "anna", "--format", "json")))
    assert [part["organisation"] for part in shown["parts"]] == ["医保局", "住建局"]
    for part, who in zip(shown["parts"], ("doc", "hu"), strict=True):
        done(run("cases", "claim", str(part["id"]), "--as", who))
        done(run("cases", "close", str(part["id"]), "--as", who, "--outcome", "useful", "--reason", "无问题"))
    done(
        run(
            "cases", "close", number, "--as", "anna", "--outcome", "confirmed", "--reason", "查实", "--recovered", "9.5"
        )
    )
    assert (
        json.loads(done(run("cases", "show", number, "--as", "sup", "--format", "json")))["case"]["state"] == "closing"
    )
    done(run("cases", "reconcile", number, "--as", "sup"))
    (grown,) = [
        row
        for row in json.loads(done(run("cases", "list-of", "developments", "--format", "json")))
        if str(row["id"]) == number
    ]
    assert grown["amount_recovered"] == "9.50"
    assert "查实" in done(run("cases", "search", "查实"))


def test_several_cases_at_once_tell_each_refusal(run: Run) -> None:
    done(run("cases", "claim", "1", "--as", "anna"))
    several = run("cases", "claim", "1", "2", "3", "--as", "sup")
    assert several.exit_code == 1
    assert several.stderr.count("sign in done") == 2
    assert "not possible" in several.stderr


def test_a_raised_case_goes_to_its_body(run: Run) -> None:
    number = done(
        run("cases", "raise", "--as", "anna", "--title", "道路停工", "--description", "群众反映", "--scene", "business",
            "--scheme", "stalled-project", "--organisation", "住建局")
    ).strip()  # fmt: skip
    assert number in {
        str(row["id"]) for row in json.loads(done(run("cases", "list", "--as", "hu", "--format", "json")))
    }
    assert number not in {
        str(row["id"]) for row in json.loads(done(run("cases", "list", "--as", "doc", "--format", "json")))
    }


def test_clock_messages_lists_policies_and_suppressions(run: Run, tmp_path: Path) -> None:
    assert done(run("cases", "endpoint", "province", "http://127.0.0.1:9/")).startswith("whsec_")
    assert "Supervised 0" in run("cases", "tick").stderr
    done(run("cases", "claim", "1", "--as", "anna"))
    assert "again 1" in run("cases", "deliver").stderr
    assert json.loads(done(run("cases", "dead", "--format", "json"))) == []
    assert json.loads(done(run("cases", "forecast", "--format", "json")))[0]["case"] == 1
    done(run("cases", "policy", "stuck_days", "9"))
    assert "9" in done(run("cases", "policy"))
    number = done(
        run(
            "cases",
            "suppress",
            "--as",
            "anna",
            "--entity",
            "institution:H1",
            "--until",
            "2026-12-31",
            "--reason",
            "升级",
        )
    ).strip()
    done(run("cases", "suppress", "--as", "sup", "--approve", number))
    assert json.loads(done(run("cases", "suppressions", "--format", "json")))[0]["approved_by"] == "sup"
    done(run("users", "grant", "doc", "--role", "supervisor", "--scene", "medical"))
    done(run("cases", "assign", "2", "--as", "sup", "--to", "doc"))
    assert "请签收" in json.loads(done(run("cases", "notices", "--as", "doc", "--format", "json")))[0]["text"]["zh"]


def test_old_cases_come_in_and_the_trail_goes_out_signed(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "hive.json"
    file.write_text(json.dumps([{"_id": "~1", "caseId": 1, "title": "Old", "severity": 2, "status": "Open"}]), "utf-8")
    assert "Imported 1" in run("cases", "import", str(file), "--from", "thehive", "--as", "sup").stderr
    assert "known already 1" in run("cases", "import", str(file), "--from", "thehive", "--as", "sup").stderr
    bundle = tmp_path / "trail.zip"
    assert "events written" in run("audit", "bundle", str(bundle)).stderr
    key = done(run("audit", "key")).strip()
    script = Path(__file__).parents[2] / "docs" / "verify_trail.py"
    assert subprocess.run([sys.executable, script, bundle, key], check=False, capture_output=True).returncode == 0


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (("cases", "list-of", "wishes"), 400),
        (("cases", "import", "nowhere.json", "--from", "csv", "--as", "sup"), 400),
        (("cases", "suppress", "--as", "sup"), 400),
        (("cases", "claim", "1", "2", "--as", "anna", "--version", "1"), 400),
        (("cases", "policy", "colour", "red"), 400),
        (("cases", "endpoint", "x", "ftp://x"), 400),
        (("cases", "dead", "--revive", "7"), 404),
        (("users", "route", "medical", "nobody"), 404),
        (("users", "grant", "nobody", "--role", "viewer"), 404),
        (("cases", "split", "1", "--as", "anna"), 409),
    ],
)
def test_what_cannot_be_done_is_refused(run: Run, words: tuple[str, ...], status: int) -> None:
    result = run(*words)
    assert isinstance(result.exception, Fault), result.output
    assert result.exception.status == status


def test_a_case_is_given_as_a_signed_package_and_totals_count_what_one_may_see(run: Run, tmp_path: Path) -> None:
    package, asked = tmp_path / "case.json", ("--to", "省市场监管局", "--reason", "请依职权查处")
    assert run("cases", "give", "1", str(tmp_path / "none" / "x"), "--as", "sup", *asked).exit_code != 0
    done(run("cases", "give", "1", str(package), "--as", "sup", *asked))
    told = packages.opened(package.read_bytes(), json.loads(package.read_text())["public_key"])
    assert told["to"] == "省市场监管局"
    assert done(run("cases", "search", "依职权")).count("give") == 1, "what was not written was not given"
    key = json.loads(package.read_text())["public_key"]
    assert "省市场监管局" in done(run("cases", "check-package", str(package), "--key", key))
    checked = json.loads(done(run("cases", "check-package", str(package), "--key", key, "--format", "json")))
    assert checked == told
    assert run("cases", "check-package", str(package), "--key", "0" * 64).exit_code != 0
    assert run("cases", "take", str(package), "--key", "0" * 64, "--as", "sup").exit_code != 0
    taken = ("cases", "take", str(package), "--key", key, "--as")
    assert run(*taken, "anna").exit_code != 0, "an auditor takes nothing in"
    assert [done(run(*taken, "sup")).strip() for _ in "12"] == ["1", "1"], "it joins the open case, once"
    done(run("cases", "claim", "1", "--as", "anna"))
    done(run("cases", "close", "1", "--as", "anna", "--outcome", "false_alarm", "--reason", "核实"))
    assert json.loads(done(run("cases", "totals", "--as", "sup", "--format", "json")))[0]["closed"] == 1
    assert json.loads(done(run("cases", "totals", "--scene", "x", "--format", "json")))[0]["closed"] == 0
