"""Records that are one entity are read as one: every reference to a linked record names the record that stands for all.

The links are rows of the `identity` table (`features.resolution.accepted` writes them), so that a lake version says
which records were one when it was current. Nothing of the other tables is changed, and evidence shows the ids that
the sources gave.
"""

from __future__ import annotations

from collections.abc import Collection, Container, Iterable, Mapping, Sequence
from itertools import product
from typing import TYPE_CHECKING

import ibis
import pyarrow as pa
import pyarrow.compute as pc

from features.contracts import Column, Contract, contract_of

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from features.engine import Engine
    from features.lake import Lake

TABLE = "identity"
REGISTERS = {"organization": "firm", "person": "person"}
"""Whose keys are linked, and the kind of the links."""


def kinds_of(column: Column) -> tuple[str, ...]:
    """Kinds of entities that a column may name, the likelier first; none for a column of something else."""
    if column.party:
        return tuple(REGISTERS.values())
    return tuple(kind for table, kind in REGISTERS.items() if column.references == table)


def standing(rows: ir.Table) -> ir.Table:
    """The records that another one stands for."""
    told = (rows["record_id"].strip() != "") & (rows["entity_id"].strip() != "")
    return rows.filter(told, rows["record_id"] != rows["entity_id"]).select("kind", "record_id", "entity_id")


def as_one(of: Contract, rows: ir.Table, linked: ir.Table, kinds: Collection[str]) -> ir.Table:
    """The rows of a table, linked records named by the one that stands for them; in a register that one alone.

    Parameters
    ----------
    linked:
        See `standing`.
    kinds:
        The kinds that it holds any links of.
    """
    if REGISTERS.get(of.name) in kinds:
        others = linked.filter(linked["kind"] == REGISTERS[of.name])
        rows = rows.anti_join(others, rows[of.key[0]] == others["record_id"])
    told = [name for name in of.key if set(kinds_of(of.by_name[name])) & set(kinds)]
    rows = rows.mutate(**{f"_told_{name}": rows[name] for name in told})
    for column in of.columns:
        for kind in kinds_of(column):
            if kind in kinds:
                of_kind = linked.filter(linked["kind"] == kind)
                named = of_kind.select(_record=of_kind["record_id"], _entity=of_kind["entity_id"])
                joined = rows.left_join(named, rows[column.name] == named["_record"])
                rows = joined.mutate(**{column.name: ibis.coalesce(joined["_entity"], joined[column.name])})
                rows = rows.drop("_record", "_entity")
    return _one_a_key(of, rows, told) if told else rows


def _one_a_key(of: Contract, rows: ir.Table, told: Sequence[str]) -> ir.Table:
    """One row a key, as the contract has it: of those that linked records share, that of the one that stands for all.

    `told` are the columns of the key that were named anew; `_told_<column>` is what they said before.
    """
    own = [(rows[f"_told_{name}"] != rows[name]).cast("int8") for name in told]
    first = ibis.window(group_by=list(of.key), order_by=[*own, *(rows[f"_told_{name}"] for name in told)])
    whole = ibis.and_(*(rows[name].notnull() for name in of.key))
    rows = rows.mutate(_place=ibis.ifelse(whole, ibis.row_number().over(first), 0))
    return rows.filter(rows["_place"] == 0).drop("_place", *(f"_told_{name}" for name in told))


class Links:
    """The same in this process, for the few rows of a request."""

    def __init__(self, rows: Iterable[pa.Table] = ()) -> None:
        self._entity: dict[str, dict[str, str]] = {kind: {} for kind in REGISTERS.values()}
        for part in rows:
            for row in part.to_pylist():
                if row["record_id"] != row["entity_id"] and row["record_id"].strip() and row["entity_id"].strip():
                    self._entity[row["kind"]][row["record_id"]] = row["entity_id"]
        self._together: dict[str, set[str]] = {}
        for links in self._entity.values():
            for record, entity in links.items():
                self._together.setdefault(entity, {entity}).add(record)
        for one in list(self._together.values()):
            for record in one:
                self._together.setdefault(record, set()).update(one)

    @classmethod
    def of(cls, lake: Lake, version: int | None = None) -> Links:
        """Those of a lake version, the newest when None."""
        return cls(lake.known(TABLE, ["kind", "record_id", "entity_id"], version))

    @classmethod
    def read_by(cls, engine: Engine) -> Links:
        """Those of the lake version that an engine reads."""
        return cls([engine.arrow(standing(engine.table(TABLE)))] if engine.has(TABLE) else [])

    def __bool__(self) -> bool:
        return bool(self._together)

    def named(self, told: str, known: Container[str]) -> str:
        """Under which id an entity is known whom somebody called `told`: that of the record that stands for it now.

        `told` itself where it is known, and where no link leads to a known one. In the id of a pair each part is read
        for itself; where the order of its parts follows from their ids, it is that of the new ones.
        """
        if told in known or not self:
            return told
        for parts in ([told], told.split("/")):
            ways = [dict.fromkeys((*(links.get(one, one) for links in self._entity.values()), one)) for one in parts]
            for way in product(*ways):
                for found in ("/".join(way), "/".join(sorted(way))):
                    if found in known:
                        return found
        return told

    def together(self, ids: pa.Array) -> pa.Array:
        """The ids, and those of all records that are one with them."""
        named = {other for id_ in ids.to_pylist() if id_ in self._together for other in self._together[id_]}
        return pa.concat_arrays([ids, pa.array(sorted(named), ids.type)]).unique() if named else ids

    def as_one(self, tables: Mapping[str, pa.Table]) -> dict[str, pa.Table]:
        """Tables as `as_one` reads them; columns that they lack are not missed."""
        return {name: self._table(contract_of(name), rows) for name, rows in tables.items()} if self else dict(tables)

    def _table(self, of: Contract, rows: pa.Table) -> pa.Table:
        key = of.key[0]
        if of.name in REGISTERS and key in rows.column_names:
            others = pa.array(list(self._entity[REGISTERS[of.name]]), pa.string())
            rows = rows.filter(pc.invert(pc.fill_null(pc.is_in(rows[key].cast(pa.string()), others), False)))
        before = rows
        for column in of.columns:
            if column.name not in rows.column_names:
                continue
            for kind in kinds_of(column):
                entity = self._entity[kind]
                told = rows[column.name].to_pylist()
                if any(id_ in entity for id_ in told):
                    at, field = rows.schema.get_field_index(column.name), rows.schema.field(column.name)
                    rows = rows.set_column(at, field, pa.array([entity.get(id_, id_) for id_ in told], field.type))
        return (
            rows if rows is before or not set(of.key) <= set(rows.column_names) else self._one_a_key(of, rows, before)
        )

    @staticmethod
    def _one_a_key(of: Contract, rows: pa.Table, before: pa.Table) -> pa.Table:
        """See `_one_a_key`."""
        names = [name for name in of.key if kinds_of(of.by_name[name])]
        if not names:
            return rows
        keys = list(zip(*(rows[name].to_pylist() for name in of.key), strict=True))
        told, now = (list(zip(*(one[name].to_pylist() for name in names), strict=True)) for one in (before, rows))
        whole = [at for at, key in enumerate(keys) if None not in key]
        first: dict[tuple[object, ...], int] = {}
        for at in sorted(whole, key=lambda at: ([a != b for a, b in zip(told[at], now[at], strict=True)], told[at])):
            first.setdefault(keys[at], at)
        return rows.take(sorted({*range(len(keys))} - {*whole} | {*first.values()}))
