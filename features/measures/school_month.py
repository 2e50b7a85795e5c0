"""Schools month by month: meals charged for who was there, and what the kitchen paid; peers are of the same month."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from features.measures.declare import Behind, Entity, Rows, View, excess, ratio
from features.measures.item_supplier import purchases
from features.measures.prescribing import is_blank
from features.measures.tables import Tables, civil, joined, pair_id
from gnomon.terms import Direction, Text


def days(tables: Tables) -> ir.Table:
    """One row per school and day of headcount."""
    row = tables.headcount_day
    row = row.filter(~is_blank(row.org_id))
    school = tables.organization
    school = school.filter(school.roles.contains("school")).select("org_id")
    row = row.semi_join(school, "org_id")
    return row.select(
        "day", "event_at", "n_registered", "n_present", "n_meals_charged", "n_subsidised", "meal_income", "org_id",
        entity_id=pair_id(row.org_id, row.day.strftime("%Y-%m")), season=row.day.strftime("%m"),
        over=row.n_meals_charged > row.n_present,
    )  # fmt: skip


def food(tables: Tables) -> ir.Table:
    """One row per purchase of a school."""
    row = purchases(tables)
    row = row.filter(row.kind == "school")
    day = civil(row.event_at)
    return row.drop("entity_id").mutate(entity_id=pair_id(row.org_id, day.strftime("%Y-%m")), season=day.strftime("%m"))


def plates(tables: Tables) -> ir.Table:
    """What was bought and who was fed, in one table."""
    fed = days(tables).select(
        "event_at", "entity_id", key=ibis._.day.cast("string"), meals="n_meals_charged", worth=ibis.null("float64")
    )
    bought = food(tables).select("event_at", "entity_id", key="movement_id", meals=ibis.null("int64"), worth="worth")
    return ibis.union(fed, bought)


def attributes(tables: Tables) -> ir.Table:
    """School and month, with the level, the month of the year, the county and the quartile of heads in it."""
    row = ibis.union(
        days(tables).select("entity_id", "org_id", "season"),
        food(tables).select("entity_id", "org_id", "season"),
        distinct=True,
    )
    head = tables.headcount_day
    head = head.group_by("org_id").aggregate(heads=head.n_registered.median())
    body = tables.organization
    body = body.filter(body.roles.contains("school")).select("org_id", "name", "level", county="region_code")
    school = joined(body.left_join(head, "org_id").drop("org_id_right"))
    sized = ibis.window(group_by=["level", "county"], order_by=["heads", "org_id"])
    size = ibis.ifelse(school.heads.isnull(), ibis.null(), (ibis.ntile(4).over(sized) + 1).cast("string"))
    school = school.mutate(size=size).drop("heads")
    row = joined(row.left_join(school, "org_id"))
    return row.select("entity_id", "name", "level", "county", "size", "season", school="org_id")


SCHOOL_MONTH = Entity(
    "school_month",
    Text("学校月度", "school in a month"),
    attributes,
    peers=(("county", "level", "season", "size"), ("county", "level", "season"), ("county", "level"), ("county",), ()),
    attribute_titles={
        "county": Text("县区", "county"),
        "level=kindergarten": Text("幼儿园", "kindergartens"),
        "level=primary": Text("小学", "primary schools"),
        "level=junior": Text("初中", "junior schools"),
        "level=senior": Text("高中", "senior schools"),
        "level=college": Text("高校", "colleges"),
        "season": Text("月份", "month"),
        "size": Text("人数四分位", "quartile of heads"),
    },
    tables=("headcount_day", "stock_movement"),
)
DAYS = View("days", days, ("headcount_day", "organization"), "headcount_day", "day")
FOOD = View("food", food, ("stock_movement", "organization"), "stock_movement", "movement_id")
PRICED = View("priced", food, ("stock_movement", "organization", "price_reference"), "stock_movement", "movement_id")
PLATES = View(
    "plates", plates, ("headcount_day", "stock_movement", "organization"), "stock_movement", "movement_id", rows=FOOD
)
OVER = Behind(weigh=lambda rows: rows.n_meals_charged - rows.n_present)


@SCHOOL_MONTH.measure(DAYS, Text("计费餐数与实到人数之比", "meals charged to heads present"), "%", behind=OVER)
def meals_to_present(rows: Rows) -> ir.Value:
    """Meals charged over heads present, on the days that tell both."""
    both = rows.n_meals_charged.notnull() & rows.n_present.notnull()
    return ratio(
        ibis.ifelse(both, rows.n_meals_charged, ibis.null()).sum(), ibis.ifelse(both, rows.n_present, ibis.null()).sum()
    )


@SCHOOL_MONTH.share(DAYS, Text("计费餐数超实到天数占比", "share of days with more meals than heads"))
def overcharged_day_share(rows: Rows) -> ir.BooleanValue:
    """Share of the days on which more meals were charged than heads were present."""
    return rows.over


@SCHOOL_MONTH.rate(DAYS, Text("到校率", "share present"), suspicious=Direction.NONE)
def present_share(rows: Rows) -> tuple[ir.NumericValue, ir.NumericValue]:
    """Heads present over heads registered, over the days."""
    known = ibis.ifelse(rows.n_present.notnull(), rows.n_registered, ibis.null())
    return rows.n_present.sum(), known.sum()


@SCHOOL_MONTH.rate(DAYS, Text("补助人数占比", "share subsidised"))
def subsidised_share(rows: Rows) -> tuple[ir.NumericValue, ir.NumericValue]:
    """Heads subsidised over heads registered, over the days."""
    known = ibis.ifelse(rows.n_subsidised.notnull(), rows.n_registered, ibis.null())
    return rows.n_subsidised.sum(), known.sum()


@SCHOOL_MONTH.measure(DAYS, Text("餐均收费", "charge per meal"), "CNY", log=True)
def charge_per_meal(rows: Rows) -> ir.Value:
    """Income from meals over meals charged."""
    return ratio(rows.meal_income.sum(), rows.n_meals_charged.sum())


@SCHOOL_MONTH.measure(PRICED, Text("食材价格偏离参考价", "food price over the reference"), "%")
def food_over_reference(rows: Rows) -> ir.Value:
    """Amount paid for food over what it costs at the reference price of region and month, less one."""
    return excess(rows.worth, rows.reference)


@SCHOOL_MONTH.measure(PLATES, Text("餐均食材成本", "food cost per meal"), "CNY", log=True, behind=Behind())
def food_per_meal(rows: Rows) -> ir.Value:
    """Food bought over meals charged."""
    return ratio(rows.worth.sum(), rows.meals.sum())
