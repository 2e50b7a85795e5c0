"""The thresholds of the rules, and the values that are held against them: what evasion is looked for under."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from gnomon.config import Settings

if TYPE_CHECKING:
    import pandas as pd


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


def values_of(settings: Settings, entity: str) -> Mapping[str, pd.Series]:
    """Values of the newest stored profiles under the names that rules use: `x`, `deviation(x)`, `times_norm(x)`."""
    from features import profile_store
    from features.measures import entity as known_entity
    from gnomon.errors import Fault

    kind = known_entity(entity).kind
    folder = profile_store.latest(settings.workspace / "profiles", kind)
    if folder is None:
        raise Fault("serving.score.no_profiles", place=kind, status=409, entity=kind)
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
