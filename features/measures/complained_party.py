"""Parties complained of: how many complaints, and how many of them led to a case."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from features.measures.declare import MONTHLY, YEARLY, Behind, Entity, Rows, View, ratio
from features.measures.prescribing import is_blank
from features.measures.tables import Tables, commonest, joined
from gnomon.terms import Direction, Text

FEWEST = 5
"""Complaints from which no case at all is a word."""


def traces(tables: Tables) -> ir.Table:
    """One row per complaint about a party or case against it."""
    asked = tables.service_request
    asked = asked.filter(~is_blank(asked.object_id)).select(
        "event_at", "topic_code", key="request_id", entity_id="object_id", caller="caller_hash",
        complaint=ibis.literal(1), case=ibis.literal(0), penalty=ibis.null("float64"),
    )  # fmt: skip
    case = tables.enforcement_case
    case = case.filter(~is_blank(case.party_id)).select(
        "event_at", topic_code=ibis.null("string"), key="enf_id", entity_id="party_id", caller=ibis.null("string"),
        complaint=ibis.literal(0), case=ibis.literal(1), penalty="penalty_amount",
    )  # fmt: skip
    return ibis.union(asked, case)


def complaints(tables: Tables) -> ir.Table:
    """The complaints alone."""
    row = traces(tables)
    return row.filter(row.complaint == 1)


def attributes(tables: Tables) -> ir.Table:
    """Parties with the topic that they are complained of most, and their industry and size."""
    row = complaints(tables)
    main = commonest(row, "topic_code").select("entity_id", topic="topic_code")
    body = tables.organization.select("name", "size_class", entity_id="org_id", region="region_code")
    return joined(main.left_join(body, "entity_id").drop("entity_id_right"))


COMPLAINED_PARTY = Entity(
    "complained_party",
    Text("被投诉对象", "party complained of"),
    attributes,
    peers=(("topic", "region"), ("topic",), ()),
    attribute_titles={"topic": Text("诉求事项", "topic"), "region": Text("地区", "region")},
    tables=("service_request", "enforcement_case"),
)
COMPLAINTS = View("complaints", complaints, ("service_request",), "service_request", "key")
BOTH = View("both", traces, ("service_request", "enforcement_case"), "service_request", "key", rows=COMPLAINTS)


@COMPLAINED_PARTY.measure(COMPLAINTS, Text("被投诉数", "complaints"), windows=MONTHLY, log=True)
def complaints_count(rows: Rows) -> ir.Value:
    """Complaints about it."""
    return rows.count()


@COMPLAINED_PARTY.measure(COMPLAINTS, Text("投诉人数", "complainants"), log=True)
def complainants(rows: Rows) -> ir.Value:
    """Distinct complainants."""
    return rows.caller.nunique()


@COMPLAINED_PARTY.measure(
    BOTH,
    Text("每件投诉立案数", "cases per complaint"),
    "cases/complaint",
    Direction.LOW,
    windows=YEARLY,
    behind=Behind(),
)
def cases_per_complaint(rows: Rows) -> ir.Value:
    """Enforcement cases over complaints; five complaints at least."""
    asked = rows.complaint.sum()
    return ratio(rows.case.sum(), ibis.ifelse(asked >= FEWEST, asked, ibis.null()))


@COMPLAINED_PARTY.measure(BOTH, Text("被投诉未立案数", "complaints without any case"), windows=YEARLY, log=True)
def complaints_without_case(rows: Rows) -> ir.Value:
    """Complaints about a party that had no case in the window; 0 where it had one."""
    return ibis.ifelse(rows.case.sum() > 0, 0, rows.complaint.sum())
