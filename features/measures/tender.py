"""Tenders: the bids received and the screens that read collusion from their prices alone."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from features.measures.declare import Behind, Entity, Rows, View, ratio, share
from features.measures.tables import Tables, joined
from gnomon.terms import Direction, Text

SIZE_BANDS = (4, 5, 6, 7, 8)
"""Powers of ten that part tenders into size bands, in the currency of the records."""


def attributes(tables: Tables) -> ir.Table:
    """Tenders with what makes them comparable: category, two-digit class, method, size band, region."""
    tender = tables.tender
    worth = ibis.coalesce(tender.estimated_value, tender.ceiling_price)
    bands = [(worth < 10**power, f"<1e{power}") for power in SIZE_BANDS]
    size = ibis.cases(*bands, (worth.notnull(), f">=1e{SIZE_BANDS[-1]}"), else_=ibis.null("string"))
    return tender.select(
        "category",
        "method",
        entity_id="tender_id",
        name="title",
        class2=tender.class_code.substr(0, 2).nullif(""),
        size=size,
        region="region_code",
        buyer="buyer_id",
    )


TENDER = Entity(
    "tender",
    Text("招标项目", "tender"),
    attributes,
    peers=(
        ("category", "class2", "method", "size"),
        ("category", "class2", "method"),
        ("category", "class2"),
        ("category",),
        (),
    ),
    attribute_titles={
        "category=works": Text("工程", "works"),
        "category=goods": Text("货物", "goods"),
        "category=services": Text("服务", "services"),
        "class2": Text("类别", "class"),
        "method": Text("采购方式", "method"),
        "method=open": Text("公开招标", "open tender"),
        "method=invited": Text("邀请招标", "by invitation"),
        "method=negotiation": Text("竞争性谈判", "negotiation"),
        "method=consultation": Text("竞争性磋商", "consultation"),
        "method=inquiry": Text("询价", "inquiry"),
        "method=single_source": Text("单一来源", "single source"),
        "method=direct": Text("直接采购", "direct"),
        "method=random_draw": Text("随机抽取", "random draw"),
        "method=framework": Text("框架协议", "framework"),
        "size": Text("规模(元)", "worth"),
    },
    tables=("tender", "bid"),
)


def standing(tables: Tables) -> ir.Table:
    """Bids that stand with a price, one row for a whole consortium."""
    bid = tables.bid
    bid = bid.filter(bid.status.isin(["valid", "pending"]) & bid.amount.notnull() & (bid.amount > 0))
    one = ibis.window(group_by=["tender_id", ibis.coalesce(bid.consortium_id, bid.bid_id)], order_by=bid.bid_id)
    bid = bid.mutate(member=ibis.row_number().over(one))
    return bid.filter(bid.member == 0).drop("member")


def bids(tables: Tables) -> ir.Table:
    """One row per bid that stands, placed among the bids of its tender."""
    tender = tables.tender.select("tender_id", "estimated_value", "ceiling_price", "category", _at="event_at")
    bid = joined(standing(tables).inner_join(tender, "tender_id"))
    within = ibis.window(group_by="tender_id")
    ordered = ibis.window(group_by="tender_id", order_by=[bid.amount, bid.bid_id])
    bid = bid.select(
        "bid_id",
        "bidder_id",
        "amount",
        "is_winner",
        "agent_person_id",
        "bond_account_hash",
        "event_at",
        "category",
        entity_id="tender_id",
        estimate=ibis.coalesce(bid.estimated_value, bid.ceiling_price).nullif(0.0),
        ceiling=bid.ceiling_price.nullif(0.0),
        n=bid.count().over(within),
        low=bid.amount.min().over(within),
        high=bid.amount.max().over(within),
        mean=bid.amount.mean().over(within),
        won=ibis.ifelse(bid.is_winner, bid.amount, ibis.null()).min().over(within),
        place=ibis.row_number().over(ordered),
        gap=bid.amount - bid.amount.lag().over(ordered),
    )
    # The mean of equal prices may miss them by a rounding error, which a ratio would blow up.
    off = ibis.ifelse(bid.high > bid.low, bid.amount - bid["mean"], 0.0)
    unit = (bid.amount - bid.low) / (bid.high - bid.low).nullif(0.0)
    above, under = (bid.place + 1) / bid.n - unit, unit - bid.place / bid.n
    edge = (bid.n / 4).floor()
    return bid.mutate(
        off=off,
        # Skewness and kurtosis do not depend on the scale, and powers of amounts outgrow every number.
        lean=off / (bid.high - bid.low).nullif(0.0),
        relative=bid.amount / bid.estimate,
        ks=ibis.greatest(above, under),
        central=ibis.ifelse((bid.place >= edge) & (bid.place < bid.n - edge), bid.amount, ibis.null()),
        losing=ibis.ifelse(bid.place > 0, bid.amount, ibis.null()),
        # A price named twice (double rows, several winners) is one price: the gap is to the next one above.
        second=ibis.ifelse(bid.amount > bid.low, bid.amount, ibis.null()),
        but_highest=ibis.ifelse(bid.place < bid.n - 1, bid.amount, ibis.null()),
    )


BIDS = View("bids", bids, ("tender", "bid"), "bid", "bid_id")
LOWEST_FIRST = Behind(weigh=lambda rows: -rows.amount)


@TENDER.measure(BIDS, Text("有效投标数", "valid bids"), suspicious=Direction.LOW, log=True, behind=LOWEST_FIRST)
def bids_count(rows: Rows) -> ir.Value:
    """Bids that stand with a price."""
    return rows.count()


@TENDER.measure(BIDS, Text("报价变异系数", "coefficient of variation of bids"), "%", Direction.LOW, behind=LOWEST_FIRST)
def bid_cv(rows: Rows) -> ir.Value:
    """CV: sample standard deviation of the bids over their mean (García Rodríguez et al. 2022)."""
    return ratio(deviation(rows), rows.amount.mean())


@TENDER.measure(BIDS, Text("报价极差比", "spread of bids"), "%", Direction.LOW, behind=LOWEST_FIRST)
def bid_spd(rows: Rows) -> ir.Value:
    """SPD: highest less lowest bid, over the lowest."""
    # One bid has no spread; that it came alone is told by the number of bids.
    several = ibis.ifelse(rows.count() > 1, rows.amount.min(), ibis.null())
    return ratio(rows.amount.max() - rows.amount.min(), several)


@TENDER.measure(BIDS, Text("次低价差比", "gap of the two lowest bids"), "%", behind=LOWEST_FIRST)
def bid_diffp(rows: Rows) -> ir.Value:
    """DIFFP: second lowest less lowest price, over the lowest. A winner far below planned losers leaves a gap."""
    return ratio(rows.second.min() - rows.amount.min(), rows.amount.min())


@TENDER.measure(BIDS, Text("相对距离", "relative distance"), "", behind=LOWEST_FIRST)
def bid_rd(rows: Rows) -> ir.Value:
    """RD: second lowest less lowest price, over the standard deviation of the losing bids (Imhof et al. 2018).

    High where the winner stands apart and the losers cluster: cover bids.
    """
    return ratio(rows.second.min() - rows.amount.min(), rows.losing.std(how="sample"))


@TENDER.measure(BIDS, Text("相对距离(去最高价)", "relative distance, highest left out"), "", behind=LOWEST_FIRST)
def bid_rd_low(rows: Rows) -> ir.Value:
    """RD with the deviation of all bids but the highest, as García Rodríguez et al. 2022 published it for Brazil."""
    return ratio(rows.second.min() - rows.amount.min(), rows.but_highest.std(how="sample"))


@TENDER.measure(BIDS, Text("相对距离(间隔式)", "relative distance by gaps"), "", behind=LOWEST_FIRST)
def bid_rdalt(rows: Rows) -> ir.Value:
    """RDALT: gap of the two lowest bids over the mean gap between the losing bids (Wallimann et al. 2022)."""
    lowest, second, highest = rows.amount.min(), rows.second.min(), rows.amount.max()
    return ratio((second - lowest) * (rows.count() - 2), highest - second)


@TENDER.measure(BIDS, Text("相对距离(规范式)", "relative distance, normalised"), "", behind=LOWEST_FIRST)
def bid_rdnor(rows: Rows) -> ir.Value:
    """RDNOR: gap of the two lowest bids over the mean gap of all bids (Wallimann et al. 2022)."""
    lowest, second, highest = rows.amount.min(), rows.second.min(), rows.amount.max()
    return ratio((second - lowest) * (rows.count() - 1), highest - lowest)


@TENDER.measure(BIDS, Text("报价峰度", "kurtosis of bids"), behind=LOWEST_FIRST)
def bid_kurt(rows: Rows) -> ir.Value:
    """KURT: sample excess kurtosis (G2) of four bids or more. High where most bids huddle."""
    n = rows.count().cast("float64")
    fourth = ratio((rows.lean**4).sum(), ((rows.lean**2).sum() / (n - 1).nullif(0.0)) ** 2)
    few = ((n - 1) * (n - 2) * (n - 3)).nullif(0.0)
    return ibis.ifelse(n > 3, n * (n + 1) / few * fourth - 3 * (n - 1) ** 3 / few, ibis.null())


@TENDER.measure(BIDS, Text("报价偏度", "skewness of bids"), suspicious=Direction.LOW, behind=LOWEST_FIRST)
def bid_skew(rows: Rows) -> ir.Value:
    """SKEW: sample skewness (G1) of three bids or more. Negative where one bid is far below the rest."""
    n = rows.count().cast("float64")
    third = ratio((rows.lean**3).sum(), ((rows.lean**2).sum() / (n - 1).nullif(0.0)) ** 1.5)
    return ibis.ifelse(n > 2, n / ((n - 1) * (n - 2)).nullif(0.0) * third, ibis.null())


@TENDER.measure(BIDS, Text("报价分布KS值", "KS distance of bids from uniform"), behind=LOWEST_FIRST)
def bid_kstest(rows: Rows) -> ir.Value:
    """KSTEST: Kolmogorov-Smirnov distance between the bids and a uniform spread over their own range."""
    return rows.ks.max()


@TENDER.measure(BIDS, Text("未中标报价变异系数", "variation of the losing bids"), "%", Direction.LOW)
def losing_cv(rows: Rows) -> ir.Value:
    """Standard deviation over mean of all bids but the lowest: cover bids huddle."""
    return ratio(rows.losing.std(how="sample"), rows.losing.mean())


@TENDER.measure(BIDS, Text("中间报价变异系数", "variation of the central bids"), "%", Direction.LOW)
def central_cv(rows: Rows) -> ir.Value:
    """Standard deviation over mean of the middle half of the bids: who steers an average-bid auction crowds it."""
    return ratio(rows.central.std(how="sample"), rows.central.mean())


@TENDER.measure(BIDS, Text("相同报价占比", "share of identical bids"), "%")
def identical_share(rows: Rows) -> ir.Value:
    """Share of bids whose price another bid already names."""
    return 1.0 - ratio(rows.amount.nunique(), rows.count())


@TENDER.measure(BIDS, Text("并列最低报价数", "bids tied at the lowest price"), behind=LOWEST_FIRST)
def lowest_ties(rows: Rows) -> ir.Value:
    """Bids beside the first that name the lowest price: the gaps above speak of the next price, and not of these."""
    return ibis.ifelse(rows.count() > 1, (rows.amount == rows.low).sum() - 1, ibis.null())


@TENDER.measure(BIDS, Text("整数报价占比", "share of round bids"), "%")
def round_share(rows: Rows) -> ir.Value:
    """Share of bids with at most three leading digits."""
    return share(is_round(rows.amount))


@TENDER.measure(BIDS, Text("首位数字为一占比", "share of bids with first digit one"), "%", Direction.NONE)
def first_digit_one_share(rows: Rows) -> ir.Value:
    """Share of bids whose first digit is 1 (30 % by Benford over many tenders)."""
    return share(rows.amount / unit_of(rows.amount) < 2)


@TENDER.measure(BIDS, Text("最大间隔占比", "largest gap in the range"), "%", Direction.NONE)
def largest_gap_share(rows: Rows) -> ir.Value:
    """Largest gap between neighbouring bids over the whole range."""
    return ratio(rows.gap.max(), rows.amount.max() - rows.amount.min())


@TENDER.measure(BIDS, Text("间隔变异系数", "variation of the gaps"), "%", Direction.LOW)
def gap_cv(rows: Rows) -> ir.Value:
    """Standard deviation over mean of the gaps between neighbouring bids: low where bids stand at even steps."""
    return ratio(rows.gap.std(how="sample"), rows.gap.mean())


@TENDER.measure(BIDS, Text("紧邻报价占比", "share of close neighbours"), "%")
def close_gap_share(rows: Rows) -> ir.Value:
    """Share of gaps under 0.1 % of the mean bid."""
    return share(rows.gap < 0.001 * rows.mean)


@TENDER.measure(BIDS, Text("联系人重合占比", "share of bids by a shared agent"), "%")
def shared_agent_share(rows: Rows) -> ir.Value:
    """Share of bids whose agent also acts for another bidder here."""
    return 1.0 - ratio(rows.agent_person_id.nunique(), rows.agent_person_id.count())


@TENDER.measure(BIDS, Text("保证金账户重合占比", "share of bids from a shared bond account"), "%")
def shared_bond_account_share(rows: Rows) -> ir.Value:
    """Share of bids whose bond was paid from the account of another bid."""
    return 1.0 - ratio(rows.bond_account_hash.nunique(), rows.bond_account_hash.count())


def deviation(rows: Rows) -> ir.Value:
    """Sample standard deviation of the bids; exactly zero for equal bids."""
    return ((rows.off**2).sum() / (rows.count() - 1).cast("float64").nullif(0.0)).sqrt()


def unit_of(amount: ir.FloatingValue) -> ir.FloatingValue:
    """The power of ten of an amount's first digit."""
    return ibis.literal(10.0) ** amount.log10().floor()


def is_round(amount: ir.FloatingValue) -> ir.BooleanValue:
    """Whether an amount has at most three leading digits."""
    steps = amount / unit_of(amount) * 100
    return (steps - steps.round()).abs() < 1e-6
