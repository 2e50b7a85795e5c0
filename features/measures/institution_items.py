"""Institutions: charged lines that cannot be right for the patient or the catalogue."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from features.measures.declare import Behind, Rows, View, ratio, span
from features.measures.institution import INSTITUTION
from features.measures.institution_claims import settled
from features.measures.tables import Tables, joined
from gnomon.terms import Text


def items(tables: Tables) -> ir.Table:
    """One row per charged line of a claim that stands, with its patient and its catalogue entry."""
    claim = settled(tables).select("claim_id", "institution_id", "person_id")
    line = joined(tables.claim_item.inner_join(claim, "claim_id"))
    person = tables.person.select("person_id", "sex", "birth_date")
    line = joined(line.left_join(person, "person_id"))
    known = tables.catalog_item.select(
        "item_code", "item_kind", "sex_limit", "age_min", "age_max", "price_cap", "nrdl_class"
    )
    line = joined(line.drop("person_id_right").left_join(known, "item_code"))
    age = (span(line.occurred_at, line.birth_date.cast("timestamp")) / 365.25).floor()
    young, old = age < line.age_min, age > line.age_max
    return line.select(
        "line_id",
        "item_code",
        "amount",
        "fund_amount",
        "event_at",
        entity_id="institution_id",
        wrong_sex=ibis.ifelse(line.sex.isin(["M", "F"]), line.sex_limit != line.sex, ibis.null()),
        wrong_age=ibis.ifelse(age.isnull(), ibis.null(), young.fill_null(False) | old.fill_null(False)),
        age_limited=line.age_min.notnull() | line.age_max.notnull(),
        over_cap=line.unit_price > line.price_cap,
        excluded=ibis.ifelse(line.nrdl_class.isnull(), ibis.null(), (line.nrdl_class == "C") & (line.fund_amount > 0)),
        drug=line.item_kind == "drug",
    )


ITEMS = View("items", items, ("claim", "claim_item"), "claim_item", "line_id")


@INSTITUTION.measure(
    ITEMS, Text("性别不符收费行数", "lines of the wrong sex"), behind=Behind(where=lambda r: r.wrong_sex)
)
def sex_conflict_items(rows: Rows) -> ir.Value:
    """Charged lines for an item that the catalogue limits to the other sex."""
    return rows.wrong_sex.sum()


@INSTITUTION.measure(
    ITEMS, Text("年龄不符收费行数", "lines of the wrong age"), behind=Behind(where=lambda r: r.wrong_age)
)
def age_conflict_items(rows: Rows) -> ir.Value:
    """Charged lines for an item whose age limits the patient is outside of."""
    return ibis.ifelse(rows.age_limited, rows.wrong_age, ibis.null()).sum()


@INSTITUTION.share(ITEMS, Text("超限价收费占比", "share over the price cap"))
def over_price_cap_share(rows: Rows) -> ir.BooleanValue:
    """Share of the capped lines whose unit price is over the cap."""
    return rows.over_cap


@INSTITUTION.share(ITEMS, Text("目录外基金支付占比", "share of fund paid outside the list"))
def excluded_item_share(rows: Rows) -> ir.BooleanValue:
    """Share of the lines that the fund paid although the item is outside the list (class C)."""
    return rows.excluded


@INSTITUTION.measure(ITEMS, Text("药费占比", "share of drug costs"), "%")
def drug_cost_share(rows: Rows) -> ir.Value:
    """Amount of drug lines over the amount of all lines."""
    return ratio(ibis.ifelse(rows.drug, rows.amount, ibis.null()).sum(), rows.amount.sum())
