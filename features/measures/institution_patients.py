"""Institutions: how claims spread over patients, diagnoses and physicians. Two levels: an aggregate of aggregates."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from features.measures.declare import Behind, Rows, View, ratio
from features.measures.institution import INSTITUTION
from features.measures.institution_claims import CLAIMS, settled
from features.measures.institution_stays import STAYS
from features.measures.tables import Tables
from gnomon.terms import Direction, Text

MANY = 4
"""A patient of this many institutions or more is one of many institutions."""


def patients(tables: Tables) -> ir.Table:
    """One row per institution and patient, with how many institutions the patient claims in."""
    claim = settled(tables)
    claim = claim.filter(claim.person_id.notnull())
    per = claim.group_by("institution_id", "person_id").aggregate(
        claims=claim.count(), fund=claim.fund_amount.sum(), event_at=claim.event_at.max()
    )
    return per.select(
        "person_id", "claims", "fund", "event_at",
        entity_id="institution_id",
        institutions=per.count().over(ibis.window(group_by="person_id")),
    )  # fmt: skip


PATIENTS = View("patients", patients, ("claim",), "claim", "claim_id", rows=CLAIMS, shares=("person_id",))


@INSTITUTION.measure(
    PATIENTS, Text("最大患者费用占比", "share of the costliest patient"), "%", behind=Behind(weigh=lambda r: r.fund)
)
def top_patient_share(rows: Rows) -> ir.Value:
    """Fund paid for the costliest patient over all fund paid."""
    return ratio(rows.fund.max(), rows.fund.sum())


@INSTITUTION.measure(
    PATIENTS,
    Text("单个患者最多结算数", "most claims of one patient"),
    log=True,
    behind=Behind(weigh=lambda r: r.claims),
)
def claims_per_patient_max(rows: Rows) -> ir.Value:
    """Claims of the patient with the most."""
    return rows.claims.max()


@INSTITUTION.share(PATIENTS, Text("多次结算患者占比", "share of patients with several claims"))
def repeat_patient_share(rows: Rows) -> ir.BooleanValue:
    """Share of the patients with two claims or more here."""
    return rows.claims > 1


@INSTITUTION.share(PATIENTS, Text("与他院共有患者占比", "share of shared patients"))
def shared_patient_share(rows: Rows) -> ir.BooleanValue:
    """Share of the patients who also claim in another institution."""
    return rows.institutions > 1


@INSTITUTION.share(PATIENTS, Text("多机构就诊患者占比", "share of patients of many institutions"))
def many_institution_patient_share(rows: Rows) -> ir.BooleanValue:
    """Share of the patients who claim in four institutions or more."""
    return rows.institutions >= MANY


@INSTITUTION.measure(PATIENTS, Text("患者平均就诊机构数", "institutions per patient"))
def institutions_per_patient(rows: Rows) -> ir.Value:
    """Mean number of institutions that the patients claim in."""
    return rows.institutions.mean()


def billed_again(tables: Tables) -> ir.Table:
    """One row per institution, patient and pair of amounts (paid by the fund, paid by the patient), with its claims."""
    claim = settled(tables)
    claim = claim.select(
        "institution_id", "person_id", "event_at", fund="fund_amount", own="self_amount"
    ).filter(claim.person_id.notnull() & (claim.fund_amount + claim.self_amount > 0))  # fmt: skip
    return claim.group_by("institution_id", "person_id", "fund", "own").aggregate(
        claims=claim.count(), event_at=claim.event_at.max()
    ).rename(entity_id="institution_id")  # fmt: skip


BILLED_AGAIN = View(
    "billed_again", billed_again, ("claim",), "claim", "claim_id", rows=CLAIMS, shares=("person_id", "fund", "own")
)


@INSTITUTION.rate(
    BILLED_AGAIN, Text("同患者同金额重复结算占比", "share of claims billed again for the same amounts"),
    behind=Behind(where=lambda r: r.claims > 1, weigh=lambda r: r.claims),
)  # fmt: skip
def billed_again_share(rows: Rows) -> tuple[ir.NumericValue, ir.NumericValue]:
    """Share of the claims with the patient, the fund's and the patient's own payment of another; unknown left out.

    Other than `duplicate_claim_share` on whatever day and for whatever diagnosis: what is copied gets a new date first.
    Courses of one price (dialysis, refills) repeat honestly, so it is held against peers.
    """
    return ibis.ifelse(rows.claims > 1, rows.claims, 0).sum(), rows.claims.sum()


def diagnoses(tables: Tables) -> ir.Table:
    """One row per institution and main diagnosis (three characters)."""
    claim = settled(tables)
    claim = claim.mutate(dx=claim.dx_primary.substr(0, 3).nullif(""))
    claim = claim.filter(claim.dx.notnull())
    return claim.group_by("institution_id", "dx").aggregate(
        claims=claim.count(), fund=claim.fund_amount.sum(), event_at=claim.event_at.max()
    ).rename(entity_id="institution_id")  # fmt: skip


DIAGNOSES = View("diagnoses", diagnoses, ("claim",), "claim", "claim_id", rows=CLAIMS, shares=("dx",))
BY_CLAIMS = Behind(weigh=lambda rows: rows.claims)


@INSTITUTION.measure(DIAGNOSES, Text("主要诊断种数", "main diagnoses"), "", Direction.NONE, log=True)
def main_diagnoses(rows: Rows) -> ir.Value:
    """Distinct main diagnoses by their first three characters."""
    return rows.count()


@INSTITUTION.measure(DIAGNOSES, Text("最多诊断占比", "share of the commonest diagnosis"), "%", behind=BY_CLAIMS)
def top_diagnosis_share(rows: Rows) -> ir.Value:
    """Share of the claims with the commonest main diagnosis."""
    return ratio(rows.claims.max(), rows.claims.sum())


@INSTITUTION.measure(DIAGNOSES, Text("诊断集中度", "concentration of diagnoses"), "%", behind=BY_CLAIMS)
def diagnosis_hhi(rows: Rows) -> ir.Value:
    """Sum of squared shares of the main diagnoses (Herfindahl)."""
    return ratio((rows.claims.cast("float64") ** 2).sum(), rows.claims.sum().cast("float64") ** 2)


def physicians(tables: Tables) -> ir.Table:
    """One row per institution and attending physician; blank names are nobody."""
    stay = tables.admission
    stay = stay.filter(stay.attending_id.notnull() & (stay.attending_id.strip() != ""))
    per = stay.group_by("institution_id", "attending_id").aggregate(
        stays=stay.count(), patients=stay.person_id.nunique(), event_at=stay.event_at.max()
    )
    return per.select(
        "attending_id", "stays", "patients", "event_at",
        entity_id="institution_id",
        institutions=per.count().over(ibis.window(group_by="attending_id")),
    )  # fmt: skip


PHYSICIANS = View(
    "physicians", physicians, ("admission",), "admission", "admission_id", rows=STAYS, shares=("attending_id",)
)
BY_STAYS = Behind(weigh=lambda rows: rows.stays)


@INSTITUTION.measure(PHYSICIANS, Text("主治医师数", "attending physicians"), "", Direction.NONE, log=True)
def physicians_count(rows: Rows) -> ir.Value:
    """Distinct attending physicians."""
    return rows.count()


@INSTITUTION.measure(
    PHYSICIANS, Text("医师人均住院数", "stays per physician"), "stays/physician", log=True, behind=BY_STAYS
)
def stays_per_physician(rows: Rows) -> ir.Value:
    """Stays over attending physicians."""
    return rows.stays.mean()


@INSTITUTION.measure(PHYSICIANS, Text("最忙医师占比", "share of the busiest physician"), "%", behind=BY_STAYS)
def top_physician_share(rows: Rows) -> ir.Value:
    """Share of the stays under the busiest attending physician."""
    return ratio(rows.stays.max(), rows.stays.sum())


@INSTITUTION.measure(PHYSICIANS, Text("最忙医师住院数", "stays of the busiest physician"), log=True, behind=BY_STAYS)
def stays_per_physician_max(rows: Rows) -> ir.Value:
    """Stays under the busiest attending physician."""
    return rows.stays.max()


@INSTITUTION.share(PHYSICIANS, Text("多机构医师占比", "share of physicians of several institutions"))
def shared_physician_share(rows: Rows) -> ir.BooleanValue:
    """Share of the attending physicians who also attend elsewhere."""
    return rows.institutions > 1
