"""Console pages that look at the system itself: drift and outcomes, and the catalogue of warning models."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Path, Request
from fastapi.responses import FileResponse, Response

from catalogue.scenes import SCENES
from features.measures import entities
from gnomon.errors import Fault
from monitoring import comparison, outcomes
from monitoring.effect import Verdict
from serving.api.state import Serving, serving_of
from serving.console import pages
from serving.console.routes import Signed

router = APIRouter()

SANDBOX = (
    "sandbox allow-scripts; default-src 'none'; style-src 'unsafe-inline'; "
    "script-src 'unsafe-inline' 'unsafe-eval' blob:; img-src data: blob:; font-src data:; worker-src blob:"
)
"""Evidently's page carries its scripts with it: they run, but in an origin of their own without cookies or network."""

Kind = Annotated[str, Path(max_length=40)]


@router.get("/console/monitoring")
def monitoring_page(request: Request, asking: Signed) -> Response:
    """The latest drift comparison of every kind of entity, and what the warnings of each model were worth."""
    serving = serving_of(request)
    latest: dict[str, dict[str, object]] = {}
    root = serving.settings.workspace / "drift"
    for line in comparison.index(root) if root.is_dir() else ():
        latest.setdefault(line["entity"], line)
    with serving.session() as session:
        funnels = outcomes.funnel(session)
    return pages.render(
        request,
        "monitoring.html",
        asking,
        section="monitoring",
        lines=list(latest.values()),
        funnels=funnels,
        models=serving.models,
    )


@router.get("/console/monitoring/{entity}/{day}")
def drift_page(request: Request, entity: Kind, day: date, asking: Signed) -> Response:
    """One comparison, column by column."""
    found = _found(serving_of(request), entity, day)
    rows = sorted(found.columns, key=lambda row: (row.verdict != Verdict.MOVED, -(row.psi or 0.0), row.column))
    return pages.render(
        request, "drift.html", asking, section="monitoring", drift=found, rows=rows, day=day.isoformat()
    )


@router.get("/console/monitoring/{entity}/{day}/page.html")
def evidently_page(request: Request, entity: Kind, day: date, _: Signed) -> Response:
    """The page with the distributions."""
    found = _found(serving_of(request), entity, day)
    if found.page is None or not found.page.is_file():
        raise Fault("serving.api.not_found", place=request.url.path, status=404)
    return FileResponse(found.page, media_type="text/html", headers={"Content-Security-Policy": SANDBOX})


@router.get("/console/catalogue")
def catalogue_page(request: Request, asking: Signed) -> Response:
    """All warning models by scene."""
    by_scene: dict[str, list[object]] = {}
    for model in serving_of(request).models.values():
        by_scene.setdefault(model.scene, []).append(model)
    return pages.render(
        request,
        "catalogue.html",
        asking,
        section="catalogue",
        by_scene=by_scene,
        scenes=SCENES,
        scheme_title=pages.scheme_title,
    )


def _found(serving: Serving, entity: str, day: date) -> comparison.Drift:
    # The kind is checked against the known ones before it becomes part of a path.
    found = None
    if entity in entities():
        found = comparison.read(serving.settings.workspace / "drift", entity, day.isoformat())
    if found is None:
        raise Fault("serving.api.not_found", place=f"{entity} {day}", status=404)
    return found
