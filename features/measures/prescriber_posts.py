"""Prescribers without a post where they prescribe, and drugs that one single line drives over their norm."""

from __future__ import annotations

from functools import partial

import ibis
import ibis.expr.types as ir

from features.measures.declare import Behind, Rows, View
from features.measures.institution import INSTITUTION
from features.measures.institution_drugs import DRUGS as INSTITUTION_DRUGS
from features.measures.practitioner import DRUGS as PRACTITIONER_DRUGS
from features.measures.practitioner import PRACTITIONER
from features.measures.prescribing import BY_COURSE, is_blank, lines
from features.measures.tables import Tables, joined
from gnomon.terms import Direction, Text

HELD = ("prescriber_id", "institution_id")
"""A post is of a person, at an institution."""


def posted(tables: Tables) -> ir.Table:
    """One row per prescribed line with a named prescriber, and whether it held no post at the institution that day."""
    line = lines(tables)
    line = line.filter(~line.blank).select("event_at", "day", *HELD, *({"rx_id"} & set(line.columns)))
    # Names are read once for each pair, and not for each line.
    pair = line.select(*HELD).distinct()
    line = line.semi_join(pair.filter(~is_blank(pair.institution_id)), list(HELD))
    spell = joined(pair.inner_join(spells(tables), list(HELD))).select(*HELD, "begin", "end")
    on = [line[name] == spell[name] for name in HELD]
    held = line.left_join(spell, [*on, spell.begin <= line.day, line.day < spell.end])
    return held.select(*(line[name] for name in line.columns if name != "day"), postless=spell.begin.isnull())


def spells(tables: Tables) -> ir.Table:
    """One row per prescriber, institution and unbroken time of posts there: from `begin` until before `end`."""
    post = tables.position
    post = post.select(
        prescriber_id="person_id", institution_id="org_id",
        begin=ibis.coalesce(post.valid_from, ibis.date(1, 1, 1)),
        end=ibis.coalesce(post.valid_to, ibis.date(9999, 12, 31)),
    )  # fmt: skip
    until = partial(ibis.window, group_by=list(HELD), order_by=["begin", "end"])
    reached = post.end.max().over(until(preceding=(None, 1)))
    post = post.mutate(new=(reached.isnull() | (post.begin > reached)).cast("int64"))
    post = post.mutate(spell=post.new.sum().over(until(preceding=(None, 0))))
    return post.group_by(*HELD, "spell").aggregate(begin=post.begin.min(), end=post.end.max())


def of_institution(tables: Tables) -> ir.Table:
    """The same by institution."""
    return posted(tables).rename(entity_id="institution_id")


def of_practitioner(tables: Tables) -> ir.Table:
    """The same by prescriber."""
    return posted(tables).rename(entity_id="prescriber_id")


NEEDS = ("prescription", "position")
INSTITUTION_POSTS = View(
    "posts", of_institution, NEEDS, "prescription", "rx_id", by=BY_COURSE, entity=("institution_id",)
)
PRACTITIONER_POSTS = View(
    "posts", of_practitioner, NEEDS, "prescription", "rx_id", by=BY_COURSE, entity=("prescriber_id",)
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
