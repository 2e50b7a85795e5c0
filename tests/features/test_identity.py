"""Records that somebody accepted as one entity have one profile; every lake version keeps what was accepted by then."""

from __future__ import annotations

import csv
import getpass
import io
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from cases import people, store
from cases.workflow import Role
from features import identity, profile_store
from features.build import build
from features.contracts import contracts
from features.engine import Engine
from features.evidence import evidence
from features.identity import Links
from features.lake import Lake
from features.mapping import straight
from features.ondemand import OnDemand
from features.profiles import Profiles
from features.refresh import state
from features.refresh.refresh import Refreshed, refresh
from features.resolution import accepted
from features.resolution.codes import credit_check
from features.resolution.links import Journal, Link
from gnomon.config import Settings
from gnomon.database import transaction
from gnomon.errors import Fault, Misuse
from gnomon.terms import Evidence
from serving.cli import app
from serving.rows import rows_behind
from tests.features.every_table import every_row
from tests.features.profile_rows import Row, bids, day, hospital, table, tender
from tests.features.random_rows import arrow

CODE = "91350100M000100Y43"
OTHER = "91460100MA5RC0001" + credit_check("91460100MA5RC0001")
LOCAL = "X-17"
FRAMES = ("values", "deviations", "norms", "groups", "attributes")


def firm(org_id: str, name: str) -> Row:
    return hospital(org_id, role="supplier") | {"name": name, "level": None, "ownership": None}


def told() -> dict[str, list[Row]]:
    """One firm bids in the even tenders under its code, in the odd ones under a local number."""
    names = {CODE: "海口甲建设有限公司", LOCAL: "海口甲建设有限公司", OTHER: "海口乙商贸有限公司", "X-18": "丙"}
    prices = [{CODE if n % 2 == 0 else LOCAL: 90.0 + n, OTHER: 100.0 + n, "X-18": 120.0} for n in range(8)]
    return {
        "organization": [firm(org_id, name) for org_id, name in names.items()],
        "tender": [tender(n, day(n * 3)) for n in range(8)],
        "bid": [one for n in range(8) for one in bids(n, prices[n])],
    }


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    made = Lake(str(tmp_path / "ws" / "lake"))
    made.commit_all({name: stored(name, rows) for name, rows in told().items()}, "test", "0")
    return made


def stored(name: str, rows: list[Row]) -> pa.Table:
    return arrow(name, table(name, rows).to_pylist())


def linked(lake: Lake, *pairs: tuple[str, str], folder: str = "resolution") -> Journal:
    """A journal in which these links were accepted, and the lake that tells them."""
    journal = Journal(lake.folder.parent / folder)
    links = [Link("firm", *sorted(pair), "scored", 0.95) for pair in pairs]
    journal.add(links)
    journal.accept([one.link_id for one in links], "seen", "test")
    accepted.commit(journal, lake)
    return journal


def suppliers(lake: Lake, version: int | None = None) -> Profiles:
    engine = Engine.open(lake, version, threads=1)
    try:
        return build(engine, "supplier", min_peers=2)
    finally:
        engine.close()


def same(one: Profiles, other: Profiles) -> bool:
    return all(getattr(one, name).equals(getattr(other, name)) for name in FRAMES)


def command(lake: Lake, *more: str) -> list[dict[str, str]]:
    ran = CliRunner().invoke(
        app, ["resolve", "firms", "--workspace", str(lake.folder.parent), "--format", "csv", *more]
    )
    assert ran.exit_code == 0, ran.output
    return list(csv.DictReader(io.StringIO(ran.stdout)))


def test_two_records_of_one_firm_have_one_profile_once_accepted_and_two_again_once_undone(lake: Lake) -> None:
    apart = suppliers(lake)
    assert apart.values["bids"].to_dict() == {CODE: 4, LOCAL: 4, OTHER: 8, "X-18": 8}
    (found,) = command(lake)
    # Found and not yet accepted: the profiles are those of before, and so is the lake.
    assert (found["method"], found["standing"], lake.version) == ("same-name-and-region", "waiting", 1)

    (kept,) = command(lake, "--accept", found["link"], "--reason", "one office, one seal")
    assert (kept["standing"], kept["reason"], lake.version) == ("accepted", "one office, one seal", 2)
    one = suppliers(lake)
    assert one.values["bids"].to_dict() == {CODE: 8, OTHER: 8, "X-18": 8}
    assert one.values.at[CODE, "win_rate"] == 1.0
    assert list(one.attributes.index) == [CODE, OTHER, "X-18"]

    (back,) = command(lake, "--undo", found["link"], "--reason", "two firms of one name")
    assert (back["standing"], lake.version) == ("undone", 3)
    assert same(suppliers(lake), apart)
    # What was true at a version stays so to the last bit.
    assert same(suppliers(lake, 1), apart)
    assert same(suppliers(lake, 2), one)
    # Looking again finds nothing new, and makes no new version.
    assert (command(lake), lake.version) == ([], 3)


def test_what_hangs_together_through_others_is_one_and_the_valid_code_stands_for_it(lake: Lake) -> None:
    linked(lake, (LOCAL, "X-18"), ("X-18", CODE))
    assert suppliers(lake).ids == [CODE, OTHER]


def test_equal_valid_codes_hold_at_once_and_nothing_else_does(lake: Lake) -> None:
    rows = [firm(" 91350100m000100y43", "别的名称"), firm("X-19", "海口乙商贸有限公司")]
    lake.commit("organization", stored("organization", rows), "test", "1")
    command(lake)
    engine = Engine.open(lake, threads=1)
    links = engine.arrow(identity.standing(engine.table("identity"))).to_pylist()
    assert [(one["record_id"], one["entity_id"]) for one in links] == [(" 91350100m000100y43", CODE)]


def test_two_valid_codes_never_become_one_through_a_third_record(lake: Lake) -> None:
    journal = linked(lake, (CODE, LOCAL))
    further = Link("firm", LOCAL, OTHER, "scored", 0.99)
    journal.add([further])
    with pytest.raises(Misuse, match="two valid codes"):
        journal.accept([further.link_id], "sure", "test")
    assert journal.all()[further.link_id].standing == "waiting"


def test_the_rows_behind_a_measure_show_the_ids_that_the_source_gave(lake: Lake) -> None:
    linked(lake, (CODE, LOCAL))
    engine = Engine.open(lake, threads=1)
    (behind,) = evidence(engine, "supplier", None, {"bids": [CODE]})["bids", CODE]
    assert behind.total == 8
    shown = rows_behind(
        Settings(workspace=lake.folder.parent), lake.version, Evidence("bid", "bid_id", behind.ids, behind.total)
    )
    assert shown is not None
    at = [column.name for column in shown.columns].index("bidder_id")
    assert {row[at] for row in shown.rows} == {CODE, LOCAL}


def test_without_links_a_table_is_read_as_it_is(lake: Lake) -> None:
    def plan() -> str:
        engine = Engine.open(lake, threads=1)
        return engine.explained(engine.table("bid")).upper()

    assert "JOIN" not in plan()
    journal = linked(lake, (CODE, LOCAL))
    assert "JOIN" in plan()
    (link,) = journal.accepted()
    journal.undo([link.link_id], "no", "test")
    accepted.commit(journal, lake)
    assert "JOIN" not in plan()


def every_link() -> list[Row]:
    """Links of both kinds between the parties of `every_row`; blank ids are linked to nobody."""
    pairs = [(kind, f"{register}-{n}", f"{register}-{n % 5}") for register, kind in identity.REGISTERS.items()
             for n in range(5, 20)]  # fmt: skip
    pairs += [("firm", "", "organization-1"), ("person", "   ", "person-1")]
    return [{"kind": kind, "record_id": one, "entity_id": other, "link_ids": ["l"]} for kind, one, other in pairs]


def test_every_reference_of_every_table_is_read_alike_by_the_engine_and_in_a_request() -> None:
    rows = {name: table(name, some) for name, some in every_row().items()} | {
        "identity": table("identity", every_link())
    }
    engine, links = Engine.of(rows, threads=1), Links([rows["identity"]])
    merged = 0
    for name, of in contracts().items():
        named = [column.name for column in of.columns if identity.kinds_of(column)]
        keys = [*of.key] if name in identity.REGISTERS else []
        if named or keys:
            ours = engine.frame(engine.table(name).select(*named, *keys))
            theirs = links.as_one({name: rows[name]})[name].select([*named, *keys]).to_pandas()
            columns = list(ours.columns)
            left, right = (
                one.fillna("-").astype(str).sort_values(columns).reset_index(drop=True) for one in (ours, theirs)
            )
            pd.testing.assert_frame_equal(left, right, check_dtype=False)
            merged += 1
            for column in named:
                assert not set(ours[column].dropna()) & {f"organization-{n}" for n in range(5, 20)}, (name, column)
    assert merged > 40
    assert engine.arrow(engine.table("organization").count().as_table()).to_pylist() == [{"CountStar(organization)": 9}]
    engine.close()


def test_a_tender_asked_about_before_its_award_is_measured_as_in_the_lake(lake: Lake, tmp_path: Path) -> None:
    linked(lake, (CODE, LOCAL))
    engine = Engine.open(lake, threads=1)
    for kind in ("tender", "supplier"):
        reference = build(engine, kind, min_peers=2)
        records = {"tender": table("tender", told()["tender"][7:]), "bid": table("bid", told()["bid"][21:])}
        measured = OnDemand(lake, reference).measure(records)
        from_disk = OnDemand(lake, reference, held=0).measure(records)
        assert LOCAL not in measured.values.index
        for one in (measured, from_disk):
            stands = reference.values.loc[one.values.index]
            np.testing.assert_allclose(one.values.to_numpy(), stands.to_numpy(), rtol=1e-9, equal_nan=True)


def refreshed(lake: Lake, folder: Path) -> Refreshed:
    engine = Engine.open(lake, threads=1)
    made = refresh(engine, "supplier", None, 2, state.load(folder, "supplier"))
    state.save(made.profiles, made.state, profile_store.place(folder, made.profiles))
    engine.close()
    return made


def test_a_refresh_goes_by_the_links_and_starts_anew_when_they_change(lake: Lake, tmp_path: Path) -> None:
    refreshed(lake, tmp_path)
    linked(lake, (CODE, LOCAL))
    anew = refreshed(lake, tmp_path)
    assert anew.against == "features.refresh.identity"
    assert same(anew.profiles, suppliers(lake))
    more = {"tender": [tender(8, day(30))], "bid": bids(8, {LOCAL: 70.0, OTHER: 80.0})}
    lake.commit_all({name: stored(name, rows) for name, rows in more.items()}, "test", "2")
    late = refreshed(lake, tmp_path)
    assert late.against == ""
    assert same(late.profiles, suppliers(lake))
    assert late.profiles.values.at[CODE, "bids"] == 9


def test_what_both_records_told_of_one_month_is_counted_once_and_what_one_told_stays() -> None:
    stats = [
        {"org_id": org_id, "period": period, "revenue": revenue}
        for org_id, period, revenue in (
            (LOCAL, "2024-01", 5.0), (CODE, "2024-01", 7.0), (LOCAL, "2024-02", 9.0), (None, "2024-01", 1.0),
            (None, "2024-01", 2.0),
        )
    ]  # fmt: skip
    rows = {"enterprise_stat": table("enterprise_stat", stats)}
    rows["identity"] = table("identity", [{"kind": "firm", "record_id": LOCAL, "entity_id": CODE}])
    engine = Engine.of(rows, threads=1)
    asked = engine.table("enterprise_stat").select("org_id", "period", "revenue")
    expected = {(CODE, "2024-01", 7.0), (CODE, "2024-02", 9.0), (None, "2024-01", 1.0), (None, "2024-01", 2.0)}
    assert {tuple(row.values()) for row in engine.arrow(asked).to_pylist()} == expected
    told = Links([rows["identity"]]).as_one(rows)["enterprise_stat"].to_pylist()
    assert {(row["org_id"], row["period"], float(row["revenue"])) for row in told} == expected
    engine.close()


def test_who_accepted_or_undid_a_link_is_told_and_kept_in_the_journal_and_in_the_lake(lake: Lake) -> None:
    settings = Settings(workspace=lake.folder.parent)
    with transaction(store.upgrade(settings)) as session:
        people.add(session, "ying", Role.AUDITOR, "test", "correct horse battery")
    (found,) = command(lake)
    assert (found["by"], found["decided_at"]) == ("", "")
    with pytest.raises(Fault, match="ying"):
        CliRunner().invoke(
            app, ["resolve", "firms", "--workspace", str(lake.folder.parent), "--accept", found["link"],
                  "--reason", "x", "--as", "yin"], catch_exceptions=False,
        )  # fmt: skip
    (kept,) = command(lake, "--accept", found["link"], "--reason", "one seal", "--as", "ying")
    assert (kept["by"], kept["reason"]) == ("ying", "one seal")
    (back,) = command(lake, "--undo", found["link"], "--reason", "two firms")
    assert back["by"] == f"cli:{getpass.getuser()}"
    assert found["at"] < kept["decided_at"] < back["decided_at"]
    for version, one in ((2, kept), (3, back)):
        engine = Engine.open(lake, version, threads=1)
        rows = engine.frame(engine.table("identity"))
        assert set(rows["decided_by"]) == {one["by"]}
        assert set(rows["decided_at"].astype(str)) == {one["decided_at"].removesuffix("+00:00").replace("T", " ")}
        engine.close()


def without(lake: Lake, *columns: str) -> None:
    """The table of links as it lay before it had these columns."""
    (file,) = lake.files("identity")
    pq.write_table(pq.read_table(file).drop_columns([*columns]), file)
    log = lake.folder / "identity" / "_delta_log" / f"{0:020d}.json"
    told = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    for line in told:
        if "add" in line:
            line["add"]["size"] = Path(file).stat().st_size
        if "metaData" in line:
            schema = json.loads(line["metaData"]["schemaString"])
            schema["fields"] = [one for one in schema["fields"] if one["name"] not in columns]
            line["metaData"]["schemaString"] = json.dumps(schema)
    log.write_text("".join(json.dumps(line) + "\n" for line in told), encoding="utf-8")


def test_a_journal_and_a_lake_from_before_decisions_had_a_name_are_read_and_written_on(lake: Lake) -> None:
    journal = linked(lake, (CODE, LOCAL))
    path = lake.folder.parent / "resolution" / "links.jsonl"
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    path.write_text("".join(json.dumps({k: v for k, v in one.items() if k != "by"}) + "\n" for one in lines))
    (kept,) = journal.all().values()
    assert (kept.standing, kept.by, kept.reason) == ("accepted", "", "seen")
    without(lake, "decided_by", "decided_at")
    assert suppliers(lake).values.at[CODE, "bids"] == 8
    (link,) = journal.accepted()
    journal.undo([link.link_id], "two firms", "ying")
    accepted.commit(journal, lake)
    assert suppliers(lake).values.at[CODE, "bids"] == 4
    engine = Engine.open(lake, threads=1)
    assert set(engine.frame(engine.table("identity"))["decided_by"]) == {"ying"}
    engine.close()


def test_no_source_writes_the_table_of_accepted_links() -> None:
    with pytest.raises(Misuse, match="gnomon resolve"):
        straight("identity")
