"""Deals over public and collective assets: rents and prices beside the appraisal and beside like deals."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from features.measures.declare import Behind, Entity, Rows, View
from features.measures.prescribing import is_blank
from features.measures.tables import Tables, joined
from gnomon.terms import Direction, Text

RENTED = ("lease", "contract_out", "allocation")
SOLD = ("sale", "transfer", "write_off")


def deals(tables: Tables) -> ir.Table:
    """One row per deal, with the asset's kind and place."""
    asset = tables.public_asset.select(
        "asset_id", "region_code", asset_kind="kind", asset_area="area_qty", book="book_value", owner="owner_org_id"
    )
    deal = joined(tables.asset_transaction.left_join(asset, "asset_id").drop("asset_id_right"))
    rented = deal.kind.isin(RENTED)
    area = ibis.coalesce(deal.area_qty, deal.asset_area).nullif(0.0)
    term = deal.end_at.cast("timestamp").epoch_seconds() - deal.start_at.cast("timestamp").epoch_seconds()
    years = term.cast("float64") / (365.25 * 86_400)
    return deal.select(
        "txn_id", "event_at", "counterparty_id", "owner", "asset_kind", "region_code", "kind", entity_id="txn_id",
        rent=ibis.ifelse(rented, deal.annual_rent / area, ibis.null()),
        rent_to_appraised=ibis.ifelse(rented, deal.annual_rent / deal.appraised_value.nullif(0.0), ibis.null()),
        price=ibis.ifelse(deal.kind.isin(SOLD), deal.amount / area, ibis.null()),
        to_appraised=ibis.ifelse(deal.kind.isin(SOLD), deal.amount / deal.appraised_value.nullif(0.0), ibis.null()),
        to_listed=ibis.coalesce(deal.amount, deal.annual_rent) / deal.listed_price.nullif(0.0),
        to_book=ibis.ifelse(deal.kind.isin(SOLD), deal.amount / deal.book.nullif(0.0), ibis.null()),
        years=ibis.ifelse(rented, years, ibis.null()),
        sublet=ibis.ifelse(
            is_blank(deal.actual_user_id), ibis.null(), (deal.actual_user_id != deal.counterparty_id).cast("int64")
        ),
        held=deal.count().over(ibis.window(group_by=["owner", "counterparty_id"])),
        year=deal.signed_at.year().cast("string"),
    )  # fmt: skip


def attributes(tables: Tables) -> ir.Table:
    """Deals with the kind of deal and asset, the place, the year of signing."""
    deal = deals(tables)
    return deal.select(
        "entity_id", "year", asset="asset_kind", place="region_code", deal="kind", name=ibis.null("string"),
        owner="owner",
    )  # fmt: skip


ASSET_DEAL = Entity(
    "asset_deal",
    Text("资产交易", "asset deal"),
    attributes,
    peers=(("deal", "asset", "place", "year"), ("deal", "asset", "place"), ("deal", "asset"), ("deal",), ()),
    attribute_titles={
        "asset": Text("资产类型", "asset"),
        "place": Text("地区", "place"),
        "year": Text("签订年份", "signed in"),
        "deal=lease": Text("出租", "leases"),
        "deal=contract_out": Text("发包", "contracts out"),
        "deal=sale": Text("出售", "sales"),
        "deal=transfer": Text("划转", "transfers"),
        "deal=allocation": Text("配租", "allocations"),
        "deal=write_off": Text("核销", "write-offs"),
    },
    tables=("asset_transaction",),
)
DEALS = View("deals", deals, ("asset_transaction",), "asset_transaction", "txn_id")
OF_ASSET = View("of_asset", deals, ("asset_transaction", "public_asset"), "asset_transaction", "txn_id")


@ASSET_DEAL.measure(DEALS, Text("单位面积年租金", "yearly rent per area"), "CNY", Direction.LOW, log=True)
def rent_per_area(rows: Rows) -> ir.Value:
    """Yearly rent over the area, of leases and contracts out. Low: given away."""
    return rows.rent.max()


@ASSET_DEAL.measure(DEALS, Text("年租金与评估值之比", "yearly rent to appraisal"), "%", Direction.LOW)
def rent_to_appraised(rows: Rows) -> ir.Value:
    """Yearly rent over the appraised (rental) value."""
    return rows.rent_to_appraised.max()


@ASSET_DEAL.measure(DEALS, Text("租期", "term"), "years", log=True)
def term_years(rows: Rows) -> ir.Value:
    """Years between start and end of a lease."""
    return rows.years.max()


@ASSET_DEAL.measure(DEALS, Text("成交价与评估值之比", "price to appraisal"), "%", Direction.LOW)
def price_to_appraised(rows: Rows) -> ir.Value:
    """Price over the appraised value, of sales, transfers and write-offs. Low: disposed under value."""
    return rows.to_appraised.max()


@ASSET_DEAL.measure(DEALS, Text("单位面积成交价", "price per area"), "CNY", Direction.LOW, log=True)
def price_per_area(rows: Rows) -> ir.Value:
    """Price over the area."""
    return rows.price.max()


@ASSET_DEAL.measure(DEALS, Text("成交价与挂牌价之比", "price to the listed price"), "%", Direction.LOW)
def price_to_listed(rows: Rows) -> ir.Value:
    """Price or rent over the price at which it was listed."""
    return rows.to_listed.max()


@ASSET_DEAL.measure(OF_ASSET, Text("成交价与账面值之比", "price to book"), "%", Direction.LOW)
def price_to_book(rows: Rows) -> ir.Value:
    """Price over the asset's book value."""
    return rows.to_book.max()


@ASSET_DEAL.measure(OF_ASSET, Text("同一对方交易数", "deals with the same party"), log=True, behind=Behind())
def same_party_deals(rows: Rows) -> ir.Value:
    """Deals of the same owner with the same counterparty, this one among them."""
    return rows.held.max()


@ASSET_DEAL.measure(DEALS, Text("实际使用人不符", "used by another"))
def used_by_other(rows: Rows) -> ir.Value:
    """1 where the actual user is not the counterparty, 0 where it is."""
    return rows.sublet.max()
