"""Villages and towns month by month: spells that begin and end, held against the same month elsewhere and before."""

from __future__ import annotations

import ibis.expr.types as ir

from features.measures.declare import Entity, Rows, View
from features.measures.tables import Tables, civil, joined, pair_id
from features.measures.village import attributes as villages
from features.measures.village import spells
from gnomon.terms import Text


def begun(tables: Tables) -> ir.Table:
    """One row per spell, by village and the month in which it began."""
    row = spells(tables)
    month = civil(row.event_at).strftime("%Y-%m")
    return row.rename(village="entity_id").mutate(
        entity_id=pair_id(row.entity_id, month), season=civil(row.event_at).strftime("%m")
    )


def attributes(tables: Tables) -> ir.Table:
    """Village and month, with the month of the year, the county and the quartile of people."""
    row = begun(tables).select("entity_id", "village", "season").distinct()
    known = villages(tables).select("county", "size", "name", village="entity_id")
    row = joined(row.left_join(known, "village").drop("village_right"))
    return row.select("entity_id", "name", "county", "size", "season", "village")


VILLAGE_MONTH = Entity(
    "village_month",
    Text("村镇救助月度", "village or town in a month"),
    attributes,
    peers=(("county", "season", "size"), ("county", "season"), ("county",), ()),
    attribute_titles={
        "county": Text("县区", "county"),
        "size": Text("人口四分位", "quartile of population"),
        "season": Text("月份", "month"),
    },
    tables=("entitlement",),
)
BEGUN = View("begun", begun, ("entitlement",), "entitlement", "entitlement_id")


@VILLAGE_MONTH.measure(BEGUN, Text("当月新增救助人次", "spells begun"), log=True)
def spells_begun(rows: Rows) -> ir.Value:
    """Spells of dibao or tekun that began in the month."""
    return rows.count()


@VILLAGE_MONTH.share(BEGUN, Text("短期进出占比", "share of short spells"))
def short_spell_share(rows: Rows) -> ir.BooleanValue:
    """Share of the month's ended spells that lasted under 90 days: in for a count, and out again."""
    return rows.short


@VILLAGE_MONTH.share(BEGUN, Text("当日审批占比", "share approved on the day"))
def same_day_share(rows: Rows) -> ir.BooleanValue:
    """Share of the month's spells approved on the day that they were applied for."""
    return rows.same_day
