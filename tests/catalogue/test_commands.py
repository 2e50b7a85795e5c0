"""`gnomon catalogue …`: what people and scripts see."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest
import typer
from click.testing import Result
from typer.testing import CliRunner

from features.contracts import contract_of
from features.lake import Lake
from gnomon.errors import Fault
from serving.commands import catalogue

Write = Callable[..., Path]


def gnomon(*arguments: str) -> Result:
    app = typer.Typer()
    catalogue.register(app)
    return CliRunner().invoke(app, ["catalogue", *arguments])


def refused(*arguments: str) -> Fault:
    result = gnomon(*arguments)
    assert isinstance(result.exception, Fault), result.output
    return result.exception


def test_list_tells_id_scene_stage_entity_scheme_and_title() -> None:
    rows = {row["id"]: row for row in json.loads(gnomon("list", "--format", "json").stdout)}
    told = rows["med-rx-over-norm"]
    assert (told["scene"], told["stage"], told["entity"]) == ("medical-insurance", "prescribing", "institution")
    assert (told["scheme"], told["detector"]) == ("over-prescribing", "rule")
    assert told["title"]["zh"] == "处方超常规用量（20倍）"
    table = gnomon("list").stdout
    assert all(one in table for one in rows)


def test_list_speaks_the_language_of_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GNOMON_LANGUAGE", "zh")
    assert "挂床住院" in gnomon("list", "--format", "csv").stdout


def test_show_tells_one_model_and_a_misspelt_id_gets_the_nearest() -> None:
    assert "Warns when" in gnomon("show", "pw-screen-cv").stdout
    told = json.loads(gnomon("show", "pw-screen-cv", "--format", "json").stdout)[0]
    assert told["when"].startswith("bid_cv <=")
    fault = refused("show", "pw-screen-cvv")
    assert fault.exit_code == 2
    assert "Nearest: `pw-screen-cv`" in fault.told("en")


def test_check_passes_on_what_is_shipped() -> None:
    result = gnomon("check", "--format", "json")
    assert result.exit_code == 0, result.output
    assert {row["grade"] for row in json.loads(result.stdout)} <= {"low"}
    assert "examples run" in result.stderr


def test_check_fails_when_an_example_fails(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write("my-model")
    text = path.read_text("utf-8").replace("claims", "claims_count").replace("share", "night_share")
    text = (
        text.replace("(x)", "(ddd_per_patient)").replace(" x:", " ddd_per_patient:").replace("top", "top_patient_share")
    )
    path.write_text(text.replace("warns: true", "warns: false"), "utf-8")
    monkeypatch.setenv("GNOMON_MODEL_FOLDER", str(path.parent))
    result = gnomon("check", "--format", "json")
    assert result.exit_code == 1
    assert any("warns and must not" in row["issue"]["en"] for row in json.loads(result.stdout))


def test_a_misspelt_column_stops_every_command_with_its_line(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GNOMON_MODEL_FOLDER", str(write("my-model", when="when: claims_ount >= 5").parent))
    for command in ("check", "list"):
        assert "my-model.yaml:13: character 1: `claims_ount`" in refused(command).told("en")


@pytest.mark.parametrize("entity", ["institution", "practitioner", "tender", "supplier", "buyer"])
def test_new_writes_a_draft_that_loads_and_whose_examples_hold(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, entity: str
) -> None:
    monkeypatch.setenv("GNOMON_MODEL_FOLDER", str(tmp_path))
    written = gnomon("new", "my-draft", "--entity", entity).stdout.strip()
    assert Path(written).is_file()
    rows = json.loads(gnomon("check", "--format", "json").stdout)
    assert [row for row in rows if row["model"] == "my-draft" and row["grade"] == "high"] == []
    assert "already" in refused("new", "my-draft", "--entity", entity).told("en")


def test_new_says_what_it_lacks() -> None:
    assert "GNOMON_MODEL_FOLDER" in refused("new", "my-draft", "--entity", "tender").told("en")
    wrong = refused("new", "my-draft", "--entity", "tendr", "--folder", "x")
    assert wrong.exit_code == 2
    assert "Nearest: `tender`" in wrong.told("en")
    assert "cannot be an id" in refused("new", "../etc", "--entity", "tender", "--folder", "x").told("en")


def test_docs_writes_a_page_a_language(tmp_path: Path) -> None:
    result = gnomon("docs", "--to", str(tmp_path))
    assert result.exit_code == 0
    assert (tmp_path / "catalogue.md").read_text("utf-8").startswith("# Catalogue of warning models")
    assert (tmp_path / "catalogue.zh.md").read_text("utf-8").startswith("# 预警模型目录")


TENDER = {"buyer_id": "U", "region_code": "990101", "category": "works", "method": "open", "status": "complete"}


def stored(workspace: Path) -> None:
    """Three tenders of May 2026 with four bids each; in T1 all bids are the same."""
    lake = Lake(str(workspace / "lake"))
    opened = datetime(2026, 5, 20, tzinfo=UTC)
    tenders, bids = [], []
    for number in range(3):
        tender = f"T{number + 1}"
        tenders.append({**TENDER, "tender_id": tender, "title": tender, "opened_at": opened})
        for place in range(4):
            amount = 101_234 if number == 0 else 100_000 + 7_919 * place * (number + 1)
            bid = {"bid_id": f"{tender}-{place}", "tender_id": tender, "bidder_id": f"B{place}", "amount": amount}
            bids.append({**bid, "status": "valid", "is_winner": place == 0, "submitted_at": opened})
    labels = [
        {"entity_kind": "tender", "entity_id": "T1", "outcome": "confirmed", "labelled_at": opened, "label_id": "L"}
    ]
    for table, rows in (("tender", tenders), ("bid", bids), ("label", labels)):
        schema = pa.schema([field for field in contract_of(table).schema if not field.name.startswith("_")])
        lake.commit(
            table, pa.Table.from_pylist([dict.fromkeys(schema.names) | row for row in rows], schema), "t", table
        )


def test_backtest_counts_at_each_date_beside_the_known_outcomes(tmp_path: Path) -> None:
    stored(tmp_path)
    arguments = ("--workspace", str(tmp_path), "--as-of", "2026-06-30", "--format", "json")
    rows = json.loads(gnomon("backtest", "pw-identical-price", *arguments).stdout)
    assert rows[0]["as_of"].startswith("2026-06-30")
    figures = ("entities", "fired", "alerts", "excluded", "unknown", "confirmed", "cleared", "missed")
    assert [rows[0][name] for name in figures] == [3, 1, 1, 0, 0, 1, 0, 0]


def test_backtest_of_month_ends_leaves_out_those_before_the_first_record(tmp_path: Path) -> None:
    stored(tmp_path)
    result = gnomon("backtest", "pw-identical-price", "--workspace", str(tmp_path), "--months", "3", "--format", "json")
    assert json.loads(result.stdout) == []


def test_backtest_refuses_learned_models_and_dates_before_the_first_record(tmp_path: Path) -> None:
    stored(tmp_path)
    assert "gnomon evaluate tender" in refused("backtest", "pw-tender-composite", "--workspace", str(tmp_path)).told(
        "en"
    )
    early = refused("backtest", "pw-identical-price", "--workspace", str(tmp_path), "--as-of", "2020-01-01")
    assert early.exit_code in (1, 2)


def test_coverage_tells_what_answers_a_published_model_and_what_is_left_out() -> None:
    rows = {row["id"]: row for row in json.loads(gnomon("coverage", "--format", "json").stdout)}
    assert (rows["pw-screen-spread-ks"]["answered"], rows["pw-screen-spread-ks"]["models"]) == (
        "under",
        "pw-screen-spread",
    )
    assert rows["med-item-substitution"]["lacks"]["en"].startswith("Looks at one item at a time")
    assert rows["ci-nominee-holding"]["models"] == ""


def test_try_refuses_learned_models_unknown_ones_and_a_file_with_a_slip(tmp_path: Path) -> None:
    workspace = ("--workspace", str(tmp_path / "w"))
    assert refused("try", "med-institution-composite", *workspace).key == "catalogue.backtest.learned"
    assert refused("try", "pw-shared-contro", *workspace).values["nearest"] == "pw-shared-control"
    assert refused("try", "pw-shared-control", *workspace).key == "serving.trying.no_profiles"
    shipped = next(Path(catalogue.__file__).parents[2].glob("catalogue/models/*/pw-shared-control.yaml"))
    slip = tmp_path / "pw-shared-control.yaml"
    slip.write_text(shipped.read_text("utf-8").replace("when: tied_pair_share", "when: tied_pear_share"), "utf-8")
    assert "tied_pair_share" in refused("try", str(slip), *workspace).told("en")


def test_a_draft_from_a_case_needs_somebody_who_reads_it(tmp_path: Path) -> None:
    asked = ("new", "mine", "--folder", str(tmp_path), "--workspace", str(tmp_path / "w"))
    assert refused(*asked, "--from-case", "1").key == "catalogue.new.reader"
    assert refused(*asked).key == "catalogue.new.source"
