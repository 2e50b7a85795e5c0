"""The mixes of reasons and outcomes of each warning model, of all its warnings and source by source."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from gnomon.config import Settings
from gnomon.errors import Fault

if TYPE_CHECKING:
    from cases.worth import Came
    from gnomon.terms import Text
    from monitoring.mix import Watched

LATELY = timedelta(days=90)
"""Warnings and closings of so many days are held against all before them."""
YEAR = timedelta(days=365)
BEFORE = timedelta(days=7)
"""A mix is looked at twice, now and as it was so long ago: what moved at both raises an alert."""
SOURCES = 8
"""Sources that are looked at by themselves, those with most warnings of the model first."""

_KNOWN: dict[str, tuple[int, dict[tuple[str, str], str | None]]] = {}
"""Source of every entity that was asked for, by lake: with the version of the lake that told it."""


def origins(settings: Settings, about: Mapping[str, Iterable[str]]) -> dict[tuple[str, str], str]:
    """The source that each of these entities (ids by kind) belongs to; those where one source feeds all are left out.

    Read from the newest version of the lake, once a version: one query a kind.
    """
    from features.engine import Engine
    from features.lake import Lake
    from features.measures import entities
    from monitoring.sources import sources_of

    lake = Lake(settings.lake_url)
    version, known = _KNOWN.get(settings.lake_url, (0, {}))
    if version != lake.version:
        known = {}
    wanted = {kind: {one for one in ids if (kind, one) not in known} for kind, ids in about.items()}
    wanted = {kind: ids for kind, ids in wanted.items() if ids and kind in entities()}
    if wanted and lake.version:
        engine = Engine.open(lake, threads=settings.threads)
        try:
            for kind, ids in wanted.items():
                told = sources_of(engine, kind, ids)
                found = {} if told is None else told.to_dict()
                known |= {(kind, one): found.get(one) for one in ids}
        except Fault:
            # Then mixes are told of all sources together; what is wrong with the lake is told where it is read.
            return {}
        finally:
            engine.close()
    _KNOWN[settings.lake_url] = lake.version, known
    asked = ((kind, one) for kind, ids in about.items() for one in ids)
    return {one: source for one in asked if (source := known.get(one)) is not None}


def mixes(rows: Sequence[Came], now: datetime) -> list[Watched]:
    """Drift of the top reasons and of the outcomes of each model: lately against all before, and against the same
    season a year before; of all warnings, and of those about the entities of each source where several feed them."""
    from monitoring.mix import together

    return together(_looked(rows, now), _looked(rows, now - BEFORE))


def _looked(rows: Sequence[Came], now: datetime) -> list[Watched]:
    """The same at one moment, by what was known then."""
    from cases.workflow import OUTCOMES
    from features.measures import entity as known_entity

    outcomes = {str(outcome): title for outcome, title in OUTCOMES.items()}
    found: list[Watched] = []
    by_model: dict[str, list[Came]] = {}
    for one in rows:
        by_model.setdefault(one.model, []).append(one)
    for model, ours in sorted(by_model.items()):
        kinds = [known_entity(kind) for kind in {one.entity_kind for one in ours}]
        measures = {c.name: c.title for kind in kinds for one in kind.measures.values() for c in one.columns}
        counted = Counter(one.source for one in ours if one.source)
        apart = [source for source, _ in counted.most_common(SOURCES)] if len(counted) > 1 else []
        for source in ("", *sorted(apart)):
            part = [one for one in ours if not source or one.source == source]
            reasons = [(one.issued_at, one.reason) for one in part]
            closed = [(one.closed_at, str(one.outcome)) for one in part if one.closed_at is not None and one.outcome]
            found.append(_watched("reasons", model, source, reasons, now, measures))
            found.append(_watched("labels", model, source, closed, now, outcomes))
    return found


def _watched(
    what: str,
    model: str,
    source: str,
    events: Sequence[tuple[datetime, str]],
    now: datetime,
    titles: Mapping[str, Text],
) -> Watched:
    from monitoring.mix import Watched, mixed

    since = now - LATELY
    before = Counter(name for at, name in events if at < since)
    lately = Counter(name for at, name in events if since <= at < now)
    season = Counter(name for at, name in events if since - YEAR <= at < now - YEAR)
    return Watched(what, model, source, mixed(before, lately, season=season, titles=titles))
