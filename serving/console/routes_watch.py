"""Console pages that look at the system itself: drift and outcomes, and the catalogue of warning models."""

from __future__ import annotations

import json
from datetime import date
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import FileResponse, Response

from cases import people, search
from catalogue.scenes import SCENES
from features.measures import entities
from gnomon.errors import Fault
from monitoring import comparison, outcomes
from monitoring.effect import Verdict
from serving.api.language import language_of
from serving.api.state import Serving, serving_of
from serving.console import pages
from serving.console.routes import Signed, Text200
from training import bundle

router = APIRouter()

SANDBOX = (
    "sandbox allow-scripts; default-src 'none'; style-src 'unsafe-inline'; "
    "script-src 'unsafe-inline' 'unsafe-eval' blob:; img-src data: blob:; font-src data:; worker-src blob:"
)
"""Evidently's page carries its scripts with it: they run, but in an origin of their own without cookies or network."""

METRICS = ("average_precision", "roc_auc", "precision_at_budget", "recall_at_budget")
TRAIL = 50
"""Events on one page of the trail."""

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


@router.get("/console/trail")
def trail_page(
    request: Request,
    asking: Signed,
    text: Text200 = "",
    actor: Text200 = "",
    case: Annotated[str, Query(max_length=18, pattern="^[0-9]*$")] = "",
    before: Annotated[int | None, Query(ge=0, lt=2**63)] = None,
) -> Response:
    """What people did with the cases that the reader may see, the newest first."""
    serving = serving_of(request)
    language = language_of(request, serving.settings.language)
    with serving.reading() as session:
        found = search.in_trail(
            session, asking, text=text, actor=actor or None, case_id=int(case) if case else None,
            before=before, limit=TRAIL,
        )  # fmt: skip
        names = {one.name: one.display for one in people.everyone(session)}
    chosen = {"text": text, "actor": actor, "case": case}
    last = found[-1].seq if len(found) == TRAIL else None
    following = "?" + urlencode({**{k: v for k, v in chosen.items() if v}, "before": last}) if last else ""
    rows = [(event, pages.timeline([event], names, language)[0]) for event in found]
    return pages.render(request, "trail.html", asking, section="trail", rows=rows, chosen=chosen, following=following)


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
