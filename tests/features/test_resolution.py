"""Entity resolution: check digits, one form for what is written in many, evidence, undo, measured quality."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from features.ingest import ingest
from features.lake import Lake
from features.mapping import parse, straight
from features.resolution import codes, evaluate, names, pairs, records
from features.resolution.links import Journal, Link, entities
from features.resolution.resolve import resolve
from gnomon.errors import Misuse
from serving.cli import app


@pytest.mark.parametrize("code", ["91350100M000100Y43", "９１３５０１００Ｍ０００１００Ｙ４３", " 91350100m000100y43 "])
def test_the_standards_own_credit_code_is_valid_however_it_is_written(code: str) -> None:
    assert codes.credit_code(code) == "91350100M000100Y43"


def test_every_single_digit_typed_wrong_is_found_out() -> None:
    for code, alphabet, check in (
        ("91350100M000100Y43", codes.CREDIT_DIGITS, codes.credit_code),
        ("11010519491231002X", "0123456789", codes.citizen_id),
    ):
        for place in range(17):
            for digit in alphabet:
                if digit != code[place]:
                    assert check(code[:place] + digit + code[place + 1 :]) is None


@pytest.mark.parametrize("told", [None, "", "91350100M000100Y4", "91350100I000100Y43", "110105194902310026", "X-1"])
def test_what_is_no_identifier_is_none(told: str | None) -> None:
    assert codes.credit_code(told) is None
    assert codes.citizen_id(told) is None


@pytest.mark.parametrize(
    "name",
    [
        "海口甲建设有限公司",
        "海南省海口市甲建设有限责任公司",
        "甲建设（海口）有限公司",
        " 甲 建设(海南)股份有限公司",
        "甲建设集团",
    ],
)
def test_a_firm_has_one_core_however_its_name_is_dressed(name: str) -> None:
    assert names.firm_name(name).core == "甲建设"


def test_a_branch_is_not_its_parent() -> None:
    assert names.firm_name("甲建设有限公司海口分公司").core != names.firm_name("甲建设有限公司").core


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("龙华区金鹿路十二号三栋", "海口市龙华区金鹿路１２号３幢"),
        ("金鹿路一百零五号", "金鹿路105号"),
        ("龙昆南路二十号", "龙昆南路20号"),
    ],
)
def test_an_address_is_one_in_whatever_numerals(first: str, second: str) -> None:
    assert names.address(first) == names.address(second)


@pytest.mark.parametrize("told", ["12345", "00000000", "无", "", None])
def test_what_is_no_telephone_is_empty(told: str | None) -> None:
    assert names.phone(told) == ""


@pytest.mark.parametrize(("kind", "precision", "recall"), [("firm", 0.96, 0.96), ("person", 0.96, 0.96)])
def test_precision_and_recall_on_labelled_records(kind: pairs.Kind, precision: float, recall: float) -> None:
    rows, truth = pairs.labelled(kind, 800, seed=11)
    frame = records.firms(rows) if kind == "firm" else records.people(rows)
    told = evaluate.measured(resolve(frame, kind), truth)
    assert told.precision >= precision, told
    assert told.recall >= recall, told
    low, high = told.precision_interval
    assert low < told.precision <= high


def test_two_valid_codes_that_differ_are_never_one_entity() -> None:
    one = {"code": "91350100M000100Y43", "name": "海口甲建设有限公司", "region": "460100", "phone": "089866000001"}
    head = "91460100MA5RC0001"
    other = {**one, "code": head + codes.credit_check(head)}
    frame = records.firms([{"record": "A", **one}, {"record": "B", **other}])
    assert resolve(frame, "firm") == []


def test_a_blank_is_nothing_in_common() -> None:
    frame = records.people([{"record": "A", "name": "张三"}, {"record": "B", "name": "李四"}])
    assert resolve(frame, "person") == []


def test_every_link_tells_its_evidence() -> None:
    rows, _ = pairs.labelled("firm", 200, seed=3)
    links = resolve(records.firms(rows), "firm")
    assert {one.method for one in links} == {"same-code", "same-name-and-region", "scored"}
    assert all(one.evidence and all(e.what.zh and e.what.en for e in one.evidence) for one in links)
    assert all(e.weight is not None for one in links if one.method == "scored" for e in one.evidence)


def test_an_undone_link_stays_undone_until_it_is_accepted_again(tmp_path: Path) -> None:
    journal, link = Journal(tmp_path), Link("firm", "A", "B", "same-code", 1.0)
    assert journal.add([link, link]) == [link]
    with pytest.raises(Misuse, match="reason is needed"):
        journal.undo([link.link_id], " ", "a")
    journal.undo([link.link_id], "two branches", "a")
    assert journal.add([link]) == []
    assert (journal.accepted(), journal.all()[link.link_id].reason) == ([], "two branches")
    journal.accept([link.link_id], "no, one", "a")
    assert journal.accepted("firm") == [link]
    with pytest.raises(Misuse, match="no link"):
        journal.undo(["nothing"], "x", "a")


def test_records_that_hang_together_are_one_entity() -> None:
    links = [Link("firm", *pair, "same-code", 1.0) for pair in (("C", "B"), ("B", "A"), ("X", "Y"))]
    assert entities(links) == {"A": "A", "B": "A", "C": "A", "X": "X", "Y": "X"}


def test_wilsons_interval_agrees_with_the_published_example() -> None:
    # Newcombe (1998), Statistics in Medicine 17:857-872, table I, 81 of 263.
    assert evaluate.wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=1e-4)


def test_the_command_links_the_lakes_firms_and_takes_a_link_back(tmp_path: Path) -> None:
    path = tmp_path / "o.csv"
    path.write_text(
        "org_id,name,roles,region_code\n91350100M000100Y43,海口甲建设有限公司,supplier,460100\n"
        "X-17,海口甲建设有限公司,supplier,460100\nX-18,海口乙商贸有限公司,supplier,460100\n"
    )
    ingest([path], straight("organization"), Lake(str(tmp_path / "ws" / "lake")), tmp_path / "ws" / "refused", b"k")
    workspace = ["--workspace", str(tmp_path / "ws"), "--format", "csv"]
    found = CliRunner().invoke(app, ["resolve", "firms", *workspace])
    assert found.exit_code == 0, found.output
    (line,) = found.stdout.splitlines()[1:]
    assert "same-name-and-region" in line
    undone = CliRunner().invoke(
        app, ["resolve", "firms", "--undo", line.split(",")[0], "--reason", "namesakes", *workspace]
    )
    assert "namesakes" in undone.stdout
    assert CliRunner().invoke(app, ["resolve", "firms", *workspace]).stdout.strip() in ("", '""')
    assert "namesakes" in CliRunner().invoke(app, ["resolve", "firms", "--list", *workspace]).stdout


def test_a_number_written_in_two_ways_has_one_pseudonym_where_declared(tmp_path: Path) -> None:
    mapping = "name: p\ntables: [{table: person, columns: {person_id: {from: id, normalise: code, pseudonym: true}}}]"
    path = tmp_path / "p.csv"
    path.write_text("id\n11010519491231002x\n１１０１０５１９４９１２３１００２Ｘ\n")
    (told,) = ingest([path], parse(mapping, "m"), Lake(str(tmp_path / "lake")), tmp_path / "refused", b"k")
    assert (told.kept, told.duplicate) == (1, 1)
