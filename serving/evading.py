"""The thresholds of the rules, and the values that are held against them: what evasion is looked for under."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from gnomon.config import Settings

if TYPE_CHECKING:
    import pandas as pd

    from monitoring.evasion import Bunching, Published


def thresholds(settings: Settings, entity: str) -> list[tuple[str, str, float]]:
    """`(model, what is compared, threshold)` of every rule that fires above a number.

    A threshold below which a rule fires is not evaded from below, and one that is not a number moves with the peers.
    """
    from catalogue import load
    from catalogue.expression import parse
    from catalogue.nodes import Number
    from features.measures import entity as known_entity

    kind, found = known_entity(entity).kind, []
    for model in load.load(settings.model_folder).values():
        if model.entity != kind or not model.when:
            continue
        for one in parse(model.when, model.place("when")).comparisons():
            if one.sign in (">", ">=") and isinstance(one.right, Number) and one.right.value > 0:
                found.append((model.id, str(one.left), float(one.right.value)))
    return found


def signs(
    settings: Settings, entity: str, given: list[tuple[str, str, float]] | None, since: datetime | None
) -> list[tuple[str, float, Bunching | Published]]:
    """What the values near each threshold (those `given`, or those of the rules) say: `(model, threshold, sign)`.

    Without `since` whether they gather just under it now; with it, whether they moved under it since the threshold was
    made known on that day.
    """
    from monitoring.evasion import bunching, published, together

    asked = given or thresholds(settings, entity)
    now = values_of(settings, entity)
    held = [(model, name, at) for model, name, at in asked if name in now]
    found: list[Bunching | Published]
    if since is None:
        found = [*together([bunching(name, now[name].to_numpy(dtype=float), at) for _, name, at in held])]
    else:
        then = values_of(settings, entity, since)
        held = [one for one in held if one[1] in then]
        sides = [(name, then[name].to_numpy(dtype=float), now[name].to_numpy(dtype=float), at) for _, name, at in held]
        found = [*together([published(*one) for one in sides])]
    return [(model, at, sign) for (model, _, at), sign in zip(held, found, strict=True)]


def values_of(settings: Settings, entity: str, before: datetime | None = None) -> Mapping[str, pd.Series]:
    """Values of the newest stored profiles (of a moment `before`) as rules name them: `x`, `deviation(x)` …"""
    from features import profile_store
    from features.measures import entity as known_entity
    from gnomon.errors import Fault

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
    found = {}
    for column in profiles.columns:
        name = column.name
        found[name] = wide[name]
        found[f"deviation({name})"] = wide[f"{name}__z"]
        median = wide[f"{name}__median"]
        found[f"times_norm({name})"] = wide[name] / median.where(median > 0)
    return found
