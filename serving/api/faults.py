"""Faults at the edge: every error is a problem (RFC 9457) in the reader's language, never a stack trace."""

from __future__ import annotations

import logging

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse, Response
from starlette.exceptions import HTTPException

from gnomon.errors import Fault
from gnomon.i18n import say
from serving.api.language import language_of

log = logging.getLogger("gnomon.serving")
PROBLEM = "application/problem+json"
TITLED = frozenset({400, 401, 403, 404, 405, 409, 413, 415, 422, 429, 500, 503})
"""Statuses that have a title of their own."""


class Unauthenticated(Fault):
    """Nobody is signed in: 401 for programs, the sign-in page for browsers."""

    def __init__(self) -> None:
        super().__init__("serving.auth.missing", place="Authorization", status=401)


def install(app: FastAPI) -> None:
    """Answer every kind of error in the one form."""
    app.add_exception_handler(Fault, _fault)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _bug)


def told(
    request: Request, place: str, fault: str, status: int, key: str = "", headers: dict[str, str] | None = None
) -> JSONResponse:
    """The one form of an error: `application/problem+json` with the place as an extension member."""
    title = status if status in TITLED else 400
    problem = {
        "type": f"urn:gnomon:fault:{key}" if key else "about:blank",
        "title": say(f"serving.api.status.{title}", language_of(request)),
        "status": status,
        "detail": fault,
        "instance": request.url.path,
        "place": place,
    }
    return JSONResponse(problem, status_code=status, headers=headers, media_type=PROBLEM)


def _of_console(request: Request) -> bool:
    return request.url.path == "/" or request.url.path.startswith("/console")


async def _fault(request: Request, fault: Exception) -> Response:
    assert isinstance(fault, Fault)
    language = language_of(request)
    if _of_console(request):
        from serving.console import pages

        if fault.status == 401:
            wanted = request.url.path if request.method == "GET" else "/console/"
            return RedirectResponse(f"/console/login?next={wanted}", status_code=303)
        return pages.problem(request, fault.place, say(fault.key, language, **fault.values), fault.status)
    headers = {"WWW-Authenticate": "Bearer"} if fault.status == 401 else None
    return told(request, fault.place, say(fault.key, language, **fault.values), fault.status, fault.key, headers)


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"])
    fault = say("serving.api.invalid", language_of(request), detail=first["msg"])
    if _of_console(request):
        from serving.console import pages

        return pages.problem(request, place, fault, 422)
    return told(request, place, fault, 422, "serving.api.invalid")


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    key = {404: "serving.api.not_found", 405: "serving.api.method"}.get(error.status_code)
    fault = say(key, language_of(request)) if key else str(error.detail)
    if _of_console(request):
        from serving.console import pages

        return pages.problem(request, request.url.path, fault, error.status_code)
    return told(request, request.url.path, fault, error.status_code, key or "", dict(error.headers or {}) or None)


async def _bug(request: Request, error: Exception) -> Response:
    log.exception("unexpected error at %s", request.url.path, exc_info=error)
    return told(request, request.url.path, say("serving.api.bug", language_of(request)), 500, "serving.api.bug")
