"""Officers who decide applications: speed, stopped clocks, and who is served first."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from features.measures.declare import RECENT, Behind, Entity, Rows, View, ratio, span
from features.measures.prescribing import is_blank
from features.measures.tables import Tables, joined
from gnomon.terms import Text

FEWEST = 10


def attributes(tables: Tables) -> ir.Table:
    """Everybody who decides, with the item decided most and the authority's level."""
    row = tables.approval
    row = row.filter(~is_blank(row.officer_id))
    per = row.group_by("officer_id", "item_code", "authority_org_id").aggregate(n=row.count())
    order = ibis.window(group_by="officer_id", order_by=[ibis.desc("n"), "item_code", "authority_org_id"])
    main = per.mutate(order=ibis.row_number().over(order))
    main = main.filter(main.order == 0)
    body = tables.organization.select("level", authority_org_id="org_id")
    main = joined(main.left_join(body, "authority_org_id"))
    return main.select("level", entity_id="officer_id", item="item_code", name=ibis.null("string"))


OFFICER = Entity(
    "officer",
    Text("审批人员", "officer"),
    attributes,
    peers=(("item", "level"), ("item",), ()),
    attribute_titles={"item": Text("审批事项", "item"), "level": Text("级别", "level")},
    tables=("approval",),
)


RETURNS = 10
"""Days after a withdrawal within which the same application is sent again."""


def approvals(tables: Tables, every: bool = False) -> ir.Table:
    """One row per application with a named officer, or `every` one."""
    row = tables.approval
    again = ibis.window(group_by=["applicant_id", "item_code", "authority_org_id"], order_by="accepted_at")
    following = span(row.accepted_at.lead().over(again), ibis.coalesce(row.decided_at, row.accepted_at))
    row = row.mutate(
        resubmitted=ibis.ifelse(
            row.result.isnull(), ibis.null(), ((row.result == "withdrawn") & (following <= RETURNS)).fill_null(False)
        )
    )
    if not every:
        row = row.filter(~is_blank(row.officer_id))
    decided = ibis.ifelse(row.decided_at <= tables.now, row.decided_at, ibis.null())
    days = span(decided, row.accepted_at)
    promised = ibis.coalesce(row.committed_days, row.statutory_days).cast("float64")
    usual = days.median().over(ibis.window(group_by="item_code"))
    return row.select(
        "approval_id", "event_at", "applicant_id", entity_id="officer_id", days=days, to_usual=ratio(days, usual),
        stopped=ibis.ifelse(
            row.suspended_days.isnull() & row.n_supplements.isnull(), ibis.null(),
            (row.suspended_days.fill_null(0) > 0) | (row.n_supplements.fill_null(0) >= 2),
        ),
        late=days - row.suspended_days.fill_null(0) > promised,
        last_day=(promised - days).between(0, 1),
        refused=row.result == "refused",
        resubmitted=row.resubmitted,
    )  # fmt: skip


APPROVALS = View("approvals", approvals, ("approval",), "approval", "approval_id")
BY_DAYS = Behind(weigh=lambda rows: rows.days)


@OFFICER.measure(APPROVALS, Text("办件数", "applications"), windows=RECENT, log=True, behind=BY_DAYS)
def approvals_count(rows: Rows) -> ir.Value:
    """Applications accepted."""
    return rows.count()


@OFFICER.measure(APPROVALS, Text("办理天数与同事项之比", "days to those of the item"), "x", log=True, behind=BY_DAYS)
def days_to_usual(rows: Rows) -> ir.Value:
    """Mean of each application's days over the median of the same item everywhere."""
    return rows.to_usual.mean()


@OFFICER.share(APPROVALS, Text("停表占比", "share of stopped clocks"), windows=RECENT)
def clock_stopped_share(rows: Rows) -> ir.BooleanValue:
    """Share of the applications that were suspended or sent back for supplements twice."""
    return rows.stopped


@OFFICER.share(APPROVALS, Text("超时占比", "share overdue"))
def overdue_share(rows: Rows) -> ir.BooleanValue:
    """Share of the decided applications that took longer than promised, suspension left out."""
    return rows.late


@OFFICER.share(APPROVALS, Text("末日办结占比", "share on the last day"))
def last_day_share(rows: Rows) -> ir.BooleanValue:
    """Share of the decided applications decided on the last day allowed."""
    return rows.last_day


@OFFICER.share(APPROVALS, Text("撤回重报占比", "share withdrawn and sent again"))
def resubmitted_share(rows: Rows) -> ir.BooleanValue:
    """Share of the applications that the same applicant sends again within ten days of withdrawing it."""
    return rows.resubmitted


def applicants(tables: Tables) -> ir.Table:
    """One row per officer and applicant, with how fast it was served."""
    row = approvals(tables)
    return row.group_by("entity_id", "applicant_id").aggregate(
        n=row.count(), speed=row.to_usual.mean(), event_at=row.event_at.max()
    )


APPLICANTS = View(
    "applicants", applicants, ("approval",), "approval", "approval_id", rows=APPROVALS, shares=("applicant_id",)
)


TOP_APPLICANT = Text("最多申请人占比", "share of one applicant")


@OFFICER.measure(APPLICANTS, TOP_APPLICANT, "%", behind=Behind(weigh=lambda r: r.n))
def top_applicant_share(rows: Rows) -> ir.Value:
    """Share of the applications of the applicant with most; ten applications at least."""
    return ibis.ifelse(rows.n.sum() >= FEWEST, ratio(rows.n.max(), rows.n.sum()), ibis.null())


@OFFICER.measure(APPLICANTS, Text("申请人办理速度离散度", "spread of speed between applicants"), "%")
def speed_cv(rows: Rows) -> ir.Value:
    """Standard deviation over mean of the applicants' days to those of the item; five applicants at least."""
    cv = ratio(rows.speed.std(how="sample"), rows.speed.mean())
    return ibis.ifelse(rows.speed.count() >= 5, cv, ibis.null())
