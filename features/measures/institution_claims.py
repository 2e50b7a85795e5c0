"""Institutions: settled claims, their money, times, patients and diagnoses."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from features.measures.declare import RECENT, Behind, Rows, View, ratio, span
from features.measures.institution import INSTITUTION
from features.measures.tables import Tables, civil, filled, joined, local
from gnomon.terms import Direction, Text


def settled(tables: Tables) -> ir.Table:
    """Claims that stand, reversed ones taken out."""
    claim = tables.claim
    return claim.filter(claim.status == "settled")


def claims(tables: Tables) -> ir.Table:
    """One row per claim, with its patient, its case group's usual cost, and how often it repeats."""
    person = tables.person.select("person_id", "sex", "birth_date", "death_date", registered=True)
    # Somebody without a date of death is alive by a register that tells deaths, and by no other.
    deaths = filled(tables.person, "death_date")
    claim = joined(settled(tables).left_join(person, "person_id"))
    at = local(claim.service_from)
    group = ibis.window(group_by=["claim_type", "drg_code"])
    again = ibis.window(group_by=["institution_id", "person_id", "dx_primary", "total_amount", "service_from"])
    usual = ibis.ifelse(claim.drg_code.isnull(), ibis.null(), claim.fund_amount.median().over(group))
    return claim.select(
        "claim_id",
        "person_id",
        "event_at",
        "drg_code",
        "sex",
        dx=claim.dx_primary.substr(0, 3),
        entity_id="institution_id",
        total="total_amount",
        fund="fund_amount",
        own="self_amount",
        inpatient=claim.claim_type == "inpatient",
        diagnoses=claim.dx_codes.length(),
        weekend=civil(claim.service_from).day_of_week.index() >= 5,
        night=(at.hour() >= 22) | (at.hour() < 6),
        manual=claim.auth_method == "manual",
        age=span(claim.service_from, claim.birth_date.cast("timestamp")) / 365.25,
        after_death=ibis.ifelse(
            claim.registered & deaths, (civil(claim.service_from) > claim.death_date).fill_null(False), ibis.null()
        ),
        dead=ibis.ifelse(
            claim.registered & deaths, (claim.death_date <= tables.now.date()).fill_null(False), ibis.null()
        ),
        to_usual=claim.fund_amount / usual.nullif(0.0),
        repeats=claim.count().over(again),
    )


CLAIMS = View("claims", claims, ("claim",), "claim", "claim_id")
BY_AMOUNT = Behind(weigh=lambda rows: rows.fund)
NONE = Direction.NONE


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


@INSTITUTION.measure(CLAIMS, Text("次均基金支付", "fund per claim"), "CNY", windows=RECENT, log=True, behind=BY_AMOUNT)
def fund_per_claim(rows: Rows) -> ir.Value:
    """Fund payment of the mean claim."""
    return rows.fund.mean()


@INSTITUTION.measure(
    CLAIMS, Text("人均基金支付", "fund per patient"), "CNY", windows=RECENT, log=True, behind=BY_AMOUNT
)
def fund_per_patient(rows: Rows) -> ir.Value:
    """Fund payment over distinct patients."""
    return ratio(rows.fund.sum(), rows.person_id.nunique())


@INSTITUTION.measure(CLAIMS, Text("人均结算次数", "claims per patient"), "claims/patient", windows=RECENT, log=True)
def claims_per_patient(rows: Rows) -> ir.Value:
    """Claims over distinct patients."""
    return ratio(rows.count(), rows.person_id.nunique())


@INSTITUTION.measure(CLAIMS, Text("基金支付中位数", "median fund per claim"), "CNY", log=True, behind=BY_AMOUNT)
def fund_median(rows: Rows) -> ir.Value:
    """Fund payment of the median claim."""
    return rows.fund.median()


@INSTITUTION.measure(CLAIMS, Text("基金支付离散度", "variation of fund per claim"), "%", NONE)
def fund_cv(rows: Rows) -> ir.Value:
    """Standard deviation over mean of the fund payments."""
    return ratio(rows.fund.std(how="sample"), rows.fund.mean())


@INSTITUTION.measure(CLAIMS, Text("单笔最高基金支付", "largest fund payment"), "CNY", log=True, behind=BY_AMOUNT)
def fund_max(rows: Rows) -> ir.Value:
    """Largest fund payment of a claim."""
    return rows.fund.max()


@INSTITUTION.measure(CLAIMS, Text("基金支付占比", "share paid by the fund"), "%", behind=BY_AMOUNT)
def fund_share(rows: Rows) -> ir.Value:
    """Fund payments over total amounts."""
    return ratio(rows.fund.sum(), rows.total.sum())


@INSTITUTION.measure(
    CLAIMS, Text("费用与同病组之比", "cost to its case group"), "x", behind=Behind(weigh=lambda r: r.to_usual)
)
def fund_case_mix_ratio(rows: Rows) -> ir.Value:
    """Mean of each claim's fund payment over the median of its case group (DRG or DIP) everywhere."""
    return rows.to_usual.mean()


@INSTITUTION.share(CLAIMS, Text("住院结算占比", "share of inpatient claims"))
def inpatient_share(rows: Rows) -> ir.BooleanValue:
    """Share of the claims that are for a stay."""
    return rows.inpatient


@INSTITUTION.share(CLAIMS, Text("周末结算占比", "share of claims on weekends"))
def weekend_share(rows: Rows) -> ir.BooleanValue:
    """Share of the claims whose service began on a Saturday or Sunday."""
    return rows.weekend


@INSTITUTION.share(CLAIMS, Text("夜间结算占比", "share of claims at night"))
def night_share(rows: Rows) -> ir.BooleanValue:
    """Share of the claims whose service began between 22:00 and 06:00; records without a time of day are left out."""
    return rows.night


@INSTITUTION.share(CLAIMS, Text("手工核验占比", "share verified by hand"))
def manual_auth_share(rows: Rows) -> ir.BooleanValue:
    """Share of the claims whose patient was verified by hand instead of card or face."""
    return rows.manual


@INSTITUTION.measure(CLAIMS, Text("单次诊断数", "diagnoses per claim"), "")
def diagnoses_per_claim(rows: Rows) -> ir.Value:
    """Mean number of diagnoses on a claim."""
    return rows.diagnoses.mean()


@INSTITUTION.measure(CLAIMS, Text("病组数", "case groups"), "", NONE, log=True)
def case_groups(rows: Rows) -> ir.Value:
    """Distinct case groups."""
    return rows.drg_code.nunique().nullif(0)


@INSTITUTION.measure(
    CLAIMS, Text("身故后结算数", "claims after death"), "", windows=RECENT, behind=Behind(where=lambda r: r.after_death)
)
def after_death_claims(rows: Rows) -> ir.Value:
    """Claims for a service that began after the patient's registered death."""
    return rows.after_death.sum()


@INSTITUTION.share(CLAIMS, Text("已故患者占比", "share of claims of the deceased"), NONE)
def deceased_share(rows: Rows) -> ir.BooleanValue:
    """Share of the claims whose patient has died since, by the as-of date."""
    return rows.dead


@INSTITUTION.measure(CLAIMS, Text("患者平均年龄", "mean age of patients"), "years", NONE)
def age_mean(rows: Rows) -> ir.Value:
    """Mean age at service."""
    return rows.age.mean()


@INSTITUTION.share(CLAIMS, Text("年龄异常占比", "share of impossible ages"))
def age_impossible_share(rows: Rows) -> ir.BooleanValue:
    """Share of the claims with an age under 0 or over 115 years."""
    return (rows.age < 0) | (rows.age > 115)


@INSTITUTION.share(CLAIMS, Text("女性占比", "share of women"), NONE)
def women_share(rows: Rows) -> ir.BooleanValue:
    """Share of the claims whose patient is a woman."""
    return rows.sex == "F"


@INSTITUTION.share(
    CLAIMS, Text("整百金额占比", "share of round amounts"), behind=Behind(where=lambda r: round_amount(r))
)
def round_amount_share(rows: Rows) -> ir.BooleanValue:
    """Share of the claims whose total is a whole number of hundreds."""
    return round_amount(rows)


@INSTITUTION.measure(CLAIMS, Text("重复金额占比", "share of repeated amounts"), "%")
def repeated_amount_share(rows: Rows) -> ir.Value:
    """Share of the claims whose total another claim already had."""
    return 1.0 - ratio(rows.total.nunique(), rows.total.count())


@INSTITUTION.share(CLAIMS, Text("疑似重复结算占比", "share of repeated claims"))
def duplicate_claim_share(rows: Rows) -> ir.BooleanValue:
    """Share of the claims that repeat patient, day, diagnosis and amount of another claim."""
    return rows.repeats > 1


@INSTITUTION.measure(CLAIMS, Text("近期增长", "recent growth"), "x", behind=BY_AMOUNT)
def growth(rows: Rows) -> ir.Value:
    """Fund paid a day in the last 90 days over the same in the year before; ten earlier claims at least."""
    earlier = rows.last(455, 90)
    before = ibis.ifelse(earlier.count() >= 10, earlier.fund.sum(), ibis.null())
    return ratio(rows.last(90).fund.sum().fill_null(0.0) / 90, before / 365)


def round_amount(rows: Rows) -> ir.BooleanValue:
    """Whether a claim's total is a whole number of hundreds, nothing aside."""
    return ibis.ifelse(rows.total > 0, (rows.total % 100) == 0, ibis.null())
