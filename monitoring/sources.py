"""Which source an entity's records come from: what tells a fault of one source from a change of the world."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from features.contracts import contract_of
from features.measures import entity as entity_of

if TYPE_CHECKING:
    import pandas as pd

    from features.engine import Engine

KEYED = {
    "institution": ("institution_id", "org_id"),
    "practitioner": ("prescriber_id",),
    "supplier": ("bidder_id", "supplier_id"),
    "tender": ("tender_id",),
    "buyer": ("buyer_id",),
    "patient": ("person_id",),
    "vehicle": ("asset_id",),
    "officer": ("officer_id",),
    "department": ("handler_org_id",),
    "project": ("project_id",),
    "contract": ("contract_id",),
}
"""Columns that hold the id of an entity. Pairs of entities have none of their own and are not split."""
FEW = 20_000
"""Up to so many entities are asked for by name; of more, all are told."""


def sources_of(engine: Engine, kind: str, ids: Collection[str] | None = None) -> pd.Series[str] | None:
    """The source that sent most of each entity's rows; index entity_id. None where one source feeds them all.

    `ids` are those that are asked for; all when None. Told by the first of the kind's tables that several sources fill:
    claims of one hospital's system are held against claims of another's, never against its prescriptions.
    """
    for name in entity_of(kind).tables:
        key = next((one for one in KEYED.get(kind, ()) if one in contract_of(name).by_name), None)
        if key is None or not engine.has(name):
            continue
        rows = engine.table(name)
        if len(engine.arrow(rows.select("_source").distinct())) < 2:
            continue
        known = rows.filter(rows[key].notnull())
        if ids is not None and len(ids) <= FEW:
            known = known.filter(known[key].isin(sorted(ids)))
        counted = engine.frame(known.group_by(entity_id=known[key], source=known["_source"]).aggregate(n=known.count()))
        # Of two that sent as many, the first by name: the same rows give the same split.
        ordered = counted.sort_values(["entity_id", "n", "source"], ascending=[True, False, True], kind="stable")
        return ordered.drop_duplicates("entity_id").set_index("entity_id")["source"].astype("str")
    return None
