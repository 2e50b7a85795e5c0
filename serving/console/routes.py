"""The console: sign in, queue, case, and what may be done next. Forms post, pages answer, nothing needs a script."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import RedirectResponse, Response
from starlette.datastructures import FormData

from cases import bodies, meetings, people, queue, rectification, service
from cases import pages as lists
from cases.pages import Order
from cases.people import Person
from cases.workflow import ACTIONS, ENDED, OUTCOMES, SIDES, STATES, Action, State
from features.measures import entities
from gnomon.errors import Fault
from gnomon.i18n import say
from gnomon.terms import Language, Severity
from serving.api import auth
from serving.api.language import COOKIE, language_of
from serving.api.state import serving_of
from serving.console import forms, pages
from serving.console import session as sessions

router = APIRouter()
PAGE = 25
OPENED = 5
"""Warnings told in full on a case's page, the gravest first; the others are a click away."""
TABS = ("alive", *(state.value for state in State))
ALWAYS = frozenset({"alive", State.OPEN, State.REVIEW, State.CLOSED})
"""Tabs that are shown even when nothing is in them."""


def person(request: Request) -> Person:
    """Who is signed in, and may read cases."""
    return auth.reader(auth.signed_in(request)[0])


Signed = Annotated[Person, Depends(person)]
Text200 = Annotated[str, Query(max_length=200)]


def check_form(request: Request, csrf: str) -> None:
    """Refuse a form that another site made the browser send."""
    settings = serving_of(request).settings
    browser = sessions.read(request, settings)
    nonce = browser.nonce if browser else request.cookies.get(sessions.VISIT, "")
    sessions.check_token(settings, nonce, csrf)


@router.get("/")
def root() -> Response:
    """To the queue."""
    return RedirectResponse("/console/", status_code=303)


@router.get("/console/login")
def login_page(request: Request, next: Text200 = "/console/") -> Response:
    """The sign-in form."""
    return pages.render(request, "login.html", next=_inside(next), name="", fault="")


@router.post("/console/login")
def login(
    request: Request,
    name: Annotated[str, Form(max_length=80)],
    password: Annotated[str, Form(max_length=400)],
    csrf: Annotated[str, Form()] = "",
    next: Annotated[str, Form()] = "/console/",
) -> Response:
    """Sign in, or say that name and password do not go together, without saying which is wrong."""
    check_form(request, csrf)
    serving = serving_of(request)
    with serving.session() as session:
        found = people.authenticate(session, name, password)
    if found is None:
        fault = say("serving.auth.failed", language_of(request, serving.settings.language))
        return pages.render(request, "login.html", status=401, next=_inside(next), name=name, fault=fault)
    response = RedirectResponse(_inside(next), status_code=303)
    sessions.issue(response, serving.settings, found.name, found.stamp, pages.secure(request))
    return response


@router.post("/console/logout")
def logout(request: Request, csrf: Annotated[str, Form()] = "") -> Response:
    """Sign out."""
    check_form(request, csrf)
    response = RedirectResponse("/console/login", status_code=303)
    response.delete_cookie(sessions.COOKIE, path="/")
    return response


@router.post("/console/language")
def choose_language(
    request: Request,
    language: Annotated[Language, Form()],
    next: Annotated[str, Form()] = "/console/",
    csrf: Annotated[str, Form()] = "",
) -> Response:
    """Remember the reader's language."""
    check_form(request, csrf)
    response = RedirectResponse(_inside(next), status_code=303)
    response.set_cookie(COOKIE, language, max_age=365 * 86400, httponly=True, samesite="lax", path="/")
    return response


@router.get("/console/")
def queue_page(
    request: Request,
    asking: Signed,
    state: Text200 = "alive",
    owner: Text200 = "",
    kind: Text200 = "",
    scheme: Text200 = "",
    severity: Text200 = "",
    text: Text200 = "",
    order: Text200 = Order.GRAVEST,
    cursor: Annotated[str, Query(max_length=400)] = "",
) -> Response:
    """The queue: what waits, gravest first."""
    chosen = {"state": state if state in TABS else "alive", "owner": owner, "kind": kind, "scheme": scheme}
    chosen["severity"] = severity if severity in tuple(Severity) else ""
    chosen |= {"text": text.strip(), "order": order if order in (Order.GRAVEST, Order.NEWEST) else Order.GRAVEST.value}
    now = datetime.now(UTC)
    with serving_of(request).reading() as session:
        page = lists.cases(
            session,
            state=chosen["state"],
            owner={"mine": asking.name, "nobody": ""}.get(owner),
            copied_to=asking.name if owner == "copied" else None,
            overdue_at=now if owner == "overdue" else None,
            entity_kind=kind or None,
            scheme=scheme or None,
            severity=chosen["severity"] or None,
            text=chosen["text"],
            order=Order(chosen["order"]),
            cursor=cursor or None,
            limit=PAGE,
            reader=asking,
        )
        counts = lists.counts(session, asking)
    counts["alive"] = sum(n for name, n in counts.items() if name not in ENDED)
    following = _query({**chosen, "cursor": page.cursor}) if page.cursor else ""
    tabs = [
        (name, counts[name], _query({**chosen, "state": name}))
        for name in TABS
        if counts[name] or name in ALWAYS or name == chosen["state"]
    ]
    return pages.render(
        request,
        "queue.html",
        asking,
        section="queue",
        cases=page.rows,
        tabs=tabs,
        chosen=chosen,
        following=following,
        beginning=_query(chosen) if cursor else "",
        states=STATES,
        kinds=list(entities()),
        schemes=_schemes(request),
        now=now,
        scheme_title=pages.scheme_title,
    )


@router.get("/console/cases/{case_id}")
def case_page(request: Request, case_id: int, asking: Signed, done: Text200 = "") -> Response:
    """One case: reasons, norms, rows, trail, and what may be done next. Who opened it goes on the trail."""
    notice = ""
    if done in tuple(Action):
        language = language_of(request, serving_of(request).settings.language)
        notice = say("serving.console.done", language, action=ACTIONS[Action(done)])
    return _case(request, case_id, asking, notice)


async def _filled(request: Request) -> FormData:
    return await request.form(max_fields=400)


Filled = Annotated[FormData, Depends(_filled)]


@router.post("/console/cases/{case_id}/actions")
def act(request: Request, case_id: int, asking: Signed, form: Filled) -> Response:
    """Do one action; what is refused is told on the case's page, and nothing has changed then."""
    check_form(request, str(form.get("csrf", "")))
    named, version = str(form.get("action", "")), str(form.get("version", ""))
    if named not in tuple(Action) or not version.isdecimal():
        raise Fault("serving.console.form", place="action", status=422)
    action = Action(named)
    try:
        asked = forms.filled_in(form)
        with serving_of(request).session() as session:
            service.act(session, case_id, action, asking, int(version), **asked)
    except Fault as fault:
        if fault.status == 404 and fault.key == "cases.no_case":
            raise
        language = language_of(request, serving_of(request).settings.language)
        told = say(fault.key, language, **fault.values)
        reason = str(form.get("reason", ""))
        return _case(request, case_id, asking, told, fault.status, failed=action, reason=reason)
    return RedirectResponse(f"/console/cases/{case_id}?{urlencode({'done': action.value})}", status_code=303)


@router.get("/console/warnings/{key}")
def warning_page(request: Request, key: str, asking: Signed) -> Response:
    """One warning by number or fingerprint. Who opened it goes on the trail."""
    serving = serving_of(request)
    with serving.session() as session:
        row = service.read_warning(session, key, asking)
        case_id = queue.case_of(session, row.id)
    return pages.render(
        request,
        "warning.html",
        asking,
        section="queue",
        shown=pages.shown(serving.settings, serving.models, row.warned()),
        case_id=case_id,
    )


def _case(
    request: Request,
    case_id: int,
    asking: Person,
    notice: str = "",
    status: int = 200,
    failed: Action | None = None,
    reason: str = "",
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
        names = {one.name: one.display for one in people.everyone(session)}
        around = {
            "parties": bodies.sides(session, view.case),
            "items": rectification.items(session, case_id),
            "consultations": meetings.consultations(session, case_id),
            "parts": lists.cases(session, parent_id=case_id, reader=asking, limit=lists.MOST).rows,
        }
    case = view.case
    return pages.render(
        request,
        "case.html",
        asking,
        status,
        section="queue",
        case=case,
        warnings=[pages.shown(serving.settings, serving.models, row.warned()) for row in view.warnings[:OPENED]],
        further=view.warnings[OPENED:],
        moves=moves,
        timeline=pages.timeline(view.trail, names, language),
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
        notice_kind="bad" if failed else "good",
        failed_action=failed,
        given_reason=reason,
        **around,
    )


def _schemes(request: Request) -> list[str]:
    return sorted({model.scheme for model in serving_of(request).models.values()})


def _query(values: Mapping[str, Any]) -> str:
    return "?" + urlencode({name: value for name, value in values.items() if value})


def _inside(path: str) -> str:
    """A path of this console; anything else, such as another site, becomes the queue."""
    inside = path.startswith("/console/") and "//" not in path and "\\" not in path
    return path if inside and not path.startswith("/console/log") else "/console/"
