"""Profiles on disk, and the command that puts them there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import typer
from typer.testing import CliRunner

from features.build import build, measure
from features.engine import Engine
from features.lake import Lake
from features.profile_store import latest, load, place, save
from features.profiles import Profiles
from gnomon.errors import Fault, Misuse
from serving.commands import profile as command
from tests.features.profile_rows import claim, day, hospital, table

SYSTEM = ["_source", "_ingested_at", "_row_hash"]


def rows() -> dict[str, Any]:
    claims = [claim(i, f"H{i % 6}", f"P{i}", 10.0 + i, day(i)) for i in range(60)]
    return {
        "claim": table("claim", claims),
        "organization": table("organization", [hospital(f"H{i}") for i in range(6)]),
    }


@pytest.fixture
def profiles() -> Profiles:
    return build(Engine.of(rows()), "institution", min_peers=5)


def test_what_is_saved_is_read_back_the_same(profiles: Profiles, tmp_path: Path) -> None:
    again = load(save(profiles, place(tmp_path, profiles)))
    for name in ("values", "deviations", "groups", "norms", "attributes"):
        pd.testing.assert_frame_equal(getattr(profiles, name), getattr(again, name))
    assert (again.columns, again.missing, again.as_of) == (profiles.columns, dict(profiles.missing), profiles.as_of)
    assert again.norm("H1", "fund_paid") == profiles.norm("H1", "fund_paid")


def test_stored_norms_serve_on_demand(profiles: Profiles, tmp_path: Path) -> None:
    again = load(save(profiles, place(tmp_path, profiles)))
    records = Engine.of({"claim": table("claim", [claim(1, "H9", "P1", 1e6, day(1))])})
    found = measure(records, "institution", again)
    assert found.deviations.at["H9", "fund_max"] > 5
    assert found.values.at["H9", "fund_paid"] == 1e6


def test_the_newest_profiles_are_found_by_as_of_and_lake_version(profiles: Profiles, tmp_path: Path) -> None:
    assert latest(tmp_path, "institution") is None
    early = build(Engine.of(rows(), lake_version=9), "institution", day(30), min_peers=5)
    for some in (profiles, early):
        save(some, place(tmp_path, some))
    assert latest(tmp_path, "institution") == place(tmp_path, profiles)


def test_half_a_folder_is_refused(profiles: Profiles, tmp_path: Path) -> None:
    folder = save(profiles, place(tmp_path, profiles))
    (folder / "norms.parquet").unlink()
    with pytest.raises(Fault, match="gnomon profile"):
        load(folder)


def app() -> typer.Typer:
    made = typer.Typer()
    made.callback()(lambda: None)
    command.register(made)
    return made


def workspace(folder: Path) -> Path:
    lake = Lake(str(folder / "lake"))
    for name, some in rows().items():
        lake.commit(name, some.drop_columns(SYSTEM), "test", name)
    return folder


def test_the_command_stores_profiles_and_says_what_is_known(tmp_path: Path) -> None:
    place_ = str(workspace(tmp_path))
    done = CliRunner().invoke(app(), ["profile", "institution", "--workspace", place_, "--format", "json"])
    assert done.exit_code == 0, done.output
    told = {row["column"]: row for row in json.loads(done.stdout)}
    assert told["fund_paid"]["known"] == 1.0
    assert told["stays_count"]["reason"]["en"] == "not applicable: no rows in admission"
    assert latest(tmp_path / "profiles", "institution") is not None


def test_the_command_prints_one_profile_with_value_norm_and_deviation(tmp_path: Path) -> None:
    options = ["--workspace", str(workspace(tmp_path)), "--entity", "H1", "--as-of", "2025-02-20", "--format", "json"]
    done = CliRunner().invoke(app(), ["profile", "institution", *options], env={"GNOMON_MIN_PEERS": "5"})
    told = {row["column"]: row for row in json.loads(done.stdout)}
    assert told["claims_count"]["value"] == 9.0
    assert told["claims_count"]["n"] == 5, "the peers without itself"
    assert told["claims_count"]["peers"]["zh"] == "医院 × 二级 × 公立"


def test_the_command_refuses_what_is_not_there(tmp_path: Path) -> None:
    for arguments in (["hospital"], ["institution", "--entity", "H99"], ["institution", "--as-of", "yesterday"]):
        done = CliRunner().invoke(app(), ["profile", *arguments, "--workspace", str(workspace(tmp_path))])
        assert isinstance(done.exception, Misuse), arguments
    done = CliRunner().invoke(app(), ["profile", "tender", "--workspace", str(tmp_path)])
    assert isinstance(done.exception, Fault)
    assert not (tmp_path / "profiles" / "tender").exists()
