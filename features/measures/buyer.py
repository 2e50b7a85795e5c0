"""Buyers: how they tender and whom they award."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from features.measures.awarding import COMPETITIVE, awards
from features.measures.declare import RECENT, Behind, Entity, Rows, View, ratio, span
from features.measures.tables import Tables, joined
from features.measures.tender import standing
from gnomon.terms import Direction, Text

KINDS = ("gov_dept", "soe", "hospital", "school", "village_collective")


def attributes(tables: Tables) -> ir.Table:
    """Everybody who tendered or awarded, with level and kind."""
    seen = ibis.union(
        tables.tender.select(entity_id="buyer_id"), tables.award.select(entity_id="buyer_id"), distinct=True
    )
    seen = seen.filter(seen.entity_id.notnull() & (seen.entity_id != ""))
    body = tables.organization
    kind = ibis.cases(*((body.roles.contains(kind), kind) for kind in KINDS), else_=ibis.null("string"))
    body = body.select("name", "level", region="region_code", entity_id="org_id", kind=kind)
    return joined(seen.left_join(body, "entity_id")).select("entity_id", "name", "level", "kind", "region")


BUYER = Entity(
    "buyer",
    Text("采购人", "buyer"),
    attributes,
    peers=(("kind", "level"), ("kind",), ()),
    attribute_titles={
        "kind=gov_dept": Text("政府部门", "government departments"),
        "kind=soe": Text("国有企业", "state firms"),
        "kind=hospital": Text("医院", "hospitals"),
        "kind=school": Text("学校", "schools"),
        "kind=village_collective": Text("村集体", "village collectives"),
        "level": Text("级别", "level"),
        "level=province": Text("省级", "province"),
        "level=city": Text("市级", "city"),
        "level=county": Text("县级", "county"),
        "level=town": Text("镇级", "town"),
    },
    tables=("tender", "award", "bid"),
)


def tenders(tables: Tables) -> ir.Table:
    """One row per tender that was not cancelled, with its bids."""
    bid = standing(tables)
    came = bid.group_by("tender_id").aggregate(
        bids=bid.bidder_id.nunique(),
        won=ibis.ifelse(bid.is_winner, bid.amount, ibis.null()).min(),
    )
    tender = tables.tender
    tender = joined(tender.filter(tender.status != "cancelled").left_join(came, "tender_id"))
    return tender.select(
        "tender_id",
        "event_at",
        "won",
        # A tender without bid rows may simply not have been reported.
        "bids",
        entity_id="buyer_id",
        worth=ibis.coalesce(tender.estimated_value, tender.ceiling_price),
        competitive=tender.method.isin(COMPETITIVE),
        to_ceiling=tender.won / ibis.coalesce(tender.ceiling_price, tender.estimated_value).nullif(0.0),
        days=span(tender.deadline_at, tender.published_at),
        failed=tender.status == "failed",
    )


TENDERS = View("tenders", tenders, ("tender",), "tender", "tender_id")
BY_WORTH = Behind(weigh=lambda rows: rows.worth)


@BUYER.measure(TENDERS, Text("招标项目数", "tenders"), "", Direction.NONE, RECENT, log=True, behind=BY_WORTH)
def tenders_count(rows: Rows) -> ir.Value:
    """Tenders, cancelled ones left out."""
    return rows.count()


@BUYER.share(
    TENDERS,
    Text("单一投标占比", "share of single bids"),
    windows=RECENT,
    behind=Behind(where=lambda r: r.competitive & (r.bids == 1), weigh=lambda r: r.worth),
)
def single_bid_share(rows: Rows) -> ir.BooleanValue:
    """Share of the competitive tenders with known bids to which one supplier bid."""
    return ibis.ifelse(rows.competitive, rows.bids == 1, ibis.null())


@BUYER.measure(TENDERS, Text("平均投标数", "mean bids"), "", Direction.LOW)
def bids_mean(rows: Rows) -> ir.Value:
    """Mean number of bidders of the competitive tenders."""
    return ibis.ifelse(rows.competitive, rows.bids, ibis.null()).mean()


@BUYER.share(
    TENDERS,
    Text("非竞争性方式占比", "share without competition"),
    behind=Behind(where=lambda r: ~r.competitive, weigh=lambda r: r.worth),
)
def noncompetitive_share(rows: Rows) -> ir.BooleanValue:
    """Share of the tenders by single source, direct purchase, draw or framework."""
    return ~rows.competitive


@BUYER.measure(
    TENDERS, Text("中标价与控制价之比", "winning price to ceiling"), "%", behind=Behind(weigh=lambda r: r.to_ceiling)
)
def win_to_ceiling_mean(rows: Rows) -> ir.Value:
    """Mean of the winning prices over the ceiling (or estimate)."""
    return rows.to_ceiling.mean()


@BUYER.measure(
    TENDERS, Text("平均投标期", "mean days to bid"), "days", Direction.LOW, behind=Behind(weigh=lambda r: -r.days)
)
def days_to_bid_mean(rows: Rows) -> ir.Value:
    """Mean days between publication and deadline."""
    return rows.days.mean()


@BUYER.share(TENDERS, Text("流标占比", "share of failed tenders"))
def failed_share(rows: Rows) -> ir.BooleanValue:
    """Share of the tenders that failed."""
    return rows.failed


def buyer_awards(tables: Tables) -> ir.Table:
    """One row per award, by buyer."""
    return awards(tables).rename(entity_id="buyer_id")


AWARDS = View("awards", buyer_awards, ("award",), "award", "award_id")
BY_AMOUNT = Behind(weigh=lambda rows: rows.amount)
SERIES = Behind(where=lambda rows: rows.series, weigh=lambda rows: rows.amount)


@BUYER.measure(AWARDS, Text("授标数", "awards"), "", Direction.NONE, RECENT, log=True, behind=BY_AMOUNT)
def awards_count(rows: Rows) -> ir.Value:
    """Awards."""
    return rows.count()


@BUYER.measure(AWARDS, Text("授标金额", "amount awarded"), "CNY", Direction.NONE, RECENT, log=True, behind=BY_AMOUNT)
def award_amount(rows: Rows) -> ir.Value:
    """Amount of the awards."""
    return rows.amount.sum()


@BUYER.share(
    AWARDS,
    Text("压线授标占比", "share of awards just below a threshold"),
    behind=Behind(where=lambda r: r.near, weigh=lambda r: r.amount),
    at_least=3,
)
def near_threshold_share(rows: Rows) -> ir.BooleanValue:
    """Share of the awards between 90 % and 100 % of a threshold in force; three such awards at least."""
    return rows.near


@BUYER.measure(AWARDS, Text("拆分系列数", "split series"), windows=RECENT, behind=SERIES)
def split_series(rows: Rows) -> ir.Value:
    """Suppliers and classes with a series: three awards within 90 days, each below a threshold, together above."""
    pair = ibis.ifelse(rows.series, rows.supplier_id + "/" + rows.kind.fill_null(""), ibis.null())
    return ibis.ifelse(rows.series.count() > 0, pair.nunique(), ibis.null())


@BUYER.measure(AWARDS, Text("拆分系列授标数", "awards completing a split series"), behind=SERIES)
def split_series_awards(rows: Rows) -> ir.Value:
    """Awards that complete such a series."""
    return rows.series.sum()


@BUYER.measure(AWARDS, Text("平均公示天数", "mean days of publicity"), "days", Direction.LOW)
def publicity_days_mean(rows: Rows) -> ir.Value:
    """Mean days that the award was published before it stood."""
    return rows.publicity_days.mean()


def suppliers(tables: Tables) -> ir.Table:
    """One row per buyer and supplier."""
    award = awards(tables)
    return award.group_by("buyer_id", "supplier_id").aggregate(
        awards=award.count(), amount=award.amount.sum(), event_at=award.event_at.max(), first_at=award.event_at.min()
    ).rename(entity_id="buyer_id")  # fmt: skip


SUPPLIERS = View("suppliers", suppliers, ("award",), "award", "award_id", rows=AWARDS, shares=("supplier_id",))
TOP = Behind(weigh=lambda rows: rows.amount)


@BUYER.measure(SUPPLIERS, Text("最大供应商金额占比", "share of the largest supplier"), "%", behind=TOP)
def top_supplier_share(rows: Rows) -> ir.Value:
    """Share of the amount awarded to one supplier; five awards at least."""
    return ibis.ifelse(rows.awards.sum() >= 5, ratio(rows.amount.max(), rows.amount.sum()), ibis.null())


@BUYER.measure(SUPPLIERS, Text("供应商集中度", "concentration of suppliers"), "%", behind=TOP)
def supplier_hhi(rows: Rows) -> ir.Value:
    """Sum of squared shares of the amounts awarded (Herfindahl); five awards at least."""
    hhi = ratio((rows.amount**2).sum(), rows.amount.sum() ** 2)
    return ibis.ifelse(rows.awards.sum() >= 5, hhi, ibis.null())


@BUYER.measure(SUPPLIERS, Text("供应商数", "suppliers"), "", Direction.NONE, log=True)
def suppliers_count(rows: Rows) -> ir.Value:
    """Distinct suppliers awarded."""
    return rows.count()
