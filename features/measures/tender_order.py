"""Tenders: late or rejected bids that decided them, files from one hand, securities."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from features.measures.declare import Behind, Rows, View, ratio, span
from features.measures.prescribing import is_blank
from features.measures.tables import Tables, joined
from features.measures.tender import TENDER
from gnomon.terms import Direction, Text

HARDWARE = ("mac", "cpu_id", "disk_id", "price_lock_no", "sha256")
NO_MACHINE = r"^[0:\-\s]*$"
"""What a machine that will not tell its address writes."""


def submitted(tables: Tables) -> ir.Table:
    """One row per bid that came in, with the lowest that was rejected and the one that won."""
    tender = tables.tender.select(
        "tender_id", "deadline_at", "award_criteria", "bond_amount", "estimated_value", "ceiling_price", "docs_from",
        "docs_to",
    )  # fmt: skip
    bid = joined(tables.bid.inner_join(tender, "tender_id"))
    lot = ibis.window(group_by="tender_id")
    rejected = ibis.ifelse(bid.status == "disqualified", bid.amount, ibis.null()).min().over(lot)
    won = ibis.ifelse(bid.is_winner, bid.amount, ibis.null()).min().over(lot)
    cheap = bid.award_criteria.isin(["lowest", "reasonable_low"])
    return bid.select(
        "bid_id", "event_at", entity_id="tender_id",
        late=ibis.ifelse(bid.is_winner, span(bid.submitted_at, bid.deadline_at), ibis.null()),
        dearer=ibis.cases(
            (cheap & (rejected < won), won / rejected.nullif(0.0) - 1), (cheap, 0.0), else_=ibis.null("float64")
        ),
        bond=bid.bond_amount / ibis.coalesce(bid.estimated_value, bid.ceiling_price).nullif(0.0),
        sale=span(bid.docs_to, bid.docs_from),
    )  # fmt: skip


def files(tables: Tables) -> ir.Table:
    """One row per bid with a file, and whether another bidder's file in the tender has a mark of its machine."""
    bid = tables.bid.select("bid_id", "tender_id", "bidder_id")
    made = joined(tables.bid_file.inner_join(bid, "bid_id"))
    marks = [
        made.filter(~is_blank(made[name]) & ~made[name].re_search(NO_MACHINE)).select(
            "tender_id", "bidder_id", "bid_id", mark=ibis.literal(f"{name}:") + made[name]
        )
        for name in HARDWARE
    ]
    mark = ibis.union(*marks, distinct=True)
    shared = mark.mutate(n=mark.bidder_id.nunique().over(ibis.window(group_by=["tender_id", "mark"])))
    shared = shared.filter(shared.n > 1).select("bid_id", hit=True).distinct()
    told = mark.select("bid_id").distinct()
    one = made.group_by("bid_id", "tender_id").aggregate(event_at=made.event_at.max())
    one = joined(one.semi_join(told, "bid_id").left_join(shared, "bid_id").drop("bid_id_right"))
    return one.select("bid_id", "event_at", entity_id="tender_id", hit=one.hit.fill_null(False))


ORDER = View("order", submitted, ("tender", "bid"), "bid", "bid_id")
FILES = View("files", files, ("tender", "bid", "bid_file"), "bid", "bid_id")
HIT = Behind(where=lambda rows: rows.hit)


@TENDER.measure(ORDER, Text("中标人逾期递交天数", "days the winner was late"), "days")
def winner_late_days(rows: Rows) -> ir.Value:
    """Days after the deadline at which the winner submitted; negative where it was in time."""
    return rows.late.max()


@TENDER.measure(ORDER, Text("否决最低价多付比例", "extra paid for rejecting the lowest"), "%")
def rejected_lowest_cost(rows: Rows) -> ir.Value:
    """Winning price over the lowest rejected one, less one, where price decides; 0 where none was lower (R058)."""
    return rows.dearer.max()


@TENDER.measure(ORDER, Text("投标保证金占比", "bid bond to estimate"), "%")
def bid_bond_share(rows: Rows) -> ir.Value:
    """Bid bond over the estimate; 2 % at most by 招标投标法实施条例 (2019) art. 26."""
    return rows.bond.max()


@TENDER.measure(ORDER, Text("文件发售期", "days of document sale"), "days", Direction.LOW)
def document_days(rows: Rows) -> ir.Value:
    """Days on which the documents could be had; five at least by 招标投标法实施条例 (2019) art. 16."""
    return rows.sale.max()


@TENDER.measure(FILES, Text("同机文件投标占比", "share of bids from a shared machine"), "%", behind=HIT)
def shared_machine_share(rows: Rows) -> ir.Value:
    """Share of the bids with a mark (MAC, processor, disk, price lock, content) of another bidder's file."""
    return ratio(rows.hit.cast("int64").sum(), rows.hit.count())
