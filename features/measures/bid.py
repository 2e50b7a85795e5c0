"""Winning bids: how their bills of quantities are priced, and what was changed of it afterwards."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from features.measures.declare import Behind, Entity, Rows, View, correlation, excess, ratio
from features.measures.tables import Tables, joined
from gnomon.terms import Direction, Text

FEWEST_BIDS = 4
"""Bidders of an item from which their prices have a spread."""
FAR = 2.5
"""Spreads from the other bidders' median at which a price is unbalanced."""


def attributes(tables: Tables) -> ir.Table:
    """Winning bids with the category, class and method of their tender."""
    bid = tables.bid
    tender = tables.tender.select("tender_id", "category", "method", "title", klass=ibis._.class_code.substr(0, 2))
    won = joined(bid.filter(bid.is_winner).inner_join(tender, "tender_id"))
    return won.select(
        "category", "method", entity_id="bid_id", name="title", bidder="bidder_id", klass=won.klass.nullif("")
    )


BID = Entity(
    "bid",
    Text("中标报价", "winning bid"),
    attributes,
    peers=(("category", "klass", "method"), ("category", "klass"), ("category",), ()),
    attribute_titles={
        "category=works": Text("工程类", "works"),
        "category=goods": Text("货物类", "goods"),
        "category=services": Text("服务类", "services"),
        "klass": Text("品目", "class"),
        "method": Text("方式", "method"),
    },
    tables=("bid_item", "bid", "tender"),
)


def items(tables: Tables) -> ir.Table:
    """One row per priced item of a winning bid, held against the other bidders' prices in log spreads."""
    offer = tables.bid.select("bid_id", "tender_id", "is_winner", "bidder_id", "status")
    line = joined(tables.bid_item.inner_join(offer, "bid_id"))
    line = line.filter((line.status == "valid") & (line.unit_price > 0))
    same = ibis.window(group_by=["tender_id", "item_code"])
    log = line.unit_price.log()
    line = line.mutate(log=log, bidders=line.bidder_id.nunique().over(same))
    others = (line.log.sum().over(same) - line.log) / (line.log.count().over(same) - 1).nullif(0)
    squares = (line.log**2).sum().over(same) - line.log**2
    n = (line.log.count().over(same) - 1).cast("float64")
    spread = ((squares - n * others**2) / (n - 1).nullif(0.0)).sqrt()
    usual = (line.unit_price.sum().over(same) - line.unit_price) / n.nullif(0.0)
    line = line.mutate(
        far=ibis.ifelse(line.bidders >= FEWEST_BIDS, (line.log - others) / ibis.greatest(spread, 0.05), ibis.null()),
        usual=usual,
    )
    line = line.filter(line.is_winner)
    changed = _changed(tables)
    line = joined(line.left_join(changed, ["bid_id", "item_code"]).drop("bid_id_right", "item_code_right"))
    region = tables.tender.select("tender_id", "region_code", "opened_at")
    line = joined(line.left_join(region, "tender_id").drop("tender_id_right"))
    line = line.mutate(month=line.event_at.strftime("%Y-%m"))
    reference = tables.price_reference.select("item_code", "region_code", "month", "ref_price")
    on = ["item_code", "region_code", "month"]
    line = joined(line.left_join(reference, on).drop(*(f"{name}_right" for name in on)))
    return line.select(
        "bid_id", "line_no", "event_at", "amount", "far", entity_id="bid_id",
        change=ibis.ifelse(line.changes_known, line.delta.fill_null(0.0) / line.quantity.nullif(0.0), ibis.null()),
        reference=line.ref_price * line.quantity,
    )  # fmt: skip


def _changed(tables: Tables) -> ir.Table:
    """Quantities that amendments added to each item of the contract that came of a bid."""
    award = tables.award
    award = award.filter(award.bid_id.notnull()).select("award_id", "bid_id")
    contract = tables.contract.select("contract_id", "award_id")
    contract = joined(contract.inner_join(award, "award_id"))
    change = joined(tables.contract_amendment.inner_join(contract, "contract_id"))
    change = change.filter(change.item_code.notnull() & change.delta_qty.notnull())
    return change.group_by("bid_id", "item_code").aggregate(
        delta=change.delta_qty.sum(), changes_known=ibis.literal(True)
    )


def ranked(tables: Tables) -> ir.Table:
    """The items with the ranks of price and of change within their bid, for Spearman's correlation."""
    line = items(tables)
    line = line.filter(line.far.notnull())
    line = line.mutate(change=line.change.fill_null(0.0), some=line.change.count().over(ibis.window(group_by="bid_id")))
    line = line.filter(line.some > 0)
    return line.mutate(price_rank=_midrank(line, "far"), change_rank=_midrank(line, "change"))


def _midrank(line: ir.Table, column: str) -> ir.FloatingValue:
    order = ibis.window(group_by="bid_id", order_by=column)
    ties = ibis.window(group_by=["bid_id", column])
    return ibis.rank().over(order).cast("float64") + (line.count().over(ties) - 1) / 2


ITEMS = View("items", items, ("bid", "bid_item"), "bid_item", "line_no")
RANKED = View("ranked", ranked, ("bid", "bid_item", "contract_amendment"), "bid_item", "line_no")
PRICED = View("priced", items, ("bid", "bid_item", "price_reference"), "bid_item", "line_no")
UNBALANCED = Behind(where=lambda rows: rows.far.abs() >= FAR, weigh=lambda rows: rows.amount)


@BID.measure(ITEMS, Text("不平衡报价子目数", "unbalanced items"), behind=UNBALANCED)
def unbalanced_items(rows: Rows) -> ir.Value:
    """Items priced 2.5 log spreads or more off the other bidders' mean; four bidders of the item at least."""
    return (rows.far.abs() >= FAR).sum()


@BID.measure(ITEMS, Text("不平衡报价金额占比", "share of unbalanced amount"), "%", behind=UNBALANCED)
def unbalanced_share(rows: Rows) -> ir.Value:
    """Amount of the unbalanced items over that of the items that others priced too."""
    known = ibis.ifelse(rows.far.notnull(), rows.amount, ibis.null())
    return ratio(ibis.ifelse(rows.far.abs() >= FAR, rows.amount, 0.0).sum(), known.sum())


@BID.measure(RANKED, Text("高价子目增量相关", "dear items and added quantities"), "", behind=Behind())
def price_change_correlation(rows: Rows) -> ir.Value:
    """Spearman correlation of how dear items were priced with how much their quantity grew; five items at least."""
    x, y = rows.price_rank, rows.change_rank
    return ibis.ifelse(x.count() >= 5, correlation(x, y), ibis.null())


@BID.measure(PRICED, Text("清单价高于参考价", "bill over the reference price"), "%")
def bill_over_reference(rows: Rows) -> ir.Value:
    """Amount of the items with a reference price over what they cost at it, less one."""
    return excess(rows.amount, rows.reference)


@BID.measure(PRICED, Text("清单超参考价金额", "bill's excess over the reference"), "CNY", Direction.HIGH)
def bill_excess(rows: Rows) -> ir.Value:
    """Amount of the items less what they cost at the reference price."""
    return (rows.amount - rows.reference).sum()
