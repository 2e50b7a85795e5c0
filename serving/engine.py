"""A scoring run: profiles, rules and the champion, the budget, reasons, and the hand-over to the queue."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cases import queue, store
from catalogue.load import load
from catalogue.model import WarningModel
from features.engine import Engine
from features.identity import Links
from features.lake import Lake
from features.measures import entities as known_entities
from features.measures import entity as known_entity
from features.profiles import Profiles
from features.refresh.refresh import refresh_stored
from gnomon import tracing
from gnomon.config import Settings
from gnomon.database import transaction
from gnomon.errors import Fault
from gnomon.progress import progress
from gnomon.terms import Warned
from serving.budget import Finding, select
from serving.detection import Detection, detect
from serving.random_looks import random_looks, share
from serving.settled import settled
from serving.wording import worded
from training.sampling import places
from training.threshold import Aim, aim

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
    """`<registered name>/<version>` of the learned model that scored; null when none is promoted or it failed."""
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
    held: int = 0
    """New warnings beyond the cap of the run: not handed over, and found again by the next run."""
    random: int = 0
    """Entities drawn at random, within the budget and counted among `entities`."""
    refused: list[str] = field(default_factory=list)
    """Warnings whose contributions did not add up: reported, not issued."""
    faults: list[str] = field(default_factory=list)
    """Why the learned model did not score."""
    stated: str = ""
    """How the learned model's threshold was made and what is expected above it, or why it asks about nobody."""
    threshold: dict[str, Any] | None = None
    """The learned model's: where it lies, how it was made, what is expected above it."""
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
    trace: str = ""
    """Id of the trace that the run went on with, from the file that it read last; empty when nothing is traced."""

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        told: dict[str, Any] = json.loads(json.dumps(asdict(self), default=datetime.isoformat))
        return told


def score_all(
    settings: Settings,
    entities: Sequence[str] = (),
    as_of: datetime | None = None,
    budget: int | None = None,
    *,
    precision: float | None = None,
    fdr: float | None = None,
    audit_share: float | None = None,
    most: int | None = None,
    dry: bool = False,
) -> ScoringRun:
    """Profile, score, explain and hand over, for the entities named; with none, for all that have data and a model.

    One of `budget`, `precision` and `fdr` says how far down the learned model asks; rules keep to the budget always.
    `audit_share` of the budget goes to entities drawn at random; None: the setting's share, and none of persons.

    `most` caps the new warnings of the whole run; what lies beyond it is counted as held back. A `dry` run does
    everything but hand over: its counts are those of a run that would.

    Idempotent: the same data, models and as-of date give the same warnings, which the queue then already knows. A run
    that is killed leaves whole entities done or not done, never half a hand-over.

    Raises
    ------
    Fault
        When the lake is empty, an entity is unknown, a named entity has no data at the as-of date, or the aim needs
        outcomes that the learned model was not measured against.
    """
    wanted = aim(budget, precision, fdr, settings.budget)
    names = [known_entity(name).kind for name in entities]
    lake = Lake(settings.lake_url)
    if lake.version == 0:
        raise Fault("serving.score.no_data", place=settings.lake_url)
    run = ScoringRun(_run_id(), datetime.now(UTC), datetime.now(UTC), [], {})
    led_here = lake.traces() if tracing.on() else []
    with tracing.span(
        "score", follows=next(iter(led_here), ""), links=led_here[1:], run=run.run_id, version=lake.version
    ):
        run.trace = tracing.trace_id()
        how = How(wanted, audit_share, most, dry, bool(names), load(settings.model_folder))
        _score_each(settings, run, lake, names, as_of, how)
    return run


@dataclass
class How:
    """How a run issues."""

    wanted: Aim
    share: float | None
    """Part of the budget for entities drawn at random; None: what is usual for the kind."""
    left: int | None
    """New warnings that it may still issue; None: no cap."""
    dry: bool
    strict: bool
    """Whether kinds were named: then an aim that cannot be kept is a fault."""
    catalogue: Mapping[str, WarningModel]
    """Read once a run: that takes longer than most kinds of entity do."""


def _score_each(
    settings: Settings,
    run: ScoringRun,
    lake: Lake,
    names: Sequence[str],
    as_of: datetime | None,
    how: How,
) -> None:
    engine = Engine.open(lake, threads=settings.threads)
    database = store.upgrade(settings)
    try:
        for name in names or _asked_about(how.catalogue):
            try:
                profiles = profile(settings, engine, name, as_of)
            except Fault as fault:
                if names:
                    raise
                run.skipped[name] = fault.told(settings.language)
                continue
            run.entities.append(_score(settings, engine, database, profiles, how, run.run_id))
    finally:
        engine.close()
        database.dispose()
    if not run.entities:
        raise Fault("serving.score.nothing", place=settings.lake_url)
    run.finished_at = datetime.now(UTC)
    if not how.dry:
        _write(settings, run)


def _asked_about(catalogue: Mapping[str, WarningModel]) -> list[str]:
    """Kinds of entity that some warning model asks about: profiling the others could issue nothing."""
    asked = {model.entity for model in catalogue.values()}
    return [name for name in known_entities() if name in asked]


def profile(settings: Settings, engine: Engine, entity: str, as_of: datetime | None) -> Profiles:
    """Profiles of one kind of entity, those that are stored brought up to date, and stored again."""
    with progress(f"{entity}: profiles"):
        made, _ = refresh_stored(engine, entity, settings.folder("profiles"), as_of, settings.min_peers)
    return made.profiles


def _score(
    settings: Settings,
    engine: Engine,
    database: Any,
    profiles: Profiles,
    how: How,
    run_id: str,
) -> EntityRun:
    wanted = how.wanted
    began, budget = time.perf_counter(), wanted.budget or settings.budget
    with tracing.span("detect", entity=profiles.entity) as told:
        found = detect(settings, profiles, wanted, how.strict, how.catalogue)
        told.tell(model=found.champion, findings=len(found.findings))
    done = EntityRun(
        profiles.entity, profiles.as_of, profiles.lake_version, len(profiles.ids), budget, found.champion, found.told
    )
    done.findings = len(found.findings)
    with transaction(database) as session:
        links, known = Links.read_by(engine), frozenset(profiles.ids)
        answered = settled(session, profiles.entity, lambda told: links.named(told, known))
    open_questions = [one for one in found.findings if not answered.covers(one)]
    done.settled = done.findings - len(open_questions)
    done.stated = found.stated(profiles.entity).said_in(settings.language)
    done.faults = [fault.told(settings.language) for fault in found.faults]
    done.threshold = None if found.threshold is None else found.threshold.as_dict()
    drawn = places(budget, share(profiles.entity, how.share, settings.audit_share))
    chosen = select(open_questions, budget - drawn, wanted.by != "budget")
    with progress(f"{profiles.entity}: reasons"), tracing.span("reasons", entity=profiles.entity):
        warnings, done.refused = worded(engine, profiles, chosen)
    asked = {one.entity_id for one in chosen} | answered.looked_at
    looks = random_looks(profiles, how.catalogue, drawn, asked)
    done.random = len(looks)
    with progress(f"{profiles.entity}: hand-over"):
        _hand_over(database, [*warnings, *looks], run_id, done, how)
    done.seconds = round(time.perf_counter() - began, 3)
    return done


def _hand_over(database: Any, found: Sequence[Warned], run_id: str, done: EntityRun, how: How) -> None:
    """Hand over what may be issued; warnings that are known already count for no cap."""
    with tracing.span("hand_over", entity=done.entity, run=run_id) as told, transaction(database) as session:
        fresh = list(queue.unknown(session, found))
        beyond = set() if how.left is None else set(fresh[how.left :])
        warnings = [one for one in found if one.fingerprint not in beyond]
        done.held, done.issued = len(beyond), len(warnings)
        done.entities = len({warned.entity_id for warned in warnings})
        how.left = None if how.left is None else how.left - (len(fresh) - len(beyond))
        if how.dry:
            done.new, done.known = len(fresh) - len(beyond), len(warnings) - len(fresh) + len(beyond)
            return
        handed = queue.hand_over(session, warnings, run_id, ACTOR)
        done.new, done.joined, done.known = handed.new, handed.joined, handed.known
        told.tell(issued=len(warnings), new=handed.new, joined=handed.joined, known=handed.known, held=done.held)
        for warned in warnings if tracing.on() else ():
            number = queue.warning(session, warned.fingerprint).id
            told.note("case", warning=number, case=queue.case_of(session, number), model=warned.model)


def _run_id() -> str:
    return f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"


def _write(settings: Settings, run: ScoringRun) -> Path:
    path = settings.folder("runs") / f"{run.run_id}.json"
    fresh = path.with_suffix(".part")
    fresh.write_text(json.dumps(run.as_dict(), ensure_ascii=False, indent=1), encoding="utf-8")
    fresh.replace(path)
    return path


__all__ = ["Detection", "EntityRun", "Finding", "ScoringRun", "profile", "score_all"]
