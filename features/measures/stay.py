"""Stays: days without care, on leave, spent on beds and examinations, and traces of the patient elsewhere."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from features.measures.declare import Behind, Entity, Rows, View, ratio, span
from features.measures.institution_claims import settled
from features.measures.tables import Tables, civil, joined
from gnomon.terms import Direction, Text

EDGE = ibis.interval(hours=12)
"""Events this near to the ends of a stay are on the way there or home."""
EXAM = ("检验", "检查", "化验", "造影", "超声", "CT", "MRI", "磁共振", "X线", "心电")
"""Words in a service's name that make it an examination."""


def attributes(tables: Tables) -> ir.Table:
    """Stays with the diagnosis (three characters, chapter), ten years of age and sex of the patient."""
    person = tables.person.select("person_id", "sex", "birth_date")
    stay = joined(tables.admission.left_join(person, "person_id").drop("person_id_right"))
    years = span(stay.admit_at, stay.birth_date.cast("timestamp")) / 365.25
    return stay.select(
        "sex", entity_id="admission_id", name=ibis.null("string"), institution="institution_id",
        dx=stay.dx_primary.substr(0, 3).nullif(""), chapter=stay.dx_primary.substr(0, 1).nullif(""),
        age=((years / 10).floor().cast("int64") * 10).cast("string"),
    )  # fmt: skip


STAY = Entity(
    "stay",
    Text("住院", "stay"),
    attributes,
    peers=(("chapter", "dx", "age", "sex"), ("chapter", "dx"), ("chapter",), ()),
    attribute_titles={
        "dx": Text("主诊断", "diagnosis"),
        "chapter": Text("诊断大类", "chapter"),
        "age": Text("年龄段", "age from"),
        "sex=M": Text("男性", "men"),
        "sex=F": Text("女性", "women"),
    },
    tables=("admission",),
)


def stays(tables: Tables) -> ir.Table:
    """One row per stay."""
    stay = tables.admission
    out = ibis.ifelse(stay.discharge_at <= tables.now, stay.discharge_at, ibis.null())
    return stay.select("admission_id", "event_at", entity_id="admission_id", nights=span(out, stay.admit_at))


def logged(tables: Tables) -> ir.Table:
    """One row per logged day, the first and the last day of the stay left out."""
    stay = tables.admission.select("admission_id", "admit_at", "discharge_at")
    day = joined(tables.inpatient_day.inner_join(stay, "admission_id"))
    inner = (day.day > civil(day.admit_at)) & (day.discharge_at.isnull() | (day.day < civil(day.discharge_at)))
    known = day.n_treatments.notnull() | day.n_vitals.notnull()
    away = day.on_leave.fill_null(False)
    idle = (day.n_treatments.fill_null(0) == 0) & (day.n_vitals.fill_null(0) <= 1)
    return day.select(
        "admission_id", "event_at", entity_id="admission_id", leave=day.on_leave,
        idle=ibis.ifelse(inner & known & ~away, idle, ibis.null()),
    )  # fmt: skip


def charges(tables: Tables) -> ir.Table:
    """One row per charged line of a stay."""
    claim = settled(tables)
    claim = claim.filter(claim.admission_id.notnull()).select("claim_id", "admission_id")
    line = joined(tables.claim_item.inner_join(claim, "claim_id"))
    item = tables.catalog_item.select("item_code", "item_kind", "name")
    line = joined(line.left_join(item, "item_code").drop("item_code_right"))
    exam = (line.item_kind == "service") & ibis.or_(*(line.name.contains(word) for word in EXAM))
    return line.select(
        "line_id", "amount", "event_at", entity_id="admission_id", exam=ibis.ifelse(exam, line.amount, 0.0),
        bed=ibis.ifelse((line.item_kind == "facility") | line.name.contains("床位"), line.amount, 0.0),
        therapy=ibis.ifelse(
            line.item_kind.isin(["drug", "consumable"]) | ((line.item_kind == "service") & ~exam), line.amount, 0.0
        ),
    )  # fmt: skip


def elsewhere(tables: Tables) -> ir.Table:
    """One row per trace that the patient left at another place inside a stay."""
    stay = tables.admission
    stay = stay.filter((stay.admit_route != "transfer").fill_null(True)).select(
        "admission_id", "person_id", "admit_at", at="institution_id",
        leaves=ibis.coalesce(stay.discharge_at, tables.now),
    )  # fmt: skip
    claim = settled(tables)
    claim = claim.filter(claim.claim_type.isin(["outpatient", "pharmacy"]) & claim.auth_method.isin(["face", "card"]))
    trace = ibis.union(
        claim.select("person_id", "event_at", key="claim_id", place="institution_id", moment="service_from"),
        tables.admission.select("person_id", "event_at", key="admission_id", place="institution_id", moment="admit_at"),
        tables.vehicle_trip.select(
            "event_at", person_id="driver_id", key="trip_id", place="asset_id", moment="start_at"
        ).select("person_id", "event_at", "key", "place", "moment"),
    )
    pair = joined(trace.inner_join(stay, "person_id"))
    inside = (pair.moment > pair.admit_at + EDGE) & (pair.moment < pair.leaves - EDGE) & (pair.place != pair["at"])
    left = tables.inpatient_day
    left = left.filter(left.on_leave).select("admission_id", day="day")
    pair = pair.filter(inside).mutate(day=civil(pair.moment))
    pair = pair.anti_join(left, ["admission_id", "day"])
    found = pair.select("admission_id", "event_at", "key", entity_id="admission_id", trace=ibis.literal(1))
    # A stay without a trace has none, and not an unknown number of them.
    every = tables.admission.select(
        "admission_id", "event_at", key="admission_id", entity_id="admission_id", trace=ibis.literal(0)
    )
    return ibis.union(found, every)


STAYS = View("stays", stays, ("admission",), "admission", "admission_id")
DAYS = View("days", logged, ("admission", "inpatient_day"), "inpatient_day", "admission_id")
CHARGES = View("charges", charges, ("admission", "claim", "claim_item", "catalog_item"), "claim_item", "line_id")
ELSEWHERE = View("elsewhere", elsewhere, ("admission", "claim"), "claim", "key")


@STAY.measure(STAYS, Text("住院天数", "nights"), "days", Direction.NONE, log=True)
def nights(rows: Rows) -> ir.Value:
    """Days between admission and discharge."""
    return rows.nights.max()


@STAY.share(DAYS, Text("无诊疗记录日占比", "share of days without care"))
def no_care_day_share(rows: Rows) -> ir.BooleanValue:
    """Share of the logged days, first and last and leave left out, with no treatment and one vital sign at most."""
    return rows.idle


@STAY.share(DAYS, Text("请假日占比", "share of days on leave"))
def leave_day_share(rows: Rows) -> ir.BooleanValue:
    """Share of the logged days on which the patient was on leave."""
    return rows.leave


@STAY.measure(CHARGES, Text("床位费占比", "share of bed fees"), "%")
def bed_share(rows: Rows) -> ir.Value:
    """Bed and facility fees over all that was charged."""
    return ratio(rows.bed.sum(), rows.amount.sum())


@STAY.measure(CHARGES, Text("检查检验占比", "share of examinations"), "%", behind=Behind(weigh=lambda rows: rows.exam))
def exam_share(rows: Rows) -> ir.Value:
    """Examinations and laboratory tests (services named so) over all that was charged."""
    return ratio(rows.exam.sum(), rows.amount.sum())


@STAY.measure(CHARGES, Text("治疗用药占比", "share of therapy"), "%", Direction.LOW)
def therapy_share(rows: Rows) -> ir.Value:
    """Drugs, consumables and services other than examinations over all that was charged."""
    return ratio(rows.therapy.sum(), rows.amount.sum())


@STAY.measure(ELSEWHERE, Text("住院期间他处踪迹数", "traces elsewhere"), behind=Behind(where=lambda r: r.trace > 0))
def elsewhere_events(rows: Rows) -> ir.Value:
    """Claims by face or card, stays and drives at another place, twelve hours inside the stay and not on leave."""
    return rows.trace.sum()
