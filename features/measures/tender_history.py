"""Tenders: what the bidders did in strictly earlier tenders, and what ties them. Unknown for tenders without a date."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from features.measures.declare import Behind, Rows, View, ratio, share
from features.measures.tables import Tables, joined
from features.measures.tender import TENDER, standing
from features.measures.ties import with_ties
from gnomon.terms import Direction, Text


def offers(tables: Tables) -> ir.Table:
    """One row per bidder and tender, when the tender itself says when it was: the ground that histories stand on.

    The arrival of an undated row says nothing about the order of tenders.
    """
    tender = tables.tender
    opened = ibis.coalesce(tender.opened_at, tender.deadline_at, tender.published_at)
    tender = tender.select("tender_id", "buyer_id", opened=opened)
    bid = joined(standing(tables).inner_join(tender, "tender_id"))
    return bid.group_by("tender_id", "bidder_id").aggregate(
        bid_id=bid.bid_id.min(),
        buyer_id=bid.buyer_id.min(),
        event_at=bid.event_at.max(),
        opened=bid.opened.min(),
        won=bid.is_winner.max(),
        amount=bid.amount.min(),
    )


def careers(tables: Tables) -> ir.Table:
    """One row per bidder and tender with the bidder's record in earlier tenders."""
    offer = offers(tables)
    before = ibis.window(group_by="bidder_id", order_by="opened")
    same = ibis.window(group_by=["bidder_id", "opened"])
    wins = offer.won.cast("int64")
    offer = offer.mutate(
        bids_before=ibis.rank().over(before),
        wins_through=wins.sum().over(
            ibis.range_window(group_by="bidder_id", order_by="opened", preceding=None, following=0)
        ),
        wins_now=wins.sum().over(same),
    )
    dated = offer.opened.notnull()
    return offer.select(
        "bid_id",
        "bidder_id",
        "event_at",
        "won",
        entity_id="tender_id",
        bids_before=ibis.ifelse(dated, offer.bids_before, ibis.null()),
        wins_before=ibis.ifelse(dated, offer.wins_through - offer.wins_now, ibis.null()),
    )


CAREERS = View("careers", careers, ("tender", "bid"), "bid", "bid_id")


@TENDER.measure(CAREERS, Text("中标人此前投标数", "earlier bids of the winner"), "", Direction.NONE, log=True)
def winner_prior_bids(rows: Rows) -> ir.Value:
    """Bids of the winner in earlier tenders."""
    return ibis.ifelse(rows.won, rows.bids_before, ibis.null()).max()


@TENDER.measure(CAREERS, Text("中标人此前中标率", "earlier win rate of the winner"), "%")
def winner_prior_win_rate(rows: Rows) -> ir.Value:
    """Share of the winner's earlier bids that won; three earlier bids at least."""
    enough = rows.won & (rows.bids_before >= 3)
    return ibis.ifelse(enough, rows.wins_before / rows.bids_before, ibis.null()).max()


@TENDER.measure(CAREERS, Text("新进投标人占比", "share of newcomers"), "%", Direction.LOW)
def newcomer_share(rows: Rows) -> ir.Value:
    """Share of the bidders that never bid before."""
    return share(rows.bids_before == 0)


@TENDER.measure(CAREERS, Text("投标人平均既往投标数", "mean earlier bids of the bidders"), "", Direction.NONE, log=True)
def prior_bids_mean(rows: Rows) -> ir.Value:
    """Mean number of earlier bids of the bidders."""
    return rows.bids_before.mean()


@TENDER.measure(CAREERS, Text("从未中标的陪标人占比", "share of losers that never won"), "%")
def losers_never_won_share(rows: Rows) -> ir.Value:
    """Share of the losers with five earlier bids or more that never won."""
    seasoned = ~rows.won & (rows.bids_before >= 5)
    return share(ibis.ifelse(seasoned, rows.wins_before == 0, ibis.null()))


def encounters(tables: Tables) -> ir.Table:
    """One row per pair of bidders of a tender: how often they met before, and what ties them."""
    offer = offers(tables)
    mine = offer.select("tender_id", "bidder_id", "bid_id", "event_at", "opened", "won")
    theirs = offer.select("tender_id", other_id="bidder_id", other_won="won")
    pair = joined(mine.inner_join(theirs, "tender_id"))
    pair = pair.filter(pair.bidder_id < pair.other_id)
    met = ibis.rank().over(ibis.window(group_by=["bidder_id", "other_id"], order_by="opened"))
    pair = pair.mutate(met=ibis.ifelse(pair.opened.notnull(), met, ibis.null()))
    pair = with_ties(pair, tables)
    return pair.select(
        "bid_id", "event_at", "met", entity_id="tender_id", with_winner=pair.won | pair.other_won, tied=pair.ties > 0
    )


ENCOUNTERS = View("encounters", encounters, ("tender", "bid"), "bid", "bid_id")
OFTEN_MET = Behind(weigh=lambda rows: rows.met)
TIED = Behind(where=lambda rows: rows.tied)


@TENDER.measure(ENCOUNTERS, Text("此前同场过的投标人对占比", "share of bidder pairs met before"), "%", behind=OFTEN_MET)
def pairs_met_share(rows: Rows) -> ir.Value:
    """Share of the pairs of bidders that bid together in an earlier tender."""
    return share(rows.met > 0)


@TENDER.measure(
    ENCOUNTERS, Text("投标人对平均既往同场数", "mean earlier meetings of bidder pairs"), "", log=True, behind=OFTEN_MET
)
def pairs_met_mean(rows: Rows) -> ir.Value:
    """Mean number of earlier tenders that a pair of bidders shared."""
    return rows.met.mean()


@TENDER.measure(ENCOUNTERS, Text("存在关联的投标人对占比", "share of tied bidder pairs"), "%", behind=TIED)
def tied_pair_share(rows: Rows) -> ir.Value:
    """Share of the pairs of bidders that share an owner, an officer, staff or a contact."""
    return ratio(rows.tied.cast("int64").sum(), rows.count())


@TENDER.measure(ENCOUNTERS, Text("与中标人关联的对手占比", "share of rivals tied to the winner"), "%", behind=TIED)
def tied_to_winner_share(rows: Rows) -> ir.Value:
    """Share of the winner's rivals that share an owner, an officer, staff or a contact with it."""
    tied = ibis.ifelse(rows.with_winner, rows.tied, ibis.null())
    return ratio(tied.cast("int64").sum(), rows.with_winner.cast("int64").sum())
