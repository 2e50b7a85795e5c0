"""A scoring run: profiles, rules and the champion, the budget, reasons, and the hand-over to the queue."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cases import queue, store
from catalogue.load import load
from features import profile_store
from features.build import build
from features.engine import Engine
from features.lake import Lake
from features.measures import entities as known_entities
from features.measures import entity as known_entity
from features.profiles import Profiles
from gnomon.config import Settings
from gnomon.database import transaction
from gnomon.errors import Fault
from gnomon.progress import progress
from gnomon.terms import Warned
from serving.budget import Finding, pick
from serving.detection import Detection, detect
from serving.settled import settled
from serving.wording import worded

ACTOR = "gnomon:score"
"""Who issues warnings, on the trail."""


@dataclass
class EntityRun:
    """What a scoring run did for one kind of entity."""

    entity: str
    as_of: datetime
    lake_version: int
    population: int
    budget: int
    champion: str | None
    """`<registered name>/<version>` of the learned model that scored; null when none is promoted."""
    models: list[dict[str, Any]] = field(default_factory=list)
    """One row a model: how many it fired for, how many it could not be computed for, how many it excluded."""
    findings: int = 0
    settled: int = 0
    """Findings left out because the same question was answered recently."""
    entities: int = 0
    """Entities to look at; never more than the budget."""
    issued: int = 0
    new: int = 0
    joined: int = 0
    known: int = 0
    refused: list[str] = field(default_factory=list)
    """Warnings whose contributions did not add up: reported, not issued."""
    seconds: float = 0.0


@dataclass
class ScoringRun:
    """One run over all entities asked for; written to `<workspace>/runs/<run_id>.json`."""

    run_id: str
    started_at: datetime
    finished_at: datetime
    entities: list[EntityRun]
    skipped: dict[str, str]
    """Entities without data, and why; only when none was named."""

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        told: dict[str, Any] = json.loads(json.dumps(asdict(self), default=datetime.isoformat))
        return told


def score_all(
    settings: Settings, entities: Sequence[str] = (), as_of: datetime | None = None, budget: int | None = None
) -> ScoringRun:
    """Profile, score, explain and hand over, for the entities named; with none, for all that have data and a model.

    Idempotent: the same data, models and as-of date give the same warnings, which the queue then already knows. A run
    that is killed leaves whole entities done or not done, never half a hand-over.

    Raises
    ------
    Fault
        When the lake is empty, an entity is unknown, or a named entity has no data at the as-of date.
    """
    names = [known_entity(name).kind for name in entities]
    lake = Lake(settings.lake_url)
    if lake.version == 0:
        raise Fault("serving.score.no_data", place=settings.lake_url)
    run = ScoringRun(_run_id(), datetime.now(UTC), datetime.now(UTC), [], {})
    engine = Engine.open(lake, threads=settings.threads)
    database = store.upgrade(settings)
    try:
        for name in names or _asked_about(settings):
            try:
                profiles = profile(settings, engine, name, as_of)
            except Fault as fault:
                if names:
                    raise
                run.skipped[name] = fault.told(settings.language)
                continue
            run.entities.append(_score(settings, engine, database, profiles, budget or settings.budget, run.run_id))
    finally:
        engine.close()
        database.dispose()
    if not run.entities:
        raise Fault("serving.score.nothing", place=settings.lake_url)
    run.finished_at = datetime.now(UTC)
    _write(settings, run)
    return run


def _asked_about(settings: Settings) -> list[str]:
    """Kinds of entity that some warning model asks about: profiling the others could issue nothing."""
    asked = {model.entity for model in load(settings.model_folder).values()}
    return [name for name in known_entities() if name in asked]


def profile(settings: Settings, engine: Engine, entity: str, as_of: datetime | None) -> Profiles:
    """Build the profiles of one kind of entity and store them."""
    with progress(f"{entity}: profiles"):
        profiles = build(engine, entity, as_of, settings.min_peers)
        profile_store.save(profiles, profile_store.place(settings.folder("profiles"), profiles))
    return profiles


def _score(
    settings: Settings, engine: Engine, database: Any, profiles: Profiles, budget: int, run_id: str
) -> EntityRun:
    began = time.perf_counter()
    found = detect(settings, profiles, budget)
    done = EntityRun(
        profiles.entity, profiles.as_of, profiles.lake_version, len(profiles.ids), budget, found.champion, found.told
    )
    done.findings = len(found.findings)
    with transaction(database) as session:
        answered = settled(session, profiles.entity)
    open_questions = [one for one in found.findings if not answered.covers(one)]
    done.settled = done.findings - len(open_questions)
    chosen = pick(open_questions, budget)
    with progress(f"{profiles.entity}: reasons"):
        warnings, done.refused = worded(engine, profiles, chosen)
    done.entities = len({warned.entity_id for warned in warnings})
    with progress(f"{profiles.entity}: hand-over"):
        _hand_over(database, warnings, run_id, done)
    done.seconds = round(time.perf_counter() - began, 3)
    return done


def _hand_over(database: Any, warnings: Sequence[Warned], run_id: str, done: EntityRun) -> None:
    with transaction(database) as session:
        handed = queue.hand_over(session, warnings, run_id, ACTOR)
    done.issued, done.new, done.joined, done.known = len(warnings), handed.new, handed.joined, handed.known


def _run_id() -> str:
    return f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"


def _write(settings: Settings, run: ScoringRun) -> Path:
    path = settings.folder("runs") / f"{run.run_id}.json"
    fresh = path.with_suffix(".part")
    fresh.write_text(json.dumps(run.as_dict(), ensure_ascii=False, indent=1), encoding="utf-8")
    fresh.replace(path)
    return path


__all__ = ["Detection", "EntityRun", "Finding", "ScoringRun", "profile", "score_all"]
