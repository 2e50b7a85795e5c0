"""Practitioners: what a doctor prescribes, to whom and when. Blank and placeholder names are nobody."""

from __future__ import annotations

from functools import partial

import ibis
import ibis.expr.types as ir

from features.measures.declare import RECENT, YEARLY, Behind, Entity, Rows, View, ratio
from features.measures.prescribing import (
    BY_COURSE,
    LINES_KEPT,
    OVERLAP,
    days_supply_overlap_share,
    drugs,
    is_blank,
    lines,
    own_drugs,
)
from features.measures.tables import Tables, joined
from gnomon.terms import Direction, Text

ROLES = ("doctor", "pharmacist")
NONE = Direction.NONE


def posts(tables: Tables) -> ir.Table:
    """The newest medical post of each person, with the level of its institution."""
    post = tables.position
    post = post.filter(post.role.isin(ROLES))
    newest = ibis.window(group_by="person_id", order_by=[ibis.desc("valid_from"), "position_id"])
    post = post.mutate(order=ibis.row_number().over(newest))
    place = tables.organization.select("org_id", "level")
    post = joined(post.filter(post.order == 0).left_join(place, "org_id"))
    return post.select("level", entity_id="person_id", specialty="specialty_code", licence="licence_no", place="org_id")


def attributes(tables: Tables) -> ir.Table:
    """Everybody who prescribes, charges or attends, with specialty and level."""
    seen = ibis.union(
        tables.counted("prescribers", "prescription", ("prescriber_id",), instead=LINES_KEPT).select(
            entity_id="prescriber_id"
        ),
        tables.counted("charging", "claim_item", ("prescriber_id",)).select(entity_id="prescriber_id"),
        tables.counted("attending", "admission", ("attending_id",)).select(entity_id="attending_id"),
        distinct=True,
    )
    seen = seen.filter(~is_blank(seen.entity_id))
    known = joined(seen.left_join(posts(tables), "entity_id"))
    return known.select("entity_id", "specialty", "level", "place", name="licence")


PRACTITIONER = Entity(
    "practitioner",
    Text("医师", "practitioner"),
    attributes,
    peers=(("specialty", "level"), ("specialty",), ()),
    attribute_titles={
        "specialty": Text("专业", "specialty"),
        "level": Text("机构等级", "institution level"),
        "level=0": Text("未定级机构", "unrated institutions"),
        "level=1": Text("一级机构", "level 1 institutions"),
        "level=2": Text("二级机构", "level 2 institutions"),
        "level=3": Text("三级机构", "level 3 institutions"),
    },
    tables=("prescription", "claim", "admission"),
)


def prescriptions(tables: Tables) -> ir.Table:
    """One row per prescribed line with a named prescriber."""
    line = lines(tables)
    return line.filter(~line.blank).mutate(entity_id=ibis._.prescriber_id)


def practitioner_drugs(tables: Tables) -> ir.Table:
    """One row per practitioner and drug; peers share the specialty."""
    known = attributes(tables)
    return drugs(tables, "prescriber_id", known.select("entity_id", peer=known.specialty.fill_null("")))


LINES = View(
    "prescriptions", prescriptions, ("prescription",), "prescription", "rx_id", by=BY_COURSE, entity=("prescriber_id",)
)
MIX = View(
    "mix", partial(own_drugs, key="prescriber_id"), ("prescription",), "prescription", "rx_id", rows=LINES,
    shares=("item_code",), by=("prescriber_id", "item_code"), entity=("prescriber_id",),
)  # fmt: skip
DRUGS = View("drugs", practitioner_drugs, ("prescription",), "prescription", "rx_id", rows=LINES, shares=("item_code",))
TIMES = Behind(weigh=lambda rows: rows.times)


@PRACTITIONER.measure(
    DRUGS,
    Text("处方量为同药常模倍数", "prescription volume to the norm of the drug"),
    "x",
    windows=YEARLY,
    behind=TIMES,
)
def rx_times_norm(rows: Rows) -> ir.Value:
    """Largest ratio, over the drugs, of the volume per patient to the peers' median for the same drug."""
    return rows.times.max()


@PRACTITIONER.measure(
    DRUGS, Text("倍数最高药品的患者数", "patients of the drug furthest over its norm"), "", Direction.NONE
)
def rx_times_norm_patients(rows: Rows) -> ir.Value:
    """Patients of the drug that `rx_times_norm` speaks of."""
    return rows.furthest_patients.max()


@PRACTITIONER.measure(DRUGS, Text("超同药常模药品数", "drugs over their norm"), behind=TIMES)
def rx_times_norm_drugs(rows: Rows) -> ir.Value:
    """Drugs prescribed at five times their norm or more."""
    return (rows.times >= 5.0).sum()


@PRACTITIONER.measure(
    MIX, Text("最大单药处方占比", "share of the commonest drug"), "%", NONE,
    behind=Behind(weigh=lambda rows: rows.lines),
)  # fmt: skip
def top_drug_share(rows: Rows) -> ir.Value:
    """Share of the prescribed lines that are for the commonest drug."""
    return ratio(rows.lines.max(), rows.lines.sum())


@PRACTITIONER.measure(LINES, Text("处方行数", "prescribed lines"), windows=RECENT, log=True)
def rx_lines(rows: Rows) -> ir.Value:
    """Prescribed lines."""
    return rows.count()


@PRACTITIONER.measure(LINES, Text("处方患者数", "patients"), windows=RECENT, log=True)
def rx_patients(rows: Rows) -> ir.Value:
    """Distinct patients."""
    return rows.person_id.nunique()


@PRACTITIONER.measure(LINES, Text("人均处方行数", "lines per patient"), "lines/patient", windows=RECENT, log=True)
def rx_lines_per_patient(rows: Rows) -> ir.Value:
    """Prescribed lines over distinct patients."""
    return ratio(rows.count(), rows.person_id.nunique())


@PRACTITIONER.measure(
    LINES,
    Text("人均DDD数", "DDDs per patient"),
    "DDD/patient",
    windows=RECENT,
    log=True,
    behind=Behind(weigh=lambda r: r.ddds),
)
def ddd_per_patient(rows: Rows) -> ir.Value:
    """Defined daily doses over distinct patients."""
    return ratio(rows.ddds.sum(), ibis.ifelse(rows.ddds.notnull(), rows.person_id, ibis.null()).nunique())


@PRACTITIONER.share(LINES, Text("超说明书最大日剂量占比", "share over the label dose"), windows=RECENT)
def over_max_dose_share(rows: Rows) -> ir.BooleanValue:
    """Share of the lines whose daily dose is over the label's maximum."""
    return rows.over_dose


def places(tables: Tables) -> ir.Table:
    """One row per practitioner and institution prescribed in."""
    place = tables.counted("places", "prescription", ("prescriber_id", "institution_id"), instead=LINES_KEPT)
    place = place.filter(~is_blank(place.prescriber_id))
    return place.select("institution_id", entity_id="prescriber_id")


PLACES = View("places", places, ("prescription",), "prescription", "rx_id", rows=LINES, shares=("institution_id",))


@PRACTITIONER.measure(PLACES, Text("执业机构数", "institutions"))
def institutions(rows: Rows) -> ir.Value:
    """Distinct institutions prescribed in."""
    return rows.institution_id.count()


@PRACTITIONER.share(LINES, Text("夜间处方占比", "share at night"))
def night_share(rows: Rows) -> ir.BooleanValue:
    """Share of the lines prescribed between 22:00 and 06:00; records without a time of day are left out."""
    return rows.night


@PRACTITIONER.share(LINES, Text("周末处方占比", "share on weekends"))
def weekend_share(rows: Rows) -> ir.BooleanValue:
    """Share of the lines prescribed on a Saturday or Sunday."""
    return rows.weekend


PRACTITIONER.measure(LINES, OVERLAP, "%", behind=Behind(weigh=lambda r: r.left_over))(days_supply_overlap_share)


@PRACTITIONER.measure(LINES, Text("处方近期增长", "recent growth"), "x")
def growth(rows: Rows) -> ir.Value:
    """Lines a day in the last 90 days over the same in the year before; twenty earlier lines at least."""
    earlier = rows.last(455, 90).count()
    return ratio(rows.last(90).count() / 90, ibis.ifelse(earlier >= 20, earlier, ibis.null()) / 365)


def days(tables: Tables) -> ir.Table:
    """One row per practitioner and day."""
    line = prescriptions(tables)
    # By patient first: one grouping of all lines, and no distinct values to be counted.
    met = line.group_by("entity_id", "day", "person_id").aggregate(
        event_at=line.event_at.max(),
        first=line.institution_id.min(),
        last=line.institution_id.max(),
    )
    day = met.group_by("entity_id", "day").aggregate(
        patients=met.person_id.count(), event_at=met.event_at.max(),
        first=met["first"].min(), last=met["last"].max(),
    )  # fmt: skip
    return day.mutate(several=day["first"] < day["last"]).drop("first", "last")


DAYS = View(
    "days", days, ("prescription",), "prescription", "rx_id", rows=LINES, shares=("day",),
    by=("prescriber_id", "prescribed_at.day"), entity=("prescriber_id",),
)  # fmt: skip


@PRACTITIONER.measure(
    DAYS,
    Text("单日最多患者", "most patients on a day"),
    windows=RECENT,
    log=True,
    behind=Behind(weigh=lambda r: r.patients),
)
def patients_per_day_max(rows: Rows) -> ir.Value:
    """Distinct patients on the busiest day."""
    return rows.patients.max()


@PRACTITIONER.measure(DAYS, Text("日均患者", "patients a day"), log=True, behind=Behind(weigh=lambda r: r.patients))
def patients_per_day(rows: Rows) -> ir.Value:
    """Mean distinct patients on the days with a prescription."""
    return rows.patients.mean()


@PRACTITIONER.measure(
    DAYS, Text("同日多机构天数", "days in several institutions"), behind=Behind(where=lambda r: r.several)
)
def many_place_days(rows: Rows) -> ir.Value:
    """Days with prescriptions in two institutions or more."""
    return rows.several.sum()


def patients(tables: Tables) -> ir.Table:
    """One row per practitioner and patient."""
    line = prescriptions(tables)
    return line.group_by("entity_id", "person_id").aggregate(lines=line.count(), event_at=line.event_at.max())


PATIENTS = View(
    "patients", patients, ("prescription",), "prescription", "rx_id", rows=LINES, shares=("person_id",),
    by=("prescriber_id", "person_id"), entity=("prescriber_id",),
)  # fmt: skip


@PRACTITIONER.measure(
    PATIENTS, Text("最多患者处方占比", "share of the commonest patient"), "%", behind=Behind(weigh=lambda r: r.lines)
)
def top_patient_share(rows: Rows) -> ir.Value:
    """Share of the lines that are for one patient; ten patients at least."""
    return ratio(rows.lines.max(), ibis.ifelse(rows.count() >= 10, rows.lines.sum(), ibis.null()))
