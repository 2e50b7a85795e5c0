"""Suppliers: whom they meet, lose to, take turns with and are tied to; and their awards."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from features.measures.awarding import awards
from features.measures.declare import RECENT, Behind, Rows, View, ratio
from features.measures.supplier import SUPPLIER, attributes, main_class
from features.measures.tables import Tables, joined
from features.measures.tender import standing
from features.measures.tender_history import offers
from features.measures.ties import with_ties
from gnomon.terms import Direction, Text

MEETINGS = 3
"""Fewer meetings are chance."""


def rivals(tables: Tables) -> ir.Table:
    """One row per supplier and rival: meetings, who won, how far they meet beyond chance, and what ties them."""
    offer = offers(tables)
    offer = offer.mutate(
        bids=offer.count().over(ibis.window(group_by="bidder_id")),
        tenders=offer.tender_id.nunique().over(ibis.window()),
    )
    mine = offer.select("tender_id", "bidder_id", "event_at", "won", "bids", "tenders")
    theirs = offer.select("tender_id", other_id="bidder_id", other_won="won", other_bids="bids")
    met = joined(mine.inner_join(theirs, "tender_id"))
    met = met.filter(met.bidder_id != met.other_id)
    pair = met.group_by("bidder_id", "other_id").aggregate(
        meetings=met.count(),
        own_wins=met.won.cast("int64").sum(),
        their_wins=met.other_won.cast("int64").sum(),
        bids=met.bids.max(),
        chance=met.bids.max() * met.other_bids.max() / met.tenders.max(),
        event_at=met.event_at.max(),
    )
    pair = with_ties(pair, tables)
    return pair.rename(entity_id="bidder_id")


def meetings(tables: Tables) -> ir.Table:
    """One row per bid and rival in the same tender."""
    offer = offers(tables)
    mine = offer.select("tender_id", "bidder_id", "bid_id", "event_at")
    met = joined(mine.inner_join(offer.select("tender_id", other_id="bidder_id"), "tender_id"))
    return met.filter(met.bidder_id != met.other_id).rename(entity_id="bidder_id")


MEETINGS_VIEW = View("meetings", meetings, ("tender", "bid"), "bid", "bid_id")
RIVALS = View("rivals", rivals, ("tender", "bid"), "bid", "bid_id", rows=MEETINGS_VIEW, shares=("other_id",))
MET = Behind(weigh=lambda rows: rows.meetings)
TIED = Behind(weigh=lambda rows: rows.meetings, where=lambda rows: rows.ties > 0)


@SUPPLIER.measure(RIVALS, Text("最常同场对手占比", "share of bids beside one rival"), "%", behind=MET)
def cobid_partner_share(rows: Rows) -> ir.Value:
    """Share of the bids in which the commonest rival bid too; five bids at least."""
    return ibis.ifelse(rows.bids.max() >= 5, ratio(rows.meetings.max(), rows.bids.max()), ibis.null())


@SUPPLIER.measure(RIVALS, Text("同场提升度", "lift of meeting a rival"), "x", log=True, behind=MET)
def cobid_lift(rows: Rows) -> ir.Value:
    """Largest ratio of meetings to those expected by chance, over rivals met three times or more."""
    return ibis.ifelse(rows.meetings >= MEETINGS, rows.meetings / rows.chance, ibis.null()).max()


@SUPPLIER.measure(
    RIVALS, Text("负于同一企业占比", "share of losses to one winner"), "%", behind=Behind(weigh=lambda r: r.their_wins)
)
def lost_to_one_share(rows: Rows) -> ir.Value:
    """Bids lost to the rival lost to most, over all bids; five bids at least."""
    return ibis.ifelse(rows.bids.max() >= 5, ratio(rows.their_wins.max(), rows.bids.max()), ibis.null())


@SUPPLIER.measure(RIVALS, Text("轮流中标程度", "taking turns"), "%", behind=MET)
def rotation_share(rows: Rows) -> ir.Value:
    """Largest share of meetings that two rivals won in equal parts: twice the smaller number of wins over meetings.

    Over rivals met five times or more; 1 where the two win half each and nobody else ever.
    """
    turns = 2 * ibis.least(rows.own_wins, rows.their_wins) / rows.meetings
    return ibis.ifelse(rows.meetings >= 5, turns, ibis.null()).max()


@SUPPLIER.measure(RIVALS, Text("存在关联的对手数", "tied rivals"), behind=TIED)
def tied_rivals(rows: Rows) -> ir.Value:
    """Rivals that share an owner, an officer, staff or a contact with it."""
    return (rows.ties > 0).sum()


@SUPPLIER.measure(RIVALS, Text("与关联企业同场占比", "share of meetings with tied rivals"), "%", behind=TIED)
def tied_meeting_share(rows: Rows) -> ir.Value:
    """Share of the meetings that were with a rival known to be tied."""
    return ratio(((rows.ties > 0).cast("int64") * rows.meetings).sum(), rows.meetings.sum())


@SUPPLIER.measure(
    RIVALS, Text("同一股东的对手数", "rivals with a shared owner"), behind=Behind(where=lambda r: r.owners > 0)
)
def tied_owner_rivals(rows: Rows) -> ir.Value:
    """Rivals with a shareholder or controller in common."""
    return (rows.owners > 0).sum()


@SUPPLIER.measure(
    RIVALS, Text("同一人员的对手数", "rivals with shared staff"), behind=Behind(where=lambda r: r.staff > 0)
)
def tied_staff_rivals(rows: Rows) -> ir.Value:
    """Rivals with an officer or an insured employee in common."""
    return (rows.staff > 0).sum()


@SUPPLIER.measure(
    RIVALS, Text("同一联系方式的对手数", "rivals with a shared contact"), behind=Behind(where=lambda r: r.contacts > 0)
)
def tied_contact_rivals(rows: Rows) -> ir.Value:
    """Rivals with a phone, e-mail, address or account in common."""
    return (rows.contacts > 0).sum()


def classes(tables: Tables) -> ir.Table:
    """One row per supplier, with the firms that bid in its main class."""
    main = attributes(tables).select("entity_id", "main")
    bid = standing(tables)
    tender = tables.tender
    tender = tender.select("tender_id", main=main_class(tender))
    bid = joined(bid.select("tender_id", "bidder_id", "event_at").inner_join(tender, "tender_id"))
    firms = bid.group_by("main").aggregate(firms=bid.bidder_id.nunique(), event_at=bid.event_at.max())
    return joined(main.inner_join(firms, "main")).select("entity_id", "main", "firms", "event_at")


def class_bids(tables: Tables) -> ir.Table:
    """One row per bid that stands, with its tender's main class."""
    tender = tables.tender
    bid = joined(standing(tables).inner_join(tender.select("tender_id", main=main_class(tender)), "tender_id"))
    return bid.select("bid_id", "main", "event_at", entity_id="bidder_id")


CLASS_BIDS = View("class_bids", class_bids, ("tender", "bid"), "bid", "bid_id")
CLASSES = View("classes", classes, ("tender", "bid"), "bid", "bid_id", rows=CLASS_BIDS, shares=("main",))


@SUPPLIER.measure(CLASSES, Text("同类投标企业数", "rivals in its class"), "", Direction.NONE, log=True)
def class_rivals(rows: Rows) -> ir.Value:
    """Other firms that ever bid in the supplier's main class: among few, meeting again is no sign."""
    return rows.firms.max() - 1


def supplier_awards(tables: Tables) -> ir.Table:
    """One row per award, by supplier."""
    return awards(tables).rename(entity_id="supplier_id")


AWARDS = View("awards", supplier_awards, ("award",), "award", "award_id")
BY_AMOUNT = Behind(weigh=lambda rows: rows.amount)


@SUPPLIER.measure(AWARDS, Text("中标合同数", "awards"), windows=RECENT, log=True, behind=BY_AMOUNT)
def awards_count(rows: Rows) -> ir.Value:
    """Awards."""
    return rows.count()


@SUPPLIER.measure(AWARDS, Text("中标金额", "amount awarded"), "CNY", windows=RECENT, log=True, behind=BY_AMOUNT)
def award_amount(rows: Rows) -> ir.Value:
    """Amount of the awards."""
    return rows.amount.sum()


@SUPPLIER.share(AWARDS, Text("压线中标占比", "share of awards just below a threshold"), at_least=3)
def near_threshold_award_share(rows: Rows) -> ir.BooleanValue:
    """Share of the awards between 90 % and 100 % of a threshold in force; three such awards at least."""
    return rows.near


@SUPPLIER.measure(
    AWARDS, Text("拆分系列中标数", "awards completing a split series"), behind=Behind(where=lambda r: r.series)
)
def split_series_awards(rows: Rows) -> ir.Value:
    """Awards that complete a series below the threshold which exceeds it together."""
    return rows.series.sum()


@SUPPLIER.share(AWARDS, Text("非竞争性中标占比", "share of awards without competition"))
def noncompetitive_share(rows: Rows) -> ir.BooleanValue:
    """Share of the awards by single source, direct purchase, draw or framework call."""
    return rows.noncompetitive


def buyers(tables: Tables) -> ir.Table:
    """One row per supplier and buyer."""
    award = awards(tables)
    return award.group_by("supplier_id", "buyer_id").aggregate(
        awards=award.count(), amount=award.amount.sum(), event_at=award.event_at.max()
    ).rename(entity_id="supplier_id")  # fmt: skip


BUYERS = View("buyers", buyers, ("award",), "award", "award_id", rows=AWARDS, shares=("buyer_id",))


@SUPPLIER.measure(
    BUYERS, Text("最大采购人占比", "share of the largest buyer"), "%", behind=Behind(weigh=lambda r: r.amount)
)
def top_buyer_share(rows: Rows) -> ir.Value:
    """Share of the amount awarded by one buyer; three awards at least."""
    return ibis.ifelse(rows.awards.sum() >= 3, ratio(rows.amount.max(), rows.amount.sum()), ibis.null())


@SUPPLIER.measure(BUYERS, Text("采购人数", "buyers"), "", Direction.NONE, log=True)
def buyers_count(rows: Rows) -> ir.Value:
    """Distinct buyers."""
    return rows.count()
