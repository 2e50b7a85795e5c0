"""Raising a case by hand, and keeping an entity's warnings out of the queue for a while."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response
from starlette.datastructures import FormData

from cases import bodies, people, raising, suppression
from cases.people import Person
from cases.raising import MATTER, Raised
from cases.workflow import CHIEFS, SPEAKERS
from catalogue.scenes import SCENES, SCHEMES
from features.measures import entities
from gnomon.errors import Fault
from gnomon.i18n import say
from gnomon.terms import Severity, Text
from serving.api import auth
from serving.api.casework import elsewhere
from serving.api.language import language_of
from serving.api.paging import Id
from serving.api.state import serving_of
from serving.console import forms, pages
from serving.console.routes import Filled, Signed, Text200, check_form, submit, word

router = APIRouter()
FIELDS = (
    "title", "description", "scene", "scheme", "entity_kind", "entity_id", "entity_name", "organisation", "severity",
)  # fmt: skip


@router.get("/console/raise")
def raise_page(
    request: Request,
    asking: Signed,
    scene: Text200 = "",
    scheme: Text200 = "",
    entity_kind: Text200 = "",
    entity_id: Text200 = "",
    entity_name: Text200 = "",
) -> Response:
    """The form; a link may name what it is about."""
    given = dict.fromkeys(FIELDS, "") | {"scene": scene, "scheme": scheme, "entity_kind": entity_kind}
    given |= {"entity_id": entity_id, "entity_name": entity_name}
    return _raise_form(request, asking, given)


@router.post("/console/raise")
def raise_case(request: Request, asking: Signed, form: Filled) -> Response:
    """Raise it; what is refused is told above the form, which keeps what was written."""
    check_form(request, str(form.get("csrf", "")))
    given = {name: str(form.get(name, "")).strip() for name in FIELDS}
    language = language_of(request, serving_of(request).settings.language)
    told = Raised(
        Text(given["title"], given["title"]),
        given["description"],
        given["scene"],
        given["scheme"],
        Severity.ALERT if given["severity"] == Severity.ALERT else Severity.WARN,
        given["entity_kind"] if given["entity_id"] else MATTER,
        given["entity_id"][:400],
        given["entity_name"],
    )
    try:
        with serving_of(request).session() as session, elsewhere(session, asking):
            made = raising.raise_case(session, asking, told, given["organisation"])
    except Fault as fault:
        return _raise_form(request, asking, given, say(fault.key, language, **fault.values), fault.status)
    return RedirectResponse(f"/console/cases/{made.id}?done=raised", status_code=303)


@router.get("/console/suppressions")
def suppressions_page(
    request: Request,
    asking: Signed,
    entity_kind: Text200 = "",
    entity_id: Text200 = "",
    scheme: Text200 = "",
    done: Text200 = "",
) -> Response:
    """All suppressions with what each hid, and the form to ask for one."""
    with serving_of(request).reading() as session:
        rows = suppression.report(session, asking)
        hidden = {
            one.suppression.id: suppression.warnings(session, one.suppression.id, asking, limit=20) for one in rows
        }
        names = people.names(session)
    given = {"entity_kind": entity_kind, "entity_id": entity_id, "scheme": scheme}
    return pages.render(
        request,
        "suppressions.html",
        asking,
        section="trail",
        rows=rows,
        hidden=hidden,
        names=names,
        given=given,
        kinds=list(entities()),
        schemes=SCHEMES,
        scheme_title=pages.scheme_title,
        decides=asking.role in CHIEFS,
        done=done in ("asked", "approved", "lifted", "raised") and done,
    )


@router.post("/console/suppressions")
def ask(request: Request, asking: Signed, form: Filled) -> Response:
    """Ask for one; nothing stays out until somebody else approves."""
    end = forms.day(word(form, "expires_at", 40))
    if end is None:
        raise Fault("cases.suppress_until", place="expires_at", status=422, days=suppression.LONGEST.days)
    about = (word(form, "entity_kind", 40), word(form, "entity_id", 400), word(form, "reason", 4000))
    if not about[0] or not about[1]:
        raise Fault("serving.console.form", place="entity_id", status=422)
    scheme = word(form, "scheme", 80) or suppression.ALL
    return submit(
        request,
        asking,
        form,
        lambda session: suppression.ask(session, asking, *about, end, scheme),
        "/console/suppressions",
        "asked",
    )


@router.post("/console/suppressions/{number}/approve")
def approve(request: Request, number: Id, asking: Signed, form: Filled) -> Response:
    """Let it stand."""
    return _decided(request, asking, form, lambda session: suppression.approve(session, number, asking), "approved")


@router.post("/console/suppressions/{number}/lift")
def lift(request: Request, number: Id, asking: Signed, form: Filled) -> Response:
    """End it now."""
    return _decided(request, asking, form, lambda session: suppression.lift(session, number, asking), "lifted")


@router.post("/console/warnings/{key}/raise")
def raise_hidden(request: Request, key: str, asking: Signed, form: Filled) -> Response:
    """Put a warning that a suppression hid into the queue after all."""
    reason = word(form, "reason", 4000)
    return _decided(request, asking, form, lambda session: raising.raise_hidden(session, asking, key, reason), "raised")


def _decided(request: Request, asking: Person, form: FormData, do: Any, done: str) -> Response:
    return submit(request, asking, form, do, "/console/suppressions", done)


def _raise_form(
    request: Request, asking: Person, given: dict[str, str], fault: str = "", status: int = 200
) -> Response:
    auth.required_role(asking, *sorted(SPEAKERS))
    with serving_of(request).reading() as session:
        known = [one.name for one in bodies.everyone(session)]
    return pages.render(
        request,
        "raise.html",
        asking,
        status,
        section="queue",
        given=given,
        fault=fault,
        bodies=known,
        scenes=SCENES,
        schemes=SCHEMES,
        kinds=list(entities()),
    )
