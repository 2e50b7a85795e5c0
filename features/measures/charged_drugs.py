"""Charged drugs of institutions and of doctors: defined daily doses per visit, money per patient, growth."""

from __future__ import annotations

import ibis.expr.types as ir

from features.measures.declare import RECENT, Behind, Rows, View, ratio
from features.measures.drug_charges import charged, lines
from features.measures.drug_institution import DRUG_INSTITUTION
from features.measures.drug_practitioner import DRUG_PRACTITIONER
from features.measures.tables import Tables, pair_id
from gnomon.terms import Direction, Text

NEEDS = ("claim", "claim_item", "catalog_item")


def _rows(key: str) -> View:
    def build(tables: Tables) -> ir.Table:
        line = lines(tables)
        return line.mutate(entity_id=pair_id(line[key], line.item_code))

    return View("charged_lines", build, NEEDS, "claim_item", "line_id")


OF_INSTITUTION = View(
    "charged", lambda tables: charged(tables, "institution_id"), NEEDS, "claim_item", "line_id",
    rows=_rows("institution_id"),
)  # fmt: skip
OF_DOCTOR = View(
    "charged", lambda tables: charged(tables, "prescriber_id"), NEEDS, "claim_item", "line_id",
    rows=_rows("prescriber_id"),
)  # fmt: skip


@DRUG_INSTITUTION.measure(
    OF_INSTITUTION, Text("每百人次用药DDD数", "DDDs per 100 visits"), "DDD/100 visits", windows=RECENT, log=True
)
def ddds_per_100_visits(rows: Rows) -> ir.Value:
    """Defined daily doses charged per 100 visits with a drug (WHO ATC/DDD methodology, drug utilisation 90 style)."""
    return 100 * ratio(rows.ddds.sum(), rows.visits.max())


@DRUG_INSTITUTION.measure(OF_INSTITUTION, Text("基金支付额", "fund paid"), "CNY", windows=RECENT, log=True)
def drug_fund(rows: Rows) -> ir.Value:
    """Money that the fund paid for the drug here."""
    return rows.fund_amount.sum()


@DRUG_INSTITUTION.measure(OF_INSTITUTION, Text("用药强度增长", "growth of doses per visit"), "x", behind=Behind())
def ddds_growth(rows: Rows) -> ir.Value:
    """Doses per visit of the last 90 days over those of the year before them."""
    now = ratio(rows.ddds_90d.sum(), rows.visits_90d.max())
    return ratio(now, ratio(rows.ddds_before.sum(), rows.visits_before.max()))


@DRUG_PRACTITIONER.measure(
    OF_DOCTOR, Text("人均单品金额", "amount of the drug per patient"), "CNY", windows=RECENT, log=True
)
def drug_amount_per_patient(rows: Rows) -> ir.Value:
    """Amount charged for the drug over the doctor's distinct patients of it."""
    return ratio(rows.amount.sum(), rows.patients.sum())


@DRUG_PRACTITIONER.measure(
    OF_DOCTOR, Text("单品占本人药费比", "share of own drug money"), "%", Direction.NONE, windows=RECENT
)
def drug_amount_share(rows: Rows) -> ir.Value:
    """Amount charged for the drug over the amount of all drugs that the doctor ordered."""
    return ratio(rows.amount.sum(), rows.whole.max())


@DRUG_PRACTITIONER.measure(OF_DOCTOR, Text("单品患者数", "patients charged the drug"), windows=RECENT, log=True)
def drug_charged_patients(rows: Rows) -> ir.Value:
    """Distinct patients who were charged the drug on the doctor's order."""
    return rows.patients.sum()
