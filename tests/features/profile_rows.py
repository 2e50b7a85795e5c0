"""Rows for profile tests. Letters for parties: H hospital, P patient, D doctor, F firm, B buyer, T tender."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa

from features.contracts import contract_of

DAY0 = datetime(2025, 1, 1, 2, 30, 1, tzinfo=UTC)
"""10:30:01 in Shanghai."""

Row = dict[str, Any]


def day(number: float) -> datetime:
    """The moment `number` days after the first."""
    return DAY0 + timedelta(days=number)


def table(name: str, rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    """Rows under contract; what a row leaves out is unknown."""
    schema = contract_of(name).schema
    money = {field.name for field in schema if pa.types.is_decimal(field.type)}
    columns = {
        field.name: [
            Decimal(str(row[field.name])) if field.name in money and row.get(field.name) is not None
            else row.get(field.name)
            for row in rows
        ]
        for field in schema
    }  # fmt: skip
    fields = [pa.field(field.name, field.type) for field in schema]
    return pa.table({f.name: pa.array(columns[f.name], f.type) for f in fields})


def claim(number: int, institution: str, person: str, fund: float, at: datetime, **more: Any) -> Row:
    """A settled outpatient claim."""
    row = {
        "claim_id": f"C{number:04d}",
        "person_id": person,
        "institution_id": institution,
        "claim_type": "outpatient",
        "service_from": at,
        "settled_at": at,
        "total_amount": fund,
        "fund_amount": fund,
        "status": "settled",
    }
    return {**row, **more}


def stay(number: int, institution: str, person: str, at: datetime, days: float, **more: Any) -> Row:
    """A stay."""
    row = {
        "admission_id": f"A{number:04d}",
        "person_id": person,
        "institution_id": institution,
        "admit_at": at,
        "discharge_at": at + timedelta(days=days),
        "attending_id": "D1",
        "dx_primary": "J18.9",
    }
    return {**row, **more}


def line(number: int, institution: str, doctor: str, person: str, item: str, quantity: float, at: datetime) -> Row:
    """A prescribed line."""
    return {
        "rx_id": f"R{number:05d}",
        "rx_line": 1,
        "person_id": person,
        "institution_id": institution,
        "prescriber_id": doctor,
        "item_code": item,
        "prescribed_at": at,
        "quantity": quantity,
        "rx_type": "normal",
    }


def tender(number: int, at: datetime | None = None, **more: Any) -> Row:
    """A tender for works."""
    row = {
        "tender_id": f"T{number:03d}",
        "buyer_id": "B1",
        "title": f"Tender {number}",
        "category": "works",
        "method": "open",
        "opened_at": at,
        "status": "complete",
        "region_code": "460100",
    }
    return {**row, **more}


def bids(number: int, prices: Mapping[str, float], winner: str | None = None) -> list[Row]:
    """The bids of one tender; the lowest wins unless said otherwise."""
    best = winner or min(prices, key=lambda firm: prices[firm])
    return [
        {
            "bid_id": f"T{number:03d}-{firm}",
            "tender_id": f"T{number:03d}",
            "bidder_id": firm,
            "amount": price,
            "status": "valid",
            "is_winner": firm == best,
        }
        for firm, price in prices.items()
    ]


def award(number: int, buyer: str, supplier: str, amount: float, at: datetime, tender_id: str | None = None) -> Row:
    """An award that stands."""
    return {
        "award_id": f"W{number:03d}",
        "tender_id": tender_id,
        "buyer_id": buyer,
        "supplier_id": supplier,
        "amount": amount,
        "awarded_at": at,
        "status": "active",
    }


def hospital(org_id: str, level: str = "2", ownership: str = "public", role: str = "hospital") -> Row:
    """A registered hospital."""
    return {
        "org_id": org_id,
        "name": f"Hospital {org_id}",
        "roles": [role],
        "level": level,
        "ownership": ownership,
        "region_code": "460100",
    }


def threshold(value: float, key: str = "tender.works.mandatory") -> Row:
    """A threshold in force since 2000."""
    return {
        "key": key,
        "region_code": "000000",
        "valid_from": date(2000, 1, 1),
        "value": value,
        "unit": "CNY",
        "legal_basis": "test",
    }
