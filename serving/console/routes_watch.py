"""Console pages that look at the system itself: drift and outcomes, and the catalogue of warning models."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request
from fastapi.responses import FileResponse, Response

from cases.people import Person
from catalogue.scenes import SCENES
from features.measures import entities
from gnomon.errors import Fault
from monitoring import comparison
from monitoring.series import Month
from serving.api import auth
from serving.api.state import Serving, serving_of
from serving.board import board
from serving.console import pages, pictures
from serving.console.routes import Signed
from serving.console.routes_draft import AUTHORS
from training import bundle

router = APIRouter()

SANDBOX = (
    "sandbox allow-scripts; default-src 'none'; style-src 'unsafe-inline'; "
    "script-src 'unsafe-inline' 'unsafe-eval' blob:; img-src data: blob:; font-src data:; worker-src blob:"
)
"""Evidently's page carries its scripts with it: they run, but in an origin of their own without cookies or network."""

METRICS = ("average_precision", "roc_auc", "precision_at_budget", "recall_at_budget")

Kind = Annotated[str, Path(max_length=40)]


def watcher(request: Request) -> Person:
    """Who is signed in, and watches over the deployment."""
    return auth.required_role(auth.signed_in(request)[0], *auth.WATCHERS)


Watching = Annotated[Person, Depends(watcher)]


@router.get("/console/monitoring")
def monitoring_page(request: Request, asking: Watching) -> Response:
    """Lights, series, feeds, runs, alerts, and what the warnings of each model were worth."""
    serving = serving_of(request)
    with serving.reading() as session:
        told = board(serving.settings, session, datetime.now(UTC), asking, serving.models)
    return pages.render(
        request,
        "monitoring.html",
        asking,
        section="monitoring",
        board=told,
        models=serving.models,
        curve=pictures.curve,
        spots_of_psi=lambda series: [(one.psi, None, None) for one in series],
        spots_of_moved=lambda series: [(one.moved / max(one.columns, 1), None, None) for one in series],
        spots_of_precision=_spots,
        spots_of_promise=_promised,
    )


def _spots(months: Sequence[Month]) -> list[pictures.Spot]:
    """Realised precision with its interval; a gap where nothing was judged."""
    told = [one.promise.realised for one in months]
    return [(one.value, one.low, one.high) if one.of else (None, None, None) for one in told]


def _promised(months: Sequence[Month]) -> list[pictures.Spot]:
    """Precision that scores promised before the cases closed, with its interval; a gap where nothing was promised."""
    told = [one.promise for one in months]
    return [(one.value, one.low, one.high) if one.value is not None else (None, None, None) for one in told]


@router.get("/console/monitoring/{entity}/{day}")
def drift_page(request: Request, entity: Kind, day: date, asking: Watching) -> Response:
    """One comparison, column by column."""
    found = _found(serving_of(request), entity, day)
    moved = {row.column for row in found.moved}
    score = comparison.SCORE
    rows = sorted(
        found.columns, key=lambda row: (row.column != score, row.column not in moved, -(row.psi or 0.0), row.column)
    )
    return pages.render(
        request, "drift.html", asking, section="monitoring", drift=found, rows=rows, day=day.isoformat()
    )


@router.get("/console/monitoring/{entity}/{day}/page.html")
def evidently_page(request: Request, entity: Kind, day: date, _: Watching) -> Response:
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
        writes=asking.role in AUTHORS,
    )


@router.get("/console/models")
def models_page(request: Request, asking: Signed) -> Response:
    """The learned models that serve here."""
    serving = serving_of(request)
    cards = {kind: card for kind in entities() if (card := _card(serving, kind)) is not None}
    return pages.render(request, "models.html", asking, section="models", cards=cards)


@router.get("/console/models/{entity}")
def model_page(request: Request, entity: Kind, asking: Signed) -> Response:
    """The card of one learned model: what it learned from, how well it ranks, where it must not be trusted."""
    card = _card(serving_of(request), entity) if entity in entities() else None
    if card is None:
        raise Fault("serving.api.not_found", place=entity, status=404)
    figures = (card.get("evaluation") or {}).get("figures", {})
    return pages.render(
        request, "model.html", asking, section="models", entity=entity, card=card, figures=figures, metrics=METRICS
    )


def _card(serving: Serving, entity: str) -> dict[str, Any] | None:
    """The model card as it lies in the champion's bundle; None when nothing is promoted."""
    champion = bundle.serving(serving.settings, entity)
    if champion is None:
        return None
    about = json.loads((champion.folder / bundle.ABOUT).read_text(encoding="utf-8"))
    return {**about.get("card", {}), "version": champion.model_version}


def _found(serving: Serving, entity: str, day: date) -> comparison.Drift:
    # The kind is checked against the known ones before it becomes part of a path.
    found = None
    if entity in entities():
        found = comparison.read(serving.settings.workspace / "drift", entity, day.isoformat())
    if found is None:
        raise Fault("serving.api.not_found", place=f"{entity} {day}", status=404)
    return found
