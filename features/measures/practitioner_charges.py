"""Practitioners: charged lines and stays under a name."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from features.measures.declare import RECENT, Behind, Rows, View, ratio
from features.measures.institution_claims import settled
from features.measures.institution_stays import stays
from features.measures.practitioner import PRACTITIONER
from features.measures.prescribing import is_blank
from features.measures.tables import Tables, joined
from gnomon.terms import Text


def charges(tables: Tables) -> ir.Table:
    """One row per charged line with a named prescriber."""
    claim = settled(tables).select("claim_id", "person_id")
    line = joined(tables.claim_item.inner_join(claim, "claim_id"))
    line = line.filter(~is_blank(line.prescriber_id))
    return line.select(
        "line_id", "claim_id", "person_id", "amount", "event_at", entity_id="prescriber_id", fund="fund_amount"
    )


CHARGES = View("charges", charges, ("claim", "claim_item"), "claim_item", "line_id")
BY_FUND = Behind(weigh=lambda rows: rows.fund)


@PRACTITIONER.measure(CHARGES, Text("开单金额", "amount ordered"), "CNY", windows=RECENT, log=True, behind=BY_FUND)
def item_amount(rows: Rows) -> ir.Value:
    """Amount of the charged lines."""
    return rows.amount.sum()


@PRACTITIONER.measure(
    CHARGES, Text("人均开单金额", "amount per patient"), "CNY", windows=RECENT, log=True, behind=BY_FUND
)
def item_amount_per_patient(rows: Rows) -> ir.Value:
    """Amount of the charged lines over distinct patients."""
    return ratio(rows.amount.sum(), rows.person_id.nunique())


@PRACTITIONER.measure(CHARGES, Text("次均开单金额", "amount per claim"), "CNY", log=True, behind=BY_FUND)
def item_amount_per_claim(rows: Rows) -> ir.Value:
    """Amount of the charged lines over distinct claims."""
    return ratio(rows.amount.sum(), rows.claim_id.nunique())


def attended(tables: Tables) -> ir.Table:
    """One row per stay with a named attending physician."""
    stay = stays(tables)
    stay = stay.filter(~is_blank(stay.attending_id))
    return stay.drop("entity_id").mutate(entity_id=ibis._.attending_id)


ATTENDED = View("attended", attended, ("admission",), "admission", "admission_id")


@PRACTITIONER.measure(ATTENDED, Text("主治住院人次", "stays attended"), log=True)
def attended_stays(rows: Rows) -> ir.Value:
    """Stays attended."""
    return rows.count()


@PRACTITIONER.measure(ATTENDED, Text("主治平均住院日", "mean length of stays attended"), "days")
def attended_days_mean(rows: Rows) -> ir.Value:
    """Mean nights of the stays attended."""
    return rows.days.mean()


@PRACTITIONER.measure(
    ATTENDED,
    Text("主治住院无诊疗记录占比", "share attended without recorded care"),
    "%",
    behind=Behind(weigh=lambda r: r.uncared),
)
def attended_no_care_share(rows: Rows) -> ir.Value:
    """Share of the logged days of the stays attended on which nothing was recorded."""
    return ratio(rows.uncared.sum(), rows.logged.sum())
