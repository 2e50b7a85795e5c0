"""What the serving process holds: settings, database, warning models, and per kind of entity what it scores with."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from fastapi import Request
from sqlalchemy.orm import Session

from cases import store
from catalogue import load
from catalogue.model import WarningModel
from gnomon.config import Settings
from gnomon.database import snapshot, transaction
from gnomon.errors import Fault
from monitoring import job_store
from serving.api.metrics import Held, Metrics
from serving.api.schemas import EntityScoreOut
from serving.asking import asking
from serving.jobs import Asked, Jobs, Line, Row
from serving.scoring import Scorer, scorer
from training.threshold import Aim


class Serving:
    """One per process. Scorers are replaced whole when something newer lies on disk, never changed in place."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.metrics = Metrics()
        self.watched = Held()
        self.database: Any = store.upgrade(settings)
        with transaction(self.database) as session:
            job_store.prepare(session)
        self.models: dict[str, WarningModel] = load.load(settings.model_folder)
        self._scorers: dict[str, Scorer] = {}
        self._lock = threading.Lock()
        self.jobs = Jobs(settings.workspace / "jobs", self._score_part, self._line)

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A view of the database that waits for no writer; what is changed in it is not kept."""
        with snapshot(self.database) as session:
            yield session

    @contextmanager
    def session(self) -> Iterator[Session]:
        """One unit of work on the database."""
        with transaction(self.database) as session:
            yield session

    def scorer(self, entity: str) -> Scorer:
        """What scores this kind of entity: its newest stored profiles, rules and champion.

        Reloaded when newer profiles or another champion lie in the workspace: two looks at the file system a call.
        """
        held = self._scorers.get(entity)
        if held is not None and held.fresh(self.settings):
            return held
        with self._lock:
            held = self._scorers.get(entity)
            if held is None or not held.fresh(self.settings):
                held = self._scorers[entity] = scorer(self.settings, entity, self.models)
            return held

    def close(self) -> None:
        """Let go of jobs and database."""
        self.jobs.stop()
        self.database.dispose()

    def _score_part(self, asked: Asked, ids: Sequence[str]) -> Sequence[Row]:
        scorer = self.scorer(asked.entity)
        named = scorer.found(ids)
        told = {one.entity_id: one for one in scorer.score(scorer.entities([*named]), asked.explain)} if named else {}
        rows: list[Row] = []
        for one in ids:
            if one in named:
                rows.append(EntityScoreOut.of(told[named[one]], asked.explain, one).model_dump(mode="json"))
            else:
                fault = Fault("serving.score.unknown_id", place=one, nearest="–")
                rows.append({"entity_id": one, "fault": fault.told(self.settings.language)})
        self.metrics.scored(asked.entity, len(told))
        return rows

    def _line(self, asked: Asked) -> Line:
        assert asked.aim is not None
        scorer = self.scorer(asked.entity)
        profiles = scorer.reference.select(list(dict.fromkeys(scorer.found(asked.ids).values())))
        found = asking(self.settings, profiles, Aim(**asked.aim), self.models, scorer.champion)  # type: ignore[arg-type]
        return Line(found.by, found.threshold, {"zh": found.stated.zh, "en": found.stated.en})


def serving_of(request: Request) -> Serving:
    """The process's state, for routes."""
    found = request.app.state.serving
    assert isinstance(found, Serving)
    return found
