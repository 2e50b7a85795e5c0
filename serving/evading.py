"""The thresholds of the rules, and the values that are held against them: what evasion is looked for under."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from gnomon.config import Settings
from gnomon.errors import Fault
from gnomon.i18n import both
from gnomon.terms import Text
from monitoring.comparison import write

if TYPE_CHECKING:
    import pandas as pd

    from catalogue.model import WarningModel
    from monitoring.evasion import Bunching, Published

KEPT = "evasion.json"
"""In the workspace: what the last look found."""


@dataclass(frozen=True, slots=True)
class Threshold:
    """A number above which a rule fires."""

    model: str
    """Empty when it is of no rule."""
    column: str
    """What is compared with it: `x`, `deviation(x)` …"""
    at: float
    fires_at: bool = False
    """Whether the rule fires at the number itself."""


def thresholds(catalogue: Mapping[str, WarningModel], entity: str) -> list[Threshold]:
    """Of every rule that fires above a number.

    A threshold below which a rule fires is not evaded from below, and one that is not a number moves with the peers.
    """
    from catalogue.expression import parse
    from catalogue.nodes import Number
    from features.measures import entity as known_entity

    kind, found = known_entity(entity).kind, []
    for model in catalogue.values():
        if model.entity != kind or not model.when:
            continue
        for one in parse(model.when, model.place("when")).comparisons():
            if one.sign in (">", ">=") and isinstance(one.right, Number) and one.right.value > 0:
                found.append(Threshold(model.id, str(one.left), float(one.right.value), one.sign == ">="))
    return found


def signs(
    settings: Settings, entity: str, given: list[Threshold] | None, since: datetime | None
) -> list[tuple[Threshold, Bunching | Published]]:
    """What the values near each threshold (those `given`, or those of the rules) say.

    Without `since` whether they gather just under it now; with it, whether they moved under it since the threshold was
    made known on that day.
    """
    from catalogue.load import load
    from monitoring.evasion import bunching, published, together

    asked = given or thresholds(load(settings.model_folder), entity)
    now, titles = values_of(settings, entity)
    held = [one for one in asked if one.column in now]
    found: list[Bunching | Published]
    if since is None:
        found = [*together([bunching(one.column, now[one.column], one.at, one.fires_at) for one in held])]
    else:
        then, _ = values_of(settings, entity, since)
        held = [one for one in held if one.column in then]
        moves = [
            published(one.column, then[one.column], now[one.column], one.at, fires_at=one.fires_at) for one in held
        ]
        found = [*together(moves)]
    return [(one, replace(sign, title=titles[one.column])) for one, sign in zip(held, found, strict=True)]


@dataclass(frozen=True, slots=True)
class Evaded:
    """A threshold of a rule under which values gather. Names rules and measures, never an entity."""

    entity: str
    model: str
    column: str
    threshold: float
    told: Text

    @property
    def key(self) -> str:
        """Same rule and measure: the same alert."""
        return f"evasion:{self.entity}:{self.model}:{self.column}"


def look(settings: Settings) -> tuple[list[Evaded], int]:
    """Look under the thresholds of all rules, and keep what was found until the next look; also how many there were.

    A kind of entity whose profiles cannot be read holds up no other; its fault is raised when all are done.
    """
    from catalogue.load import load
    from features import profile_store
    from features.measures import entities

    catalogue = load(settings.model_folder)
    found: list[Evaded] = []
    faults: list[Fault] = []
    many = 0
    for kind in entities():
        asked = thresholds(catalogue, kind)
        if not asked or profile_store.latest(settings.workspace / "profiles", kind) is None:
            continue
        try:
            told = signs(settings, kind, asked, None)
        except Fault as fault:
            faults.append(fault)
            continue
        many += len(told)
        found += [
            Evaded(kind, one.model, one.column, one.at, both("monitoring.bunching.of", model=one.model, told=sign.told))
            for one, sign in told
            if sign.found
        ]
    write(settings.workspace / KEPT, [asdict(one) for one in found])
    if faults:
        raise faults[0]
    return found, many


def kept(settings: Settings) -> list[Evaded]:
    """What the last look found; nothing where nobody has looked."""
    try:
        told = json.loads((settings.workspace / KEPT).read_text(encoding="utf-8"))
        return [Evaded(**{**one, "told": Text(**one["told"])}) for one in told]
    except (OSError, ValueError, TypeError, KeyError):
        return []


def values_of(
    settings: Settings, entity: str, before: datetime | None = None
) -> tuple[Mapping[str, pd.Series], Mapping[str, Text]]:
    """Values of the newest stored profiles (of a moment `before`) as rules name them: `x`, `deviation(x)` …; and what
    those are called."""
    from features import profile_store
    from features.measures import entity as known_entity

    kind = known_entity(entity).kind
    root = settings.workspace / "profiles"
    folder = profile_store.latest(root, kind)
    if folder is None:
        raise Fault("serving.score.no_profiles", place=kind, status=409, entity=kind)
    if before is not None:
        stamp = f"{before:%Y%m%dT%H%M%S}"
        earlier = [
            one.parent for one in (root / kind).glob(f"[0-9]*/{profile_store.HEADER}") if one.parent.name < stamp
        ]
        if not earlier:
            raise Fault("serving.monitor.not_before", place=kind, status=409, since=f"{before:%Y-%m-%d}", entity=kind)
        folder = max(earlier)
    profiles = profile_store.load(folder)
    wide = profiles.wide()
    found, titles = {}, {}
    for column in profiles.columns:
        name = column.name
        median = wide[f"{name}__median"]
        found[name], titles[name] = wide[name], column.title
        for word, values in (("deviation", wide[f"{name}__z"]), ("times_norm", wide[name] / median.where(median > 0))):
            found[f"{word}({name})"] = values
            titles[f"{word}({name})"] = both(f"serving.evading.{word}", title=column.title)
    return found, titles
