"""The application: API and console in one process."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles

from gnomon import __version__, tracing
from gnomon.config import Settings
from serving.api import contract, faults, parts
from serving.api.metrics import Watch
from serving.api.state import Serving
from serving.console import parts as console


def create(settings: Settings | None = None) -> FastAPI:
    """The application for these settings (those of the environment when None)."""
    serving = Serving(settings or Settings())
    tracing.start(serving.settings)

    @asynccontextmanager
    async def life(_: FastAPI) -> AsyncIterator[None]:
        serving.jobs.start()
        yield
        serving.close()

    # No built-in documentation pages: they fetch their scripts from elsewhere.
    app = FastAPI(
        title="Gnomon 圭臬",
        version=__version__,
        description=contract.DESCRIPTION,
        lifespan=life,
        docs_url=None,
        redoc_url=None,
    )
    app.state.serving = serving
    faults.install(app)
    for part in parts.PARTS:
        app.include_router(part.router, responses=contract.ERRORS)
    contract.install(app)
    for part in console.PARTS:
        app.include_router(part.router, include_in_schema=False)
    static = Path(console.__file__).with_name("static")
    app.mount("/console/static", StaticFiles(directory=static), name="static")
    app.add_middleware(Watch, metrics=serving.metrics, log=serving.settings.log_requests)
    return app
