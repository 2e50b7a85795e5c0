"""What scheduled jobs do. Each takes the arguments of its schedule and tells what it wrote."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from gnomon.config import Settings
from gnomon.errors import Fault

if TYPE_CHECKING:
    from monitoring.schedules import Task

NAMES = ("score", "drift", "watch", "retrain", "housekeeping")
KEPT = timedelta(days=400)
"""Records of runs and of alerts that are over are kept for so long."""


def tasks(settings: Settings) -> dict[str, Task]:
    """Every task by its name."""
    return {
        "score": lambda given: score(settings, given),
        "drift": lambda given: drift(settings, given),
        "watch": lambda given: watch(settings),
        "retrain": lambda given: retrain(settings, given),
        "housekeeping": lambda given: housekeeping(settings),
    }


def score(settings: Settings, given: Mapping[str, Any]) -> Mapping[str, Any]:
    """Score and hand over, one kind of entity after the other, until `most` entities have been warned about."""
    from features.measures import entities
    from serving.engine import score_all

    most = given.get("most")
    left = None if most is None else int(most)
    wrote: dict[str, Any] = {"runs": [], "issued": 0, "entities": 0, "left_out": []}
    named = list(given.get("entities") or ())
    for kind in named or entities():
        if left is not None and left <= 0:
            wrote["left_out"].append(kind)
            continue
        budget = settings.budget if left is None else min(settings.budget, left)
        try:
            run = score_all(settings, [kind], budget=budget)
        except Fault:
            if named:
                raise
            # No data of this kind: a schedule over all kinds goes on.
            continue
        wrote["runs"].append(run.run_id)
        wrote["issued"] += sum(one.issued for one in run.entities)
        done = sum(one.entities for one in run.entities)
        wrote["entities"] += done
        left = None if left is None else left - done
    return wrote


def would_issue(settings: Settings, entities: list[str], most: int | None) -> list[dict[str, Any]]:
    """What a scoring run would issue now, by kind of entity: everything but the reasons and the hand-over."""
    from cases import store
    from features.engine import Engine
    from features.lake import Lake
    from features.measures import entities as all_entities
    from gnomon.database import transaction
    from serving.budget import pick
    from serving.detection import detect
    from serving.engine import profile
    from serving.settled import settled

    lake = Lake(settings.lake_url)
    if not lake.version:
        return []
    engine, database = Engine.open(lake, threads=settings.threads), store.upgrade(settings)
    told, left = [], most
    try:
        for kind in entities or all_entities():
            try:
                profiles = profile(settings, engine, kind, None)
            except Fault:
                if entities:
                    raise
                continue
            budget = settings.budget if left is None else max(0, min(settings.budget, left))
            found = detect(settings, profiles, settings.budget).findings
            with transaction(database) as session:
                answered = settled(session, kind)
            asked = [one for one in found if not answered.covers(one)]
            chosen = pick(asked, budget) if budget else []
            warned = len({one.entity_id for one in chosen})
            told.append(
                {
                    "entity": kind,
                    "findings": len(found),
                    "answered": len(found) - len(asked),
                    "entities_found": len({one.entity_id for one in asked}),
                    "would_warn": warned,
                    "warnings": len(chosen),
                }
            )
            left = None if left is None else left - warned
    finally:
        engine.close()
        database.dispose()
    return told


def drift(settings: Settings, given: Mapping[str, Any]) -> Mapping[str, Any]:
    """Compare every kind of entity that has profiles; lights by kind."""
    from features import profile_store
    from features.measures import entities
    from serving.watching import compare_now

    lights = {}
    for kind in given.get("entities") or entities():
        if profile_store.latest(settings.workspace / "profiles", kind) is not None:
            lights[kind] = str(compare_now(settings, kind).light)
    return {"lights": lights}


def watch(settings: Settings) -> Mapping[str, Any]:
    """Look at everything, settle the alerts, and tell whoever is to be told."""
    from gnomon.database import transaction
    from monitoring import alerting, job_store
    from serving.watching import KINDS, look

    looked = look(settings)
    with job_store.opened(settings) as engine:
        with transaction(engine) as session:
            message = alerting.settle(session, looked.alerts, looked.at, KINDS)
            channels = list(job_store.channels(session))
        failed = alerting.send(settings, channels, message)
    return {
        "begun": len(message.begun),
        "ended": len(message.ended),
        "silenced": message.silenced,
        "unreached": len(failed),
    }


def retrain(settings: Settings, given: Mapping[str, Any]) -> Mapping[str, Any]:
    """Train a candidate for every model that is proposed for it, and hold it to the gate. Promotes nothing."""
    from features.build import build
    from features.engine import Engine
    from features.lake import Lake
    from serving.watching import look
    from training import registry
    from training.dataset import labels_for, of_rows
    from training.train import train

    wanted = set(given.get("entities") or ())
    told: dict[str, Any] = {"candidates": []}
    for one in look(settings, rows=False).proposals:
        if one.what != "retrain" or (wanted and one.entity not in wanted):
            continue
        engine = Engine.open(Lake(settings.lake_url), threads=settings.threads)
        try:
            entity = one.entity
            profiles = build(engine, entity, None, settings.min_peers)
            rows = None
            if engine.has("label"):
                rows = of_rows(engine.frame(engine.table("label")), entity)
                rows = rows[rows["entity_id"].isin(profiles.ids)].reset_index(drop=True)
            made = train(
                settings, profiles, rows,
                lambda then, engine=engine, entity=entity: build(engine, entity, then, settings.min_peers),  # type: ignore[misc]
            )  # fmt: skip
            known = None if rows is None else labels_for(profiles, rows, "label", None)
            gate = registry.promote(settings, entity, profiles, known, made.version, move=False)
        finally:
            engine.close()
        told["candidates"].append(
            {
                "entity": entity,
                "version": made.version,
                "passed": gate.passed,
                "gate": gate.reason.en,
                "why": [reason.en for reason in one.reasons],
            }
        )
    return told


def housekeeping(settings: Settings) -> Mapping[str, Any]:
    """Forget records of runs and alerts that are long over; nothing of people's work and nothing of the lake."""
    from gnomon.database import transaction
    from monitoring import job_store

    with job_store.opened(settings) as engine, transaction(engine) as session:
        return {"forgotten": job_store.forget(session, datetime.now(UTC) - KEPT)}
