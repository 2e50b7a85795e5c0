"""Scenes at a unit: warnings that come in there, beside its own past and beside other units of the scene."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from features.measures.declare import MONTHLY, Entity, Rows, View, ratio
from features.measures.prescribing import is_blank
from features.measures.supervised import cases
from features.measures.tables import Tables, joined, pair_id
from gnomon.terms import Direction, Text

FEWEST = 12
"""Earlier warnings from which silence is a word."""


def warned(tables: Tables) -> ir.Table:
    """The cases that came of a model's warning, by unit and scene."""
    case = cases(tables)
    case = case.filter(case.warned & ~is_blank(case.owner_org_id))
    return case.mutate(entity_id=pair_id(case.owner_org_id, case.scene))


def attributes(tables: Tables) -> ir.Table:
    """Unit and scene, with the unit's level."""
    pair = warned(tables).select("entity_id", "owner_org_id", "scene").distinct()
    body = tables.organization.select("level", "name", owner_org_id="org_id")
    pair = joined(pair.left_join(body, "owner_org_id").drop("owner_org_id_right"))
    return pair.select(
        "entity_id", "scene", "level", unit="owner_org_id",
        name=ibis.coalesce(pair.name, pair.owner_org_id) + " / " + pair.scene,
    )  # fmt: skip


UNIT_SCENE = Entity(
    "unit_scene",
    Text("单位场景预警", "warnings of a scene at a unit"),
    attributes,
    peers=(("scene", "level"), ("scene",), ()),
    attribute_titles={"scene": Text("场景", "scene"), "level": Text("单位级别", "level of the unit")},
    tables=("supervised_case",),
)
WARNED = View("warned", warned, ("supervised_case",), "supervised_case", "case_id")


@UNIT_SCENE.measure(WARNED, Text("预警数", "warnings"), "", Direction.LOW, MONTHLY, log=True)
def warnings_count(rows: Rows) -> ir.Value:
    """Warnings that became a case. Low: a model or a feed that went quiet."""
    return rows.count()


@UNIT_SCENE.measure(WARNED, Text("近期预警与自身基线之比", "recent warnings to own past"), "x", Direction.LOW)
def warnings_to_past(rows: Rows) -> ir.Value:
    """Warnings a day of the last 30 days over those of the year before them; twelve earlier ones at least."""
    before = rows.last(395, 30).count()
    return ratio(rows.last(30).count() / 30, ibis.ifelse(before >= FEWEST, before, ibis.null()) / 365)


@UNIT_SCENE.share(WARNED, Text("查实占比", "share confirmed"), suspicious=Direction.LOW)
def founded_share(rows: Rows) -> ir.BooleanValue:
    """Share of the closed cases that were not closed as unfounded or without action."""
    return ~rows.unfounded
