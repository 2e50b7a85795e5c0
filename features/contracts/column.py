"""What a contract is made of: columns with types, units, keys, nullability and meaning."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import pyarrow as pa

from gnomon.terms import Text

ColumnType = Literal[
    "str", "code", "enum", "hash", "text", "month", "date", "ts", "money", "decimal", "ratio", "int", "bool", "list"
]

ARROW: dict[str, pa.DataType] = {
    "str": pa.string(),
    "code": pa.string(),
    "enum": pa.string(),
    "hash": pa.string(),
    "text": pa.string(),
    "month": pa.string(),
    "date": pa.date32(),
    "ts": pa.timestamp("us", tz="UTC"),
    "money": pa.decimal128(18, 2),
    "decimal": pa.float64(),
    "ratio": pa.float64(),
    "int": pa.int64(),
    "bool": pa.bool_(),
    "list": pa.list_(pa.string()),
}
"""How each contract type lies in the lake."""

SYSTEM = (("_source", pa.string()), ("_ingested_at", pa.timestamp("us", tz="UTC")), ("_row_hash", pa.string()))
"""Columns that every stored row carries beside the contract's own."""


ITEMS = ("nhsa-item", "nhsa-drug", "nhsa-consumable", "nhsa-service")
"""National codings of what is charged, prescribed or bought."""


@dataclass(frozen=True)
class Column:
    """One column under contract. Null means unknown and is never read as zero."""

    name: str
    type: ColumnType
    title: Text
    key: bool = False
    required: bool = False
    references: str | None = None
    """Table whose key this column holds."""
    party: bool = False
    """Holds the key of an organization or of a person, whichever it is, and so is not held against either."""
    values: tuple[str, ...] = ()
    """For `enum`: all values it may take; empty when the list is open."""
    schemes: tuple[str, ...] = ()
    """National codings that the column may follow, `features.national_codes.SCHEMES`; a mapping says which it does."""
    unit: str = ""
    note: str = ""
    maps: str = ""
    """Where the column stands in a public standard (OCDS, FHIR, BODS, NHSA)."""


@dataclass(frozen=True)
class Contract:
    """One canonical table: what a row is, which columns it has, when it happened."""

    name: str
    pack: str
    title: Text
    grain: str
    columns: tuple[Column, ...]
    event: tuple[str, ...] = ()
    """Columns that say when the row happened, best first. A row without any counts from the day it arrived."""
    standard: str = ""
    written_by: str = ""
    """The command that writes this table; no source may."""

    @cached_property
    def key(self) -> tuple[str, ...]:
        """Names of the key columns."""
        return tuple(column.name for column in self.columns if column.key)

    @cached_property
    def by_name(self) -> dict[str, Column]:
        """Columns by name."""
        return {column.name: column for column in self.columns}

    @cached_property
    def schema(self) -> pa.Schema:
        """Arrow schema of a stored row, system columns included."""
        own = [pa.field(c.name, ARROW[c.type], nullable=not c.required) for c in self.columns]
        return pa.schema([*own, *(pa.field(name, kind) for name, kind in SYSTEM)])
