"""What scores here (`/v1/models`, `/v1/catalogue`), and how the process is (`/healthz`, `/readyz`, `/metrics`)."""

from __future__ import annotations

from datetime import UTC, datetime

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response

from cases import pages, policy
from cases.workflow import Role
from catalogue.model import WarningModel
from features.measures import entities
from gnomon import __version__
from gnomon.errors import Fault
from serving.api.auth import Operator, Reader
from serving.api.schemas import TextOut
from serving.api.schemas_about import ModelOut, WarningModelOut
from serving.api.state import Serving, serving_of
from serving.watching import exposed

router = APIRouter()


@router.get("/v1/models", tags=["models"], summary="The learned models that serve here")
def models(request: Request, _: Reader) -> list[ModelOut]:
    """One row per kind of entity: its champion, and the stored profiles that ids are scored at."""
    serving = serving_of(request)
    return [_model(serving, entity) for entity in entities()]


@router.get("/v1/catalogue", tags=["models"], summary="The declared warning models")
def catalogue(request: Request, _: Reader) -> list[WarningModelOut]:
    """Every entry, with its condition, exclusions and basis."""
    return [_entry(model) for model in serving_of(request).models.values()]


@router.get("/healthz", tags=["process"], summary="The process is alive")
def healthz() -> dict[str, str]:
    """Answers as long as the process does."""
    return {"status": "ok", "version": __version__}


@router.get("/readyz", tags=["process"], summary="The process can answer", responses={503: {}})
def readyz(request: Request) -> Response:
    """503 when the database cannot be reached."""
    try:
        with serving_of(request).reading() as session:
            policy.bodies_stand(session)
    except Exception:
        return JSONResponse({"status": "database"}, status_code=503)
    return JSONResponse({"status": "ok"})


@router.get(
    "/metrics", tags=["process"], summary="Counters in Prometheus text format", response_class=PlainTextResponse
)
def metrics(request: Request, asking: Operator) -> PlainTextResponse:
    """Requests, seconds, entities scored, cases by state; lights, feeds, runs and alerts as of half a minute ago at
    most. Scrape with the bearer token of a service account: it counts the cases that its body may see; administrators
    count all."""
    serving = serving_of(request)
    with serving.reading() as session:
        counts = pages.counts(session, None if asking.role is Role.ADMINISTRATOR else asking)
        watched = serving.watched.told(lambda: exposed(serving.settings, session, datetime.now(UTC)))
    return PlainTextResponse(serving.metrics.text(counts) + watched, media_type="text/plain; version=0.0.4")


def _model(serving: Serving, entity: str) -> ModelOut:
    try:
        scorer = serving.scorer(entity)
    except Fault:
        return ModelOut(entity=entity, name=None, detector=None, columns=[], profiles_as_of=None, entities=0)
    held = scorer.champion
    return ModelOut(
        entity=entity,
        name=None if held is None else held.name,
        detector=None if held is None else held.bundle.detector.name,
        columns=[] if held is None else list(held.bundle.columns),
        profiles_as_of=scorer.reference.as_of,
        entities=len(scorer.reference.values),
    )


def _entry(model: WarningModel) -> WarningModelOut:
    same = {
        name: getattr(model, name)
        for name in ("id", "version", "scene", "stage", "entity", "scheme", "detector", "when", "alert")
    }
    texts = {name: TextOut.of(getattr(model, name)) for name in ("title", "meaning", "advice")}
    return WarningModelOut(basis=list(model.basis), unless=[one.when for one in model.unless], **same, **texts)
