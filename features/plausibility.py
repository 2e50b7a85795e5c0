"""Values that are well formed and yet cannot be: negative amounts, events of the future, ages that nobody reaches."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pyarrow as pa
import pyarrow.compute as pc

from features.contracts import Column, Contract
from gnomon.i18n import both
from gnomon.terms import Text

OLDEST = 130
"""Years; nobody is known to have lived longer than 122."""
SIGNED = {
    "value",
    "param",
    "delta_amount",
    "delta_qty",
    "lon",
    "lat",
    "start_lon",
    "start_lat",
    "end_lon",
    "end_lat",
    "revenue",
    "tax_paid",
    "invoice_amount",
    "executed_amount",
}
"""Columns in which a negative number has a meaning: corrections, coordinates, returned money."""
REVERSALS = {"claim": ("status", "reversed"), "dispensing": ("status", "returned")}
"""Rows that undo an earlier one may be negative: the column and the value that say so."""
MAY_LIE_AHEAD = {"opened_at", "deadline_at", "due_at", "effective_from", "valid_from", "period_to", "day"}
"""Dates that are announced beforehand."""


def wrong(
    of: Contract, column: Column, columns: Mapping[str, pa.Array], now: datetime | None = None
) -> pa.Array | None:
    """Which values of a column cannot be; None when nothing of the kind is known of the column."""
    values = columns[column.name]
    at = now or datetime.now(UTC)
    if column.type in ("money", "decimal", "int", "ratio") and column.name not in SIGNED:
        bad = pc.less(values, pa.scalar(Decimal(0) if column.type == "money" else 0, values.type))
        if of.name in REVERSALS and pc.any(bad).as_py():
            name, word = REVERSALS[of.name]
            bad = (
                pc.and_(bad, pc.invert(pc.fill_null(pc.equal(columns[name], word), False))) if name in columns else bad
            )
        if column.name in ("age_min", "age_max"):
            bad = pc.or_(bad, pc.greater(values, OLDEST))
        return bad
    if column.type in ("ts", "date") and column.name in of.event and column.name not in MAY_LIE_AHEAD:
        # Two days: the source's day may have begun before ours, and clocks differ.
        latest = at + timedelta(days=2)
        return pc.greater(values, pa.scalar(latest if column.type == "ts" else latest.date(), values.type))
    if of.name == "person" and column.name in ("birth_date", "death_date"):
        return _impossible_life(column.name, columns, at.date())
    return None


def _impossible_life(name: str, columns: Mapping[str, pa.Array], today: date) -> pa.Array:
    ahead = pc.greater(columns[name], pa.scalar(today + timedelta(days=1)))
    if name == "death_date":
        return ahead
    born, death = columns["birth_date"], columns.get("death_date")
    end = pa.scalar(today) if death is None else pc.fill_null(death, pa.scalar(today))
    oldest = pc.greater(pc.years_between(born, end), OLDEST)
    return pc.or_(pc.or_(ahead, oldest), pc.less(end, born))


def reason(column: Column) -> Text:
    """Why a value of this column cannot be."""
    if column.name == "birth_date":
        return both("features.refused.age", oldest=OLDEST)
    if column.type in ("ts", "date"):
        return both("features.refused.future")
    if column.name in ("age_min", "age_max"):
        return both("features.refused.age", oldest=OLDEST)
    return both("features.refused.negative")
