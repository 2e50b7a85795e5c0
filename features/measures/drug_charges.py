"""Charged drug lines, and what they add up to by institution or doctor and drug."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from features.measures.institution_claims import settled
from features.measures.prescribing import MIN_PATIENTS, is_blank
from features.measures.tables import Tables, joined, pair_id, recent

SPANS = {"": None, "_365d": 365, "_90d": 90}
YEAR_BEFORE = (455, 90)
"""The year before the last 90 days: what growth is measured against."""


def lines(tables: Tables) -> ir.Table:
    """One row per charged drug line of a claim that stands, with its defined daily doses."""
    claim = settled(tables).select("claim_id", "institution_id", "person_id")
    drug = tables.catalog_item
    drug = drug.filter(drug.item_kind == "drug").select("item_code", "strength", "ddd")
    line = joined(tables.claim_item.inner_join(claim, "claim_id"))
    line = joined(line.inner_join(drug, "item_code"))
    return line.mutate(ddds=line.quantity * line.strength / line.ddd.nullif(0.0))


def charged(tables: Tables, key: str) -> ir.Table:
    """One row per `key` and drug with ten patients or more: money, doses, patients and visits, of each window too."""
    line = lines(tables)
    line = line.filter(~is_blank(line[key]) & ~is_blank(line.item_code))
    made: dict[str, ir.Value] = {}
    for span, days in SPANS.items():
        inside = ibis.literal(True) if days is None else recent(tables, line, days)
        for name in ("amount", "fund_amount", "ddds"):
            made[f"{name}{span}"] = ibis.ifelse(inside, line[name], ibis.null()).sum()
        made[f"patients{span}"] = ibis.ifelse(inside, line.person_id, ibis.null()).nunique()
    before = (line.event_at > tables.ago(YEAR_BEFORE[0])) & (line.event_at <= tables.ago(YEAR_BEFORE[1]))
    made["ddds_before"] = ibis.ifelse(before, line.ddds, ibis.null()).sum()
    drug = line.group_by(key, "item_code").aggregate(**made, event_at=line.event_at.max())
    of_key = ibis.window(group_by=key)
    drug = drug.mutate(**{f"whole{span}": drug[f"amount{span}"].sum().over(of_key) for span in SPANS})
    drug = joined(drug.inner_join(_visits(line, tables, key), key))
    drug = drug.filter(drug.patients >= MIN_PATIENTS)
    return drug.mutate(entity_id=pair_id(drug[key], drug.item_code))


def _visits(line: ir.Table, tables: Tables, key: str) -> ir.Table:
    """Distinct claims with a charged drug by `key`, of each window."""
    made = {
        f"visits{span}": (
            line.claim_id if days is None else ibis.ifelse(recent(tables, line, days), line.claim_id, ibis.null())
        ).nunique()
        for span, days in SPANS.items()
    }
    before = (line.event_at > tables.ago(YEAR_BEFORE[0])) & (line.event_at <= tables.ago(YEAR_BEFORE[1]))
    made["visits_before"] = ibis.ifelse(before, line.claim_id, ibis.null()).nunique()
    return line.group_by(key).aggregate(**made)
