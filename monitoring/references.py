"""References as summaries: what a model was trained on and what a season looked like, without the rows.

`<root>/<entity>/<model>.json` belongs to one model version, `<root>/<entity>/season/<profiles>.json` to the stored
profiles of one date. Both hold counts and quantiles only.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from monitoring.comparison import write
from monitoring.effect import Summary

FORMAT = 2
YEAR = timedelta(days=365)
SAME_SEASON = timedelta(days=20)
"""Profiles of a year before may be so many days off the same date."""


@dataclass(frozen=True)
class Reference:
    """One side of comparisons to come."""

    entity: str
    model: str
    """`<registered name>/<version>`."""
    as_of: datetime
    lake_version: int
    summaries: Mapping[str, Summary]
    sources: Mapping[str, Mapping[str, Summary]] = field(default_factory=dict)
    """The same for the entities of each source alone; empty where one source fed them all, or that is not known."""
    best: tuple[float, ...] = ()
    """The highest scores, as many as there were places in the queue; empty when they are not known."""

    @property
    def rows(self) -> int:
        """Entities that were summarised."""
        return max((one.n for one in self.summaries.values()), default=0)

    @property
    def edges(self) -> dict[str, tuple[float, ...]]:
        """Bin edges by column, for the other side."""
        return {name: one.edges for name, one in self.summaries.items()}

    @property
    def edges_of(self) -> dict[str, dict[str, tuple[float, ...]]]:
        """The same by source."""
        return {source: {name: one.edges for name, one in part.items()} for source, part in self.sources.items()}


def keep(reference: Reference, root: Path) -> Path:
    """Write a reference, whole or not at all; the same model version is replaced."""
    path = _place(root, reference.entity, reference.model)
    path.parent.mkdir(parents=True, exist_ok=True)
    write(path, _told(reference))
    return path


def read(root: Path, entity: str, model: str) -> Reference | None:
    """The reference of one model version; none when there is none, it is of another version, or it is unreadable.

    An unreadable one can be made again, so it is no fault.
    """
    return _read(_place(root, entity, model), entity, model)


def a_year_before(profiles: Path, as_of: datetime) -> Path | None:
    """Folder of the stored profiles under `profiles/` (one kind of entity) nearest to the same day a year before.

    Folders are named `<as-of>-v<lake version>`; names that are not are passed over.
    """
    wanted = as_of - YEAR
    near: list[tuple[timedelta, str]] = []
    for path in profiles.glob("[0-9]*-v*") if profiles.is_dir() else ():
        try:
            stood = datetime.strptime(path.name.split("-v")[0], "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
        except ValueError:
            continue
        if abs(stood - wanted) <= SAME_SEASON:
            near.append((abs(stood - wanted), path.name))
    # Of the same date, the newest state of the lake.
    best = min((gap for gap, _ in near), default=None)
    return None if best is None else profiles / max(name for gap, name in near if gap == best)


def _place(root: Path, entity: str, model: str) -> Path:
    return root / entity / f"{model.replace('/', '@')}.json"


def _told(reference: Reference) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "entity": reference.entity,
        "model": reference.model,
        "as_of": reference.as_of.isoformat(),
        "lake_version": reference.lake_version,
        "summaries": _plain(reference.summaries),
        "sources": {source: _plain(part) for source, part in reference.sources.items()},
        "best": list(reference.best),
    }


def _plain(summaries: Mapping[str, Summary]) -> dict[str, Any]:
    return {name: one.as_dict() for name, one in summaries.items()}


def _summaries(told: Mapping[str, Any]) -> dict[str, Summary]:
    return {name: Summary.read(one) for name, one in told.items()}


def _read(path: Path, entity: str, model: str) -> Reference | None:
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        found = Reference(
            told["entity"],
            told["model"],
            datetime.fromisoformat(told["as_of"]),
            int(told["lake_version"]),
            _summaries(told["summaries"]),
            {source: _summaries(part) for source, part in told["sources"].items()},
            tuple(told.get("best", ())),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return found if (told.get("format"), found.entity, found.model) == (FORMAT, entity, model) else None
