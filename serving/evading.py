"""The thresholds of the rules, and the values that are held against them: what evasion is looked for under."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from gnomon.config import Settings
from gnomon.errors import Fault
from gnomon.i18n import both
from gnomon.terms import Text
from monitoring.comparison import write

if TYPE_CHECKING:
    from catalogue.model import WarningModel
    from monitoring.effect import Floats
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
    made known on that day. One column is read at a time, and nothing else of the profiles.
    """
    from catalogue.load import load
    from monitoring.evasion import bunching, published, together

    folder, earlier = stored(settings, entity), None if since is None else stored(settings, entity, since)
    titles = named(folder) if earlier is None else {**named(earlier), **named(folder)}
    known = set(named(folder)) & set(titles if earlier is None else named(earlier))
    asked = given or thresholds(load(settings.model_folder), entity)
    held = sorted((one for one in asked if one.column in known), key=lambda one: one.column)
    gathers: list[Bunching] = []
    moves: list[Published] = []
    for column, of_it in groupby(held, key=lambda one: one.column):
        now = values_of(folder, column)
        then = None if earlier is None else values_of(earlier, column)
        for one in of_it:
            if then is None:
                gathers.append(bunching(column, now, one.at, one.fires_at))
            else:
                moves.append(published(column, then, now, one.at, fires_at=one.fires_at))
    found: list[Bunching | Published] = [*together(gathers), *together(moves)]
    told = {one: replace(sign, title=titles[one.column]) for one, sign in zip(held, found, strict=True)}
    return [(one, told[one]) for one in asked if one in told]


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


PARTS = {"deviation": "deviations", "times_norm": "groups"}
"""What rules hold against numbers besides plain values, and the frame of the profiles that it is read from."""


def stored(settings: Settings, entity: str, before: datetime | None = None) -> Path:
    """Folder of the newest stored profiles (of a moment `before`)."""
    from features import profile_store
    from features.measures import entity as known_entity

    kind = known_entity(entity).kind
    root = settings.workspace / "profiles"
    if before is None:
        folder = profile_store.latest(root, kind)
        if folder is None:
            raise Fault("serving.score.no_profiles", place=kind, status=409, entity=kind)
        return folder
    stamp = f"{before:%Y%m%dT%H%M%S}"
    earlier = [one.parent for one in (root / kind).glob(f"[0-9]*/{profile_store.HEADER}") if one.parent.name < stamp]
    if not earlier:
        raise Fault("serving.monitor.not_before", place=kind, status=409, since=f"{before:%Y-%m-%d}", entity=kind)
    return max(earlier)


def named(folder: Path) -> dict[str, Text]:
    """What stored profiles hold as rules name it (`x`, `deviation(x)`, `times_norm(x)`), and what that is called."""
    from features import profile_batches

    titles: dict[str, Text] = {}
    held = profile_batches.names(folder)
    for column in (one for one in profile_batches.about(folder).columns if one.name in held):
        titles[column.name] = column.title
        titles |= {f"{word}({column.name})": both(f"serving.evading.{word}", title=column.title) for word in PARTS}
    return titles


def values_of(folder: Path, column: str) -> Floats:
    """One column as rules name it, a value an entity; NaN is unknown."""
    import numpy as np

    from features import profile_batches

    word, _, name = column.removesuffix(")").rpartition("(")
    if word == "deviation":
        return profile_batches.column(folder, PARTS[word], name)
    values = profile_batches.column(folder, "values", name)
    if not word:
        return values
    norm = profile_batches.medians(folder, name)
    return np.asarray(np.divide(values, norm, out=np.full(len(values), np.nan), where=norm > 0), dtype=np.float64)
