"""Institutions: hospitals, clinics and pharmacies, and who their peers are."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from features.measures.declare import Entity
from features.measures.tables import Tables
from gnomon.terms import Text

MEDICAL = ("hospital", "clinic", "pharmacy")


def attributes(tables: Tables) -> ir.Table:
    """Registered medical institutions, and any id that claims or totals name, with what peer groups are made of."""
    registered = tables.organization
    roles = registered.roles
    medical = ibis.or_(*(roles.contains(role) for role in MEDICAL))
    kinds = ibis.cases(*((roles.contains(role), role) for role in MEDICAL), else_=ibis.null("string"))
    registered = registered.mutate(medical=medical.fill_null(False), kind=kinds)
    seen = ibis.union(
        registered.filter(registered.medical).select(entity_id="org_id"),
        tables.claim.select(entity_id="institution_id"),
        tables.reported_total.select(entity_id="org_id"),
        distinct=True,
    )
    other = registered.filter(~registered.medical).select(entity_id="org_id")
    known = registered.select("name", "level", "ownership", "kind", region="region_code", entity_id="org_id")
    return seen.filter(seen.entity_id.notnull()).anti_join(other, "entity_id").left_join(known, "entity_id").select(
        "entity_id", "name", "level", "ownership", "kind", "region"
    )  # fmt: skip


INSTITUTION = Entity(
    "institution",
    Text("医疗机构", "institution"),
    attributes,
    peers=(("kind", "level", "ownership"), ("kind", "level"), ("kind",), ()),
    attribute_titles={
        "kind=hospital": Text("医院", "hospitals"),
        "kind=clinic": Text("诊所", "clinics"),
        "kind=pharmacy": Text("药店", "pharmacies"),
        "level": Text("等级", "level"),
        "level=0": Text("未定级", "unrated"),
        "level=1": Text("一级", "level 1"),
        "level=2": Text("二级", "level 2"),
        "level=3": Text("三级", "level 3"),
        "ownership": Text("所有制", "ownership"),
        "ownership=public": Text("公立", "public"),
        "ownership=private": Text("民营", "private"),
        "ownership=collective": Text("集体", "collective"),
        "ownership=mixed": Text("混合所有", "mixed ownership"),
    },
    tables=("claim", "admission", "prescription", "dispensing", "reported_total"),
)
