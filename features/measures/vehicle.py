"""Official vehicles: trips, distance, and fuel for it."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from features.measures.declare import RECENT, Behind, Entity, Rows, View, ratio
from features.measures.tables import Tables, civil, joined, local
from gnomon.terms import Text


def attributes(tables: Tables) -> ir.Table:
    """Vehicles that drove or cost something, with the level of the unit that paid for them."""
    paid = tables.expense.filter(ibis._.asset_id.notnull())
    seen = ibis.union(
        tables.vehicle_trip.select(entity_id="asset_id"), paid.select(entity_id="asset_id"), distinct=True
    )
    unit = paid.group_by("asset_id").aggregate(org_id=paid.org_id.min())
    body = tables.organization.select("org_id", "level")
    unit = joined(unit.left_join(body, "org_id")).select("level", "org_id", entity_id="asset_id")
    known = joined(seen.left_join(unit, "entity_id"))
    return known.select("entity_id", "level", name=ibis.null("string"), unit="org_id")


VEHICLE = Entity(
    "vehicle",
    Text("公务用车", "vehicle"),
    attributes,
    peers=(("level",), ()),
    attribute_titles={"level": Text("单位级别", "level of the unit")},
    tables=("vehicle_trip", "expense"),
)


def trips(tables: Tables) -> ir.Table:
    """One row per trip."""
    trip = tables.vehicle_trip
    hour = local(trip.start_at).hour()
    return trip.select(
        "trip_id", "event_at", entity_id="asset_id", km="distance_km",
        weekend=civil(trip.start_at).day_of_week.index() >= 5, night=(hour >= 22) | (hour < 6),
        unordered=trip.order_id.isnull() | (trip.order_id == ""),
    )  # fmt: skip


def running(tables: Tables) -> ir.Table:
    """One row per trip or expense: what the vehicle drove, drank and cost."""
    paid = tables.expense.filter(ibis._.asset_id.notnull())
    driven = tables.vehicle_trip.select(
        "event_at", entity_id="asset_id", key="trip_id", km="distance_km", litres=ibis.null("float64"),
        amount=ibis.null("float64"),
    )  # fmt: skip
    cost = paid.select(
        "event_at", entity_id="asset_id", key="expense_id", km=ibis.null("float64"), litres="litres", amount="amount"
    )
    return ibis.union(driven, cost)


def costs(tables: Tables) -> ir.Table:
    """One row per expense on a vehicle."""
    return tables.expense.filter(ibis._.asset_id.notnull()).mutate(entity_id=ibis._.asset_id)


TRIPS = View("trips", trips, ("vehicle_trip",), "vehicle_trip", "trip_id")
COSTS = View("costs", costs, ("expense",), "expense", "expense_id")
RUNNING = View("running", running, ("vehicle_trip", "expense"), "expense", "expense_id", rows=COSTS)
BY_KM = Behind(weigh=lambda rows: rows.km)


@VEHICLE.measure(TRIPS, Text("出车次数", "trips"), windows=RECENT, log=True, behind=BY_KM)
def trips_count(rows: Rows) -> ir.Value:
    """Trips."""
    return rows.count()


@VEHICLE.measure(TRIPS, Text("行驶里程", "distance"), "km", windows=RECENT, log=True, behind=BY_KM)
def distance_km(rows: Rows) -> ir.Value:
    """Kilometres of all trips."""
    return rows.km.sum()


@VEHICLE.share(TRIPS, Text("周末出车占比", "share on weekends"))
def weekend_share(rows: Rows) -> ir.BooleanValue:
    """Share of the trips begun on a Saturday or Sunday."""
    return rows.weekend


@VEHICLE.share(TRIPS, Text("夜间出车占比", "share at night"))
def night_share(rows: Rows) -> ir.BooleanValue:
    """Share of the trips begun between 22:00 and 06:00."""
    return rows.night


@VEHICLE.share(TRIPS, Text("无派车单占比", "share without an order"))
def unordered_share(rows: Rows) -> ir.BooleanValue:
    """Share of the trips without an order."""
    return rows.unordered


@VEHICLE.measure(RUNNING, Text("百公里油耗", "litres per 100 km"), "L", windows=RECENT, log=True)
def litres_per_100km(rows: Rows) -> ir.Value:
    """Litres bought over kilometres driven; a thousand kilometres at least."""
    km = rows.km.sum()
    return 100 * ratio(rows.litres.sum(), ibis.ifelse(km >= 1000, km, ibis.null()))


@VEHICLE.measure(RUNNING, Text("百公里费用", "cost per 100 km"), "CNY", windows=RECENT, log=True)
def cost_per_100km(rows: Rows) -> ir.Value:
    """Money spent on the vehicle over kilometres driven; a thousand kilometres at least."""
    km = rows.km.sum()
    return 100 * ratio(rows.amount.sum(), ibis.ifelse(km >= 1000, km, ibis.null()))


def kept(tables: Tables) -> ir.Table:
    """One row per trip or expense beside the norms of the vehicle: what it may drink and hold."""
    norm = tables.public_asset.select("fuel_norm", "tank_litres", entity_id="asset_id")
    row = joined(running(tables).left_join(norm, "entity_id").drop("entity_id_right"))
    return row.mutate(overfull=ibis.ifelse(row.litres.notnull(), row.litres > 1.05 * row.tank_litres, ibis.null()))


def meters(tables: Tables) -> ir.Table:
    """One row per trip with the odometer's step since the trip before."""
    trip = tables.vehicle_trip
    order = ibis.window(group_by="asset_id", order_by="start_at")
    step = trip.odometer_end - trip.odometer_end.lag().over(order)
    return trip.select(
        "trip_id", "event_at", entity_id="asset_id", step=ibis.ifelse(step >= 0, step, ibis.null()), km="distance_km"
    )


def repairs(tables: Tables) -> ir.Table:
    """One row per trip or repair."""
    driven = tables.vehicle_trip.select(
        "event_at", entity_id="asset_id", key="trip_id", km="distance_km", amount=ibis.null("float64")
    )
    paid = tables.expense
    paid = paid.filter(paid.asset_id.notnull() & (paid.category == "repair"))
    spent = paid.select("event_at", "amount", entity_id="asset_id", key="expense_id", km=ibis.null("float64"))
    return ibis.union(driven, spent.select("event_at", "entity_id", "key", "km", "amount"))


KEPT = View("kept", kept, ("vehicle_trip", "expense", "public_asset"), "expense", "expense_id", rows=COSTS)
METERS = View("meters", meters, ("vehicle_trip",), "vehicle_trip", "trip_id")
REPAIRS = View("repairs", repairs, ("vehicle_trip", "expense"), "expense", "expense_id", rows=COSTS)


@VEHICLE.measure(KEPT, Text("油耗与定额之比", "fuel to its norm"), "x", windows=RECENT, behind=Behind())
def fuel_to_norm(rows: Rows) -> ir.Value:
    """Litres per 100 km over the vehicle's own norm; a thousand kilometres at least."""
    km = rows.km.sum()
    used = 100 * ratio(rows.litres.sum(), ibis.ifelse(km >= 1000, km, ibis.null()))
    return ratio(used, rows.fuel_norm.max())


@VEHICLE.measure(KEPT, Text("超油箱容积加油次数", "refuels over the tank"), windows=RECENT, behind=Behind())
def overfull_refuels(rows: Rows) -> ir.Value:
    """Refuels of more litres than the tank holds, a twentieth allowed."""
    return rows.overfull.sum()


@VEHICLE.measure(METERS, Text("里程表与行程里程差", "odometer over recorded distance"), "%")
def odometer_gap(rows: Rows) -> ir.Value:
    """Kilometres of the odometer's steps over those recorded for the same trips, less one; a hundred at least."""
    km = ibis.ifelse(rows.step.notnull(), rows.km, ibis.null()).sum()
    return ratio(rows.step.sum(), ibis.ifelse(km >= 100, km, ibis.null())) - 1


@VEHICLE.measure(
    REPAIRS, Text("万公里维修费", "repairs per 10,000 km"), "CNY", windows=RECENT, log=True, behind=Behind()
)
def repairs_per_10000km(rows: Rows) -> ir.Value:
    """Money spent on repairs per 10,000 km driven; a thousand kilometres at least."""
    km = rows.km.sum()
    return 10_000 * ratio(rows.amount.sum(), ibis.ifelse(km >= 1000, km, ibis.null()))
