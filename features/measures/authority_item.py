"""Approval items at an authority: how long one kind of application takes there, and how often the clock stops."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from features.measures.declare import MONTHLY, Behind, Entity, Rows, View
from features.measures.officer import TOP_APPLICANT, top_applicant_share
from features.measures.officer import approvals as of_officers
from features.measures.prescribing import is_blank
from features.measures.tables import Tables, joined, pair_id
from gnomon.terms import Text


def approvals(tables: Tables) -> ir.Table:
    """One row per application, by authority and item."""
    row = tables.approval.select("approval_id", "authority_org_id", "item_code")
    told = of_officers(tables, every=True).drop("entity_id")
    row = joined(row.inner_join(told, "approval_id"))
    row = row.filter(~is_blank(row.authority_org_id) & ~is_blank(row.item_code))
    return row.mutate(entity_id=pair_id(row.authority_org_id, row.item_code))


def attributes(tables: Tables) -> ir.Table:
    """Authority and item, with the authority's level."""
    row = tables.approval.select("authority_org_id", "item_code").distinct()
    body = tables.organization.select("level", "name", authority_org_id="org_id")
    row = joined(row.left_join(body, "authority_org_id").drop("authority_org_id_right"))
    return row.select(
        "level", entity_id=pair_id(row.authority_org_id, row.item_code), item="item_code",
        authority="authority_org_id", name=ibis.coalesce(row.name, row.authority_org_id) + " / " + row.item_code,
    )  # fmt: skip


AUTHORITY_ITEM = Entity(
    "authority_item",
    Text("审批事项", "approval item at an authority"),
    attributes,
    peers=(("item", "level"), ("item",), ()),
    attribute_titles={"item": Text("事项", "item"), "level": Text("级别", "level")},
    tables=("approval",),
)
APPROVALS = View("approvals", approvals, ("approval",), "approval", "approval_id")
BY_DAYS = Behind(weigh=lambda rows: rows.days)


@AUTHORITY_ITEM.measure(APPROVALS, Text("办件数", "applications"), windows=MONTHLY, log=True, behind=BY_DAYS)
def approvals_count(rows: Rows) -> ir.Value:
    """Applications accepted."""
    return rows.count()


@AUTHORITY_ITEM.measure(APPROVALS, Text("平均办理天数", "mean days"), "days", windows=MONTHLY, log=True, behind=BY_DAYS)
def days_mean(rows: Rows) -> ir.Value:
    """Mean days between acceptance and decision."""
    return rows.days.mean()


@AUTHORITY_ITEM.share(APPROVALS, Text("停表占比", "share of stopped clocks"), windows=MONTHLY)
def clock_stopped_share(rows: Rows) -> ir.BooleanValue:
    """Share of the applications that were suspended or sent back for supplements twice."""
    return rows.stopped


@AUTHORITY_ITEM.share(APPROVALS, Text("超时占比", "share overdue"), windows=MONTHLY)
def overdue_share(rows: Rows) -> ir.BooleanValue:
    """Share of the decided applications that took longer than promised, suspension left out."""
    return rows.late


@AUTHORITY_ITEM.share(APPROVALS, Text("末日办结占比", "share on the last day"))
def last_day_share(rows: Rows) -> ir.BooleanValue:
    """Share of the decided applications decided on the last day allowed."""
    return rows.last_day


@AUTHORITY_ITEM.share(APPROVALS, Text("撤回重报占比", "share withdrawn and sent again"))
def resubmitted_share(rows: Rows) -> ir.BooleanValue:
    """Share of the applications that the same applicant sends again within ten days of withdrawing it."""
    return rows.resubmitted


def applicants(tables: Tables) -> ir.Table:
    """One row per authority, item and applicant."""
    row = approvals(tables)
    return row.group_by("entity_id", "applicant_id").aggregate(n=row.count(), event_at=row.event_at.max())


APPLICANTS = View(
    "applicants", applicants, ("approval",), "approval", "approval_id", rows=APPROVALS, shares=("applicant_id",)
)


AUTHORITY_ITEM.measure(APPLICANTS, TOP_APPLICANT, "%", behind=Behind(weigh=lambda r: r.n))(top_applicant_share)
