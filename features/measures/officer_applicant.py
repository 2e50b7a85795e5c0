"""Officers and applicants: how fast one officer serves one applicant, beside all applications of the same items."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from features.measures.declare import RECENT, Behind, Entity, Rows, View
from features.measures.officer import approvals
from features.measures.officer import attributes as officers
from features.measures.prescribing import is_blank
from features.measures.tables import Tables, joined, pair_id
from gnomon.terms import Direction, Text

FEWEST = 3
"""Applications from which a habit shows."""


def served(tables: Tables) -> ir.Table:
    """One row per application, by officer and applicant."""
    row = approvals(tables)
    row = row.filter(~is_blank(row.applicant_id)).rename(officer="entity_id")
    return row.mutate(entity_id=pair_id(row.officer, row.applicant_id), speed=ibis.greatest(row.to_usual, 0.01).log())


def attributes(tables: Tables) -> ir.Table:
    """Pairs with the item that the officer decides most."""
    pair = served(tables).select("entity_id", "officer", "applicant_id").distinct()
    known = officers(tables).select("item", "level", officer="entity_id")
    pair = joined(pair.left_join(known, "officer").drop("officer_right"))
    return pair.select("entity_id", "item", "level", "officer", applicant="applicant_id", name="applicant_id")


OFFICER_APPLICANT = Entity(
    "officer_applicant",
    Text("审批人员与申请人", "officer and applicant"),
    attributes,
    peers=(("item", "level"), ("item",), ()),
    attribute_titles={"item": Text("审批事项", "item"), "level": Text("级别", "level")},
    tables=("approval",),
)
SERVED = View("served", served, ("approval",), "approval", "approval_id")


@OFFICER_APPLICANT.measure(SERVED, Text("办件数", "applications"), "", Direction.NONE, RECENT)
def approvals_count(rows: Rows) -> ir.Value:
    """Applications of the applicant that the officer handled."""
    return rows.count()


@OFFICER_APPLICANT.measure(
    SERVED,
    Text("办理速度对数偏差", "log speed to the item"),
    "",
    Direction.LOW,
    behind=Behind(weigh=lambda r: -r.speed),
)
def speed_log_mean(rows: Rows) -> ir.Value:
    """Mean log of days over the median of the item everywhere; three decided at least. Low: favoured."""
    return ibis.ifelse(rows.speed.count() >= FEWEST, rows.speed.mean(), ibis.null())


@OFFICER_APPLICANT.share(SERVED, Text("停表占比", "share of stopped clocks"), at_least=FEWEST)
def clock_stopped_share(rows: Rows) -> ir.BooleanValue:
    """Share of the applications that were suspended or sent back for supplements twice; three at least."""
    return rows.stopped
