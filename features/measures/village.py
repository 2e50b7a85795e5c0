"""Villages and towns that handle benefits: how many of their people get them, who approves, where the money goes."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from features.measures.declare import MONTHLY, Behind, Entity, Rows, View, ratio, span
from features.measures.prescribing import is_blank
from features.measures.tables import Tables, joined
from features.rates import Chance
from gnomon.terms import Direction, Text

POOR = ("dibao", "tekun")
SHORT = 90
"""Days under which a spell is short: in for the count, and out again."""


def spells(tables: Tables) -> ir.Table:
    """One row per spell of a benefit for the poor that a village or town handled."""
    spell = tables.entitlement
    spell = spell.filter(spell.programme.isin(POOR) & ~is_blank(spell.handler_org_id) & (spell.status != "rejected"))
    until = spell.valid_to.cast("timestamp")
    days = span(until, spell.event_at)
    running = spell.valid_to.isnull() | (until > tables.now)
    return spell.select(
        "entitlement_id", "event_at", "person_id", "household_id", "approver_id", "monthly_amount",
        entity_id="handler_org_id", active=running & (spell.status == "active"),
        short=ibis.ifelse(running, ibis.null(), days < SHORT),
        income="declared_income",
        same_day=ibis.ifelse(
            spell.applied_at.isnull() | spell.approved_at.isnull(), ibis.null(),
            spell.applied_at.date() == spell.approved_at.date(),
        ),
        by_one=spell.count().over(ibis.window(group_by=["handler_org_id", "approver_id"])),
        month=spell.event_at.strftime("%m"),
    )  # fmt: skip


def people(tables: Tables) -> ir.Table:
    """One row per person insured as a resident through the village or town, and whether it gets a benefit now."""
    insured = tables.entitlement
    insured = insured.filter((insured.programme == "bmi_resident") & ~is_blank(insured.handler_org_id))
    insured = insured.filter(~is_blank(insured.person_id))
    head = insured.group_by("handler_org_id", "person_id").aggregate(
        event_at=insured.event_at.min(), entitlement_id=insured.entitlement_id.min()
    )
    poor = spells(tables)
    poor = poor.filter(poor.active).select("person_id", handler_org_id="entity_id", poor=True).distinct()
    on = ["handler_org_id", "person_id"]
    head = joined(head.left_join(poor, on).drop(*(f"{name}_right" for name in on)))
    return head.select(
        "entitlement_id", "event_at", "person_id", entity_id="handler_org_id", poor=head.poor.fill_null(False)
    )


def paid(tables: Tables) -> ir.Table:
    """One row per payment of a benefit that the village or town handled."""
    spell = tables.entitlement.select("entitlement_id", entity_id="handler_org_id")
    row = joined(tables.entitlement_payment.inner_join(spell, "entitlement_id"))
    row = row.filter(~is_blank(row.entity_id))
    person = tables.person.select("person_id", "death_date", known=True)
    row = joined(row.left_join(person, "person_id").drop("person_id_right"))
    sharers = row.person_id.nunique().over(ibis.window(group_by=["entity_id", "account_hash"]))
    return row.select(
        "payment_id", "event_at", "amount", "entity_id", "person_id",
        other=ibis.ifelse(is_blank(row.account_holder_id), ibis.null(), row.account_holder_id != row.person_id),
        crowded=ibis.ifelse(is_blank(row.account_hash), ibis.null(), sharers >= 3),
        late=ibis.ifelse(row.known, (row.paid_at > row.death_date).fill_null(False), ibis.null()),
    )  # fmt: skip


def attributes(tables: Tables) -> ir.Table:
    """Everybody who handles benefits, with the county and the quartile of insured residents in it."""
    seen = tables.entitlement.select(entity_id="handler_org_id").distinct()
    head = people(tables)
    head = head.group_by("entity_id").aggregate(people=head.count())
    seen = joined(seen.left_join(head, "entity_id").drop("entity_id_right"))
    body = tables.organization.select("name", "level", "region_code", entity_id="org_id")
    seen = joined(seen.left_join(body, "entity_id").drop("entity_id_right"))
    county = seen.region_code.substr(0, 6).nullif("")
    seen = seen.mutate(county=county)
    sized = ibis.window(group_by="county", order_by=["people", "entity_id"])
    quartile = ibis.ifelse(seen.people.isnull(), ibis.null(), (ibis.ntile(4).over(sized) + 1).cast("string"))
    return seen.select("entity_id", "name", "level", "county", size=quartile)


VILLAGE = Entity(
    "village",
    Text("救助经办村镇", "village or town handling benefits"),
    attributes,
    peers=(("county", "size"), ("county",), ()),
    attribute_titles={
        "county": Text("县区", "county"),
        "size": Text("人口四分位", "quartile of population"),
    },
    tables=("entitlement", "entitlement_payment"),
)
SPELLS = View("spells", spells, ("entitlement",), "entitlement", "entitlement_id")
PEOPLE = View("people", people, ("entitlement",), "entitlement", "entitlement_id")
PAID = View("paid", paid, ("entitlement", "entitlement_payment"), "entitlement_payment", "payment_id")


@VILLAGE.share(PEOPLE, Text("低保特困人数占比", "share of people on subsistence benefits"))
def poor_share(rows: Rows) -> ir.BooleanValue:
    """Share of the residents insured through it who get dibao or tekun now."""
    return rows.poor


@VILLAGE.measure(SPELLS, Text("新增救助人次", "new spells"), windows=MONTHLY, log=True)
def new_spells(rows: Rows) -> ir.Value:
    """Spells of dibao or tekun that began in the window."""
    return rows.count()


@VILLAGE.share(SPELLS, Text("短期进出占比", "share of short spells"))
def short_spell_share(rows: Rows) -> ir.BooleanValue:
    """Share of the ended spells that lasted under 90 days."""
    return rows.short


@VILLAGE.share(SPELLS, Text("当日审批占比", "share approved on the day"))
def same_day_share(rows: Rows) -> ir.BooleanValue:
    """Share of the spells approved on the day that they were applied for."""
    return rows.same_day


@VILLAGE.measure(SPELLS, Text("最多审批人占比", "share of one approver"), "%", behind=Behind(weigh=lambda r: r.by_one))
def top_approver_share(rows: Rows) -> ir.Value:
    """Share of the spells approved by the person who approved most; ten at least."""
    n = rows.approver_id.count()
    most = ibis.ifelse(rows.approver_id.notnull(), rows.by_one, ibis.null()).max()
    return ratio(most, ibis.ifelse(n >= 10, n, ibis.null()))


@VILLAGE.measure(SPELLS, Text("申报收入中位数", "median declared income"), "CNY", Direction.LOW, log=True)
def declared_income_median(rows: Rows) -> ir.Value:
    """Median monthly household income declared."""
    return rows.income.median()


@VILLAGE.measure(PAID, Text("救助发放金额", "benefits paid"), "CNY", Direction.NONE, MONTHLY, log=True)
def paid_amount(rows: Rows) -> ir.Value:
    """Benefits paid."""
    return rows.amount.sum()


@VILLAGE.rate(
    PAID, Text("人均发放次数", "payments per recipient"), "payments/recipient", windows=MONTHLY, chance=Chance.COUNT
)
def payments_per_recipient(rows: Rows) -> tuple[ir.NumericValue, ir.NumericValue]:
    """Payments over distinct recipients."""
    return rows.count(), rows.person_id.nunique()


@VILLAGE.share(PAID, Text("打入他人账户占比", "share paid into others' accounts"), windows=MONTHLY)
def other_account_share(rows: Rows) -> ir.BooleanValue:
    """Share of the payments into an account whose holder is not the recipient."""
    return rows.other


@VILLAGE.share(PAID, Text("多人共用账户占比", "share paid into crowded accounts"), windows=MONTHLY)
def crowded_account_share(rows: Rows) -> ir.BooleanValue:
    """Share of the payments into an account that three recipients or more are paid into."""
    return rows.crowded


@VILLAGE.share(PAID, Text("身故后发放占比", "share paid after death"), windows=MONTHLY)
def after_death_share(rows: Rows) -> ir.BooleanValue:
    """Share of the payments made after the recipient's registered death."""
    return rows.late
