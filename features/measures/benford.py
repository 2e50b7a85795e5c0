"""Leading digits of amounts against Benford's law: made-up figures begin with every digit alike."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from features.measures.declare import Rows

LEAST = 300
"""Amounts below which the digits say nothing."""
PAIRS = 90
"""Pairs of leading digits, 10 to 99."""


def digits(table: ir.Table, amount: str) -> ir.Table:
    """One row per `entity_id` and pair of leading digits of its amounts, beside what Benford's law gives the pair."""
    made = table.filter(table[amount] > 0)
    value = made[amount].cast("float64")
    power = value.log10().floor()
    lead = (value / (ibis.literal(10.0) ** (power - 1)) + 1e-9).floor().clip(10, 99)
    made = made.mutate(lead=lead, value=value)
    found = made.group_by("entity_id", "lead").aggregate(
        n=made.count(), low=made["value"].min(), high=made["value"].max(), event_at=made.event_at.max()
    )
    whole = found.n.sum().over(ibis.window(group_by="entity_id"))
    return found.mutate(share=found.n / whole, law=(1 + 1 / found.lead).log10())


def nonconformity(rows: Rows) -> ir.Value:
    """Mean absolute deviation of the shares from the law, pairs that do not occur among them.

    Null for fewer than 300 amounts or less than two magnitudes. Above 0.0022 the two digits do not conform: Nigrini
    (2012), "Benford's Law", table 7.1.
    """
    off = (rows.share - rows.law).abs().sum() + (1 - rows.law.sum())
    enough = (rows.n.sum() >= LEAST) & (rows.high.max() >= 100 * rows.low.min())
    return ibis.ifelse(enough, off / PAIRS, ibis.null())
