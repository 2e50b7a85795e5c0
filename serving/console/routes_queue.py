"""The queue's page: filters and saved searches, taking the next case, the same action on many."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any
from urllib.parse import parse_qsl, urlencode

from fastapi import APIRouter, Query, Request
from fastapi.responses import RedirectResponse, Response
from sqlalchemy.orm import Session

from cases import bodies, bulk, people, searches, service
from cases import pages as lists
from cases.pages import Order
from cases.people import Person
from cases.workflow import ACTIONS, CASEWORK, ENDED, MOVES, READERS, SPEAKERS, STATES, Action, Role, State
from catalogue.scenes import SCENES
from features.measures import entities
from gnomon.errors import Fault
from gnomon.i18n import say
from gnomon.terms import Text
from serving.api.casework import shielded
from serving.api.language import language_of
from serving.api.state import serving_of
from serving.console import forms, pages
from serving.console.forms import Choice
from serving.console.routes import Anybody, Filled, Signed, Text200, check_form, submit, word

router = APIRouter()
PAGE = 25
ALWAYS = frozenset({"alive", State.OPEN, State.REVIEW, State.CLOSED})
"""Tabs that are shown even when nothing is in them."""
MANY = (Action.CLAIM, Action.ASSIGN, Action.TRANSFER, Action.RETURN, Action.SUPERVISE, Action.COPY, Action.NOTE)
"""Actions that one does with many cases at once."""


@router.get("/console/")
def queue_page(
    request: Request,
    asking: Anybody,
    state: Text200 = "alive",
    owner: Text200 = "",
    kind: Text200 = "",
    scene: Text200 = "",
    scheme: Text200 = "",
    body: Text200 = "",
    model: Text200 = "",
    severity: Text200 = "",
    text: Text200 = "",
    order: Text200 = Order.GRAVEST,
    cursor: Annotated[str, Query(max_length=400)] = "",
    done: Text200 = "",
) -> Response:
    """The queue: what waits, gravest first. Administrators, who handle no cases, go to their own pages."""
    if asking.role not in READERS:
        return RedirectResponse("/console/people", status_code=303)
    told = (state, owner, kind, scene, scheme, body, model, severity, text, order)
    chosen = searches.fit(dict(zip(searches.FILTERS, told, strict=True)))
    return _queue(request, asking, chosen, cursor, none_waits=done == "none")


@router.post("/console/next")
def take_next(request: Request, asking: Signed, form: Filled) -> Response:
    """Sign for the gravest case that waits, and open it."""
    check_form(request, str(form.get("csrf", "")))
    with serving_of(request).session() as session:
        taken = service.take_next(session, asking)
    return RedirectResponse(f"/console/cases/{taken.id}?done=claim" if taken else "/console/?done=none", 303)


@router.post("/console/bulk")
def act_on_many(request: Request, asking: Signed, form: Filled) -> Response:
    """Do one action with all the cases that were ticked; each is done or refused by itself."""
    check_form(request, str(form.get("csrf", "")))
    language = language_of(request, serving_of(request).settings.language)
    named, wanted = str(form.get("action", "")), _ticked(form.getlist("case"))
    if named not in MANY or not wanted:
        raise Fault("serving.console.none_ticked", place="case", status=422)
    asked = forms.filled_in(form)
    with serving_of(request).session() as session:
        items = [
            (one.case_id, None if one.fault is None else shielded(session, asking, one.fault))
            for one in bulk.act(session, wanted, Action(named), asking, **asked)
        ]
    refused = [(number, say(fault.key, language, **fault.values)) for number, fault in items if fault is not None]
    done = [number for number, fault in items if fault is None]
    title = ACTIONS[Action(named)]
    return pages.render(request, "bulk.html", asking, section="queue", title=title, done=done, refused=refused)


@router.post("/console/searches")
def save_search(request: Request, asking: Signed, form: Filled) -> Response:
    """Keep the filters under a name, or forget a name."""
    name = word(form, "name", 40)
    told = searches.fit(dict(parse_qsl(word(form, "query", 600).lstrip("?"))))
    if form.get("drop"):
        return submit(request, asking, form, lambda session: searches.forget(session, asking, name), "/console/")
    back = f"/console/{_query(told)}"
    return submit(request, asking, form, lambda session: searches.keep(session, asking, name, told), back)


def _queue(request: Request, asking: Person, chosen: dict[str, str], cursor: str, none_waits: bool) -> Response:
    now = datetime.now(UTC)
    with serving_of(request).reading() as session:
        asked = searches.narrowed(chosen, asking, now)
        page = lists.cases(session, cursor=cursor or None, limit=PAGE, reader=asking, **asked)
        held = {one.name: _query(searches.fit(one.filters)) for one in searches.mine(session, asking)}
        counts = lists.counts(session, asking)
        many = _many(session, asking)
        names = people.names(session)
    counts["alive"] = sum(n for name, n in counts.items() if name not in ENDED)
    tabs = [
        (name, counts[name], _query({**chosen, "state": name}))
        for name in searches.STATES
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
        query=_query(chosen),
        searches=held,
        following=_query({**chosen, "cursor": page.cursor}) if page.cursor else "",
        beginning=_query(chosen) if cursor else "",
        states=STATES,
        kinds=list(entities()),
        schemes=_schemes(request),
        scenes=SCENES,
        bodies=[one.value for one in many["bodies"]],
        models=serving_of(request).models,
        now=now,
        names=names,
        scheme_title=pages.scheme_title,
        none_waits=none_waits,
        works=asking.role in CASEWORK,
        speaks=asking.role in SPEAKERS,
        imports=asking.role is Role.SUPERVISOR,
        many=many,
    )


def _many(session: Session, asking: Person) -> dict[str, Any]:
    """What the form under the list offers to this person; nothing when their role may do none of it."""
    actions = [a for a in MANY if any(asking.role in move.by for (_, one), move in MOVES.items() if one is a)]
    accounts = [one for one in people.everyone(session) if not one.disabled and one.role in READERS]
    return {
        "actions": [Choice(action.value, ACTIONS[action]) for action in actions],
        "people": [Choice(one.name, Text(one.display, one.display)) for one in accounts],
        "bodies": [Choice(one.name, Text(one.name, one.name)) for one in bodies.everyone(session)],
    }


def _ticked(told: list[Any]) -> list[tuple[int, int]]:
    pairs = [str(one).partition(":") for one in told]
    fit = [(number, version) for number, _, version in pairs if number.isdecimal() and version.isdecimal()]
    return [(int(number), int(version)) for number, version in fit if len(number) < 19 and len(version) < 19]


def _schemes(request: Request) -> list[str]:
    return sorted({model.scheme for model in serving_of(request).models.values()})


def _query(values: Mapping[str, Any]) -> str:
    return "?" + urlencode({name: value for name, value in values.items() if value})
