"""What must hold of all kinds of entities: blank ids are nobody, and an absent table makes nothing zero."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import ibis.expr.operations as ops
import pyarrow as pa
import pytest

from features.contracts import contracts
from features.contracts.column import Column
from features.engine import Engine
from features.measures import entities
from features.measures.declare import View, fused
from features.measures.tables import Tables
from features.unknown import fields_of
from tests.features.every_table import every_row
from tests.features.profile_rows import Row, day, table

NOW = day(300)
BLANKS = (None, "", "   ")


def identifies(column: Column) -> bool:
    return column.type in ("str", "hash", "code") and (
        column.key or column.references is not None or column.name.endswith("_id")
    )


def blanked(rows: dict[str, list[Row]]) -> dict[str, list[Row]]:
    """The rows, and for each identifier of each table three of them again with it left blank."""
    made: dict[str, list[Row]] = {}
    for name, some in rows.items():
        names = [column.name for column in contracts()[name].columns if identifies(column)]
        more = [{**some[i], column: blank} for column in names for i, blank in enumerate(BLANKS)]
        made[name] = [*some, *more]
    return made


def stored(rows: dict[str, list[Row]]) -> dict[str, pa.Table]:
    return {name: table(name, some) for name, some in rows.items()}


@pytest.mark.slow
@pytest.mark.parametrize("kind", sorted(entities()))
def test_blank_identifiers_are_nobody(kind: str, blank_engine: Engine) -> None:
    tables = Tables(blank_engine, NOW, keep=False)
    of = entities()[kind]
    asked = [of.attributes(tables).select("entity_id")]
    asked += [fused(of, view, tables)[0].select("entity_id") for view in of.views]
    for one in asked:
        for name in blank_engine.arrow(one.distinct()).column("entity_id").to_pylist():
            assert all(part.strip() for part in str(name).split("/")), (kind, name)
            assert name is not None


@pytest.fixture(scope="module")
def blank_engine() -> Iterator[Engine]:
    engine = Engine.of(stored(blanked(every_row())), threads=1)
    yield engine
    engine.close()


def optional(view: View, tables: Tables) -> list[str]:
    """Tables that a view reads and does not need."""
    read = {one.name for one in view.build(tables).op().find(ops.DatabaseTable)}
    return sorted((read & set(contracts())) - set(view.needs))


@pytest.mark.slow
@pytest.mark.parametrize("kind", sorted(entities()))
def test_an_absent_table_makes_nothing_zero(kind: str, every_engine: Engine) -> None:
    of = entities()[kind]
    whole = Tables(every_engine, NOW, keep=False)
    for view in of.views:
        before: dict[str, Any] = {}
        for absent in optional(view, whole):
            query, values = fused(of, view, whole)
            told = [name for name, value in values.items() if any(t == absent for t, _ in fields_of(value))]
            if not told:
                continue
            before = before or {row["entity_id"]: row for row in every_engine.arrow(query).to_pylist()}
            less = Engine.of({n: t for n, t in stored(every_row()).items() if n != absent}, threads=1)
            for row in less.arrow(fused(of, view, Tables(less, NOW, keep=False))[0]).to_pylist():
                for name in told:
                    was, now = before.get(row["entity_id"], {}).get(name), row[name]
                    assert now != 0 or was in (0, None), (kind, view.name, absent, name, was)
            less.close()


@pytest.fixture(scope="module")
def every_engine() -> Iterator[Engine]:
    engine = Engine.of(stored(every_row()), threads=1)
    yield engine
    engine.close()
