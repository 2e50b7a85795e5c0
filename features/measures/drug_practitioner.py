"""Drugs of practitioners: how one doctor prescribes one drug, beside the others of the specialty."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from features.measures.declare import YEARLY, Entity, Rows, View, ratio
from features.measures.drug_charges import charged
from features.measures.drug_institution import VOLUME, volume_per_patient
from features.measures.practitioner import PRACTITIONER, posts
from features.measures.prescribing import all_lines, frequent, is_blank, lines
from features.measures.tables import Tables, joined, pair_id
from gnomon.terms import Direction, Text


def pairs(tables: Tables) -> ir.Table:
    """One row per doctor and drug with ten patients or more; blank names are nobody."""
    drug = frequent(tables, "prescriber_id")
    named = drug.filter(~is_blank(drug.prescriber_id))
    pair = joined(named.inner_join(all_lines(tables, "prescriber_id"), "prescriber_id"))
    return pair.mutate(entity_id=pair_id(pair.prescriber_id, pair.item_code))


def attributes(tables: Tables) -> ir.Table:
    """Pairs with the drug, and the doctor's specialty and level."""
    pair = ibis.union(
        pairs(tables).select("entity_id", "prescriber_id", "item_code"),
        charged(tables, "prescriber_id").select("entity_id", "prescriber_id", "item_code"),
        distinct=True,
    )
    doctor = posts(tables).select("specialty", "level", prescriber_id="entity_id")
    item = tables.catalog_item.select("item_code", "name")
    known = joined(pair.left_join(doctor, "prescriber_id").drop("prescriber_id_right"))
    known = joined(known.left_join(item, "item_code"))
    return known.select("entity_id", "name", "specialty", "level", drug="item_code", practitioner="prescriber_id")


DRUG_PRACTITIONER = Entity(
    "drug_practitioner",
    Text("医师用药", "drug of a practitioner"),
    attributes,
    peers=(("drug", "specialty", "level"), ("drug", "specialty"), ("drug",)),
    attribute_titles={"drug": Text("药品", "drug"), **PRACTITIONER.attribute_titles},
    tables=("prescription", "claim_item"),
)


def pair_lines(tables: Tables) -> ir.Table:
    """One row per prescribed line."""
    line = lines(tables)
    return line.mutate(entity_id=pair_id(line.prescriber_id, line.item_code))


LINES = View("lines", pair_lines, ("prescription",), "prescription", "rx_id")
PAIRS = View("pairs", pairs, ("prescription",), "prescription", "rx_id", rows=LINES)


@DRUG_PRACTITIONER.measure(PAIRS, Text("处方行数", "prescribed lines"), windows=YEARLY, log=True)
def rx_lines(rows: Rows) -> ir.Value:
    """Prescribed lines of the drug."""
    return rows.lines.sum()


@DRUG_PRACTITIONER.measure(PAIRS, Text("患者数", "patients"), windows=YEARLY, log=True)
def rx_patients(rows: Rows) -> ir.Value:
    """Distinct patients of the drug."""
    return rows.patients.sum()


DRUG_PRACTITIONER.measure(PAIRS, VOLUME, "volume/patient", windows=YEARLY, log=True)(volume_per_patient)


@DRUG_PRACTITIONER.measure(PAIRS, Text("占本人处方比", "share of own lines"), "%", Direction.NONE, windows=YEARLY)
def line_share(rows: Rows) -> ir.Value:
    """Share of the doctor's prescribed lines that are for the drug."""
    return ratio(rows.lines.sum(), rows.whole.max())


@DRUG_PRACTITIONER.measure(PAIRS, Text("最多患者处方占比", "share of the commonest patient"), "%")
def top_patient_share(rows: Rows) -> ir.Value:
    """Share of the lines that are for one patient."""
    return ratio(rows.heaviest_lines.max(), rows.lines.sum())
