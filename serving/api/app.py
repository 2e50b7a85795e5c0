"""The application: API and console in one process."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles

from gnomon import __version__
from gnomon.config import Settings
from serving.api import faults, routes_about, routes_jobs, routes_rescreen, routes_score, routes_work
from serving.api.metrics import Watch
from serving.api.schemas import FaultOut
from serving.api.state import Serving
from serving.console import routes as console
from serving.console import routes_watch

DESCRIPTION = """How far hospitals, doctors, bidders and tenders stand from their norm, why, and what was done about it.

Every call needs an API token (`Authorization: Bearer …`). Errors are `{place, fault}` in the language of
`Accept-Language`. Lists page by `cursor`; with `updated_since` they can be followed."""

ERRORS: dict[int | str, dict[str, object]] = {
    status: {"model": FaultOut, "description": meaning}
    for status, meaning in {
        400: "The request is wrong.",
        401: "Nobody is signed in.",
        403: "This person may not.",
        404: "There is no such thing.",
        409: "It has changed, or its state forbids it.",
        422: "Something is missing or not what it must be.",
        429: "Too much at a time.",
    }.items()
}


def create(settings: Settings | None = None) -> FastAPI:
    """The application for these settings (those of the environment when None)."""
    serving = Serving(settings or Settings())

    @asynccontextmanager
    async def life(_: FastAPI) -> AsyncIterator[None]:
        serving.jobs.start()
        yield
        serving.close()

    # No built-in documentation pages: they fetch their scripts from elsewhere.
    app = FastAPI(
        title="Gnomon 圭臬",
        version=__version__,
        description=DESCRIPTION,
        lifespan=life,
        docs_url=None,
        redoc_url=None,
    )
    app.state.serving = serving
    faults.install(app)
    # Before the warnings, for `rescreen` would be read as the number of one.
    for part in (routes_score, routes_jobs, routes_rescreen, routes_work):
        app.include_router(part.router, responses=ERRORS)
    app.include_router(routes_about.router)
    for part in (console, routes_watch):
        app.include_router(part.router, include_in_schema=False)
    static = Path(console.__file__).with_name("static")
    app.mount("/console/static", StaticFiles(directory=static), name="static")
    app.add_middleware(Watch, metrics=serving.metrics)
    return app
