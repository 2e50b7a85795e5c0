"""Pages as HTML: one language each, the reader's; every text from the message files, everything else escaped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta, timezone
from functools import cache, partial
from typing import Any
from urllib.parse import urlsplit

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined

from cases import notices
from cases.people import Person
from cases.raising import MATTER
from cases.workflow import READERS, ROLES, Role
from catalogue.model import WarningModel
from catalogue.scenes import SCENES, SCHEMES
from features.contracts import contract_of
from features.measures.tables import LOCAL_HOURS
from gnomon.config import Settings
from gnomon.errors import Fault
from gnomon.i18n import say
from gnomon.terms import Evidence, Text, Warned
from serving import rows
from serving.api.language import language_of
from serving.api.state import serving_of
from serving.console import session as sessions
from serving.console.pictures import Bar, Strip, bars, strip
from serving.quantities import quantity
from serving.reasons import kind_title, period
from serving.ties import Ties, shortened, ties

CIVIL = timezone(timedelta(hours=LOCAL_HOURS))
"""Civil time of the place: what people read. Stored and sent moments are UTC."""


RULES = "rules@"
"""How the version of a declared model begins; its digest follows."""
IMPORTED = "imported"
"""Scheme of cases that came from another system without one."""
SECTIONS = {
    "queue": "/console/",
    "notices": "/console/notices",
    "lists": "/console/lists/problems",
    "monitoring": "/console/monitoring",
    "catalogue": "/console/catalogue",
    "models": "/console/models",
    "trail": "/console/trail",
    "administration": "/console/people",
}
"""Where each section of the console begins."""


@cache
def _environment() -> Environment:
    loader = PackageLoader("serving.console", "templates")
    made = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    made.filters["day"] = lambda moment: f"{moment.astimezone(CIVIL):%Y-%m-%d}"
    made.filters["minute"] = lambda moment: f"{moment.astimezone(CIVIL):%Y-%m-%d %H:%M}"
    made.filters["rarity"] = rarity
    made.filters["shortened"] = shortened
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
    spared: tuple[Text, ...]
    """Honest explanations under which the model would have kept silent: none of them was known to hold."""
    changed: bool
    """The model asks something else by now; its meaning and basis are told as they stand today."""
    periods: Sequence[Text]
    """Of each reason, which records it is read from."""
    bars: Sequence[Bar]
    strips: Sequence[Strip | None]
    behind: dict[Evidence, rows.RowsBehind]
    ties: Ties | None
    """What its firms have in common, where a reason counts that."""


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
        menu=menu(person) if person else {},
        unread=_unread(request, person),
        t=t,
        kind_title=partial(entity_title, language=language),
        table_title=partial(table_title, language=language),
        scene_title=partial(scene_title, language=language),
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


def menu(person: Person) -> dict[str, str]:
    """The sections that are for this person, and where they begin."""
    from serving.api.auth import WATCHERS

    administers = person.role is Role.ADMINISTRATOR
    shut = set() if person.role in READERS else set(SECTIONS) - {"monitoring", "administration"}
    shut |= set() if administers else {"administration"}
    shut |= set() if person.role in WATCHERS else {"monitoring"}
    return {key: path for key, path in SECTIONS.items() if key not in shut}


def _unread(request: Request, person: Person | None) -> int:
    if person is None or person.role not in READERS:
        return 0
    with serving_of(request).reading() as session:
        return notices.unread(session, person)


def standalone(template: str, language: str, **context: Any) -> str:
    """A page outside the console, for files."""

    def t(key: str, **values: object) -> str:
        return say(f"serving.{key}", language, **values)

    def told(value: float | None, unit: str) -> str:
        return quantity(value, unit).said_in(language)

    titled = partial(kind_title, language=language)
    page = _environment().get_template(template)
    table = partial(table_title, language=language)
    return page.render(t=t, language=language, quantity=told, kind_title=titled, table_title=table, **context)


def problem(request: Request, place: str, fault: str, status: int) -> HTMLResponse:
    """A page that says what is wrong and what would make it right."""
    from serving.api.auth import signed_in

    try:
        person: Person | None = signed_in(request)[0]
    except Fault:
        person = None
    back = urlsplit(request.headers.get("referer", "")).path
    back = back if back.startswith("/console/") and not back.startswith("/console/log") else "/console/"
    return render(request, "problem.html", person, status, place=place, fault=fault, back=back)


def secure(request: Request) -> bool:
    """Whether cookies are for encrypted connections alone."""
    return request.url.scheme == "https"


def shown(settings: Settings, models: Mapping[str, WarningModel], warned: Warned) -> Shown:
    """A warning made ready for its card."""
    model = models.get(warned.model)
    version, today = warned.model_version, warned.as_of.astimezone(CIVIL).date()
    changed = version.startswith(RULES) and (model is None or version != f"{RULES}{model.digest}")
    return Shown(
        warned,
        model.meaning if model else None,
        model.basis if model else (),
        tuple(one.because for one in model.unless) if model and not changed else (),
        changed,
        [period(reason.measure, today) for reason in warned.reasons],
        bars(warned.reasons),
        [strip(reason.value, reason.norm) for reason in warned.reasons],
        behind(settings, warned),
        ties(settings, warned),
    )


def behind(settings: Settings, warned: Warned) -> dict[Evidence, rows.RowsBehind]:
    """The rows behind a warning; none when the lake is elsewhere: the ids on the warning still say which."""
    try:
        return rows.all_rows(settings, warned)
    except (Fault, OSError):
        return {}


def entity_title(kind: str, language: str) -> str:
    """The kind of what a case is about, in words."""
    return say("serving.console.matter", language) if kind == MATTER else kind_title(kind, language)


def table_title(table: str, language: str) -> str:
    """What the records of a table are called."""
    return contract_of(table).title.said_in(language)


def scheme_title(scheme: str, language: str) -> str:
    """What is suspected, in words; a word that people gave themselves stays as it is."""
    if scheme == IMPORTED:
        return say("serving.console.verdict_of.imported", language)
    return SCHEMES.get(scheme, Text(scheme, scheme)).said_in(language)


def scene_title(scene: str, language: str) -> str:
    """The supervised scene, in words."""
    return SCENES.get(scene, Text(scene, scene)).said_in(language)
