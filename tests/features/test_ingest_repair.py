"""Values that cannot be and lines in a foreign encoding: refused, or mended by a declared rule, counted and listed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from features.aside import kept_aside
from features.ingest import Ingested, ingest
from features.lake import Lake
from features.mapping import parse

ITEMS = "line,claim,item,qty,price,amount,fund,at\n"
ITEM_MAPPING = """
name: items
file: {{zone: UTC{options}}}
tables:
  - table: claim_item
    columns:
      line_id: line
      claim_id: claim
      item_code: item
      quantity: {{from: qty{quantity}}}
      unit_price: {{from: price, loose_numbers: true}}
      amount: {{from: amount{amount}}}
      fund_amount: fund
      occurred_at: {{from: at{at}}}
"""
PERSONS = """
name: persons
tables:
  - table: person
    columns:
      person_id: {from: id, pseudonym: true}
      birth_date: {from: born%s}
      death_date: died
"""


def put(folder: Path, data: str | bytes, mapping: str) -> Ingested:
    path = folder / "in.csv"
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    (told,) = ingest([path], parse(mapping, "m"), Lake(str(folder / "lake")), folder / "refused", b"k")
    assert told.fault is None, told.fault
    assert told.read == told.kept + told.refused + told.duplicate + told.parked
    return told


def rows(folder: Path, table: str) -> list[dict[str, Any]]:
    stored: list[dict[str, Any]] = pq.ParquetDataset(Lake(str(folder / "lake")).files(table)).read().to_pylist()
    return stored


def aside(folder: Path) -> list[tuple[int, str, str, str]]:
    lines = kept_aside(folder / "refused").to_pylist()
    return [(one["row"], one["column"], one["value"], one["action"]) for one in lines]


def items(options: str = "", quantity: str = "", amount: str = "", at: str = "") -> str:
    return ITEM_MAPPING.format(options=options, quantity=quantity, amount=amount, at=at)


NEGATIVE = f"{ITEMS}1,C,D,1,5,-5,0,2024-01-01\n2,C,D,1,5,5,0,2024-01-01\n"


@pytest.mark.parametrize(
    ("policy", "kept", "repaired", "told"),
    [
        ("", ["2"], 0, [(2, "amount", "-5", "refused")]),
        (", implausible: absolute", ["1", "2"], 1, [(2, "amount", "-5", "absolute")]),
        (", implausible: empty", ["2"], 0, [(2, "amount", "-5", "refused")]),  # an amount is required
        (", implausible: keep", ["1", "2"], 0, []),
    ],
)
def test_a_negative_amount_is_refused_or_mended_as_declared(
    tmp_path: Path, policy: str, kept: list[str], repaired: int, told: list[tuple[int, str, str, str]]
) -> None:
    done = put(tmp_path, NEGATIVE, items(amount=policy))
    assert (done.kept, done.repaired) == (len(kept), repaired)
    assert aside(tmp_path) == told
    if "absolute" in policy:
        assert {float(row["amount"]) for row in rows(tmp_path, "claim_item")} == {5}


def test_a_rule_for_the_whole_file_holds_where_a_column_has_none(tmp_path: Path) -> None:
    assert put(tmp_path, NEGATIVE, items(options=", implausible: keep")).kept == 2


def test_a_reversed_claim_may_be_negative(tmp_path: Path) -> None:
    mapping = "name: c\ntables: [{table: claim, same_names: true}]"
    head = "claim_id,person_id,institution_id,claim_type,service_from,settled_at,total_amount,fund_amount,status\n"
    line = "{},P,H,outpatient,2024-01-01,2024-01-01,-5,-5,{}\n"
    done = put(tmp_path, head + line.format("C1", "reversed") + line.format("C2", "settled"), mapping)
    assert (done.kept, done.refused) == (1, 1)


def test_an_event_of_the_future_is_refused(tmp_path: Path) -> None:
    done = put(tmp_path, f"{ITEMS}1,C,D,1,5,5,0,2999-01-01\n2,C,D,1,5,5,0,2024-01-01\n", items())
    assert (done.kept, done.refusals[0].column) == (1, "occurred_at")


def test_full_width_digits_and_separators_are_read_where_declared_and_counted(tmp_path: Path) -> None:
    done = put(tmp_path, f'{ITEMS}1,C,D,1,"１，２３４．５",5,0,2024-01-01\n2,C,D,"1,000",5,5,0,2024-01-01\n', items())
    assert (done.kept, done.refused, done.repaired) == (1, 1, 1)
    assert float(rows(tmp_path, "claim_item")[0]["unit_price"]) == 1234.5
    assert aside(tmp_path) == [(3, "quantity", "1,000", "refused")]


@pytest.mark.parametrize(("policy", "kept"), [("", 2), (", implausible: empty", 5)])
def test_an_impossible_age_is_refused_or_emptied(tmp_path: Path, policy: str, kept: int) -> None:
    people = (
        "id,born,died\nA,1999-01-01,\nB,1823-01-01,\nC,2999-01-01,\nD,1990-01-01,1980-01-01\nE,1880-01-01,1960-01-01\n"
    )
    done = put(tmp_path, people, PERSONS % policy)
    assert (done.kept, len(aside(tmp_path))) == (kept, 3)
    if policy:
        assert (done.repaired, sum(row["birth_date"] is None for row in rows(tmp_path, "person"))) == (3, 3)


HEAD = "request_id,channel,topic_code,received_at,content\n"
MIXED = (HEAD + "R1,app,t,2024-01-01,夜间施工噪音\n").encode() + "R2,app,t,2024-01-01,路灯不亮\n".encode("gb18030")
REQUESTS = "name: r\nfile: {encoding: '%s'}\ntables: [{table: service_request, same_names: true}]"


def test_a_line_in_another_encoding_than_the_rest_is_refused(tmp_path: Path) -> None:
    done = put(tmp_path, MIXED, REQUESTS % "")
    assert (done.read, done.kept, done.refused) == (2, 1, 1)
    ((row, _, value, _),) = aside(tmp_path)
    assert (row, "路灯不亮" in value) == (3, True)


def test_a_file_in_both_encodings_is_read_line_by_line_where_declared(tmp_path: Path) -> None:
    done = put(tmp_path, MIXED, REQUESTS % "mixed")
    assert (done.kept, done.repaired) == (2, 1)
    assert {row["content"] for row in rows(tmp_path, "service_request")} == {"夜间施工噪音", "路灯不亮"}


def test_utf8_lines_in_a_file_of_gb18030_are_not_read_as_rubbish(tmp_path: Path) -> None:
    chinese = "".join(f"R{n},app,t,2024-01-01,道路积水第{n}处\n" for n in range(3, 9))
    data = (HEAD + chinese).encode("gb18030") + "R1,app,t,2024-01-01,夜间施工噪音\n".encode()
    done = put(tmp_path, data, REQUESTS % "")
    assert (done.kept, done.refused) == (6, 1)
    assert all("道路积水" in row["content"] for row in rows(tmp_path, "service_request"))
