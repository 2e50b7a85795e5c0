"""Scoring on demand: entities at their stored profiles, or raw records against stored norms. No registry here."""

from __future__ import annotations

import atexit
import gc
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa

from catalogue import rule
from catalogue.model import WarningModel
from catalogue.truth import ProfileReading
from features import profile_store
from features.identity import Links
from features.lake import Lake
from features.measures import entity as known_entity
from features.ondemand import OnDemand
from features.profiles import Profiles
from gnomon.config import Settings
from gnomon.errors import Fault, nearest
from gnomon.terms import Reason, Severity, Text
from serving import champions
from serving.champions import Loaded
from serving.reasons import by_measure, reasons
from serving.wording import name_of
from training import bundle
from training.bundle import Scored

ADDS_UP = 1e-6
"""Contributions may differ from the score by so much, as those of a warning may."""


@dataclass(frozen=True, slots=True)
class RuleScore:
    """One rule that fired."""

    model: WarningModel
    severity: Severity
    score: float
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class LearnedScore:
    """What the champion says: `score = base + contributions`."""

    model: str
    score: float
    base: float
    percentile: float
    unit: str
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class EntityScore:
    """Everything that the models say about one entity."""

    entity_id: str
    entity_name: str
    rules: tuple[RuleScore, ...]
    excused: Mapping[str, tuple[Text, ...]]
    """Rules that would have fired, and why they do not accuse."""
    unknown: tuple[str, ...]
    """Rules that could not be computed for this entity: not the same as a clean result."""
    learned: LearnedScore | None


@dataclass(frozen=True)
class Scorer:
    """What one kind of entity is scored with. Immutable: it is replaced when something newer lies on disk."""

    entity: str
    folder: Path
    """Where the reference profiles were read from."""
    reference: Profiles
    rules: tuple[WarningModel, ...]
    champion: Loaded | None
    lake: Lake
    links: Links = field(default_factory=Links)
    """Which records were one at the lake version of the profiles."""
    _warm: list[OnDemand] = field(default_factory=list)
    """What measures raw records, made when the first of them come, and made anew when the lake has grown."""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def fresh(self, settings: Settings) -> bool:
        """Whether nothing newer lies in the workspace."""
        newest = profile_store.latest(settings.workspace / "profiles", self.entity)
        held = None if self.champion is None else self.champion.champion
        return newest == self.folder and bundle.serving(settings, self.entity) == held

    def found(self, ids: Sequence[str]) -> dict[str, str]:
        """By id the entity that it is known under: another one where the record is read as one with it.

        Ids of nobody are left out.
        """
        known = self.reference.values.index
        named = {one: self.links.named(one, known) for one in ids}
        return {one: entity for one, entity in named.items() if entity in known}

    def asked(self, ids: Sequence[str]) -> dict[str, str]:
        """The same; `Fault` (404) for an id of nobody, with the nearest to it."""
        found = self.found(ids)
        for one in ids:
            if one not in found:
                close = nearest(one, map(str, self.reference.values.index[:20_000]))
                raise Fault("serving.score.unknown_id", place=f"{self.entity} {one}", status=404, nearest=close)
        return found

    def entities(self, ids: Sequence[str]) -> Profiles:
        """Stored profiles of the entities that some ids name, each once; `Fault` (404) as `asked`."""
        return self.reference.select(list(dict.fromkeys(self.asked(ids).values())))

    def records(self, tables: Mapping[str, pa.Table]) -> Profiles:
        """Profiles of the entities in raw records, beside what the lake knows, held against the stored norms."""
        return self.warm().measure(tables)

    def warm(self) -> OnDemand:
        """What measures raw records, on the newest state of the lake."""
        with self._lock:
            if self._warm and self._warm[0].lake_version != self.lake.version:
                # Requests under way still hold the old one; it goes when they have been answered.
                self._warm.clear()
            if not self._warm:
                self._warm.append(OnDemand(self.lake, self.reference))
                lay_by()
            return self._warm[0]

    def score(self, profiles: Profiles, explain: bool = True) -> list[EntityScore]:
        """Score every entity of the profiles by all rules and the champion.

        Raises `Fault` (500) when reasons are asked for and those of the champion do not add up to its score.
        """
        reading = ProfileReading(profiles)
        results = [(model, rule.evaluate(model, profiles, reading)) for model in self.rules]
        scored = None if self.champion is None else self.champion.bundle.score(profiles, explain=explain)
        if scored is not None and explain:
            _check(scored, profiles)
        told = []
        for at, entity_id in enumerate(profiles.ids):
            fired = tuple(_fired(model, result, profiles, at, explain) for model, result in results if result.fires[at])
            learned = None
            if scored is not None and self.champion is not None:
                why: tuple[Reason, ...] = ()
                if explain:
                    row = scored.contributions.iloc[at]
                    shares = dict(zip(map(str, row.index), row.to_list(), strict=True))
                    why = reasons(profiles, entity_id, by_measure(profiles, shares))
                learned = LearnedScore(
                    self.champion.name,
                    float(scored.score[at]),
                    float(scored.base),
                    float(scored.percentile[at]),
                    scored.unit,
                    why,
                )
            told.append(
                EntityScore(
                    entity_id,
                    name_of(profiles, entity_id),
                    fired,
                    {m.id: r.excluded[entity_id] for m, r in results if entity_id in r.excluded},
                    tuple(m.id for m, r in results if r.unknown[at]),
                    learned,
                )
            )
        return told


def scorer(settings: Settings, entity: str, models: Mapping[str, WarningModel]) -> Scorer:
    """Load what scores one kind of entity; `Fault` (409) when nothing was profiled yet."""
    kind = known_entity(entity).kind
    folder = profile_store.latest(settings.workspace / "profiles", kind)
    if folder is None:
        raise Fault("serving.score.no_profiles", place=kind, status=409, entity=kind)
    rules = tuple(one for one in models.values() if one.entity == kind and one.detector == "rule")
    champion = champions.local(settings, kind, threads=1)
    reference, lake = profile_store.load(folder), Lake(settings.lake_url)
    # Profiles may outlive their lake; nobody is linked then.
    links = Links.of(lake, reference.lake_version) if reference.lake_version <= lake.version else Links()
    made = Scorer(kind, folder, reference, rules, champion, lake, links)
    lay_by()
    return made


def lay_by() -> None:
    """Keep what was just loaded from being looked through for garbage: that takes a tenth of a second, of a request."""
    gc.unfreeze()
    gc.collect()
    gc.freeze()


# What is still laid by when Python ends is never cleared, and its libraries complain of leaks at the operator's screen.
atexit.register(gc.unfreeze)


def _check(scored: Scored, profiles: Profiles) -> None:
    off = np.abs(scored.base + scored.contributions.to_numpy(float).sum(axis=1) - scored.score)
    wrong = np.flatnonzero(~(off <= ADDS_UP))
    if wrong.size:
        place = f"{profiles.entity} {profiles.ids[int(wrong[0])]}"
        raise Fault("serving.score.not_additive", place=place, status=500)


def _fired(model: WarningModel, result: rule.RuleResult, profiles: Profiles, at: int, explain: bool) -> RuleScore:
    why: tuple[Reason, ...] = ()
    if explain:
        row = result.contributions.iloc[at]
        shares = dict(zip(map(str, row.index), row.to_list(), strict=True))
        why = reasons(profiles, profiles.ids[at], shares)
    return RuleScore(model, result.severity(at) or Severity.WARN, float(result.score[at]), why)
