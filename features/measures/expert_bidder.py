"""Experts and bidders: how far one expert scores one bidder from what the other experts do."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from features.measures.declare import Behind, Entity, Rows, View
from features.measures.prescribing import is_blank
from features.measures.tables import Tables, joined, pair_id
from gnomon.terms import Direction, Text

FEWEST = 4
"""Tenders judged together from which a leaning shows."""


def scores(tables: Tables) -> ir.Table:
    """One row per score, less what the others gave the same bid for the criterion, and less the expert's habit."""
    bid = tables.bid.select("bid_id", "bidder_id", "is_winner")
    row = joined(tables.evaluation_score.inner_join(bid, "bid_id"))
    row = row.filter(~is_blank(row.expert_id) & ~is_blank(row.bidder_id) & (row.max_score > 0))
    row = row.mutate(share=row.score / row.max_score)
    same = ibis.window(group_by=["bid_id", "criterion"])
    n = row.share.count().over(same)
    off = row.share - (row.share.sum().over(same) - row.share) / (n - 1).nullif(0)
    row = row.mutate(off=off)
    # An expert who is strict or mild with everybody favours nobody: the mean over the tender's other bids is taken off.
    mine = ibis.window(group_by=["tender_id", "expert_id"])
    own = ibis.window(group_by=["tender_id", "expert_id", "bidder_id"])
    rest = (row.off.count().over(mine) - row.off.count().over(own)).nullif(0)
    habit = (row.off.sum().over(mine) - row.off.sum().over(own)) / rest
    return row.select(
        "bid_id", "tender_id", "event_at", "is_winner", "expert_id", "bidder_id",
        entity_id=pair_id(row.expert_id, row.bidder_id), lean=row.off - habit,
        first=ibis.row_number().over(ibis.window(group_by=["bid_id", "expert_id"], order_by="criterion")) == 0,
    )  # fmt: skip


def attributes(tables: Tables) -> ir.Table:
    """Pairs that met once or more, with the expert's discipline."""
    row = scores(tables)
    pair = row.select("entity_id", "expert_id", "bidder_id").distinct()
    post = tables.position
    post = post.filter(post.role == "bid_expert")
    post = post.group_by("person_id").aggregate(specialty=post.specialty_code.max()).rename(expert_id="person_id")
    pair = joined(pair.left_join(post, "expert_id").drop("expert_id_right"))
    return pair.select("entity_id", "specialty", expert="expert_id", bidder="bidder_id", name="bidder_id")


EXPERT_BIDDER = Entity(
    "expert_bidder",
    Text("评委与投标人", "expert and bidder"),
    attributes,
    peers=(("specialty",), ()),
    attribute_titles={"specialty": Text("评审专业", "discipline")},
    tables=("evaluation_score", "tender"),
)
SCORES = View("scores", scores, ("evaluation_score", "bid"), "evaluation_score", "bid_id")
BY_LEAN = Behind(weigh=lambda rows: rows.lean)


@EXPERT_BIDDER.measure(SCORES, Text("共同评审标段数", "tenders judged"), "", Direction.NONE)
def tenders_judged(rows: Rows) -> ir.Value:
    """Tenders in which the expert scored the bidder."""
    return rows.tender_id.nunique()


@EXPERT_BIDDER.measure(SCORES, Text("打分偏离其他评委", "score over the other experts"), "%", behind=BY_LEAN)
def score_lean_mean(rows: Rows) -> ir.Value:
    """Mean share of the maximum over the other experts', own strictness taken off; four tenders at least."""
    return ibis.ifelse(rows.tender_id.nunique() >= FEWEST, rows.lean.mean(), ibis.null())


@EXPERT_BIDDER.measure(SCORES, Text("打分偏离显著性", "significance of the leaning"), "", behind=BY_LEAN)
def score_lean_z(rows: Rows) -> ir.Value:
    """That mean over its standard error (Student's t); four tenders at least."""
    error = rows.lean.std(how="sample") / rows.lean.count().cast("float64").sqrt()
    return ibis.ifelse(rows.tender_id.nunique() >= FEWEST, rows.lean.mean() / error.nullif(0.0), ibis.null())


@EXPERT_BIDDER.share(SCORES, Text("评审标段中标占比", "share of judged tenders won"), at_least=3)
def judged_win_share(rows: Rows) -> ir.BooleanValue:
    """Share of the tenders judged by the expert that the bidder won; three at least."""
    return ibis.ifelse(rows.first, rows.is_winner, ibis.null())
