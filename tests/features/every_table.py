"""A few rows of every contracted table, that hang together by their keys: for what must hold of all kinds at once."""

from __future__ import annotations

import random
from datetime import date, timedelta
from typing import Any

from features.contracts import contracts
from features.contracts.column import Column, Contract
from tests.features.profile_rows import DAY0, Row

ROWS = 24
PARTY = ("party_id", "payee_id", "payer_id", "counterparty_id", "applicant_id", "object_id", "actual_user_id")
WORDS = {
    "roles": [["hospital"], ["clinic"], ["school"], ["supplier"], ["gov_dept"], ["village_collective"]],
    "dx_codes": [["J18.9", "I10"], ["K35.8"]],
    "procedure_codes": [["45.1"], []],
    "dx_primary": ["J18.9", "K35.8"],
    "topic_code": ["noise", "road"],
    "violation_code": ["V1", "V2"],
    "pollutant": ["COD", "NH3N"],
    "class_code": ["A01", "A02", "B01"],
    "region_code": ["460100", "460105"],
    "sector": ["road", "bridge"],
    "scene": ["education", "ecology"],
    "criterion": ["C1", "C2"],
    "industry_code": ["C13", "F51"],
    "key": ["tender.works.mandatory", "tender.goods.mandatory", "amendment.approval.limit", "reception.per_head"],
    "currency": ["CNY"],
    "channel": ["12345"],
    "rank": ["R1", "R2"],
}


def every_row(seed: int = 7) -> dict[str, list[Row]]:
    """`ROWS` rows of each table; what references another table names one of its rows."""
    dice = random.Random(seed)
    return {name: [_row(contract, i, dice) for i in range(ROWS)] for name, contract in sorted(contracts().items())}


def _row(contract: Contract, number: int, dice: random.Random) -> Row:
    row = {column.name: _value(contract, column, number, dice) for column in contract.columns}
    for first, last in (("valid_from", "valid_to"), ("start_at", "end_at"), ("admit_at", "discharge_at")):
        if first in row and last in row and row[first] is not None and row[last] is not None and row[last] < row[first]:
            row[first], row[last] = row[last], row[first]
    return row


def _value(contract: Contract, column: Column, number: int, dice: random.Random) -> Any:
    name = column.name
    unfilled = 0.6 if name in ("valid_to", "end_at") else 0.1
    if not column.required and not column.key and dice.random() < unfilled:
        return None
    if column.key and column.type in ("str", "hash", "code") and column.references is None and name not in WORDS:
        return f"{contract.name}-{number}" if contract.key == (name,) else f"{contract.name}-{number // 2}"
    if column.references is not None:
        return f"{column.references}-{dice.randrange(ROWS)}"
    if name in WORDS:
        return WORDS[name][number % len(WORDS[name])]
    if name in PARTY or name.endswith("_org_id"):
        return f"organization-{dice.randrange(ROWS)}"
    if column.type == "hash" or name in ("holder_id", "person_id"):
        return f"person-{dice.randrange(ROWS)}"
    return _plain(column, number, dice)


def _plain(column: Column, number: int, dice: random.Random) -> Any:
    moment = DAY0 + timedelta(hours=dice.randrange(24 * 300))
    kinds: dict[str, Any] = {
        "ts": moment,
        "date": moment.date(),
        "month": f"{moment:%Y-%m}",
        "money": dice.randrange(100, 90_000),
        "decimal": dice.randrange(1, 500) / 10,
        "ratio": dice.randrange(100),
        "int": dice.randrange(1, 12),
        "bool": dice.random() < 0.5,
        "list": [f"L{dice.randrange(3)}"],
    }
    if column.name in ("birth_date", "founded_on"):
        return date(1950 + dice.randrange(60), 1, 1)
    if column.values:
        return column.values[number % len(column.values)]
    return kinds.get(column.type, f"{column.name}-{dice.randrange(4)}")
