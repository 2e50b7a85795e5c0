"""What scheduled jobs do. Each takes the arguments of its schedule and tells what it wrote."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from gnomon.config import Settings
from gnomon.errors import Fault

if TYPE_CHECKING:
    from monitoring.retrain import Proposal
    from monitoring.schedules import Task

NAMES = ("score", "drift", "watch", "retrain", "evasion", "cases-tick", "cases-deliver", "housekeeping")
KEPT = timedelta(days=400)
"""Records of runs and of alerts that are over are kept for so long."""
TRACES_KEPT = timedelta(days=30)
"""Traces in the workspace are kept for so long."""


def tasks(settings: Settings) -> dict[str, Task]:
    """Every task by its name."""
    return {
        "score": lambda given: score(settings, given),
        "drift": lambda given: drift(settings, given),
        "watch": lambda given: watch(settings),
        "retrain": lambda given: retrain(settings, given),
        "evasion": lambda given: evasion(settings),
        "cases-tick": lambda given: cases_tick(settings),
        "cases-deliver": lambda given: cases_deliver(settings),
        "housekeeping": lambda given: housekeeping(settings),
    }


def score(settings: Settings, given: Mapping[str, Any]) -> Mapping[str, Any]:
    """Score and hand over every kind of entity that is named, or that has data.

    `most` caps the new warnings; `aim` is the one that `gnomon score` is given (`budget`, `precision` or `fdr`).
    """
    from features.lake import Lake
    from serving.engine import score_all

    named = list(given.get("entities") or ())
    if not named and not Lake(settings.lake_url).version:
        # A schedule may stand before the first file has come.
        return {"runs": [], "issued": 0, "held": 0}
    run = score_all(settings, named, most=given.get("most"), **given.get("aim") or {})
    return {
        "runs": [run.run_id],
        "issued": sum(one.new + one.joined for one in run.entities),
        "held": sum(one.held for one in run.entities),
        "entities": sum(one.entities for one in run.entities),
        "refused": sum(len(one.refused) for one in run.entities),
        "faults": [fault for one in run.entities for fault in one.faults],
        "stated": [one.stated for one in run.entities],
    }


def would_issue(
    settings: Settings, entities: list[str], most: int | None, aim: Mapping[str, Any] | None = None
) -> list[dict[str, Any]]:
    """What a scoring run would issue now, by kind of entity: the run itself, but for the hand-over."""
    from features.lake import Lake
    from serving.engine import score_all

    if not Lake(settings.lake_url).version:
        return []
    return [
        {
            "entity": one.entity,
            "findings": one.findings,
            "answered": one.settled,
            "known": one.known,
            "entities": one.entities,
            "would_issue": one.new,
            "held": one.held,
            "stated": one.stated,
        }
        for one in score_all(settings, entities, most=most, dry=True, **aim or {}).entities
    ]


def drift(settings: Settings, given: Mapping[str, Any]) -> Mapping[str, Any]:
    """Compare every kind of entity that has profiles; lights by kind. One that cannot be compared holds up no other."""
    from features import profile_store
    from features.measures import entities
    from serving.comparing import compare_now

    lights: dict[str, str] = {}
    faults: list[Fault] = []
    for kind in given.get("entities") or entities():
        if profile_store.latest(settings.workspace / "profiles", kind) is not None:
            try:
                lights[kind] = str(compare_now(settings, kind).light)
            except Fault as fault:
                faults.append(fault)
    if faults:
        raise faults[0]
    return {"lights": lights}


def watch(settings: Settings) -> Mapping[str, Any]:
    """Look at everything, settle the alerts, and tell whoever is to be told."""
    from monitoring import alerting, job_store
    from serving.watching import KINDS, look

    looked = look(settings)
    with job_store.opened(settings) as engine:
        told = alerting.tell(settings, engine, looked.alerts, looked.at, KINDS)
    return {
        "begun": len(told.message.begun),
        "ended": len(told.message.ended),
        "silenced": told.message.silenced,
        "unreached": len(told.unreached),
    }


def retrain(settings: Settings, given: Mapping[str, Any]) -> Mapping[str, Any]:
    """Train a candidate for every model that is proposed for it, and hold it to the gate. Promotes nothing."""
    from serving.watching import look

    wanted = set(given.get("entities") or ())
    candidates = [
        _candidate(settings, one)
        for one in look(settings, rows=False).proposals
        if one.what == "retrain" and (not wanted or one.entity in wanted)
    ]
    return {"candidates": candidates}


def _candidate(settings: Settings, proposed: Proposal) -> dict[str, Any]:
    from features.build import build
    from features.engine import Engine
    from features.lake import Lake
    from serving.engine import profile
    from serving.learning import gated, outcomes
    from training.train import train

    entity = proposed.entity
    engine = Engine.open(Lake(settings.lake_url), threads=settings.threads)
    try:
        profiles = profile(settings, engine, entity, None)
        rows = outcomes(engine, profiles)
        made = train(settings, profiles, rows, lambda then: build(engine, entity, then, settings.min_peers))
        gate = gated(settings, profiles, rows, made.version, move=False)
    finally:
        engine.close()
    return {
        "entity": entity,
        "version": made.version,
        "run_id": made.run_id,
        "passed": gate.passed,
        "gate": asdict(gate.reason),
        "why": [asdict(reason) for reason in proposed.reasons],
    }


def evasion(settings: Settings) -> Mapping[str, Any]:
    """Look under the thresholds of all rules; what gathers there is told by the next `watch`."""
    from serving import evading

    found, many = evading.look(settings)
    return {"thresholds": many, "found": len(found)}


def cases_tick(settings: Settings) -> Mapping[str, Any]:
    """Press for cases that are overdue, stuck or unsigned, and step in where a reminder was ignored."""
    from cases import clock, store
    from gnomon.database import transaction

    database = store.upgrade(settings)
    try:
        with transaction(database) as session:
            done = clock.tick(session)
    finally:
        database.dispose()
    return {"supervised": done.supervised, "resupervised": done.resupervised, "stepped_in": done.stepped_in}


def cases_deliver(settings: Settings) -> Mapping[str, Any]:
    """Send the messages about cases that are due: webhooks and e-mails."""
    from cases import delivery, store

    database = store.upgrade(settings)
    try:
        sent = delivery.deliver(database, settings)
    finally:
        database.dispose()
    return {"done": sent.done, "failed": sent.failed, "dead": sent.dead}


def housekeeping(settings: Settings) -> Mapping[str, Any]:
    """Forget records of runs and alerts that are long over, and old traces; nothing of people's work or the lake."""
    from gnomon import tracing
    from gnomon.database import transaction
    from monitoring import job_store

    now = datetime.now(UTC)
    oldest = f"{now - TRACES_KEPT:%Y-%m-%d}"
    old = [path for path in (settings.workspace / tracing.FOLDER).glob("*.jsonl") if path.stem < oldest]
    for path in old:
        path.unlink(missing_ok=True)
    with job_store.opened(settings) as engine, transaction(engine) as session:
        return {"forgotten": job_store.forget(session, now - KEPT), "traces": len(old)}
