"""National medical-insurance codes: checked where a mapping declares them, and asked of nobody else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features import national_codes
from features.aside import kept_aside
from features.contracts import contracts
from features.ingest import Ingested, ingest
from features.lake import Lake
from features.mapping import parse
from gnomon.errors import Misuse

CODES = {
    "nhsa-drug": (
        ["XA01ABD075A002010100483", "ZA04CAT0019010100705", "T001700004"],
        ["XA01ABD075A00201010048", "国药准字"],
    ),
    "nhsa-consumable": (["C0344051070500007551", "C15011121200000107660000016"], ["C034405107050000755"]),
    "nhsa-service": (["001102000010000", "001102000010000-110200001"], ["1102000010000", "001102000010000-"]),
    "nhsa-item": (["XA01ABD075A002010100483", "C0344051070500007551", "001102000010000"], ["A1"]),
    "nhsa-institution": (["H46010000001", "P46010000002"], ["91460100MA5RC0001X", "H4601000000"]),
    "nhsa-staff": (["D460100000001", "N460100000001", "HY460100000001"], ["110460000012345", "D46010000000"]),
    "nhsa-diagnosis": (["J18.900", "I10.x00", "A18.115+", "I63.900x002", "X60.x00"], ["I10", "J18.9", "肺炎"]),
    "nhsa-procedure": (["79.3500", "36.0601x004"], ["79.35", "IPS"]),
}
ROWS = (
    "id,claim,item,amount\nL1,C1,XA01ABD075A002010100483,1\nL2,C1,ｘa01abd075a0020101 00483,2\n"
    "L3,C1,阿莫西林,3\nL4,C1,,4\n"
)
MAPPING = """
name: m
tables:
  - table: claim_item
    columns:
      line_id: id
      claim_id: claim
      item_code: {from: item%s}
      quantity: {constant: "1"}
      unit_price: amount
      amount: amount
      fund_amount: amount
      occurred_at: {constant: "2024-03-01"}
"""


def put(folder: Path, mapping: str, data: str = ROWS) -> Ingested:
    path = folder / "in.csv"
    path.write_text(data, encoding="utf-8")
    (told,) = ingest([path], parse(mapping, "m"), Lake(str(folder / "lake")), folder / "refused", b"k")
    assert told.fault is None, told.fault
    assert told.read == told.kept + told.refused
    return told


def stored(folder: Path, table: str, column: str) -> list[Any]:
    rows = pq.ParquetDataset(Lake(str(folder / "lake")).files(table)).read().to_pylist()
    return [row[column] for row in sorted(rows, key=lambda row: str(next(iter(row.values()))))]


def aside(folder: Path) -> list[tuple[int, str | None, str]]:
    return [(one["row"], one["value"], one["action"]) for one in kept_aside(folder / "refused").to_pylist()]


@pytest.mark.parametrize("scheme", sorted(national_codes.SCHEMES))
def test_a_coding_is_told_from_others_and_from_one_cut_short(scheme: str) -> None:
    right, wrong = CODES[scheme]
    read, misfit = national_codes.read(pa.array([*right, *wrong, None]), scheme)
    assert misfit.to_pylist() == [False] * len(right) + [True] * len(wrong) + [None]
    assert read.to_pylist() == [*right, *wrong, None]


def test_every_coding_has_a_column_and_every_column_a_coding_that_there_is() -> None:
    named = {scheme for of in contracts().values() for column in of.columns for scheme in column.schemes}
    assert named == set(national_codes.SCHEMES)


def test_a_source_that_declares_nothing_keeps_its_own_codes(tmp_path: Path) -> None:
    told = put(tmp_path, MAPPING % "")
    assert (told.kept, told.refused, told.repaired) == (3, 1, 0)
    assert aside(tmp_path) == [(5, None, "refused")]


@pytest.mark.parametrize(
    ("policy", "kept", "listed"),
    [
        ("", 3, [(4, "阿莫西林", "noted"), (5, None, "refused")]),
        (", misfit: note", 3, [(4, "阿莫西林", "noted"), (5, None, "refused")]),
        (", misfit: refuse", 2, [(4, "阿莫西林", "refused"), (5, None, "refused")]),
        # The column is required: a row without its code is none.
        (", misfit: empty", 2, [(4, "阿莫西林", "refused"), (5, None, "refused")]),
    ],
)
def test_a_code_of_another_form_is_noted_or_refused_as_declared(
    tmp_path: Path, policy: str, kept: int, listed: list[Any]
) -> None:
    told = put(tmp_path, MAPPING % (", scheme: nhsa-drug" + policy))
    # Full width, small letters and blanks are mended, and counted.
    assert (told.kept, told.repaired) == (kept, 1)
    assert aside(tmp_path) == listed
    assert stored(tmp_path, "claim_item", "item_code")[:2] == ["XA01ABD075A002010100483"] * 2
    (reason,) = [one for one in told.refusals if "insurance drug code" in one.reason.en]
    assert (reason.column, reason.rows) == ("item_code", 1)
    assert "医保药品编码" in reason.reason.zh


def test_lists_and_optional_columns_are_emptied_where_declared(tmp_path: Path) -> None:
    mapping = """
name: m
tables:
  - table: admission
    columns:
      admission_id: id
      person_id: {constant: p}
      institution_id: {constant: h}
      admit_at: {constant: "2024-03-01"}
      dx_primary: {from: dx, scheme: nhsa-diagnosis}
      dx_codes: {from: all, separator: "|", scheme: nhsa-diagnosis, misfit: empty}
"""
    told = put(tmp_path, mapping, "id,dx,all\n1,J18.900,J18.900|i10.X00\n2,J18.900,J18.900|肺炎\n3,J18.900,\n")
    assert stored(tmp_path, "admission", "dx_codes") == [["J18.900", "I10.x00"], None, None]
    assert (told.kept, told.repaired, aside(tmp_path)) == (3, 2, [(3, "J18.900|肺炎", "emptied")])


def test_a_coding_that_the_column_cannot_follow_is_no_mapping() -> None:
    with pytest.raises(Misuse, match=r"claim_item\.item_code.*nhsa-diagnosis.*nhsa-drug"):
        parse(MAPPING % ", scheme: nhsa-diagnosis", "m")
