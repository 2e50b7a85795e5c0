"""Prescribers without a post where they prescribe, and drugs that one single line drives over their norm."""

from __future__ import annotations

import ibis.expr.types as ir

from features.measures.declare import Behind, Rows, View
from features.measures.institution import INSTITUTION
from features.measures.institution_drugs import DRUGS as INSTITUTION_DRUGS
from features.measures.practitioner import DRUGS as PRACTITIONER_DRUGS
from features.measures.practitioner import PRACTITIONER
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


NEEDS = ("prescription", "position")
BY_LINE = ("rx_id", "rx_line")
INSTITUTION_POSTS = View(
    "posts", of_institution, NEEDS, "prescription", "rx_id", by=BY_LINE, entity=("institution_id",)
)
PRACTITIONER_POSTS = View(
    "posts", of_practitioner, NEEDS, "prescription", "rx_id", by=BY_LINE, entity=("prescriber_id",)
)
NO_POST = Text("无任职处方占比", "share by prescribers without a post")
TOP_LINE = Text("最大一行占最超常药品用量比", "share of the largest line of the drug furthest over its norm")


def no_post_share(rows: Rows) -> ir.BooleanValue:
    """Share of the lines of a named prescriber that held no post at the institution on the day."""
    return rows.postless


def rx_top_line_share(rows: Rows) -> ir.Value:
    """Volume of the largest line over all of the drug that `rx_times_norm` speaks of: a slip of the key is one line."""
    return rows.furthest_top.max()


for _entity, _posts, _drugs in (
    (INSTITUTION, INSTITUTION_POSTS, INSTITUTION_DRUGS),
    (PRACTITIONER, PRACTITIONER_POSTS, PRACTITIONER_DRUGS),
):
    _entity.share(_posts, NO_POST)(no_post_share)
    _entity.measure(_drugs, TOP_LINE, "%", Direction.NONE, behind=Behind(weigh=lambda rows: rows.times))(
        rx_top_line_share
    )
