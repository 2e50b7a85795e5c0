"""Drugs in institutions: what was billed beside what came into stock, and trace codes settled elsewhere before.

A pair without a movement of stock is unknown, not short: most institutions keep their stock in a system of their own.
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from features.measures.declare import Behind, Rows, View, ratio
from features.measures.drug_charges import lines
from features.measures.drug_institution import DRUG_INSTITUTION, PAIR
from features.measures.prescribing import is_blank
from features.measures.tables import Tables, joined, pair_id
from gnomon.terms import Text

SIGNS = {"purchase_in": 1.0, "return_in": 1.0, "count_adjust": 1.0, "loss": -1.0, "return_out": -1.0}
"""What a movement does to what may be billed; what goes out to patients is what is compared."""


def moved(tables: Tables) -> ir.Table:
    """One row per institution and item: since when stock is recorded, and what came in and stayed."""
    move = tables.stock_movement
    sign = ibis.cases(*((move.kind == name, value) for name, value in SIGNS.items()), else_=0.0)
    move = move.mutate(institution_id=move.org_id, net=move.quantity * sign)
    return move.group_by("institution_id", "item_code").aggregate(since=move.moved_at.min(), came=move.net.sum())


def billed(tables: Tables) -> ir.Table:
    """One row per charged line of a pair whose stock was recorded by then, with what came in over all that time."""
    line = lines(tables)
    line = line.filter(~is_blank(line.institution_id) & ~is_blank(line.item_code) & (line.quantity > 0))
    line = joined(line.inner_join(moved(tables), PAIR))
    line = line.filter(line.occurred_at >= line.since)
    return line.mutate(entity_id=pair_id(line.institution_id, line.item_code))


def scanned(tables: Tables) -> ir.Table:
    """One row per dispensing with a trace code, and whether the code was dispensed at another institution before."""
    row = tables.dispensing
    row = row.filter((row.status == "completed") & ~is_blank(row.trace_code) & ~is_blank(row.institution_id))
    here = row.group_by("item_code", "trace_code", "institution_id").aggregate(here_at=row.dispensed_at.min())
    first = here.group_by("item_code", "trace_code").aggregate(first_at=here.here_at.min())
    here = joined(here.inner_join(first, ["item_code", "trace_code"]))
    again = here.mutate(again=here.here_at > here.first_at).drop("here_at", "first_at")
    row = joined(row.inner_join(again, ["item_code", "trace_code", "institution_id"]))
    return row.mutate(entity_id=pair_id(row.institution_id, row.item_code))


BILLED = View("billed", billed, ("claim", "claim_item", "catalog_item", "stock_movement"), "claim_item", "line_id")
SCANNED = View("scanned", scanned, ("dispensing",), "dispensing", "dispense_id")


@DRUG_INSTITUTION.measure(BILLED, Text("销大于存占比", "billed beyond stock"), "%")
def billed_beyond_stock(rows: Rows) -> ir.Value:
    """Share of the quantity billed since stock is recorded that never came in: 医疗保障基金使用监督管理条例 art. 16."""
    sold = rows.quantity.sum()
    return ratio(ibis.greatest(sold - rows.came.max(), 0.0), sold)


@DRUG_INSTITUTION.measure(BILLED, Text("销大于存金额", "money billed beyond stock"), "CNY", log=True)
def billed_beyond_stock_amount(rows: Rows) -> ir.Value:
    """The quantity that never came in, at the mean price billed."""
    return ibis.greatest(rows.quantity.sum() - rows.came.max(), 0.0) * ratio(rows.amount.sum(), rows.quantity.sum())


@DRUG_INSTITUTION.measure(
    SCANNED, Text("他处已售追溯码数", "codes sold elsewhere before"), behind=Behind(where=lambda rows: rows.again)
)
def trace_codes_again(rows: Rows) -> ir.Value:
    """Distinct trace codes dispensed here after another institution had dispensed them; a box is sold once."""
    return ibis.ifelse(rows.again, rows.trace_code, ibis.null()).nunique()


@DRUG_INSTITUTION.measure(
    SCANNED, Text("他处已售追溯码占比", "share of codes sold elsewhere before"), "%",
    behind=Behind(where=lambda rows: rows.again),
)  # fmt: skip
def trace_again_share(rows: Rows) -> ir.Value:
    """Share of the codes dispensed here that another institution had dispensed before."""
    return ratio(ibis.ifelse(rows.again, rows.trace_code, ibis.null()).nunique(), rows.trace_code.nunique())
