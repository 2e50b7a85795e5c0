"""Prescribers without a post where they prescribe, and drugs whose norm one single line exceeds."""

from __future__ import annotations

import ibis.expr.types as ir

from features.measures.declare import Behind, Rows, View, ratio
from features.measures.institution import INSTITUTION
from features.measures.institution_drugs import LINES as INSTITUTION_LINES
from features.measures.institution_drugs import institution_drugs
from features.measures.practitioner import LINES as PRACTITIONER_LINES
from features.measures.practitioner import PRACTITIONER, practitioner_drugs
from features.measures.prescribing import is_blank
from features.measures.tables import Tables, civil, joined
from gnomon.terms import Direction, Text


def posted(tables: Tables) -> ir.Table:
    """One row per prescribed line with a named prescriber, and whether it held no post at the institution that day."""
    line = tables.prescription
    line = line.filter(~is_blank(line.prescriber_id) & ~is_blank(line.institution_id))
    line = line.mutate(day=civil(line.prescribed_at))
    post = tables.position.select("valid_from", "valid_to", prescriber_id="person_id", institution_id="org_id")
    on = ["prescriber_id", "institution_id"]
    held = joined(line.select("rx_id", "rx_line", "day", *on).inner_join(post, on))
    begun = held.valid_from.isnull() | (held.valid_from <= held.day)
    held = held.filter(begun & (held.valid_to.isnull() | (held.day < held.valid_to)))
    held = held.select("rx_id", "rx_line", held=True).distinct()
    keys = ["rx_id", "rx_line"]
    line = joined(line.left_join(held, keys).drop(*(f"{name}_right" for name in keys)))
    return line.select("rx_id", "event_at", "prescriber_id", "institution_id", postless=line.held.isnull())


def of_institution(tables: Tables) -> ir.Table:
    """The same by institution."""
    return posted(tables).rename(entity_id="institution_id")


def of_practitioner(tables: Tables) -> ir.Table:
    """The same by prescriber."""
    return posted(tables).rename(entity_id="prescriber_id")


def _furthest(drug: ir.Table) -> ir.Table:
    """One row per entity and drug that is furthest over its norm, with its volume and its largest line."""
    return drug.filter(drug.furthest_patients.notnull()).select("entity_id", "item_code", "volume", "top", "event_at")


def furthest_of_institution(tables: Tables) -> ir.Table:
    """The drug of each institution that `rx_times_norm` speaks of."""
    return _furthest(institution_drugs(tables))


def furthest_of_practitioner(tables: Tables) -> ir.Table:
    """The drug of each practitioner that `rx_times_norm` speaks of."""
    return _furthest(practitioner_drugs(tables))


NEEDS = ("prescription", "position")
BY_LINE = ("rx_id", "rx_line")
INSTITUTION_POSTS = View(
    "posts", of_institution, NEEDS, "prescription", "rx_id", by=BY_LINE, entity=("institution_id",)
)
PRACTITIONER_POSTS = View(
    "posts", of_practitioner, NEEDS, "prescription", "rx_id", by=BY_LINE, entity=("prescriber_id",)
)
INSTITUTION_TOP = View(
    "furthest", furthest_of_institution, ("prescription",), "prescription", "rx_id", rows=INSTITUTION_LINES,
    shares=("item_code",),
)  # fmt: skip
PRACTITIONER_TOP = View(
    "furthest", furthest_of_practitioner, ("prescription",), "prescription", "rx_id", rows=PRACTITIONER_LINES,
    shares=("item_code",),
)  # fmt: skip
NO_POST = Text("无任职处方占比", "share by prescribers without a post")
TOP_LINE = Text("最大一行占最超常药品用量比", "share of the largest line of the drug furthest over its norm")


def no_post_share(rows: Rows) -> ir.BooleanValue:
    """Share of the lines of a named prescriber that held no post at the institution on the day."""
    return rows.postless


def rx_top_line_share(rows: Rows) -> ir.Value:
    """Volume of the largest line over all of the drug that `rx_times_norm` speaks of: a slip of the key is one line."""
    return ratio(rows.top.max(), rows.volume.max())


for _entity, _posts, _top in (
    (INSTITUTION, INSTITUTION_POSTS, INSTITUTION_TOP),
    (PRACTITIONER, PRACTITIONER_POSTS, PRACTITIONER_TOP),
):
    _entity.share(_posts, NO_POST)(no_post_share)
    _entity.measure(_top, TOP_LINE, "%", Direction.NONE, behind=Behind())(rx_top_line_share)
