"""A case's page: what it is about, everything around it, and the forms of all that may be done with it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response
from sqlalchemy.orm import Session

from cases import audit, bodies, clock, meetings, merging, people, queue, rectification, rescreen, service
from cases import pages as lists
from cases.people import Person
from cases.tables import Case
from cases.workflow import ACTIONS, ENDED, JUDGES, OUTCOMES, SIDES, SPEAKERS, STATES, Action, Role
from gnomon.errors import Fault
from gnomon.i18n import say
from serving.api.casework import shielded
from serving.api.language import language_of
from serving.api.routes_cases import version_of
from serving.api.routes_files import sent
from serving.api.routes_packages import given
from serving.api.state import serving_of
from serving.console import forms, pages
from serving.console.routes import Filled, Signed, Text200, WithFile, check_form, chosen_file, word
from serving.console.routes_draft import AUTHORS
from serving.console.timeline import timeline

router = APIRouter()
REPORT = "case_report.html"
OPENED = 5
"""Warnings told in full on a case's page, the gravest first; the others are a click away."""


@router.get("/console/cases/{case_id}")
def case_page(request: Request, case_id: int, asking: Signed, done: Text200 = "") -> Response:
    """One case: reasons, norms, rows, trail, and what may be done next. Who opened it goes on the trail."""
    language = language_of(request, serving_of(request).settings.language)
    notice = ""
    if done in tuple(Action):
        notice = say("serving.console.done", language, action=ACTIONS[Action(done)])
    elif done in ("raised", "attached"):
        notice = say(f"serving.console.done.{done}", language)
    return _case(request, case_id, asking, notice)


@router.get("/console/cases/{case_id}/report")
def report_page(request: Request, case_id: int, asking: Signed) -> Response:
    """The whole case unfolded, to print or to keep, and where the trail stood when it was drawn."""
    return _case(request, case_id, asking, template=REPORT)


@router.post("/console/cases/{case_id}/actions")
def act(request: Request, case_id: int, asking: Signed, form: Filled) -> Response:
    """Do one action; what is refused is told on the case's page, and nothing has changed then."""
    check_form(request, str(form.get("csrf", "")))
    named, version = str(form.get("action", "")), str(form.get("version", ""))
    if named not in tuple(Action) or not version.isdecimal() or len(version) > 18:
        raise Fault("serving.console.form", place="action", status=422)
    action = Action(named)
    try:
        asked = forms.filled_in(form)
        with serving_of(request).session() as session:
            service.act(session, case_id, action, asking, int(version), **asked)
    except Fault as fault:
        if fault.status == 404 and fault.key == "cases.no_case":
            raise
        return _refused(request, case_id, asking, fault, action, str(form.get("reason", "")))
    return RedirectResponse(f"/console/cases/{case_id}?{urlencode({'done': action.value})}", status_code=303)


@router.post("/console/cases/{case_id}/attachments")
def attach(request: Request, case_id: int, asking: Signed, form: WithFile) -> Response:
    """Put a file to the case, or to one item as its evidence."""
    check_form(request, str(form.get("csrf", "")))
    file, item = chosen_file(form), str(form.get("item", ""))
    if not (item.isdecimal() or not item) or len(item) > 18:
        raise Fault("serving.console.no_file", place="file", status=422)
    kind = (file.content_type or "").partition(";")[0].strip().lower()
    content = file.file.read(rectification.LARGEST + 1)
    try:
        with serving_of(request).session() as session:
            rectification.attach(
                session, case_id, asking, str(file.filename), kind, content, int(item) if item else None
            )
    except Fault as fault:
        if fault.key == "cases.no_case":
            raise
        return _refused(request, case_id, asking, fault)
    return RedirectResponse(f"/console/cases/{case_id}?done=attached#files", status_code=303)


@router.post("/console/cases/{case_id}/package")
def give(request: Request, case_id: int, asking: Signed, form: Filled) -> Response:
    """The case as a signed package for another agency, as a download; what is refused is told on the case's page."""
    check_form(request, str(form.get("csrf", "")))
    try:
        version = version_of(None, word(form, "version", 20))
        return given(serving_of(request), case_id, asking, version, word(form, "to"), word(form, "reason"))
    except Fault as fault:
        if fault.key == "cases.no_case":
            raise
        return _refused(request, case_id, asking, fault)


@router.get("/console/attachments/{number}")
def download(request: Request, number: int, asking: Signed) -> Response:
    """One file. Who opened it goes on the trail."""
    if not 0 < number < 2**63:
        raise Fault("cases.no_file", place=str(number), status=404)
    with serving_of(request).session() as session:
        return sent(rectification.attachment(session, number, asking))


def _refused(
    request: Request, case_id: int, asking: Person, fault: Fault, failed: Action | None = None, reason: str = ""
) -> Response:
    language = language_of(request, serving_of(request).settings.language)
    with serving_of(request).reading() as session:
        fault = shielded(session, asking, fault)
    told = say(fault.key, language, **fault.values)
    return _case(request, case_id, asking, told, fault.status, failed, reason)


def _case(
    request: Request,
    case_id: int,
    asking: Person,
    notice: str = "",
    status: int = 200,
    failed: Action | None = None,
    reason: str = "",
    template: str = "case.html",
) -> Response:
    serving = serving_of(request)
    language = language_of(request, serving.settings.language)
    with serving.session() as session:
        view = service.read(session, case_id, asking)
        choices = forms.offered(session, view.case)
        moves = {
            action: (move, forms.fields(action, move, choices))
            for action, move in service.allowed(view.case, asking).items()
        }
        names = people.names(session)
        around = _around(session, view.case, asking)
        if template == REPORT:
            around |= {
                "may_give": False,
                "may_attach": False,
                "opened": True,
                "anchor": audit.latest(session, queue.subject(view.case)),
            }
    case = view.case
    return pages.render(
        request,
        template,
        asking,
        status,
        section="queue",
        case=case,
        warnings=[pages.shown(serving.settings, serving.models, row.warned()) for row in view.warnings[:OPENED]],
        further=view.warnings[OPENED:],
        groups=forms.grouped(moves),
        timeline=timeline(view.trail, names, language),
        copies=view.copies,
        states=STATES,
        outcomes=OUTCOMES,
        sides=SIDES,
        lines=forms.LINES,
        names=names,
        overdue=case.due is not None and case.due < datetime.now(UTC) and case.state not in ENDED,
        scheme=pages.scheme_title(case.scheme, language),
        scene=pages.scene_title(case.scene, language),
        notice=notice,
        notice_kind="bad" if status >= 400 else "good",
        failed_action=failed,
        given_reason=reason,
        may_draft=asking.role in AUTHORS,
        proposal=None if case.proposal is None else json.loads(case.proposal),
        **around,
    )


def _around(session: Session, case: Case, asking: Person) -> dict[str, Any]:
    """Everything around the case, as far as this person may see it."""
    files = rectification.attachments(session, case.id)
    return {
        "parties": bodies.sides(session, case),
        "items": rectification.items(session, case.id),
        "files": files,
        "evidence": {one.item_id for one in files if one.item_id is not None},
        "may_give": bodies.role_in(session, asking, case) in JUDGES,
        "may_attach": bodies.role_in(session, asking, case) in SPEAKERS,
        "may_suppress": asking.role in JUDGES and bodies.reach(session, asking) is None,
        "presses": bodies.role_in(session, asking, case) is Role.SUPERVISOR,
        "consultations": meetings.consultations(session, case.id),
        "circulars": meetings.audience(session, case.id),
        "merges": [
            one for one in merging.history(session, case.id)
            if bodies.sees(session, asking, one.into_id if one.case_id == case.id else one.case_id)
        ],
        "foreign": rescreen.records(session, case.id),
        "forecast": clock.forecast(session, case, asking),
        "parts": lists.cases(session, parent_id=case.id, reader=asking, limit=lists.MOST).rows,
        "parent": case.parent_id if case.parent_id and bodies.sees(session, asking, case.parent_id) else None,
        "kinds": ",".join(rectification.KINDS),
        "largest": rectification.LARGEST // 2**20,
    }  # fmt: skip
