"""Patients: how often, where and for how much they claim, and what they collect."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from features.measures.declare import RECENT, Behind, Entity, Rows, View, ratio, span
from features.measures.institution_claims import settled
from features.measures.prescribing import is_blank
from features.measures.tables import Tables, civil, joined
from gnomon.terms import Direction, Text

MONTH = 30


def attributes(tables: Tables) -> ir.Table:
    """Everybody with a claim or a prescription, with sex and ten years of age."""
    seen = ibis.union(
        tables.claim.select(entity_id="person_id"), tables.prescription.select(entity_id="person_id"), distinct=True
    )
    seen = seen.filter(~is_blank(seen.entity_id))
    person = tables.person
    years = span(tables.now, person.birth_date.cast("timestamp")) / 365.25
    decade = ((years / 10).floor().cast("int64") * 10).cast("string")
    person = person.select("sex", region="region_code", entity_id="person_id", age=decade)
    known = joined(seen.left_join(person, "entity_id"))
    return known.select("entity_id", "sex", "age", "region", name=ibis.null("string"))


PATIENT = Entity(
    "patient",
    Text("参保患者", "patient"),
    attributes,
    peers=(("age", "sex"), ("age",), ()),
    attribute_titles={
        "sex=M": Text("男性", "men"),
        "sex=F": Text("女性", "women"),
        "age": Text("年龄段", "age from"),
    },
    tables=("claim", "prescription"),
)


def claims(tables: Tables) -> ir.Table:
    """One row per claim that stands."""
    claim = settled(tables)
    return claim.select(
        "claim_id", "institution_id", "event_at", entity_id="person_id", fund="fund_amount",
        inpatient=claim.claim_type == "inpatient", manual=claim.auth_method == "manual",
    )  # fmt: skip


CLAIMS = View("claims", claims, ("claim",), "claim", "claim_id")
BY_FUND = Behind(weigh=lambda rows: rows.fund)


@PATIENT.measure(CLAIMS, Text("结算单数", "claims"), windows=RECENT, log=True, behind=BY_FUND)
def claims_count(rows: Rows) -> ir.Value:
    """Settled claims."""
    return rows.count()


@PATIENT.measure(CLAIMS, Text("基金支付额", "fund paid"), "CNY", windows=RECENT, log=True, behind=BY_FUND)
def fund_paid(rows: Rows) -> ir.Value:
    """Money paid by the fund."""
    return rows.fund.sum()


@PATIENT.measure(CLAIMS, Text("就诊机构数", "institutions"), windows=RECENT, behind=BY_FUND)
def institutions(rows: Rows) -> ir.Value:
    """Distinct institutions claimed in."""
    return rows.institution_id.nunique()


@PATIENT.measure(CLAIMS, Text("住院结算数", "inpatient claims"), behind=Behind(where=lambda r: r.inpatient))
def inpatient_claims(rows: Rows) -> ir.Value:
    """Claims for a stay."""
    return rows.inpatient.sum()


@PATIENT.share(CLAIMS, Text("手工核验占比", "share verified by hand"))
def manual_auth_share(rows: Rows) -> ir.BooleanValue:
    """Share of the claims verified by hand instead of card or face."""
    return rows.manual


def days(tables: Tables) -> ir.Table:
    """One row per patient and day of service."""
    claim = settled(tables)
    claim = claim.mutate(day=civil(claim.service_from))
    return claim.group_by("person_id", "day").aggregate(
        places=claim.institution_id.nunique(), event_at=claim.event_at.max()
    ).rename(entity_id="person_id")  # fmt: skip


def day_claims(tables: Tables) -> ir.Table:
    """One row per claim, with its day of service."""
    claim = settled(tables)
    return claim.select("claim_id", "event_at", entity_id="person_id", day=civil(claim.service_from))


DAY_CLAIMS = View("day_claims", day_claims, ("claim",), "claim", "claim_id")
DAYS = View("days", days, ("claim",), "claim", "claim_id", rows=DAY_CLAIMS, shares=("day",))


@PATIENT.measure(
    DAYS, Text("单日最多机构", "most institutions on a day"), windows=RECENT, behind=Behind(weigh=lambda r: r.places)
)
def institutions_per_day_max(rows: Rows) -> ir.Value:
    """Distinct institutions on one day, at most."""
    return rows.places.max()


def lines(tables: Tables) -> ir.Table:
    """One row per prescribed line, with how many institutions gave the same drug in the thirty days before."""
    line = tables.prescription
    first = ibis.window(group_by=["person_id", "item_code", "institution_id"], order_by="prescribed_at")
    line = line.mutate(before=line.prescribed_at.lag().over(first))
    new = line.before.isnull() | (line.prescribed_at - ibis.interval(days=MONTH) > line.before)
    month = ibis.range_window(
        group_by=["person_id", "item_code"], order_by="prescribed_at", preceding=ibis.interval(days=MONTH), following=0
    )
    line = line.mutate(new=new.cast("int64"))
    return line.select(
        "rx_id", "item_code", "event_at", "days_supply", entity_id="person_id", places=line.new.sum().over(month)
    )


LINES = View("lines", lines, ("prescription",), "prescription", "rx_id")


@PATIENT.measure(
    LINES, Text("同药最多机构(三十天)", "most institutions for one drug in 30 days"), windows=RECENT,
    behind=Behind(weigh=lambda r: r.places),
)  # fmt: skip
def same_drug_institutions_max(rows: Rows) -> ir.Value:
    """Institutions that prescribed the same drug within thirty days, at most."""
    return rows.places.max()


@PATIENT.measure(LINES, Text("处方药品种数", "drugs prescribed"), "", Direction.NONE, log=True)
def drugs_count(rows: Rows) -> ir.Value:
    """Distinct drugs prescribed."""
    return rows.item_code.nunique()


@PATIENT.measure(LINES, Text("供药总天数", "days of supply"), "days", windows=RECENT, log=True)
def days_supply(rows: Rows) -> ir.Value:
    """Days of supply of all lines together; several drugs on one day count each."""
    return ratio(rows.days_supply.sum(), ibis.literal(1.0))
