"""Institutions: stays that needed no bed, beds and machines beyond what there is, lines charged twice or unduly."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from features.measures.declare import Behind, Rows, View, span
from features.measures.institution import INSTITUTION
from features.measures.institution_claims import settled
from features.measures.prescribing import is_blank
from features.measures.stay import charges
from features.measures.tables import Tables, civil, joined
from gnomon.terms import Text

LIGHT = 0.2
"""Quantile of the region's case weights up to which a stay is light."""
EXAMS = 0.6
"""Share of examinations and bed fees in the bill from which a stay was for them."""


def severity(tables: Tables) -> ir.Table:
    """One row per stay, whether it was light, and how often stays of like age and chapter are elsewhere."""
    stay = tables.admission
    stay = stay.filter(~is_blank(stay.institution_id))
    person = tables.person.select("person_id", "birth_date")
    stay = joined(stay.left_join(person, "person_id").drop("person_id_right"))
    body = tables.organization.select("region_code", institution_id="org_id")
    stay = joined(stay.left_join(body, "institution_id").drop("institution_id_right"))
    bill = charges(tables)
    bill = bill.group_by("entity_id").aggregate(part=(bill.exam + bill.bed).sum() / bill.amount.sum().nullif(0.0))
    stay = joined(stay.left_join(bill.rename(admission_id="entity_id"), "admission_id").drop("admission_id_right"))
    line = stay.drg_weight.quantile(LIGHT).over(ibis.window(group_by="region_code"))
    told = stay.drg_weight.notnull() & stay.part.notnull()
    # A stay that does not say its route or grade of complication is not held to be light.
    light = (
        (stay.procedure_codes.length() == 0)
        & (stay.admit_route != "emergency")
        & (stay.cc_level == "none")
        & (stay.drg_weight <= line)
        & (stay.part >= EXAMS)
    ).fill_null(False)
    stay = stay.mutate(
        light=ibis.ifelse(told, light, ibis.null()), chapter=stay.dx_primary.substr(0, 1),
        decade=(span(stay.admit_at, stay.birth_date.cast("timestamp")) / 3652.5).floor(),
    )  # fmt: skip
    alike = ibis.window(group_by=["decade", "chapter"])
    own = ibis.window(group_by=["decade", "chapter", "institution_id"])
    one = stay.light.cast("float64")
    others = (one.count().over(alike) - one.count().over(own)).nullif(0)
    return stay.select(
        "admission_id", "event_at", entity_id="institution_id", light="light",
        expected=(one.sum().over(alike) - one.sum().over(own)) / others,
    )  # fmt: skip


def beds(tables: Tables) -> ir.Table:
    """One row per admission or discharge, with the patients then in over the beds."""
    stay = tables.admission
    stay = stay.filter(~is_blank(stay.institution_id))
    came = stay.select("admission_id", "event_at", at="admit_at", entity_id="institution_id", step=ibis.literal(1))
    went = stay.filter(stay.discharge_at <= tables.now).select(
        "admission_id", "event_at", at="discharge_at", entity_id="institution_id", step=ibis.literal(-1)
    )
    row = ibis.union(came, went)
    # Who leaves gives the bed free before who comes takes it.
    course = ibis.cumulative_window(group_by="entity_id", order_by=["at", "step", "admission_id"])
    row = row.mutate(inside=row.step.sum().over(course))
    bed = tables.capacity
    bed = bed.filter(bed.resource == "bed").group_by("org_id").aggregate(beds=bed.quantity.max())
    row = joined(row.inner_join(bed.rename(entity_id="org_id"), "entity_id"))
    return row.select("admission_id", "event_at", "entity_id", load=row.inside / row.beds.nullif(0.0))


def machines(tables: Tables) -> ir.Table:
    """One row per institution, resource and day, with the minutes charged over those that there are."""
    claim = settled(tables).select("claim_id", "institution_id")
    line = joined(tables.claim_item.inner_join(claim, "claim_id"))
    item = tables.catalog_item.select("item_code", "std_minutes", resource="required_resource")
    line = joined(line.inner_join(item, "item_code"))
    line = line.filter(line.resource.notnull() & ~is_blank(line.institution_id))
    line = line.mutate(day=civil(line.occurred_at), minutes=line.quantity * line.std_minutes)
    used = line.group_by("institution_id", "resource", "day").aggregate(
        minutes=line.minutes.sum(), line_id=line.line_id.min(), event_at=line.event_at.max()
    )
    have = tables.capacity
    have = have.group_by("org_id", "resource").aggregate(have=(have.quantity * have.daily_minutes).max())
    used = joined(used.inner_join(have.rename(institution_id="org_id"), ["institution_id", "resource"]))
    return used.select("line_id", "event_at", entity_id="institution_id", load=used.minutes / used.have.nullif(0.0))


def lines(tables: Tables) -> ir.Table:
    """One row per charged line: twice in a minute, beside what includes it, restricted without the diagnosis."""
    claim = settled(tables).select("claim_id", "institution_id", "person_id", "dx_codes")
    line = joined(tables.claim_item.inner_join(claim, "claim_id"))
    line = line.filter(~is_blank(line.institution_id))
    line = line.mutate(minute=line.occurred_at.truncate("m"))
    again = line.count().over(ibis.window(group_by=["person_id", "item_code", "minute", "executor_id"]))
    line = line.mutate(again=again)
    item = tables.catalog_item.select("item_code", "is_restricted")
    line = joined(line.left_join(item, "item_code").drop("item_code_right"))
    rule = tables.catalog_rule
    parts = rule.filter(rule.rule_type == "included_in").select("item_code", whole="other_code").distinct()
    wholes = line.select("claim_id", whole="item_code").distinct()
    inside = joined(line.select("line_id", "claim_id", "item_code").inner_join(parts, "item_code"))
    inside = inside.inner_join(wholes, ["claim_id", "whole"]).select("line_id", inside=True).distinct()
    partial = parts.select("item_code", partial=True).distinct()
    needed = rule.filter(rule.rule_type == "dx_required")
    needed = needed.select("item_code", prefix=needed.other_code.re_replace(r"\s", "").split(",").unnest()).distinct()
    asked = needed.select("item_code", asked=True).distinct()
    told = line.select("line_id", "item_code", dx=line.dx_codes.unnest())
    met = joined(told.inner_join(needed, "item_code"))
    met = met.filter(met.dx.startswith(met.prefix)).select("line_id", met=True).distinct()
    for other, key in ((inside, "line_id"), (partial, "item_code"), (asked, "item_code"), (met, "line_id")):
        line = joined(line.left_join(other, key).drop(f"{key}_right"))
    restricted = line.is_restricted.fill_null(False) & line.asked.fill_null(False) & (line.fund_amount > 0)
    return line.select(
        "line_id", "event_at", "amount", entity_id="institution_id",
        twice=ibis.ifelse(line.occurred_at.epoch_seconds() % 3600 == 0, ibis.null(), line.again > 1),
        unbundled=ibis.ifelse(line.partial.fill_null(False), line.inside.fill_null(False), ibis.null()),
        unmet=ibis.ifelse(restricted & line.dx_codes.notnull(), ~line.met.fill_null(False), ibis.null()),
    )  # fmt: skip


BILLED = ("admission", "claim", "claim_item", "catalog_item")
SEVERITY = View("severity", severity, BILLED, "admission", "admission_id")
BEDS = View("beds", beds, ("admission", "capacity"), "admission", "admission_id")
MACHINES = View("machines", machines, ("claim", "claim_item", "catalog_item", "capacity"), "claim_item", "line_id")
RULE_LINES = View("rule_lines", lines, ("claim", "claim_item"), "claim_item", "line_id")
RULED = View("ruled", lines, ("claim", "claim_item", "catalog_rule"), "claim_item", "line_id")
LOADED = Behind(weigh=lambda rows: rows.load)


@INSTITUTION.share(SEVERITY, Text("低指征住院占比", "share of light stays"))
def light_stay_share(rows: Rows) -> ir.BooleanValue:
    """Share of the stays without procedure, emergency or complication, of light weight and mostly examinations."""
    return rows.light


@INSTITUTION.measure(
    SEVERITY, Text("低指征住院与期望之比", "light stays to expected"), "x", behind=Behind(where=lambda r: r.light)
)
def light_stay_ratio(rows: Rows) -> ir.Value:
    """Light stays over those expected from other institutions' stays of like age and chapter.

    Indirect standardisation: Breslow and Day (1987), Statistical Methods in Cancer Research II, chapter 2.
    """
    known = ibis.ifelse(rows.light.notnull() & rows.expected.notnull(), rows.expected, ibis.null())
    found = ibis.ifelse(rows.expected.notnull(), rows.light.cast("float64"), ibis.null())
    return found.sum() / known.sum().nullif(0.0)


@INSTITUTION.measure(BEDS, Text("床位最高使用率", "fullest beds"), "%", behind=LOADED)
def bed_load_max(rows: Rows) -> ir.Value:
    """Most patients in at one moment over the beds that there are."""
    return rows.load.max()


@INSTITUTION.measure(MACHINES, Text("设备人员最高负荷", "fullest machines and staff"), "%", behind=LOADED)
def resource_load_max(rows: Rows) -> ir.Value:
    """Most minutes charged on a resource in a day over the minutes that it has."""
    return rows.load.max()


@INSTITUTION.share(MACHINES, Text("超负荷日占比", "share of days beyond capacity"))
def overload_day_share(rows: Rows) -> ir.BooleanValue:
    """Share of the days and resources with more minutes charged than there are."""
    return rows.load > 1


@INSTITUTION.share(RULE_LINES, Text("同时刻重复收费占比", "share charged twice in a minute"))
def duplicate_line_share(rows: Rows) -> ir.BooleanValue:
    """Share of the lines with person, item, minute and executor of another; lines without a time are left out."""
    return rows.twice


@INSTITUTION.share(RULED, Text("分解收费占比", "share charged beside what includes it"))
def unbundled_line_share(rows: Rows) -> ir.BooleanValue:
    """Share, of the lines for a part of something, charged in one claim with the whole (rule `included_in`)."""
    return rows.unbundled


@INSTITUTION.share(RULED, Text("限定支付不符占比", "share of restricted items without the diagnosis"))
def restricted_unmet_share(rows: Rows) -> ir.BooleanValue:
    """Share of the lines that the fund paid for a restricted item without a diagnosis that its rule requires."""
    return rows.unmet
