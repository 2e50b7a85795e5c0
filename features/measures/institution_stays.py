"""Institutions: stays, their length, care recorded, returns and overlaps."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from features.measures.declare import RECENT, Behind, Rows, View, ratio, span
from features.measures.institution import INSTITUTION
from features.measures.tables import Tables, civil, filled, joined
from gnomon.terms import Direction, Text

RETURN_DAYS = 10
SHORT_DAYS = 2
LONG_DAYS = 3
NONE = Direction.NONE


def stays(tables: Tables) -> ir.Table:
    """One row per stay, with the patient's stay before, the care recorded and the money settled."""
    stay = tables.admission
    # A discharge after the as-of moment is not known yet.
    stay = stay.mutate(left=ibis.ifelse(stay.discharge_at <= tables.now, stay.discharge_at, ibis.null()))
    of_patient = ibis.window(group_by="person_id", order_by=["admit_at", "admission_id"])
    earlier = ibis.window(group_by="person_id", order_by=["admit_at", "admission_id"], preceding=(None, 1))
    stay = stay.mutate(
        left_before=stay.left.lag().over(of_patient),
        same_before=stay.institution_id.lag().over(of_patient) == stay.institution_id,
        still_in=stay.left.max().over(earlier),
        before=ibis.row_number().over(of_patient),
    )
    stay = joined(stay.left_join(_care(tables), "admission_id"))
    stay = joined(stay.drop("admission_id_right").left_join(_paid(tables), "admission_id"))
    # Nights by the calendar: hours would make daylight saving and dates without a time matter.
    days = civil(stay.left).delta(civil(stay.admit_at), unit="day").cast("float64")
    away = span(stay.admit_at, stay.left_before)
    first, ends = stay.before == 0, filled(tables.admission, "discharge_at")
    return stay.select(
        "admission_id",
        "person_id",
        "attending_id",
        "event_at",
        "logged",
        "uncared",
        "care",
        "fund",
        entity_id="institution_id",
        days=ibis.ifelse(days >= 0, days, ibis.null()),
        returned=ibis.ifelse(
            ends, ibis.ifelse(first, False, (away >= 0) & (away <= RETURN_DAYS) & stay.same_before), ibis.null()
        ),
        # Handing over on one day is a transfer; the overlap has to be a night at least.
        overlaps=ibis.ifelse(ends, ibis.ifelse(first, False, span(stay.still_in, stay.admit_at) >= 1), ibis.null()),
        diagnoses=stay.dx_codes.length(),
        procedures=stay.procedure_codes.length(),
        blank_physician=stay.attending_id.isnull() | (stay.attending_id.strip() == ""),
        usual=days.median().over(ibis.window(group_by=stay.dx_primary.substr(0, 3))),
    )


def _care(tables: Tables) -> ir.Table:
    day = tables.inpatient_day
    counts = [day[name] for name in ("n_nursing", "n_vitals", "n_orders_done", "n_treatments")]
    known = ibis.or_(*(one.notnull() for one in counts))
    care = ibis.ifelse(known, sum((one.fill_null(0) for one in counts), ibis.literal(0)), ibis.null())
    present = ~day.on_leave.fill_null(False)
    day = day.mutate(care=ibis.ifelse(present, care, ibis.null()))
    return day.group_by("admission_id").aggregate(
        logged=day.care.count(), uncared=(day.care == 0).sum(), care=day.care.sum()
    )


def _paid(tables: Tables) -> ir.Table:
    claim = tables.claim
    claim = claim.filter((claim.status == "settled") & claim.admission_id.notnull())
    return claim.group_by("admission_id").aggregate(fund=claim.fund_amount.sum())


STAYS = View("stays", stays, ("admission",), "admission", "admission_id")
BY_DAYS = Behind(weigh=lambda rows: rows.days)


@INSTITUTION.measure(STAYS, Text("住院人次", "stays"), "", windows=RECENT, log=True, behind=BY_DAYS)
def stays_count(rows: Rows) -> ir.Value:
    """Stays begun."""
    return rows.count()


@INSTITUTION.measure(STAYS, Text("平均住院日", "mean length of stay"), "days", windows=RECENT, behind=BY_DAYS)
def stay_days_mean(rows: Rows) -> ir.Value:
    """Mean days between admission and discharge."""
    return rows.days.mean()


@INSTITUTION.measure(STAYS, Text("最长住院日", "longest stay"), "days", log=True, behind=BY_DAYS)
def stay_days_max(rows: Rows) -> ir.Value:
    """Days of the longest stay."""
    return rows.days.max()


@INSTITUTION.measure(STAYS, Text("住院日离散度", "variation of stay lengths"), "%", Direction.LOW)
def stay_days_cv(rows: Rows) -> ir.Value:
    """Standard deviation over mean of the stay lengths: planned sham stays are all alike."""
    return ratio(rows.days.std(how="sample"), rows.days.mean())


@INSTITUTION.measure(STAYS, Text("住院日与同病种之比", "length of stay to its diagnosis"), "x", behind=BY_DAYS)
def stay_case_mix_ratio(rows: Rows) -> ir.Value:
    """Mean of each stay's days over the median of the same main diagnosis everywhere."""
    return ratio(rows.days, rows.usual).mean()


@INSTITUTION.measure(STAYS, Text("床日数", "bed days"), "days", windows=RECENT, log=True, behind=BY_DAYS)
def bed_days(rows: Rows) -> ir.Value:
    """Days of all stays together."""
    return rows.days.sum()


@INSTITUTION.measure(
    STAYS, Text("床日均基金支付", "fund per bed day"), "CNY", log=True, behind=Behind(weigh=lambda r: r.fund)
)
def fund_per_day(rows: Rows) -> ir.Value:
    """Fund paid for stays over their days, a stay counting one day at least."""
    return ratio(rows.fund.sum(), ibis.greatest(rows.days, 1.0).sum())


@INSTITUTION.measure(
    STAYS, Text("单次住院最高日均基金支付", "largest fund per day of a stay"), "CNY", log=True,
    behind=Behind(weigh=lambda r: ratio(r.fund, ibis.greatest(r.days, 1.0))),
)  # fmt: skip
def fund_per_day_max(rows: Rows) -> ir.Value:
    """Fund paid over days of the stay where that is most, a stay counting one day at least."""
    return ratio(rows.fund, ibis.greatest(rows.days, 1.0)).max()


@INSTITUTION.share(STAYS, Text("短期住院占比", "share of short stays"), windows=RECENT)
def short_stay_share(rows: Rows) -> ir.BooleanValue:
    """Share of the stays under two days."""
    return rows.days < SHORT_DAYS


@INSTITUTION.share(STAYS, Text("十日内再入院占比", "share of readmissions within 10 days"), windows=RECENT)
def readmitted_share(rows: Rows) -> ir.BooleanValue:
    """Share of the stays that begin within ten days of the same patient's discharge from here."""
    return rows.returned


@INSTITUTION.measure(STAYS, Text("重叠住院数", "overlapping stays"), behind=Behind(where=lambda r: r.overlaps))
def overlapping_stays(rows: Rows) -> ir.Value:
    """Stays that begin a day or more before an earlier stay of the same patient, here or elsewhere, has ended."""
    return rows.overlaps.sum()


@INSTITUTION.share(
    STAYS,
    Text("无诊疗记录住院占比", "share of stays without recorded care"),
    windows=RECENT,
    behind=Behind(where=lambda r: (r.logged > 0) & (r.care == 0)),
)
def no_care_stay_share(rows: Rows) -> ir.BooleanValue:
    """Share of the stays with a day log in which no nursing, vital sign, order or treatment was recorded."""
    return ibis.ifelse(rows.logged > 0, rows.care == 0, ibis.null())


@INSTITUTION.share(
    STAYS,
    Text("半数以上住院日无诊疗记录占比", "share of stays with half of their days uncared"),
    windows=RECENT,
    behind=Behind(where=lambda r: uncared_stay(r), weigh=lambda r: r.uncared),
)
def no_care_half_stay_share(rows: Rows) -> ir.BooleanValue:
    """Share of the stays of three days or more with a day log in which nothing was recorded on half of the days."""
    return uncared_stay(rows)


@INSTITUTION.rate(
    STAYS, Text("无诊疗记录住院日占比", "share of days without recorded care"), windows=RECENT,
    behind=Behind(weigh=lambda r: r.uncared),
)  # fmt: skip
def no_care_day_share(rows: Rows) -> tuple[ir.NumericValue, ir.NumericValue]:
    """Share of the logged days on which nothing was recorded, days on leave left out."""
    return rows.uncared.sum(), rows.logged.sum()


@INSTITUTION.share(STAYS, Text("无手术操作住院占比", "share of stays without procedure"))
def no_procedure_share(rows: Rows) -> ir.BooleanValue:
    """Share of the stays without any procedure; stays that do not say are left out."""
    return rows.procedures == 0


@INSTITUTION.measure(STAYS, Text("次均手术操作数", "procedures per stay"), "", NONE)
def procedures_per_stay(rows: Rows) -> ir.Value:
    """Mean number of procedures of a stay."""
    return rows.procedures.mean()


@INSTITUTION.measure(STAYS, Text("次均诊断数", "diagnoses per stay"))
def diagnoses_per_stay(rows: Rows) -> ir.Value:
    """Mean number of diagnoses of a stay."""
    return rows.diagnoses.mean()


@INSTITUTION.share(STAYS, Text("主治医师空缺占比", "share of stays without a physician's name"))
def blank_physician_share(rows: Rows) -> ir.BooleanValue:
    """Share of the stays whose attending physician is blank: a gap in the record first of all."""
    return rows.blank_physician


def uncared_stay(rows: Rows) -> ir.BooleanValue:
    """Whether nothing was recorded on half of a stay's logged days; null for short stays and stays without a log."""
    long = (rows.days >= LONG_DAYS) & (rows.logged > 0)
    return ibis.ifelse(long, 2 * rows.uncared >= rows.logged, ibis.null())
