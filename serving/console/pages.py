"""Pages as HTML: one language each, the reader's; every text from the message files, everything else escaped."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from functools import cache, partial
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined

from cases.people import Person
from cases.tables import Trail
from cases.workflow import ACTIONS, OUTCOMES, ROLES, Action, Role
from catalogue.model import WarningModel
from catalogue.scenes import SCENES, SCHEMES
from features.measures.tables import LOCAL_HOURS
from gnomon.config import Settings
from gnomon.errors import Fault
from gnomon.i18n import say
from gnomon.terms import Evidence, Language, Outcome, Text, Warned
from serving import rows
from serving.api.language import language_of
from serving.api.state import serving_of
from serving.console import session as sessions
from serving.console.pictures import Bar, Strip, bars, strip
from serving.quantities import quantity
from serving.reasons import kind_title

CIVIL = timezone(timedelta(hours=LOCAL_HOURS))
"""Civil time of the place: what people read. Stored and sent moments are UTC."""


@cache
def _environment() -> Environment:
    loader = PackageLoader("serving.console", "templates")
    made = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    made.filters["day"] = lambda moment: f"{moment.astimezone(CIVIL):%Y-%m-%d}"
    made.filters["minute"] = lambda moment: f"{moment.astimezone(CIVIL):%Y-%m-%d %H:%M}"
    made.filters["rarity"] = rarity
    return made


def rarity(percentile: float, language: str) -> str:
    """How unusual a score is, in words.

    >>> rarity(0.9999, "en"), rarity(0.973, "en")
    ('the highest of all scored', 'higher than 97.3% of all scored')
    """
    if percentile >= 0.9995:
        return say("serving.console.rarest", language)
    return say("serving.console.rarer_than", language, share=f"{percentile:.1%}")


@dataclass(frozen=True)
class Shown:
    """A warning with everything that its card draws."""

    warned: Warned
    meaning: Text | None
    basis: tuple[str, ...]
    bars: Sequence[Bar]
    strips: Sequence[Strip | None]
    behind: dict[Evidence, rows.RowsBehind]


@dataclass(frozen=True, slots=True)
class Told:
    """One event of the trail in words."""

    what: str
    actor: str
    at: datetime
    detail: str


def render(
    request: Request, template: str, person: Person | None = None, status: int = 200, **context: Any
) -> HTMLResponse:
    """One page, in the reader's language, with the token that its forms need."""
    serving = serving_of(request)
    language = language_of(request, serving.settings.language)
    browser = sessions.read(request, serving.settings)
    nonce = browser.nonce if browser else request.cookies.get(sessions.VISIT) or sessions.fresh_nonce()
    query = f"?{request.url.query}" if request.url.query else ""

    def t(key: str, **values: object) -> str:
        return say(f"serving.{key}", language, **values)

    def told(value: float | None, unit: str) -> str:
        return quantity(value, unit).said_in(language)

    page = _environment().get_template(template)
    html = page.render(
        t=t,
        kind_title=partial(kind_title, language=language),
        language=language,
        quantity=told,
        person=person,
        roles=ROLES[Role(person.role)].said_in(language) if person else "",
        here=f"{request.url.path}{query}" if request.method == "GET" else "/console/",
        csrf=sessions.token(serving.settings, nonce),
        **{"section": "", **context},
    )
    response = HTMLResponse(html, status_code=status)
    if browser is None:
        sessions.remember_visit(response, nonce, secure(request))
    return response


def standalone(template: str, language: str, **context: Any) -> str:
    """A page outside the console, for files."""

    def t(key: str, **values: object) -> str:
        return say(f"serving.{key}", language, **values)

    def told(value: float | None, unit: str) -> str:
        return quantity(value, unit).said_in(language)

    titled = partial(kind_title, language=language)
    page = _environment().get_template(template)
    return page.render(t=t, language=language, quantity=told, kind_title=titled, **context)


def problem(request: Request, place: str, fault: str, status: int) -> HTMLResponse:
    """A page that says what is wrong and what would make it right."""
    from serving.api.auth import signed_in

    try:
        person: Person | None = signed_in(request)[0]
    except Fault:
        person = None
    return render(request, "problem.html", person, status, place=place, fault=fault)


def secure(request: Request) -> bool:
    """Whether cookies are for encrypted connections alone."""
    return request.url.scheme == "https"


def shown(settings: Settings, models: Mapping[str, WarningModel], warned: Warned) -> Shown:
    """A warning made ready for its card."""
    model = models.get(warned.model)
    return Shown(
        warned,
        model.meaning if model else None,
        model.basis if model else (),
        bars(warned.reasons),
        [strip(reason.value, reason.norm) for reason in warned.reasons],
        behind(settings, warned),
    )


def behind(settings: Settings, warned: Warned) -> dict[Evidence, rows.RowsBehind]:
    """The rows behind a warning; none when the lake is elsewhere: the ids on the warning still say which."""
    try:
        return rows.all_rows(settings, warned)
    except (Fault, OSError):
        return {}


def timeline(events: Sequence[Trail], names: Mapping[str, str], language: str) -> list[Told]:
    """The trail of a case in words, newest first, with `names` for accounts; readings are summed up in one line."""

    def who_is(actor: str) -> str:
        return say("serving.console.itself", language) if actor.startswith("gnomon:") else names.get(actor, actor)

    told: list[Told] = []
    readers: dict[str, int] = {}
    for event in events:
        if event.action == "read":
            readers[event.actor] = readers.get(event.actor, 0) + 1
            continue
        told.append(Told(_what(event.action, language), who_is(event.actor), event.at, _detail(event, language)))
    told.reverse()
    if readers:
        last = [event for event in events if event.action == "read"][-1]
        separator = "、" if language == Language.ZH else ", "
        who = separator.join(f"{who_is(name)} × {count}" for name, count in readers.items())
        told.append(Told(say("serving.console.readings", language), who, last.at, ""))
    return told


def scheme_title(scheme: str, language: str) -> str:
    """What is suspected, in words."""
    return SCHEMES.get(scheme, Text(scheme, scheme)).said_in(language)


def scene_title(scene: str, language: str) -> str:
    """The supervised scene, in words."""
    return SCENES.get(scene, Text(scene, scene)).said_in(language)


def _what(action: str, language: str) -> str:
    if action in tuple(Action):
        return ACTIONS[Action(action)].said_in(language)
    return say(f"serving.console.event.{action}", language) if action in ("open", "join") else action


def _detail(event: Trail, language: str) -> str:
    after = json.loads(event.after) or {}
    lines = []
    if after.get("outcome"):
        lines.append(OUTCOMES[Outcome(after["outcome"])].said_in(language))
    if after.get("to"):
        lines.append(f"→ {after['to']}")
    for name in ("reason", "closing_reason"):
        if after.get(name) and after[name] not in lines:
            lines.append(str(after[name]))
    if event.action in ("open", "join"):
        lines.append(say("serving.console.event.warnings", language, n=len(after.get("warnings", ()))))
    return "\n".join(lines)
