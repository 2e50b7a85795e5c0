"""Institutions: prescriptions, above all the volume per patient against the peers' norm for the same drug."""

from __future__ import annotations

from functools import partial

import ibis
import ibis.expr.types as ir

from features.measures.declare import RECENT, YEARLY, Behind, Rows, View, ratio
from features.measures.institution import INSTITUTION, attributes
from features.measures.prescribing import (
    BY_COURSE,
    MIN_PATIENTS,
    OVERLAP,
    days_supply_overlap_share,
    drugs,
    lines,
    own_drugs,
)
from features.measures.tables import Tables
from gnomon.terms import Direction, Text


def prescriptions(tables: Tables) -> ir.Table:
    """One row per prescribed line."""
    return lines(tables).mutate(entity_id=ibis._.institution_id)


def institution_drugs(tables: Tables) -> ir.Table:
    """One row per institution and drug; peers are institutions of the same kind and level."""
    known = attributes(tables)
    peers = known.select("entity_id", peer=known.kind.fill_null("") + "/" + known.level.fill_null(""))
    return drugs(tables, "institution_id", peers)


LINES = View(
    "prescriptions", prescriptions, ("prescription",), "prescription", "rx_id", by=BY_COURSE, entity=("institution_id",)
)
MIX = View(
    "mix", partial(own_drugs, key="institution_id"), ("prescription",), "prescription", "rx_id", rows=LINES,
    shares=("item_code",), by=("institution_id", "item_code"), entity=("institution_id",),
)  # fmt: skip
DRUGS = View("drugs", institution_drugs, ("prescription",), "prescription", "rx_id", rows=LINES, shares=("item_code",))
TIMES = Behind(weigh=lambda rows: rows.times)
OFTEN = 5.0
"""Times the norm from which a drug counts as over it."""


@INSTITUTION.measure(
    DRUGS,
    Text("处方量为同药常模倍数", "prescription volume to the norm of the drug"),
    "x",
    windows=YEARLY,
    behind=TIMES,
)
def rx_times_norm(rows: Rows) -> ir.Value:
    """Largest ratio, over its drugs, of the volume per patient to the peers' median for the same drug.

    Only drugs with ten patients or more here and eight or more prescribing peers, of the same kind and level first.
    """
    return rows.times.max()


@INSTITUTION.measure(
    DRUGS, Text("倍数最高药品的患者数", "patients of the drug furthest over its norm"), "", Direction.NONE
)
def rx_times_norm_patients(rows: Rows) -> ir.Value:
    """Patients of the drug that `rx_times_norm` speaks of."""
    return rows.furthest_patients.max()


@INSTITUTION.measure(DRUGS, Text("超同药常模药品数", "drugs over their norm"), behind=TIMES)
def rx_times_norm_drugs(rows: Rows) -> ir.Value:
    """Drugs prescribed at five times their norm or more."""
    return (rows.times >= OFTEN).sum()


@INSTITUTION.measure(DRUGS, Text("处方量倍数中位", "median volume to the norm of the drug"), "x", behind=TIMES)
def rx_times_norm_median(rows: Rows) -> ir.Value:
    """Median over the drugs of the same ratio: whether all drugs are high or one."""
    return rows.times.median()


@INSTITUTION.measure(MIX, Text("最大单药处方占比", "share of the commonest drug"), "%", Direction.NONE)
def top_drug_share(rows: Rows) -> ir.Value:
    """Share of the prescribed lines that are for the commonest drug: a specialist clinic is high and honest."""
    return ratio(rows.lines.max(), rows.lines.sum())


@INSTITUTION.measure(MIX, Text("处方药品种数", "drugs prescribed"), "", Direction.NONE, log=True)
def drugs_count(rows: Rows) -> ir.Value:
    """Distinct drugs prescribed."""
    return rows.count()


@INSTITUTION.measure(LINES, Text("处方行数", "prescribed lines"), "", windows=RECENT, log=True)
def rx_lines(rows: Rows) -> ir.Value:
    """Prescribed lines."""
    return rows.count()


@INSTITUTION.measure(LINES, Text("人均处方行数", "lines per patient"), "lines/patient", windows=RECENT, log=True)
def rx_lines_per_patient(rows: Rows) -> ir.Value:
    """Prescribed lines over distinct patients."""
    return ratio(rows.count(), rows.person_id.nunique())


@INSTITUTION.measure(
    LINES,
    Text("人均DDD数", "DDDs per patient"),
    "DDD/patient",
    windows=RECENT,
    log=True,
    behind=Behind(weigh=lambda r: r.ddds),
)
def ddd_per_patient(rows: Rows) -> ir.Value:
    """Defined daily doses over the distinct patients of drugs that have one; ten such patients at least."""
    people = ibis.ifelse(rows.ddds.notnull(), rows.person_id, ibis.null()).nunique()
    return ratio(rows.ddds.sum(), ibis.ifelse(people >= MIN_PATIENTS, people, ibis.null()))


@INSTITUTION.share(LINES, Text("超说明书最大日剂量占比", "share over the label dose"), windows=RECENT)
def over_max_dose_share(rows: Rows) -> ir.BooleanValue:
    """Share of the lines whose daily dose is over the label's maximum."""
    return rows.over_dose


@INSTITUTION.share(LINES, Text("处方医师空缺占比", "share without a prescriber"))
def blank_prescriber_share(rows: Rows) -> ir.BooleanValue:
    """Share of the lines whose prescriber is blank or a placeholder: check the record before the conduct."""
    return rows.blank


INSTITUTION.measure(LINES, OVERLAP, "%", behind=Behind(weigh=lambda r: r.left_over))(days_supply_overlap_share)


@INSTITUTION.share(LINES, Text("管制药品处方占比", "share of controlled drugs"), Direction.NONE)
def controlled_share(rows: Rows) -> ir.BooleanValue:
    """Share of the lines that are for controlled drugs."""
    return rows.is_controlled
