"""Recipients of benefits: paid after death or in custody, beside posts, wages and assets of the household."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from features.measures.declare import RECENT, Behind, Entity, Rows, View
from features.measures.prescribing import is_blank
from features.measures.tables import Tables, commonest, joined
from gnomon.terms import Direction, Text

POOR = ("dibao", "tekun", "temporary_relief")


def paid(tables: Tables) -> ir.Table:
    """One row per payment, beside what the civil registry says of the recipient."""
    row = tables.entitlement_payment
    row = row.filter(~is_blank(row.person_id))
    person = tables.person.select("person_id", "death_date", "custody_from", "custody_to", known=True)
    row = joined(row.left_join(person, "person_id").drop("person_id_right"))
    inside = (row.paid_at >= row.custody_from) & (row.custody_to.isnull() | (row.paid_at < row.custody_to))
    return row.select(
        "payment_id", "event_at", "amount", "programme", entity_id="person_id",
        dead=ibis.ifelse(row.known, (row.paid_at > row.death_date).fill_null(False), ibis.null()),
        held=ibis.ifelse(row.known, inside.fill_null(False), ibis.null()),
    )  # fmt: skip


def poor(tables: Tables) -> ir.Table:
    """One row per person with a benefit for the poor, with its household."""
    spell = tables.entitlement
    spell = spell.filter(spell.programme.isin(POOR) & (spell.status == "active") & ~is_blank(spell.person_id))
    spell = spell.group_by("person_id").aggregate(own=spell.household_id.max(), event_at=spell.event_at.max())
    person = tables.person.select("person_id", "household_id")
    spell = joined(spell.left_join(person, "person_id").drop("person_id_right"))
    return spell.select("person_id", "event_at", household=ibis.coalesce(spell.own, spell.household_id))


def members(tables: Tables) -> ir.Table:
    """One row per recipient and member of its household."""
    who = poor(tables)
    person = tables.person.select(household="household_id", member="person_id")
    person = person.filter(~is_blank(person.household))
    others = joined(who.inner_join(person, "household"))
    return ibis.union(
        others.select("person_id", "member", "event_at"),
        who.select("person_id", "event_at", member="person_id").select("person_id", "member", "event_at"),
        distinct=True,
    )


def owned(tables: Tables) -> ir.Table:
    """One row per asset of the household, and one without for every recipient."""
    who = members(tables)
    asset = tables.person_asset
    asset = asset.filter(asset.valid_to.isnull() | (asset.valid_to.cast("timestamp") > tables.now))
    asset = asset.select("kind", "value", "asset_ref", member="person_id")
    row = joined(who.inner_join(asset, "member"))
    row = row.select("event_at", "kind", "value", entity_id="person_id", key="asset_ref")
    none = who.filter(who.member == who.person_id).select(
        "event_at", kind=ibis.null("string"), value=ibis.literal(0.0), entity_id="person_id", key="person_id"
    )
    return ibis.union(row, none)


def official(tables: Tables) -> ir.Table:
    """One row per public post in the household, and one without for every recipient."""
    who = members(tables)
    post = tables.position
    post = post.filter(
        post.is_public_official & (post.valid_to.isnull() | (post.valid_to.cast("timestamp") > tables.now))
    )
    post = post.select(key="position_id", member="person_id")
    row = joined(who.inner_join(post, "member"))
    row = row.select("event_at", "key", entity_id="person_id", post=ibis.literal(1))
    none = who.filter(who.member == who.person_id).select(
        "event_at", key="person_id", entity_id="person_id", post=ibis.literal(0)
    )
    return ibis.union(row, none)


def attributes(tables: Tables) -> ir.Table:
    """Everybody paid, with the programme paid most and the region."""
    row = paid(tables)
    main = commonest(row, "programme").select("entity_id", "programme")
    seen = ibis.union(main.select("entity_id"), poor(tables).select(entity_id="person_id"), distinct=True)
    main = joined(seen.left_join(main, "entity_id").drop("entity_id_right"))
    person = tables.person.select(entity_id="person_id", region="region_code", household="household_id")
    main = joined(main.left_join(person, "entity_id").drop("entity_id_right"))
    return main.mutate(name=ibis.null("string"))


RECIPIENT = Entity(
    "recipient",
    Text("救助对象", "recipient of benefits"),
    attributes,
    peers=(("programme", "region"), ("programme",), ()),
    attribute_titles={"programme": Text("救助项目", "programme"), "region": Text("地区", "region")},
    tables=("entitlement_payment", "entitlement"),
)
PAID = View("paid", paid, ("entitlement_payment",), "entitlement_payment", "payment_id")
OWNED = View("owned", owned, ("entitlement", "person_asset"), "person_asset", "key")
POSTS = View("posts", official, ("entitlement", "position"), "position", "key")


@RECIPIENT.measure(PAID, Text("领取金额", "benefits paid"), "CNY", Direction.NONE, RECENT, log=True)
def paid_amount(rows: Rows) -> ir.Value:
    """Benefits paid."""
    return rows.amount.sum()


@RECIPIENT.measure(
    PAID, Text("身故后发放笔数", "payments after death"), windows=RECENT, behind=Behind(where=lambda r: r.dead)
)
def after_death_payments(rows: Rows) -> ir.Value:
    """Payments after the registered death."""
    return rows.dead.sum()


@RECIPIENT.measure(
    PAID, Text("羁押期间发放笔数", "payments in custody"), windows=RECENT, behind=Behind(where=lambda r: r.held)
)
def custody_payments(rows: Rows) -> ir.Value:
    """Payments while in custody."""
    return rows.held.sum()


@RECIPIENT.measure(
    OWNED, Text("家庭资产种类数", "kinds of household assets"), behind=Behind(where=lambda r: r.kind.notnull())
)
def asset_kinds(rows: Rows) -> ir.Value:
    """Kinds of assets that the household of somebody on a benefit for the poor owns."""
    return rows.kind.nunique()


@RECIPIENT.measure(
    OWNED, Text("家庭资产总值", "household assets"), "CNY", log=True, behind=Behind(weigh=lambda r: r.value)
)
def assets_value(rows: Rows) -> ir.Value:
    """Value of the household's known assets."""
    return rows.value.sum()


@RECIPIENT.measure(
    POSTS, Text("家庭公职岗位数", "public posts in the household"), behind=Behind(where=lambda r: r.post > 0)
)
def household_posts(rows: Rows) -> ir.Value:
    """Public posts held in the household of somebody on a benefit for the poor."""
    return rows.post.sum()
