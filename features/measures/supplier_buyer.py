"""Suppliers at a buyer: what one buyer awards to one supplier, and how."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from features.measures.awarding import awards
from features.measures.buyer import attributes as buyers
from features.measures.declare import RECENT, YEARLY, Behind, Entity, Rows, View, ratio
from features.measures.supplier import attributes as suppliers
from features.measures.tables import Tables, joined, pair_id
from gnomon.terms import Text


def pair_awards(tables: Tables) -> ir.Table:
    """One row per award, by supplier and buyer, beside all that each of them has."""
    award = awards(tables)
    return award.mutate(
        entity_id=pair_id(award.supplier_id, award.buyer_id),
        of_buyer=award.amount.sum().over(ibis.window(group_by="buyer_id")),
        buyer_awards=award.count().over(ibis.window(group_by="buyer_id")),
        of_supplier=award.amount.sum().over(ibis.window(group_by="supplier_id")),
        supplier_awards=award.count().over(ibis.window(group_by="supplier_id")),
    )


def attributes(tables: Tables) -> ir.Table:
    """Pairs with the buyer's kind and the supplier's main class."""
    award = awards(tables)
    pair = award.select("supplier_id", "buyer_id").distinct()
    buyer = buyers(tables).select("kind", buyer_id="entity_id")
    firm = suppliers(tables).select("main", supplier_id="entity_id")
    pair = joined(pair.left_join(buyer, "buyer_id").drop("buyer_id_right"))
    pair = joined(pair.left_join(firm, "supplier_id").drop("supplier_id_right"))
    return pair.select(
        "kind",
        "main",
        entity_id=pair_id(pair.supplier_id, pair.buyer_id),
        name=pair.supplier_id + " / " + pair.buyer_id,
    )


SUPPLIER_BUYER = Entity(
    "supplier_buyer",
    Text("供应商与采购人", "supplier at a buyer"),
    attributes,
    peers=(("main", "kind"), ("main",), ()),
    attribute_titles={"main": Text("主营类别", "main class"), "kind": Text("采购人类型", "kind of buyer")},
    tables=("award",),
)
AWARDS = View("awards", pair_awards, ("award",), "award", "award_id")
BY_AMOUNT = Behind(weigh=lambda rows: rows.amount)


@SUPPLIER_BUYER.measure(AWARDS, Text("中标数", "awards"), windows=RECENT, log=True, behind=BY_AMOUNT)
def awards_count(rows: Rows) -> ir.Value:
    """Awards of the buyer to the supplier."""
    return rows.count()


@SUPPLIER_BUYER.measure(AWARDS, Text("中标金额", "amount awarded"), "CNY", windows=RECENT, log=True, behind=BY_AMOUNT)
def award_amount(rows: Rows) -> ir.Value:
    """Amount of these awards."""
    return rows.amount.sum()


@SUPPLIER_BUYER.measure(AWARDS, Text("占采购人金额比", "share of the buyer's amount"), "%", behind=BY_AMOUNT)
def share_of_buyer(rows: Rows) -> ir.Value:
    """Share of all that the buyer awarded; five awards of the buyer at least."""
    enough = rows.buyer_awards.max() >= 5
    return ibis.ifelse(enough, ratio(rows.amount.sum(), rows.of_buyer.max()), ibis.null())


@SUPPLIER_BUYER.measure(AWARDS, Text("占供应商金额比", "share of the supplier's amount"), "%", behind=BY_AMOUNT)
def share_of_supplier(rows: Rows) -> ir.Value:
    """Share of all that the supplier was awarded; three awards of the supplier at least."""
    enough = rows.supplier_awards.max() >= 3
    return ibis.ifelse(enough, ratio(rows.amount.sum(), rows.of_supplier.max()), ibis.null())


@SUPPLIER_BUYER.share(AWARDS, Text("非竞争性中标占比", "share without competition"))
def noncompetitive_share(rows: Rows) -> ir.BooleanValue:
    """Share of the awards by single source, direct purchase, draw or framework call."""
    return rows.noncompetitive


@SUPPLIER_BUYER.measure(
    AWARDS, Text("非竞争性中标数", "awards without competition"), windows=YEARLY,
    behind=Behind(where=lambda r: r.noncompetitive),
)  # fmt: skip
def noncompetitive_awards(rows: Rows) -> ir.Value:
    """Awards by single source, direct purchase, draw or framework call."""
    return rows.noncompetitive.sum()


@SUPPLIER_BUYER.share(AWARDS, Text("压线中标占比", "share just below a threshold"), at_least=3)
def near_threshold_share(rows: Rows) -> ir.BooleanValue:
    """Share of the awards between 90 % and 100 % of a threshold in force; three such awards at least."""
    return rows.near


@SUPPLIER_BUYER.measure(
    AWARDS, Text("拆分系列中标数", "awards completing a split series"), behind=Behind(where=lambda r: r.series)
)
def split_series_awards(rows: Rows) -> ir.Value:
    """Awards that complete a series below the threshold which exceeds it together."""
    return rows.series.sum()


@SUPPLIER_BUYER.measure(AWARDS, Text("中标价与控制价之比", "awards to the ceiling"), "%", behind=BY_AMOUNT)
def to_ceiling_mean(rows: Rows) -> ir.Value:
    """Mean of the awards over their ceiling price."""
    return rows.to_ceiling.mean()
