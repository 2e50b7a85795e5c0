"""Official vehicles: trips, distance, and fuel for it."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from features.measures.declare import RECENT, Behind, Entity, Rows, View, ratio, share
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


@VEHICLE.measure(TRIPS, Text("周末出车占比", "share on weekends"), "%", behind=Behind(where=lambda r: r.weekend))
def weekend_share(rows: Rows) -> ir.Value:
    """Share of the trips begun on a Saturday or Sunday."""
    return share(rows.weekend)


@VEHICLE.measure(TRIPS, Text("夜间出车占比", "share at night"), "%", behind=Behind(where=lambda r: r.night))
def night_share(rows: Rows) -> ir.Value:
    """Share of the trips begun between 22:00 and 06:00."""
    return share(rows.night)


@VEHICLE.measure(TRIPS, Text("无派车单占比", "share without an order"), "%", behind=Behind(where=lambda r: r.unordered))
def unordered_share(rows: Rows) -> ir.Value:
    """Share of the trips without an order."""
    return share(rows.unordered)


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
