"""Monitored outlets: readings that stand still, stop just under the limit, or fall out when it matters."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from features.measures.declare import MONTHLY, Behind, Entity, Rows, View, correlation, ratio
from features.measures.prescribing import is_blank
from features.measures.tables import Tables, joined, pair_id
from gnomon.terms import Direction, Text

BAND = 0.1
"""Share of the limit on either side of it within which readings bunch."""
HOURS = 24
"""Readings from which a habit shows."""


def readings(tables: Tables) -> ir.Table:
    """One row per hourly reading, with the run of equal values that it stands in."""
    row = tables.env_reading
    row = row.filter(~is_blank(row.site_id) & ~is_blank(row.pollutant))
    row = row.mutate(entity_id=pair_id(row.site_id, row.pollutant))
    order = ibis.window(group_by="entity_id", order_by="measured_at")
    fresh = (row.value != row.value.lag().over(order)).fill_null(True)
    row = row.mutate(fresh=ibis.ifelse(row.value.isnull(), ibis.null(), fresh.cast("int64")))
    row = row.mutate(run=row.fresh.sum().over(ibis.cumulative_window(group_by="entity_id", order_by="measured_at")))
    equal = row.value.count().over(ibis.window(group_by=["entity_id", "run"]))
    to_limit = row.value / row.limit_value.nullif(0.0)
    usual = row.flow.median().over(ibis.window(group_by="entity_id"))
    busy = row.flow > usual
    valid = row.flag.isnull() | (row.flag == "ok")
    out = row.value.isnull() | ~valid
    return row.select(
        "entity_id", "event_at", "value", "flow", "power_kwh", "org_id", "pollutant", "site_id",
        reading=pair_id(row.site_id, row.measured_at.strftime("%Y-%m-%dT%H")),
        flat=ibis.ifelse(row.value > 0, equal, ibis.null()),
        under=ibis.ifelse(to_limit.between(1 - BAND, 1 + BAND), to_limit <= 1, ibis.null()),
        over=ibis.ifelse(valid, to_limit > 1, ibis.null()),
        out=out,
        busy_out=ibis.ifelse(busy, out, ibis.null()),
        serviced=row.flag.isin(["calibration", "maintenance", "fault"]),
    )  # fmt: skip


def attributes(tables: Tables) -> ir.Table:
    """Site and pollutant, with two digits of the firm's industry."""
    row = tables.env_reading
    row = row.group_by("site_id", "pollutant").aggregate(org_id=row.org_id.max())
    body = tables.organization
    body = body.select("org_id", "name", industry=body.industry_code.re_extract(r"(\d{2})", 1).nullif(""))
    row = joined(row.left_join(body, "org_id").drop("org_id_right"))
    return row.select(
        "pollutant", "industry", entity_id=pair_id(row.site_id, row.pollutant), firm="org_id",
        name=ibis.coalesce(row.name, row.site_id) + " / " + row.pollutant,
    )  # fmt: skip


OUTLET = Entity(
    "outlet",
    Text("排放口", "outlet"),
    attributes,
    peers=(("pollutant", "industry"), ("pollutant",), ()),
    attribute_titles={"pollutant": Text("污染因子", "pollutant"), "industry": Text("行业", "industry")},
    tables=("env_reading",),
)
READINGS = View("readings", readings, ("env_reading",), "env_reading", "reading")
FLAT = Behind(weigh=lambda rows: rows.flat)


@OUTLET.measure(
    READINGS, Text("最长恒值时长", "longest run of equal values"), "h", windows=MONTHLY, log=True, behind=FLAT
)
def flat_hours_max(rows: Rows) -> ir.Value:
    """Hours of the longest run of the same value above zero."""
    return rows.flat.max()


@OUTLET.share(READINGS, Text("贴限达标占比", "share just under the limit"), windows=MONTHLY, at_least=HOURS)
def near_limit_share(rows: Rows) -> ir.BooleanValue:
    """Share, of the readings within a tenth of the limit, at or under it; a day's readings at least. Half is even.

    Bunching at a threshold: McCrary (2008), "Manipulation of the running variable", J. Econometrics 142, 698-714.
    """
    return rows.under


@OUTLET.share(READINGS, Text("超标占比", "share over the limit"), windows=MONTHLY)
def over_limit_share(rows: Rows) -> ir.BooleanValue:
    """Share of the valid readings over the limit."""
    return rows.over


@OUTLET.share(READINGS, Text("缺测停运占比", "share missing or out of service"), windows=MONTHLY)
def out_share(rows: Rows) -> ir.BooleanValue:
    """Share of the hours without a value or flagged as calibration, maintenance or fault."""
    return rows.out


@OUTLET.share(READINGS, Text("大流量时缺测占比", "share missing at high flow"), windows=MONTHLY)
def busy_out_share(rows: Rows) -> ir.BooleanValue:
    """The same over the hours whose flow is above the outlet's median: instruments that fail when they matter."""
    return rows.busy_out


@OUTLET.measure(READINGS, Text("单位流量治污用电", "power per flow"), "kWh", Direction.LOW, MONTHLY, log=True)
def power_per_flow(rows: Rows) -> ir.Value:
    """Electricity of the treatment plant over the flow; low: water that nobody cleaned."""
    known = ibis.ifelse(rows.flow.notnull(), rows.power_kwh, ibis.null())
    return ratio(known.sum(), ibis.ifelse(rows.power_kwh.notnull(), rows.flow, ibis.null()).sum())


@OUTLET.measure(READINGS, Text("读数离散度", "variation of the readings"), "%", Direction.LOW, MONTHLY)
def reading_cv(rows: Rows) -> ir.Value:
    """Standard deviation over mean of the readings; a day's at least."""
    cv = ratio(rows.value.std(how="sample"), rows.value.mean())
    return ibis.ifelse(rows.value.count() >= HOURS, cv, ibis.null())


@OUTLET.measure(READINGS, Text("流量浓度相关", "correlation of flow and reading"), "", Direction.LOW, behind=Behind())
def flow_correlation(rows: Rows) -> ir.Value:
    """Pearson correlation of flow and reading over the hours that tell both; a day's at least."""
    x = ibis.ifelse(rows.value.notnull(), rows.flow, ibis.null())
    y = ibis.ifelse(rows.flow.notnull(), rows.value, ibis.null())
    return ibis.ifelse(x.count() >= HOURS, correlation(x, y), ibis.null())
