"""Topics at a department in a quarter: requests about one thing in one season, and how they were answered."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from features.measures.declare import Entity, Rows, View
from features.measures.department import requests
from features.measures.tables import Tables, civil, joined, pair_id
from features.rates import Chance
from gnomon.terms import Text


def asked(tables: Tables) -> ir.Table:
    """One row per request, by department, topic and quarter."""
    known = tables.service_request.select("request_id", "topic_code", "received_at")
    row = joined(requests(tables).inner_join(known, "request_id"))
    day = civil(row.received_at)
    season = "Q" + day.quarter().cast("string")
    row = row.rename(department="entity_id")
    return row.mutate(
        entity_id=pair_id(row.department, row.topic_code, day.year().cast("string") + season), season=season,
        repeated=row.count().over(ibis.window(group_by=["department", "topic_code", "object_id"])) > 1,
    )  # fmt: skip


def attributes(tables: Tables) -> ir.Table:
    """Department, topic and quarter, with the department's level."""
    row = asked(tables).select("entity_id", "department", "topic_code", "season").distinct()
    body = tables.organization.select("level", "name", department="org_id")
    row = joined(row.left_join(body, "department").drop("department_right"))
    return row.select(
        "entity_id", "level", "season", "department", topic="topic_code",
        name=ibis.coalesce(row.name, row.department) + " / " + row.topic_code,
    )  # fmt: skip


TOPIC_DEPARTMENT = Entity(
    "topic_department",
    Text("承办单位季度诉求", "topic at a department in a quarter"),
    attributes,
    peers=(("topic", "season", "level"), ("topic", "season"), ("topic",), ()),
    attribute_titles={
        "topic": Text("诉求事项", "topic"),
        "level": Text("级别", "level"),
        "season=Q1": Text("一季度", "first quarter"),
        "season=Q2": Text("二季度", "second quarter"),
        "season=Q3": Text("三季度", "third quarter"),
        "season=Q4": Text("四季度", "fourth quarter"),
    },
    tables=("service_request",),
)
ASKED = View("asked", asked, ("service_request",), "service_request", "request_id")


@TOPIC_DEPARTMENT.measure(ASKED, Text("工单数", "requests"), log=True)
def requests_count(rows: Rows) -> ir.Value:
    """Requests of the topic received in the quarter."""
    return rows.count()


@TOPIC_DEPARTMENT.measure(ASKED, Text("办理天数", "days to reply"), "days", log=True)
def reply_days_mean(rows: Rows) -> ir.Value:
    """Mean days between arrival and reply."""
    return rows.days.mean()


@TOPIC_DEPARTMENT.share(ASKED, Text("超期办理占比", "share overdue"))
def overdue_share(rows: Rows) -> ir.BooleanValue:
    """Share of the requests with a due date that were answered after it, or are open beyond it."""
    return rows.late


@TOPIC_DEPARTMENT.share(ASKED, Text("重办占比", "share reopened"))
def reopened_share(rows: Rows) -> ir.BooleanValue:
    """Share of the requests that were opened again later."""
    return rows.reopened


@TOPIC_DEPARTMENT.share(ASKED, Text("不满意占比", "share dissatisfied"))
def dissatisfied_share(rows: Rows) -> ir.BooleanValue:
    """Share of the rated requests rated 1 or 2 of 5."""
    return rows.dissatisfied


@TOPIC_DEPARTMENT.rate(ASKED, Text("每个对象诉求数", "requests per object"), "requests/object", chance=Chance.COUNT)
def requests_per_object(rows: Rows) -> tuple[ir.NumericValue, ir.NumericValue]:
    """Requests over the distinct objects complained of."""
    return rows.object_id.count(), rows.object_id.nunique()
