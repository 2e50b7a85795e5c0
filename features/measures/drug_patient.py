"""Drugs of a patient in an institution: how much of one drug one person collects there within thirty days."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from features.measures.declare import Behind, Entity, Rows, View, ratio
from features.measures.institution import INSTITUTION
from features.measures.prescribing import is_blank
from features.measures.tables import Tables, joined, pair_id, recent
from gnomon.terms import Text

MONTH, YEAR = 30, 365


def collected(tables: Tables) -> ir.Table:
    """One row per prescribed line of the last year, with what the patient collected in the 30 days up to it."""
    item = tables.catalog_item.select("item_code", "strength", "ddd", "max_daily_dose")
    line = joined(tables.prescription.left_join(item, "item_code").drop("item_code_right"))
    line = line.filter(recent(tables, line, YEAR))
    named = ~is_blank(line.person_id) & ~is_blank(line.item_code) & ~is_blank(line.institution_id)
    line = line.filter(named)
    line = line.mutate(volume=line.quantity * ibis.coalesce(line.strength, 1.0))
    month = ibis.range_window(
        group_by=["person_id", "item_code", "institution_id"],
        order_by="event_at",
        preceding=ibis.interval(days=MONTH),
        following=0,
    )
    ddd = ibis.coalesce(line.ddd, line.max_daily_dose)
    return line.select(
        "rx_id", "event_at", "person_id", "item_code", "institution_id", "volume",
        entity_id=pair_id(line.person_id, line.item_code, line.institution_id),
        month=line.volume.sum().over(month),
        doses=ibis.ifelse(line.strength.isnull(), ibis.null(), MONTH * ddd),
        label=ibis.ifelse(line.strength.isnull(), ibis.null(), MONTH * line.max_daily_dose),
        dx=line.dx_codes[0].substr(0, 3).nullif(""),
    )  # fmt: skip


def attributes(tables: Tables) -> ir.Table:
    """Triples with the drug, the first three characters of the diagnosis, and the institution's level and region."""
    line = collected(tables)
    made = line.group_by("entity_id", "person_id", "item_code", "institution_id").aggregate(dx=line.dx.max())
    body = tables.organization.select("level", institution_id="org_id", region="region_code")
    made = joined(made.left_join(body, "institution_id").drop("institution_id_right"))
    item = tables.catalog_item.select("item_code", "name")
    made = joined(made.left_join(item, "item_code"))
    return made.select(
        "entity_id", "name", "dx", "level", "region", drug="item_code", institution="institution_id",
        patient="person_id",
    )  # fmt: skip


DRUG_PATIENT = Entity(
    "drug_patient",
    Text("患者用药", "drug of a patient"),
    attributes,
    peers=(("drug", "level", "dx", "region"), ("drug", "level", "dx"), ("drug", "level"), ("drug",)),
    attribute_titles={
        "drug": Text("药品", "drug"),
        "dx": Text("诊断", "diagnosis"),
        "region": Text("地区", "region"),
        **{name: title for name, title in INSTITUTION.attribute_titles.items() if name.startswith("level")},
    },
    tables=("prescription",),
)
LINES = View("lines", collected, ("prescription",), "prescription", "rx_id")
BY_MONTH = Behind(weigh=lambda rows: rows.month)
MONTHS = ("", "30d")


@DRUG_PATIENT.measure(LINES, Text("三十日最大用量", "largest volume in 30 days"), "", log=True, behind=BY_MONTH)
def month_volume_max(rows: Rows) -> ir.Value:
    """Active ingredient (quantity × strength) collected in the heaviest 30 days of the last year."""
    return rows.month.max()


@DRUG_PATIENT.measure(LINES, Text("用量", "volume"), "", windows=MONTHS, log=True)
def rx_volume(rows: Rows) -> ir.Value:
    """Active ingredient prescribed in the window; a year at most."""
    return rows.volume.sum()


@DRUG_PATIENT.measure(
    LINES, Text("三十日用量与限定日剂量之比", "30 days' volume to the defined daily dose"), "x", behind=BY_MONTH
)
def month_to_ddd(rows: Rows) -> ir.Value:
    """Largest 30 days' volume over 30 defined daily doses (or label maxima where no DDD is set): WHO ATC/DDD."""
    return ratio(rows.month.max(), rows.doses.max())


@DRUG_PATIENT.measure(
    LINES, Text("三十日用量与说明书最大剂量之比", "30 days' volume to the label's maximum"), "x", behind=BY_MONTH
)
def month_to_label(rows: Rows) -> ir.Value:
    """Largest 30 days' volume over 30 times the label's maximum daily dose."""
    return ratio(rows.month.max(), rows.label.max())


@DRUG_PATIENT.measure(LINES, Text("处方行数", "prescribed lines"), windows=MONTHS, log=True)
def rx_lines(rows: Rows) -> ir.Value:
    """Prescribed lines of the drug for the patient here in the last year."""
    return rows.count()
