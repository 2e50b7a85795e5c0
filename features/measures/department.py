"""Departments that handle requests: how soon, how well, how often again."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from features.measures.declare import RECENT, Behind, Entity, Rows, View, ratio, span
from features.measures.tables import Tables, joined
from gnomon.terms import Direction, Text


def attributes(tables: Tables) -> ir.Table:
    """Everybody who handles requests, with level and the topic handled most."""
    request = tables.service_request
    per = request.group_by("handler_org_id", "topic_code").aggregate(n=request.count())
    order = ibis.window(group_by="handler_org_id", order_by=[ibis.desc("n"), "topic_code"])
    main = per.mutate(order=ibis.row_number().over(order))
    main = main.filter(main.order == 0).select(entity_id="handler_org_id", topic="topic_code")
    body = tables.organization.select("name", "level", entity_id="org_id")
    main = main.filter(main.entity_id.notnull() & (main.entity_id != ""))
    return joined(main.left_join(body, "entity_id")).select("entity_id", "name", "level", "topic")


DEPARTMENT = Entity(
    "department",
    Text("承办单位", "department"),
    attributes,
    peers=(("level", "topic"), ("level",), ()),
    attribute_titles={"level": Text("级别", "level"), "topic": Text("主要诉求", "main topic")},
    tables=("service_request",),
)


def requests(tables: Tables) -> ir.Table:
    """One row per request handled."""
    request = tables.service_request
    done = ibis.coalesce(request.replied_at, request.closed_at)
    done = ibis.ifelse(done <= tables.now, done, ibis.null())
    late = ibis.ifelse(request.due_at.isnull(), ibis.null(), ibis.coalesce(done, tables.now) > request.due_at)
    again = tables.service_request.filter(ibis._.reopened_of_id.notnull()).select(request_id="reopened_of_id")
    again = again.distinct().mutate(again=True)
    request = request.mutate(days=span(done, request.received_at), late=late, dissatisfied=request.satisfaction <= 2)
    row = joined(request.left_join(again, "request_id"))
    return row.select(
        "request_id", "event_at", "days", "late", "dissatisfied", "satisfaction", "object_id", "reply_text",
        "evidence_count", entity_id="handler_org_id", reopened=row.again.fill_null(False),
    )  # fmt: skip


REQUESTS = View("requests", requests, ("service_request",), "service_request", "request_id")


@DEPARTMENT.measure(REQUESTS, Text("承办工单数", "requests"), windows=RECENT, log=True)
def requests_count(rows: Rows) -> ir.Value:
    """Requests handed to it."""
    return rows.count()


@DEPARTMENT.measure(
    REQUESTS, Text("办理天数", "days to reply"), "days", windows=RECENT, log=True,
    behind=Behind(weigh=lambda r: r.days),
)  # fmt: skip
def reply_days_mean(rows: Rows) -> ir.Value:
    """Mean days between arrival and reply."""
    return rows.days.mean()


@DEPARTMENT.share(REQUESTS, Text("超期办理占比", "share overdue"), windows=RECENT)
def overdue_share(rows: Rows) -> ir.BooleanValue:
    """Share of the requests with a due date that were answered after it, or are open beyond it."""
    return rows.late


@DEPARTMENT.share(REQUESTS, Text("重复诉求占比", "share reopened"), windows=RECENT)
def reopened_share(rows: Rows) -> ir.BooleanValue:
    """Share of the requests that were opened again later."""
    return rows.reopened


@DEPARTMENT.share(REQUESTS, Text("不满意占比", "share dissatisfied"), windows=RECENT)
def dissatisfied_share(rows: Rows) -> ir.BooleanValue:
    """Share of the rated requests rated 1 or 2 of 5."""
    return rows.dissatisfied


@DEPARTMENT.measure(REQUESTS, Text("雷同答复占比", "share of copied replies"), "%")
def copied_reply_share(rows: Rows) -> ir.Value:
    """Share of the replies whose very words another reply has."""
    return 1.0 - ratio(rows.reply_text.nunique(), rows.reply_text.count())


@DEPARTMENT.measure(REQUESTS, Text("次均佐证数", "evidence per request"), "", Direction.LOW)
def evidence_mean(rows: Rows) -> ir.Value:
    """Mean number of pieces of evidence with a reply."""
    return rows.evidence_count.mean()
