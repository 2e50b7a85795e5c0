"""问题清单, 履职清单, 发展清单, forecasts, funnel and 结果公开 as pages, and the lists as files for a spreadsheet."""

from __future__ import annotations

import csv
import io
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from cases import clock, lists, people, results
from cases import queue as cases
from cases.lists import Kind
from cases.workflow import OUTCOMES, SEVERITIES, STATES
from catalogue.scenes import SCENES
from gnomon.errors import Fault
from gnomon.terms import Text
from monitoring import outcomes
from serving.api.language import language_of
from serving.api.paging import paged
from serving.api.routes_lists import page_of_list
from serving.api.routes_results import results_page
from serving.api.state import serving_of
from serving.console import forms, pages
from serving.console.routes import Signed, Text200

router = APIRouter()
PAGE = 50
TABS = (*(kind.value for kind in Kind), "forecasts", "funnel", "board", "published")
Cursor = Annotated[str, Query(max_length=800)]


@router.get("/console/lists/forecasts")
def forecasts_page(request: Request, asking: Signed, cursor: Cursor = "") -> Response:
    """Running cases, the one most likely to miss its date first."""
    with serving_of(request).reading() as session:
        found = clock.forecasts(session, asking)
        key = lambda one: [-(one.breach or 0.0), one.working_days_left, one.case_id]  # noqa: E731  # one line, two uses
        rows, following = paged(found, key, cursor or None, PAGE)
        shown = [(one, cases.found(session, one.case_id, reader=asking)) for one in rows]
        names = people.names(session)
        schemes = sorted({case.scheme for _, case in shown})
        tried = [(scheme, clock.calibration(session, scheme, asking)) for scheme in schemes]
    language = language_of(request, serving_of(request).settings.language)
    return pages.render(
        request,
        "forecasts.html",
        asking,
        section="lists",
        tabs=TABS,
        tab="forecasts",
        rows=shown,
        tried=[(pages.scheme_title(scheme, language), told) for scheme, told in tried if told is not None],
        names=names,
        following=f"?cursor={following}" if following else "",
    )


@router.get("/console/lists/funnel")
def funnel_page(request: Request, asking: Signed, since: Text200 = "") -> Response:
    """What the warnings of each model were worth, in the cases that the reader may see."""
    serving = serving_of(request)
    with serving.reading() as session:
        funnels = outcomes.funnel(session, forms.morning(since), asking)
        brought = results.totals(session, asking, forms.morning(since))
    return pages.render(
        request,
        "funnel.html",
        asking,
        section="lists",
        tabs=TABS,
        tab="funnel",
        funnels=funnels,
        brought=brought,
        models=serving.models,
        since=since,
    )


@router.get("/console/lists/published")
def published_page(request: Request, asking: Signed, since: Text200 = "", cursor: Cursor = "") -> Response:
    """结果公开: what every body's cases came to, without a name, an entity or a reason."""
    with serving_of(request).reading() as session:
        rows, following = results_page(session, cursor or None, PAGE, forms.morning(since))
    chosen = {"since": since} if since else {}
    return pages.render(
        request,
        "published.html",
        asking,
        section="lists",
        tabs=TABS,
        tab="published",
        rows=rows,
        since=since,
        scenes=SCENES,
        outcomes=OUTCOMES,
        following="?" + urlencode({**chosen, "cursor": following}) if following else "",
    )


@router.get("/console/lists/{kind}")
def list_page(
    request: Request, kind: str, asking: Signed, since: Text200 = "", scene: Text200 = "", cursor: Cursor = ""
) -> Response:
    """One of the three lists."""
    which, moment = _kind(kind), forms.morning(since)
    chosen = {name: value for name, value in (("since", since), ("scene", scene)) if value}
    with serving_of(request).reading() as session:
        page, following = page_of_list(session, which, asking, cursor or None, PAGE, moment, scene or None)
        total = lists.total(session, which, asking, moment, scene or None)
        names = people.names(session)
    return pages.render(
        request,
        "lists.html",
        asking,
        section="lists",
        tabs=TABS,
        tab=kind,
        rows=page,
        total=total,
        since=since,
        scene=scene,
        scenes=SCENES,
        states=STATES,
        outcomes=OUTCOMES,
        severities=SEVERITIES,
        names=names,
        file=f"/console/lists/{kind}/file.csv?{urlencode(chosen)}",
        following="?" + urlencode({**chosen, "cursor": following}) if following else "",
    )


@router.get("/console/lists/{kind}/file.csv")
def list_file(request: Request, kind: str, asking: Signed, since: Text200 = "", scene: Text200 = "") -> Response:
    """The whole list as CSV with a byte order mark, as spreadsheets want it."""
    with serving_of(request).reading() as session:
        rows = lists.rows(session, _kind(kind), asking, forms.morning(since), scene or None)
    language = language_of(request, serving_of(request).settings.language)
    out = io.StringIO()
    if rows:
        writer = csv.DictWriter(out, list(rows[0]))
        writer.writeheader()
        writer.writerows({name: _cell(value, language) for name, value in row.items()} for row in rows)
    headers = {"Content-Disposition": f'attachment; filename="{kind}.csv"'}
    return Response("\ufeff" + out.getvalue(), media_type="text/csv; charset=utf-8", headers=headers)


def _kind(told: str) -> Kind:
    if told not in tuple(Kind):
        raise Fault("serving.api.not_found", place=told[:60], status=404)
    return Kind(told)


def _cell(value: Any, language: str) -> Any:
    told = value.said_in(language) if isinstance(value, Text) else value
    # A spreadsheet would run what begins like a formula.
    return f"'{told}" if isinstance(told, str) and told[:1] in ("=", "+", "-", "@", "\t") else told
