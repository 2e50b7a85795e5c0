"""Officials and their households: what they own and earn, firms they hold, benefits they draw."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from features.measures.declare import Behind, Entity, Rows, View, ratio
from features.measures.prescribing import is_blank
from features.measures.tables import Tables, joined
from gnomon.terms import Direction, Text

YEARS = 3
"""Years over which what was gained is held against what was earned."""


def posts(tables: Tables) -> ir.Table:
    """One row per official: rank, place and household of the newest public post that has not ended."""
    post = tables.position
    post = post.filter(post.is_public_official & ~is_blank(post.person_id))
    post = post.filter(post.valid_to.isnull() | (post.valid_to.cast("timestamp") > tables.now))
    newest = ibis.window(group_by="person_id", order_by=[ibis.desc("valid_from"), "position_id"])
    post = post.mutate(order=ibis.row_number().over(newest))
    body = tables.organization.select("org_id", city=ibis._.region_code.substr(0, 4).nullif(""))
    post = joined(post.filter(post.order == 0).left_join(body, "org_id").drop("org_id_right"))
    person = tables.person.select("person_id", "household_id")
    post = joined(post.left_join(person, "person_id").drop("person_id_right"))
    return post.select("person_id", "rank", "city", "org_id", "household_id", since="valid_from")


def households(tables: Tables) -> ir.Table:
    """One row per official and member of the household, the official among them."""
    post = posts(tables)
    member = tables.person.select("household_id", member="person_id")
    member = member.filter(~is_blank(member.household_id))
    others = joined(post.select("person_id", "household_id").inner_join(member, "household_id"))
    own = post.select("person_id", member="person_id")
    return ibis.union(others.select("person_id", "member"), own, distinct=True)


def attributes(tables: Tables) -> ir.Table:
    """Officials in office, with rank and city."""
    return posts(tables).select("rank", "city", entity_id="person_id", unit="org_id", name=ibis.null("string"))


OFFICIAL = Entity(
    "official",
    Text("公职人员", "official"),
    attributes,
    peers=(("city", "rank"), ("city",), ()),
    attribute_titles={"rank": Text("职级", "rank"), "city": Text("城市", "city")},
    tables=("social_insurance", "entitlement_payment", "position"),
)


def means(tables: Tables) -> ir.Table:
    """One row per asset of the household, or month that a member was insured: gained and earned."""
    who = households(tables)
    asset = tables.person_asset.select("kind", "value", "valid_from", "valid_to", "asset_ref", member="person_id")
    asset = joined(who.inner_join(asset, "member"))
    start = asset.valid_from.cast("timestamp")
    now = asset.valid_to.isnull() | (asset.valid_to.cast("timestamp") > tables.now)
    asset = asset.filter(now)
    owned = asset.select(
        entity_id="person_id", event_at=start, key="asset_ref", kind="kind", owned=asset.value,
        gained=ibis.ifelse(start > tables.ago(YEARS * 365), asset.value, ibis.null()), earned=ibis.null("float64"),
    )  # fmt: skip
    month = tables.social_insurance.select("event_at", "month", "contribution_base", member="person_id")
    month = joined(who.inner_join(month, "member"))
    month = month.mutate(event_at=month.event_at.cast("timestamp"))
    month = month.filter(month.event_at > tables.ago(YEARS * 365))
    earned = month.select(
        "event_at", entity_id="person_id", key="month", kind=ibis.null("string"), owned=ibis.null("float64"),
        gained=ibis.null("float64"), earned="contribution_base",
    ).select("entity_id", "event_at", "key", "kind", "owned", "gained", "earned")  # fmt: skip
    return ibis.union(owned, earned)


def assets(tables: Tables) -> ir.Table:
    """The assets of the household alone."""
    row = means(tables)
    return row.filter(row.kind.notnull())


ASSETS = View("assets", assets, ("position", "person_asset"), "person_asset", "key")
MEANS = View("means", means, ("position", "person_asset", "social_insurance"), "person_asset", "key", rows=ASSETS)


@OFFICIAL.measure(
    ASSETS, Text("家庭资产总值", "household assets"), "CNY", log=True, behind=Behind(weigh=lambda r: r.owned)
)
def assets_value(rows: Rows) -> ir.Value:
    """Value of the household's known assets."""
    return rows.owned.sum()


@OFFICIAL.measure(ASSETS, Text("家庭房产数", "homes"), behind=Behind(where=lambda r: r.kind == "real_estate"))
def homes(rows: Rows) -> ir.Value:
    """Homes of the household."""
    return (rows.kind == "real_estate").sum()


@OFFICIAL.measure(
    MEANS, Text("三年资产增量与收入之比", "assets gained to income over three years"), "%", log=True, behind=Behind()
)
def assets_to_income(rows: Rows) -> ir.Value:
    """Value of the assets acquired in the last three years over the household's insured income in them."""
    return ratio(rows.gained.sum(), rows.earned.sum())


def holdings(tables: Tables) -> ir.Table:
    """One row per firm that an official holds or leads now, and one without a firm for every official."""
    who = posts(tables).select("person_id")
    held = tables.org_interest
    held = held.filter(
        (held.holder_kind == "person") & (held.valid_to.isnull() | (held.valid_to.cast("timestamp") > tables.now))
    )
    held = held.select("org_id", key="interest_id", person_id="holder_id")
    led = tables.position
    led = led.filter(
        led.role.isin(["legal_rep", "director", "supervisor_board", "executive"])
        & ~led.is_public_official
        & (led.valid_to.isnull() | (led.valid_to.cast("timestamp") > tables.now))
    )
    led = led.select("org_id", "person_id", key="position_id").select("org_id", "key", "person_id")
    firm = joined(who.inner_join(ibis.union(held, led), "person_id"))
    row = firm.select("key", entity_id="person_id", firm="org_id")
    none = who.select(key="person_id", entity_id="person_id", firm=ibis.null("string"))
    return ibis.union(row, none).mutate(event_at=ibis.null("timestamp"))


HOLDINGS = View("holdings", holdings, ("position", "org_interest"), "org_interest", "key")


@OFFICIAL.measure(
    HOLDINGS, Text("持股任职企业数", "firms held or led"), behind=Behind(where=lambda r: r.firm.notnull())
)
def firms_held(rows: Rows) -> ir.Value:
    """Firms that the official holds a share of or leads while in office."""
    return rows.firm.nunique()


def benefits(tables: Tables) -> ir.Table:
    """One row per payment of medical assistance or a benefit for the poor to an official or into its account."""
    who = posts(tables).select("person_id")
    paid = tables.entitlement_payment
    paid = paid.filter(paid.programme.isin(["medical_assistance", "dibao", "tekun", "temporary_relief"]))
    paid = paid.mutate(event_at=paid.event_at.cast("timestamp"))
    row = ibis.union(
        paid.select("payment_id", "event_at", "amount", entity_id="person_id", own=ibis.literal(1, "int8")),
        paid.filter(paid.account_holder_id != paid.person_id).select(
            "payment_id", "event_at", "amount", entity_id="account_holder_id", own=ibis.literal(0, "int8")
        ),
    )
    row = row.semi_join(who.rename(entity_id="person_id"), "entity_id")
    none = who.select(
        payment_id="person_id", event_at=ibis.null("timestamp"), amount=ibis.literal(0.0), entity_id="person_id",
        own=ibis.null("int8"),
    )  # fmt: skip
    return ibis.union(row, none)


BENEFITS = View("benefits", benefits, ("position", "entitlement_payment"), "entitlement_payment", "payment_id")


@OFFICIAL.measure(BENEFITS, Text("领取救助笔数", "benefits drawn"), behind=Behind(where=lambda r: r.own == 1))
def benefits_drawn(rows: Rows) -> ir.Value:
    """Payments of medical assistance or benefits for the poor to the official."""
    return ibis.ifelse(rows.own == 1, 1, 0).sum()


@OFFICIAL.measure(
    BENEFITS, Text("他人救助入其账户笔数", "others' benefits received"), behind=Behind(where=lambda r: r.own == 0)
)
def benefits_received(rows: Rows) -> ir.Value:
    """Payments of others' benefits into an account that the official holds."""
    return ibis.ifelse(rows.own == 0, 1, 0).sum()


@OFFICIAL.measure(BENEFITS, Text("领取救助金额", "amount of benefits drawn"), "CNY", Direction.HIGH)
def benefits_amount(rows: Rows) -> ir.Value:
    """Amount of both."""
    return rows.amount.sum()
