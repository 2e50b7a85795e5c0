"""The console's doors: sign in and out, the language, who is signed in. Forms post, pages answer, nothing needs a
script."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import RedirectResponse, Response
from sqlalchemy.orm import Session
from starlette.datastructures import FormData, UploadFile

from cases import bodies, people, queue, service
from cases.people import Person
from cases.rectification import LARGEST
from cases.workflow import JUDGES, Role
from gnomon.errors import Fault
from gnomon.i18n import say
from gnomon.terms import Language
from serving.api import auth
from serving.api.casework import elsewhere
from serving.api.language import COOKIE, language_of
from serving.api.sent import LARGEST_EXPORT
from serving.api.state import serving_of
from serving.console import pages
from serving.console import session as sessions

router = APIRouter()
WORDS = 2 * 2**20
"""Bytes of a form without files."""


def person(request: Request) -> Person:
    """Who is signed in, and may read cases."""
    return auth.reader(auth.signed_in(request)[0])


def anybody(request: Request) -> Person:
    """Who is signed in, whatever they are here for."""
    return auth.signed_in(request)[0]


def administrator(request: Request) -> Person:
    """Who is signed in, and administers the deployment."""
    return auth.required_role(auth.signed_in(request)[0], Role.ADMINISTRATOR)


Signed = Annotated[Person, Depends(person)]
Anybody = Annotated[Person, Depends(anybody)]
Administrator = Annotated[Person, Depends(administrator)]
Text200 = Annotated[str, Query(max_length=200)]


def check_form(request: Request, csrf: str) -> None:
    """Refuse a form that another site made the browser send."""
    settings = serving_of(request).settings
    browser = sessions.read(request, settings)
    nonce = browser.nonce if browser else request.cookies.get(sessions.VISIT, "")
    sessions.check_token(settings, nonce, csrf)


def filled(most: int) -> Callable[[Request], AsyncIterator[FormData]]:
    """Makes the dependency that reads a form of so many bytes at most (413 else) and lets go of its files."""

    async def read(request: Request) -> AsyncIterator[FormData]:
        told = request.headers.get("content-length", "")
        # Browsers tell how long a form is; who does not could send for ever.
        if not told.isdecimal() or int(told) > most:
            raise Fault("serving.api.too_large", place="form", status=413, most=most // 2**20)
        form = await request.form(max_fields=2000)
        try:
            yield form
        finally:
            await form.close()

    return read


Filled = Annotated[FormData, Depends(filled(WORDS))]
WithFile = Annotated[FormData, Depends(filled(LARGEST + WORDS))]
WithExport = Annotated[FormData, Depends(filled(LARGEST_EXPORT + WORDS))]


def word(form: FormData, name: str, most: int = 20_000) -> str:
    """What was written into one field; a fault (422) when it is too long."""
    told = str(form.get(name, "")).strip()
    if len(told) > most:
        raise Fault("cases.too_long", place=name, status=422, most=most)
    return told


def chosen_file(form: FormData) -> UploadFile:
    """The file that was chosen, with its name; a fault (422) when none was."""
    file = form.get("file")
    if not isinstance(file, UploadFile) or not file.filename:
        raise Fault("serving.console.no_file", place="file", status=422)
    return file


def submit(
    request: Request, asking: Person, form: FormData, do: Callable[[Session], object], back: str, done: str = ""
) -> Response:
    """Do what a form asks for, in one unit of work, and go to the page `back`, which says that it was done."""
    check_form(request, str(form.get("csrf", "")))
    with serving_of(request).session() as session, elsewhere(session, asking):
        do(session)
    joint = "&" if "?" in back else "?"
    return RedirectResponse(f"{back}{joint}done={done}" if done else back, status_code=303)


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
    wanted = "/console/people" if found.role is Role.ADMINISTRATOR and next == "/console/" else next
    response = RedirectResponse(_inside(wanted), status_code=303)
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


@router.get("/console/warnings/{key}")
def warning_page(request: Request, key: str, asking: Signed) -> Response:
    """One warning by number or fingerprint. Who opened it goes on the trail."""
    serving = serving_of(request)
    with serving.session() as session:
        row = service.read_warning(session, key, asking)
        case_id = queue.case_of(session, row.id)
        may_suppress = asking.role in JUDGES and bodies.reach(session, asking) is None
    return pages.render(
        request,
        "warning.html",
        asking,
        section="queue",
        shown=pages.shown(serving.settings, serving.models, row.warned()),
        case_id=case_id,
        may_suppress=may_suppress,
    )


def _inside(path: str) -> str:
    """A path of this console; anything else, such as another site, becomes the queue."""
    inside = path.startswith("/console/") and "//" not in path and "\\" not in path
    return path if inside and not path.startswith("/console/log") else "/console/"
