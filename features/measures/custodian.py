"""Custodians of public assets: what was written off under their hands, how young, and before they left."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from features.measures.declare import RECENT, Behind, Entity, Rows, View, ratio, span
from features.measures.prescribing import is_blank
from features.measures.tables import Tables, joined, pair_id
from gnomon.terms import Direction, Text

LIFE = {"vehicle": 8, "equipment": 6}
"""Years of least life: 党政机关公务用车管理办法 (2017) for vehicles, 财资〔2016〕27号 for office equipment."""
LEAVING = 180
"""Days before the end of a post in which a write-off looks like a farewell."""


def kept(tables: Tables) -> ir.Table:
    """One row per asset with a custodian, and its write-off."""
    asset = tables.public_asset
    asset = asset.filter(~is_blank(asset.custodian_id) & ~is_blank(asset.owner_org_id))
    gone = tables.asset_transaction
    gone = gone.filter(gone.kind == "write_off").select("asset_id", "txn_id", gone_at="event_at")
    row = joined(asset.left_join(gone, "asset_id").drop("asset_id_right"))
    post = tables.position
    post = post.group_by("person_id").aggregate(left=post.valid_to.max()).rename(custodian_id="person_id")
    row = joined(row.left_join(post, "custodian_id").drop("custodian_id_right"))
    years = (row.gone_at.epoch_seconds() - row.acquired_at.cast("timestamp").epoch_seconds()).cast("float64")
    life = ibis.cases(*((row.kind == kind, ibis.literal(float(age))) for kind, age in LIFE.items()), else_=ibis.null())
    before = span(row.left.cast("timestamp"), row.gone_at)
    return row.select(
        "asset_id", "txn_id", entity_id=pair_id(row.owner_org_id, row.custodian_id), event_at=row.gone_at,
        unit="owner_org_id", person="custodian_id", book="book_value", asset="kind",
        gone=row.gone_at.notnull(), of_life=years / (365.25 * 86_400) / life.nullif(0.0),
        farewell=ibis.ifelse(row.gone_at.isnull() | row.left.isnull(), ibis.null(), before.between(0, LEAVING)),
    )  # fmt: skip


def written_off(tables: Tables) -> ir.Table:
    """The assets written off alone."""
    row = kept(tables)
    return row.filter(row.gone)


def attributes(tables: Tables) -> ir.Table:
    """Unit and custodian, with the unit's level."""
    row = kept(tables).select("entity_id", "unit", "person").distinct()
    body = tables.organization.select("level", "name", unit="org_id")
    return joined(row.left_join(body, "unit").drop("unit_right")).select(
        "entity_id", "name", "level", "unit", custodian="person"
    )


CUSTODIAN = Entity(
    "custodian",
    Text("资产保管人", "custodian of assets"),
    attributes,
    peers=(("level",), ()),
    attribute_titles={"level": Text("单位级别", "level of the unit")},
    tables=("asset_transaction", "public_asset"),
)
KEPT = View("kept", kept, ("public_asset", "asset_transaction"), "public_asset", "asset_id")
GONE = View("gone", written_off, ("public_asset", "asset_transaction"), "asset_transaction", "txn_id")
BY_BOOK = Behind(weigh=lambda rows: rows.book)


@CUSTODIAN.measure(GONE, Text("核销资产数", "assets written off"), windows=RECENT, log=True, behind=BY_BOOK)
def write_offs(rows: Rows) -> ir.Value:
    """Assets written off under the custodian."""
    return rows.count()


@CUSTODIAN.measure(KEPT, Text("核销价值占比", "share of value written off"), "%", behind=BY_BOOK)
def written_off_share(rows: Rows) -> ir.Value:
    """Book value of the assets written off over that of all assets in custody."""
    return ratio(ibis.ifelse(rows.gone, rows.book, 0.0).sum(), rows.book.sum())


@CUSTODIAN.measure(
    GONE, Text("核销时已用寿命占比", "share of life at write-off"), "%", Direction.LOW,
    behind=Behind(weigh=lambda r: -r.of_life),
)  # fmt: skip
def life_at_write_off(rows: Rows) -> ir.Value:
    """Mean age at write-off over the least life of the kind of asset."""
    return rows.of_life.mean()


@CUSTODIAN.share(GONE, Text("离任前核销占比", "share written off before leaving"))
def farewell_share(rows: Rows) -> ir.BooleanValue:
    """Share of the write-offs within 180 days before the custodian's last post ended."""
    return rows.farewell
