"""Administration as pages: people and their roles, bodies and routing, policies, messages to other systems."""

from __future__ import annotations

import json
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response
from starlette.datastructures import FormData

from cases import bodies, outbox, people, policy
from cases.people import Person
from cases.scopes import SCOPES, Scope
from cases.workflow import BODY_KINDS, ROLES, BodyKind, Role
from catalogue.scenes import SCENES
from gnomon.errors import Fault
from serving.api.paging import Id
from serving.api.routes_people import add_person, shut, token_of
from serving.api.state import serving_of
from serving.console import pages
from serving.console.routes import Administrator, Filled, Text200, check_form, submit, word

router = APIRouter()


@router.get("/console/people")
def people_page(request: Request, asking: Administrator, done: Text200 = "", text: Text200 = "") -> Response:
    """All accounts, with what may be done with each."""
    return _people(request, asking, text=text, done=done == "done")


@router.post("/console/people")
def add(request: Request, asking: Administrator, form: Filled) -> Response:
    """Make an account; without a password it signs in by token alone."""
    role = _role(form)
    told = {name: word(form, name, 400) for name in ("name", "password", "display", "organisation")}
    return submit(
        request,
        asking,
        form,
        lambda session: add_person(
            session, asking, told["name"], role, told["password"] or None, told["display"], told["organisation"]
        ),
        "/console/people",
        "done",
    )


@router.post("/console/people/{name}/{what}")
def change(request: Request, name: str, what: str, asking: Administrator, form: Filled) -> Response:
    """disable, enable, password, grant, withdraw or revoke; token shows the new token once."""
    check_form(request, str(form.get("csrf", "")))
    scope = (word(form, "scene", 80) or bodies.ANY, word(form, "body", 200) or bodies.ANY)
    if what == "token":
        told = form.getlist("scope")
        if not set(told) <= set(Scope):
            raise Fault("serving.console.form", place="scope", status=422)
        given = [Scope(one) for one in told if isinstance(one, str)]
        with serving_of(request).session() as session:
            token = token_of(session, asking, name, given=given or None)
        return _people(request, asking, token=token, whose=name)
    deeds: dict[str, Any] = {
        "disable": lambda session: shut(session, asking, name),
        "enable": lambda session: people.set_disabled(session, name, False, asking.actor),
        "password": lambda session: people.set_password(session, name, str(form.get("password", "")), asking.actor),
        "grant": lambda session: bodies.grant(session, name, _role(form), asking.actor, *scope),
        "withdraw": lambda session: bodies.withdraw(session, name, asking.actor, *scope),
        "revoke": lambda session: people.revoke_tokens(session, name, asking.actor),
    }
    if what not in deeds:
        raise Fault("serving.api.not_found", place=what[:60], status=404)
    return submit(request, asking, form, deeds[what], "/console/people", "done")


@router.get("/console/bodies")
def bodies_page(request: Request, asking: Administrator, done: Text200 = "") -> Response:
    """Registered bodies, and which scenes go to whom."""
    with serving_of(request).reading() as session:
        rows, routes = bodies.everyone(session), bodies.routes(session)
    return pages.render(
        request,
        "bodies.html",
        asking,
        section="administration",
        tab="bodies",
        rows=rows,
        routes=routes,
        kinds=BODY_KINDS,
        scenes=SCENES,
        done=done == "done",
    )


@router.post("/console/bodies")
def register(request: Request, asking: Administrator, form: Filled) -> Response:
    """Register a body."""
    name, kind, parent = word(form, "name"), word(form, "kind", 40), word(form, "parent", 200)
    if kind not in tuple(BodyKind):
        raise Fault("serving.console.form", place="kind", status=422)
    return submit(
        request,
        asking,
        form,
        lambda session: bodies.register(
            session, name, BodyKind(kind), asking.actor, parent or None, form.get("oversight") == "yes"
        ),
        "/console/bodies",
        "done",
    )


@router.post("/console/bodies/routes")
def route(request: Request, asking: Administrator, form: Filled) -> Response:
    """Send a scene's new cases to these bodies, and to no others."""
    scene, names = word(form, "scene", 80), [str(one) for one in form.getlist("body")]
    if not scene:
        raise Fault("serving.console.form", place="scene", status=422)
    return submit(
        request,
        asking,
        form,
        lambda session: bodies.route(session, scene, dict.fromkeys(names), asking.actor),
        "/console/bodies",
        "done",
    )


@router.get("/console/policies")
def policies_page(request: Request, asking: Administrator, done: Text200 = "") -> Response:
    """How this deployment works, policy by policy."""
    with serving_of(request).reading() as session:
        held = {name: policy.get(session, name) for name in policy.POLICIES}
    rows = [(name, known, json.dumps(held[name], ensure_ascii=False)) for name, known in policy.POLICIES.items()]
    return pages.render(
        request, "policies.html", asking, section="administration", tab="policies", rows=rows, done=done == "done"
    )


@router.post("/console/policies/{name}")
def set_policy(request: Request, name: str, asking: Administrator, form: Filled) -> Response:
    """Set one; the value is JSON, or a plain word."""
    told = word(form, "value")
    try:
        value = json.loads(told)
    except ValueError:
        value = told
    do = lambda session: policy.put(session, name, value, asking.actor)  # noqa: E731  # passed on as it is
    return submit(request, asking, form, do, "/console/policies", "done")


@router.get("/console/messages")
def messages_page(request: Request, asking: Administrator, done: Text200 = "") -> Response:
    """Who is told, what waits, and what was given up."""
    with serving_of(request).reading() as session:
        told: dict[str, Any] = {"waiting": outbox.waiting(session), "dead": outbox.dead(session, limit=200)}
        told["endpoints"] = outbox.endpoints(session)
    return pages.render(
        request, "messages.html", asking, section="administration", tab="messages", done=done == "done", **told
    )


@router.post("/console/messages/{number}/retry")
def retry(request: Request, number: Id, asking: Administrator, form: Filled) -> Response:
    """Try a message again that was given up."""
    do = lambda session: outbox.revive(session, number, asking.actor)  # noqa: E731  # passed on as it is
    return submit(request, asking, form, do, "/console/messages", "done")


@router.post("/console/endpoints/{name}/{switch}")
def switch_endpoint(request: Request, name: str, switch: str, asking: Administrator, form: Filled) -> Response:
    """Stop telling an endpoint, or go on."""
    if switch not in ("disable", "enable"):
        raise Fault("serving.api.not_found", place=switch[:60], status=404)
    do = lambda session: outbox.set_disabled(session, name, switch == "disable", asking.actor)  # noqa: E731
    return submit(request, asking, form, do, "/console/messages", "done")


def _role(form: FormData) -> Role:
    told = str(form.get("role", ""))
    if told not in tuple(Role):
        raise Fault("serving.console.form", place="role", status=422)
    return Role(told)


def _people(
    request: Request, asking: Person, token: str = "", whose: str = "", text: str = "", done: bool = False
) -> Response:
    with serving_of(request).reading() as session:
        wanted = text.strip().lower()
        rows = [
            (one, bodies.grants(session, one.name))
            for one in people.everyone(session)
            if wanted in f"{one.name} {one.display} {one.organisation or ''}".lower()
        ]
        known = [one.name for one in bodies.everyone(session)]
    return pages.render(
        request,
        "people.html",
        asking,
        section="administration",
        tab="people",
        rows=rows,
        roles_known=ROLES,
        bodies=known,
        scenes=SCENES,
        scopes=SCOPES,
        token=token,
        whose=whose,
        text=text,
        done=done,
    )
