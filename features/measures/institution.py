"""Institutions: hospitals, clinics and pharmacies; claims, patients and money."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from features.measures.declare import EVER, RECENT, Behind, Entity, Rows, View, ratio, share, span
from features.measures.tables import Tables, local
from gnomon.terms import Direction, Text

MEDICAL = ("hospital", "clinic", "pharmacy")


def attributes(tables: Tables) -> ir.Table:
    """Registered medical institutions, and any id that claims or totals name, with what peer groups are made of."""
    registered = tables.organization
    roles = registered.roles
    medical = ibis.or_(*(roles.contains(role) for role in MEDICAL))
    kinds = ibis.cases(*((roles.contains(role), role) for role in MEDICAL), else_=ibis.null("string"))
    registered = registered.mutate(medical=medical.fill_null(False), kind=kinds)
    seen = ibis.union(
        registered.filter(registered.medical).select(entity_id="org_id"),
        tables.claim.select(entity_id="institution_id"),
        tables.reported_total.select(entity_id="org_id"),
        distinct=True,
    )
    other = registered.filter(~registered.medical).select(entity_id="org_id")
    known = registered.select("name", "level", "ownership", "kind", region="region_code", entity_id="org_id")
    return seen.filter(seen.entity_id.notnull()).anti_join(other, "entity_id").left_join(known, "entity_id").select(
        "entity_id", "name", "level", "ownership", "kind", "region"
    )  # fmt: skip


INSTITUTION = Entity(
    "institution",
    Text("医疗机构", "institution"),
    attributes,
    peers=(("kind", "level", "ownership"), ("kind", "level"), ("kind",), ()),
    attribute_titles={
        "kind=hospital": Text("医院", "hospitals"),
        "kind=clinic": Text("诊所", "clinics"),
        "kind=pharmacy": Text("药店", "pharmacies"),
        "level": Text("等级", "level"),
        "level=0": Text("未定级", "unrated"),
        "level=1": Text("一级", "level 1"),
        "level=2": Text("二级", "level 2"),
        "level=3": Text("三级", "level 3"),
        "ownership": Text("所有制", "ownership"),
        "ownership=public": Text("公立", "public"),
        "ownership=private": Text("民营", "private"),
        "ownership=collective": Text("集体", "collective"),
        "ownership=mixed": Text("混合所有", "mixed ownership"),
    },
    tables=("claim", "admission", "prescription", "dispensing", "reported_total"),
)


def settled(tables: Tables) -> ir.Table:
    """Claims that stand, reversed ones taken out."""
    claim = tables.claim
    return claim.filter(claim.status == "settled")


def claims(tables: Tables) -> ir.Table:
    """One row per claim, with its patient."""
    claim = settled(tables)
    person = tables.person.select("person_id", "sex", "birth_date", "death_date")
    claim = claim.left_join(person, "person_id")
    at = local(claim.service_from)
    return claim.select(
        "claim_id",
        "person_id",
        "event_at",
        "dx_primary",
        "sex",
        entity_id="institution_id",
        total="total_amount",
        fund="fund_amount",
        own="self_amount",
        inpatient=claim.claim_type == "inpatient",
        diagnoses=claim.dx_codes.length(),
        weekend=claim.service_from.day_of_week.index() >= 5,
        night=(at.hour() >= 22) | (at.hour() < 6),
        manual=claim.auth_method == "manual",
        age=span(claim.service_from, claim.birth_date.cast("timestamp")) / 365.25,
        after_death=claim.service_from.date() > claim.death_date,
    )


CLAIMS = View("claims", claims, ("claim",), "claim", "claim_id")
BY_AMOUNT = Behind(weigh=lambda rows: rows.fund)


@INSTITUTION.measure(CLAIMS, Text("结算单数", "claims"), windows=RECENT, log=True, behind=BY_AMOUNT)
def claims_count(rows: Rows) -> ir.Value:
    """Settled claims."""
    return rows.count()


@INSTITUTION.measure(CLAIMS, Text("就诊人数", "patients"), windows=RECENT, log=True, behind=BY_AMOUNT)
def patients(rows: Rows) -> ir.Value:
    """Distinct patients with a settled claim."""
    return rows.person_id.nunique()


@INSTITUTION.measure(CLAIMS, Text("基金支付额", "fund paid"), "CNY", windows=RECENT, log=True, behind=BY_AMOUNT)
def fund_paid(rows: Rows) -> ir.Value:
    """Money paid by the fund."""
    return rows.fund.sum()


@INSTITUTION.measure(
    CLAIMS, Text("次均基金支付", "fund paid per claim"), "CNY", windows=RECENT, log=True, behind=BY_AMOUNT
)
def fund_per_claim(rows: Rows) -> ir.Value:
    """Fund payment of the mean claim."""
    return rows.fund.mean()
