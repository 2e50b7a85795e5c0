"""Pairs of suppliers that bid together: how often, who wins, and what ties them. Three meetings make a pair."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from features.measures.declare import Behind, Entity, Rows, View, ratio
from features.measures.supplier import attributes as suppliers
from features.measures.supplier_rivals import MEETINGS, meetings, rivals
from features.measures.tables import Tables, joined, pair_id
from gnomon.terms import Text


def pairs(tables: Tables) -> ir.Table:
    """One row per two suppliers that met three times or more."""
    pair = rivals(tables).filter(ibis._.meetings >= MEETINGS)
    pair = pair.filter(pair.entity_id < pair.other_id).rename(one_id="entity_id")
    return pair.mutate(entity_id=pair_id(pair.one_id, pair.other_id))


def attributes(tables: Tables) -> ir.Table:
    """Pairs with the main class of the first and how much it bids."""
    pair = pairs(tables).select("entity_id", "one_id", "other_id")
    known = suppliers(tables).select("main", "band", one_id="entity_id")
    pair = joined(pair.left_join(known, "one_id"))
    return pair.select("entity_id", "main", "band", name=pair.one_id + " / " + pair.other_id)


SUPPLIER_PAIR = Entity(
    "supplier_pair",
    Text("投标企业对", "pair of suppliers"),
    attributes,
    peers=(("main", "band"), ("main",), ()),
    attribute_titles={"main": Text("主营类别", "main class"), "band": Text("投标数", "bids")},
    tables=("bid", "tender"),
)


def pair_bids(tables: Tables) -> ir.Table:
    """One row per bid and rival, by pair."""
    met = meetings(tables)
    one, other = ibis.least(met.entity_id, met.other_id), ibis.greatest(met.entity_id, met.other_id)
    return met.select("bid_id", "event_at", entity_id=pair_id(one, other))


BIDS = View("bids", pair_bids, ("tender", "bid"), "bid", "bid_id")
PAIRS = View("pairs", pairs, ("tender", "bid"), "bid", "bid_id", rows=BIDS)
BEHIND = Behind()


@SUPPLIER_PAIR.measure(PAIRS, Text("同场次数", "meetings"), log=True, behind=BEHIND)
def meetings_count(rows: Rows) -> ir.Value:
    """Tenders that both bid in."""
    return rows.meetings.max()


@SUPPLIER_PAIR.measure(PAIRS, Text("同场提升度", "lift of meeting"), "x", log=True, behind=BEHIND)
def cobid_lift(rows: Rows) -> ir.Value:
    """Meetings over those expected by chance from how often each bids."""
    return ratio(rows.meetings.max(), rows.chance.max())


@SUPPLIER_PAIR.measure(PAIRS, Text("同场占前者投标比", "meetings in the bids of the first"), "%", behind=BEHIND)
def meeting_share(rows: Rows) -> ir.Value:
    """Share of the first supplier's bids in which the second bid too."""
    return ratio(rows.meetings.max(), rows.bids.max())


@SUPPLIER_PAIR.measure(PAIRS, Text("由其一中标占比", "share won by either"), "%", behind=BEHIND)
def won_by_either_share(rows: Rows) -> ir.Value:
    """Share of their meetings that one of the two won."""
    return ratio(rows.own_wins.max() + rows.their_wins.max(), rows.meetings.max())


@SUPPLIER_PAIR.measure(PAIRS, Text("单边中标占比", "share won by the same one"), "%", behind=BEHIND)
def one_sided_share(rows: Rows) -> ir.Value:
    """Share of their meetings won by the one of the two that wins more: high where the other covers."""
    return ratio(ibis.greatest(rows.own_wins.max(), rows.their_wins.max()), rows.meetings.max())


@SUPPLIER_PAIR.measure(PAIRS, Text("轮流中标程度", "taking turns"), "%", behind=BEHIND)
def rotation_share(rows: Rows) -> ir.Value:
    """Twice the smaller number of wins over meetings; 1 where the two win half each and nobody else ever."""
    return ratio(2 * ibis.least(rows.own_wins.max(), rows.their_wins.max()), rows.meetings.max())


@SUPPLIER_PAIR.measure(PAIRS, Text("关联数", "ties"), behind=BEHIND)
def ties(rows: Rows) -> ir.Value:
    """Owners, officers, staff and contacts in common."""
    return rows.ties.max()
