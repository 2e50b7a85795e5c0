"""Drugs in institutions: how one institution prescribes one drug, beside the others that prescribe it."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from features.measures.declare import YEARLY, Behind, Entity, Rows, View, ratio
from features.measures.drug_charges import charged
from features.measures.institution import INSTITUTION
from features.measures.institution import attributes as institutions
from features.measures.prescribing import BY_COURSE, MIN_PATIENTS, all_lines, frequent, is_blank, lines, of_pairs
from features.measures.tables import Tables, joined, pair_id
from gnomon.terms import Direction, Text

NONE = Direction.NONE
PAIR = ["institution_id", "item_code"]


def seen(tables: Tables) -> ir.Table:
    """Institution and drug pairs with ten patients or more: fewer say nothing about how it is prescribed."""
    pair = frequent(tables, "institution_id")
    return pair.filter(~is_blank(pair.institution_id) & ~is_blank(pair.item_code))


def attributes(tables: Tables) -> ir.Table:
    """Pairs with the drug, and what the institution is."""
    pair = ibis.union(
        seen(tables).select("institution_id", "item_code"),
        charged(tables, "institution_id").select("institution_id", "item_code"),
        distinct=True,
    )
    place = institutions(tables).rename(institution_id="entity_id").drop("name")
    item = tables.catalog_item.select("item_code", "name")
    known = joined(pair.left_join(place, "institution_id").drop("institution_id_right"))
    known = joined(known.left_join(item, "item_code"))
    return known.select(
        "name", "level", "region", entity_id=pair_id(known.institution_id, known.item_code), drug="item_code",
        institution="institution_id",
    )  # fmt: skip


DRUG_INSTITUTION = Entity(
    "drug_institution",
    Text("机构用药", "drug in an institution"),
    attributes,
    peers=(("drug", "level", "region"), ("drug", "level"), ("drug",)),
    attribute_titles={
        "drug": Text("药品", "drug"),
        "region": Text("地区", "region"),
        **{name: title for name, title in INSTITUTION.attribute_titles.items() if name.startswith("level")},
    },
    tables=("prescription", "claim_item"),
)


def pair_lines(tables: Tables) -> ir.Table:
    """One row per prescribed line."""
    line = lines(tables)
    return line.mutate(entity_id=pair_id(line.institution_id, line.item_code))


def dosed(tables: Tables) -> ir.Table:
    """One row per pair, with what its own lines and its prescribers add up to."""
    pair = seen(tables)
    line = of_pairs(lines(tables), pair, "institution_id")
    doses = line.group_by("institution_id", "item_code").aggregate(
        ddds=line.ddds.sum(),
        over=line.over_dose.cast("int64").sum(),
        doses=line.over_dose.count(),
        days=line.days_supply.sum(),
    )
    named = line.filter(~line.blank)
    by = named.group_by("institution_id", "item_code", "prescriber_id").aggregate(n=named.count())
    by = by.group_by("institution_id", "item_code").aggregate(most=by.n.max(), named=by.n.sum(), prescribers=by.count())
    for other in (doses, by):
        pair = joined(pair.left_join(other, PAIR).drop(*(f"{name}_right" for name in PAIR)))
    return pair


def left_over(tables: Tables) -> ir.Table:
    """One row per pair whose patients still had some of the drug, from whichever institution, with how many days."""
    line = lines(tables)
    line = line.filter(line.left_over > 0)
    return line.group_by("institution_id", "item_code").aggregate(left_over=line.left_over.sum())


def pairs(tables: Tables) -> ir.Table:
    """One row per pair, beside all lines of the institution."""
    pair = tables.part("dosed", "prescription", PAIR, dosed)
    supply = tables.part("left_over", "prescription", BY_COURSE, left_over, adds=True)
    pair = joined(pair.left_join(supply, PAIR).drop(*(f"{name}_right" for name in PAIR)))
    pair = joined(pair.left_join(all_lines(tables, "institution_id"), "institution_id").drop("institution_id_right"))
    return pair.mutate(entity_id=pair_id(pair.institution_id, pair.item_code))


LINES = View("lines", pair_lines, ("prescription",), "prescription", "rx_id")
PAIRS = View("pairs", pairs, ("prescription",), "prescription", "rx_id", rows=LINES)


@DRUG_INSTITUTION.measure(PAIRS, Text("处方行数", "prescribed lines"), windows=YEARLY, log=True)
def rx_lines(rows: Rows) -> ir.Value:
    """Prescribed lines of the drug."""
    return rows.lines.sum()


@DRUG_INSTITUTION.measure(PAIRS, Text("患者数", "patients"), windows=YEARLY, log=True)
def rx_patients(rows: Rows) -> ir.Value:
    """Distinct patients of the drug."""
    return rows.patients.sum()


VOLUME = Text("人均用量", "volume per patient")


@DRUG_INSTITUTION.measure(PAIRS, VOLUME, "volume/patient", windows=YEARLY, log=True)
def volume_per_patient(rows: Rows) -> ir.Value:
    """Volume over patients, the heaviest patient left out; ten patients at least in the window."""
    few = ibis.ifelse(rows.patients >= MIN_PATIENTS, rows.patients - 1, ibis.null())
    return ratio(rows.volume - rows.heaviest, few).max()


@DRUG_INSTITUTION.measure(PAIRS, Text("人均处方行数", "lines per patient"), "lines/patient", windows=YEARLY, log=True)
def lines_per_patient(rows: Rows) -> ir.Value:
    """Prescribed lines over distinct patients."""
    return ratio(rows.lines.sum(), rows.patients.sum())


@DRUG_INSTITUTION.measure(PAIRS, Text("占本机构处方比", "share of the institution's lines"), "%", windows=YEARLY)
def line_share(rows: Rows) -> ir.Value:
    """Share of the institution's prescribed lines that are for the drug."""
    return ratio(rows.lines.sum(), rows.whole.max())


@DRUG_INSTITUTION.measure(PAIRS, Text("人均DDD数", "DDDs per patient"), "DDD/patient", log=True)
def ddd_per_patient(rows: Rows) -> ir.Value:
    """Defined daily doses over distinct patients."""
    return ratio(rows.ddds.sum(), rows.patients.sum())


@DRUG_INSTITUTION.rate(PAIRS, Text("超说明书最大日剂量占比", "share over the label dose"))
def over_max_dose_share(rows: Rows) -> tuple[ir.NumericValue, ir.NumericValue]:
    """Share of the lines whose daily dose is over the label's maximum."""
    return rows.over.sum(), rows.doses.sum()


@DRUG_INSTITUTION.measure(PAIRS, Text("供药天数重叠占比", "share of overlapping days of supply"), "%")
def days_supply_overlap_share(rows: Rows) -> ir.Value:
    """Share of the days of supply prescribed while the patient still had as many of the drug."""
    return ratio(rows.left_over.sum().fill_null(0.0), rows.days.sum())


@DRUG_INSTITUTION.measure(PAIRS, Text("最多患者处方占比", "share of the commonest patient"), "%")
def top_patient_share(rows: Rows) -> ir.Value:
    """Share of the lines that are for one patient."""
    return ratio(rows.heaviest_lines.max(), rows.lines.sum())


@DRUG_INSTITUTION.measure(PAIRS, Text("最多医师处方占比", "share of one prescriber"), "%", NONE)
def top_prescriber_share(rows: Rows) -> ir.Value:
    """Share of the lines with a named prescriber that one of them wrote."""
    return ratio(rows.most.max(), rows.named.sum())


@DRUG_INSTITUTION.measure(PAIRS, Text("开具医师数", "prescribers"), "", NONE, log=True)
def prescribers(rows: Rows) -> ir.Value:
    """Distinct named prescribers of the drug."""
    return rows.prescribers.max()


@DRUG_INSTITUTION.measure(PAIRS, Text("近一年增长", "growth over a year"), "x", behind=Behind())
def growth(rows: Rows) -> ir.Value:
    """Lines of the last 365 days over the lines before; ten earlier lines at least."""
    earlier = rows.lines.sum() - rows.lines_365d.sum()
    return ratio(rows.lines_365d.sum(), ibis.ifelse(earlier >= MIN_PATIENTS, earlier, ibis.null()))
