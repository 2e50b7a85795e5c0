"""Official vehicles quarter by quarter: fuel for the distance, held against vehicles of like norm in the season."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from features.measures.declare import Behind, Entity, Rows, View, ratio
from features.measures.tables import Tables, banded, civil, joined, pair_id
from features.measures.vehicle import attributes as vehicles
from features.measures.vehicle import costs, kept
from gnomon.terms import Text

NORMS = (8, 10, 12, 15)
"""Litres per 100 km that part vehicles into bands."""
LEAST_KM = 300


def of_quarter(table: ir.Table) -> ir.Table:
    """The rows under vehicle and quarter instead of the vehicle."""
    day = civil(table.event_at)
    season = "Q" + day.quarter().cast("string")
    return table.mutate(
        vehicle=table.entity_id, season=season,
        entity_id=pair_id(table.entity_id, day.year().cast("string") + season),
    )  # fmt: skip


def quarters(tables: Tables) -> ir.Table:
    """One row per trip or expense, by vehicle and quarter."""
    return of_quarter(kept(tables))


def quarter_costs(tables: Tables) -> ir.Table:
    """One row per expense, by vehicle and quarter."""
    return of_quarter(costs(tables))


def attributes(tables: Tables) -> ir.Table:
    """Vehicle and quarter, with the season, the band of the fuel norm and the unit's level."""
    row = quarters(tables)
    row = row.group_by("entity_id", "vehicle", "season").aggregate(norm=row.fuel_norm.max())
    known = vehicles(tables).select("level", vehicle="entity_id")
    row = joined(row.left_join(known, "vehicle").drop("vehicle_right"))
    return row.select("entity_id", "season", "level", "vehicle", norm=banded(row.norm, NORMS), name="vehicle")


VEHICLE_QUARTER = Entity(
    "vehicle_quarter",
    Text("公务用车季度", "vehicle in a quarter"),
    attributes,
    peers=(("norm", "season", "level"), ("norm", "season"), ("norm",), ()),
    attribute_titles={
        "norm": Text("油耗定额", "fuel norm"),
        "level": Text("单位级别", "level of the unit"),
        "season=Q1": Text("一季度", "first quarter"),
        "season=Q2": Text("二季度", "second quarter"),
        "season=Q3": Text("三季度", "third quarter"),
        "season=Q4": Text("四季度", "fourth quarter"),
    },
    tables=("vehicle_trip", "expense"),
)
COSTS = View("costs", quarter_costs, ("expense",), "expense", "expense_id")
QUARTERS = View("quarters", quarters, ("vehicle_trip", "expense"), "expense", "expense_id", rows=COSTS)


@VEHICLE_QUARTER.measure(QUARTERS, Text("百公里油耗", "litres per 100 km"), "L", log=True, behind=Behind())
def litres_per_100km(rows: Rows) -> ir.Value:
    """Litres bought over kilometres driven in the quarter; 300 km at least."""
    km = rows.km.sum()
    return 100 * ratio(rows.litres.sum(), ibis.ifelse(km >= LEAST_KM, km, ibis.null()))


@VEHICLE_QUARTER.measure(QUARTERS, Text("油耗与定额之比", "fuel to its norm"), "x", behind=Behind())
def fuel_to_norm(rows: Rows) -> ir.Value:
    """Litres per 100 km of the quarter over the vehicle's own norm; 300 km at least."""
    km = rows.km.sum()
    used = 100 * ratio(rows.litres.sum(), ibis.ifelse(km >= LEAST_KM, km, ibis.null()))
    return ratio(used, rows.fuel_norm.max())


@VEHICLE_QUARTER.measure(COSTS, Text("车辆支出", "money spent"), "CNY", log=True)
def cost(rows: Rows) -> ir.Value:
    """Money spent on the vehicle in the quarter."""
    return rows.amount.sum()
