"""Putting what changed rows add up to in the place of what they added up to before."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import ibis
import ibis.expr.types as ir
import pyarrow as pa
import pyarrow.compute as pc

from features.engine import Engine
from features.refresh.partials import UNITS, Partial

OLD, GONE, COME = 0, 1, 2
Moved = tuple[pa.Table, pa.Table]
"""First steps over some rows: as they were, and as they are now."""


def added(
    engine: Engine, partial: Partial, stored: pa.Table, moved: Sequence[Moved], anew: Callable[[pa.Array], pa.Table]
) -> pa.Table:
    """The first step over all rows as they are now.

    Sums and numbers of distinct values are taken off and put to. An extreme that went with its rows is looked for
    again in all rows of its entity: `anew` gives the extremes of some entities.
    """
    sides = [(stored, OLD), *((one, side) for pair in moved for one, side in zip(pair, (GONE, COME), strict=True))]
    rows = ibis.memtable(
        pa.concat_tables(
            [one.append_column("side", pa.repeat(pa.scalar(side, pa.int8()), one.num_rows)) for one, side in sides],
            promote_options="default",
        )
    )
    summed = {
        name: ibis.ifelse(rows.side == GONE, -rows[name], rows[name]).sum().fill_null(0).cast(_kind(stored, name))
        for name in (*partial.sums, *partial.distinct)
    }
    found = rows.group_by(*partial.groups).aggregate(
        **summed,
        **{
            f"{name}_{side}": _extreme(partial, name, ibis.ifelse(rows.side == side, rows[name], ibis.null()))
            for name in partial.extremes
            for side in (OLD, GONE, COME)
        },
    )
    found = found.filter(found[partial.counted] > 0)
    kept: dict[str, ir.Value] = {}
    lost: list[ir.BooleanValue] = [ibis.literal(False)]
    for name in partial.extremes:
        old, gone, come = (found[f"{name}_{side}"] for side in (OLD, GONE, COME))
        better = (come.notnull() & (old.isnull() | (come <= old if name in partial.least else come >= old))).fill_null(
            False
        )
        kept[name] = ibis.ifelse(better, come, old)
        lost.append((gone == old).fill_null(False) & ~better)
    made = engine.arrow(found.select(*partial.groups, *summed, **kept, lost=ibis.or_(*lost)))
    if not pc.any(made["lost"]).as_py():
        return made.select(stored.column_names)
    gone_ids = made.filter(made["lost"])["entity_id"]
    again = made.filter(made["lost"]).select(["entity_id", *summed]).join(anew(gone_ids), "entity_id")
    return pa.concat_tables([one.select(stored.column_names) for one in (made.filter(pc.invert(made["lost"])), again)])


def _extreme(partial: Partial, name: str, value: ir.Value) -> ir.Value:
    return value.min() if name in partial.least else value.max()


def _kind(stored: pa.Table, name: str) -> str:
    kind = stored.schema.field(name).type
    return UNITS if pa.types.is_decimal(kind) else "float64" if pa.types.is_floating(kind) else "int64"
