"""What carries from one market to another: rankings of a market never learned from, warnings in an ordinary city."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.markets import LabelledSet, profiled
from features.profiles import NO_NORM, Profiles
from gnomon.terms import Direction
from training.design import usable
from training.detectors.boosting import Boosting
from training.detectors.contract import Floats
from training.detectors.screens import Screens

WARNED = 0.02
"""Share of its own tenders that a market warns of: where its threshold lies."""
COMMON = 0.2
"""A measure is common when so large a share of the tenders of every market has a deviation in it."""


def strangers(sets: Sequence[LabelledSet], seeds: int) -> dict[str, list[Floats]]:
    """Scores of each market by a boosting fitted on all others, on deviations from each market's own norms."""
    shared = _common([one.profiles for one in sets])
    told = {one.name: _deviations(one.profiles, shared, one.name) for one in sets}
    scores: dict[str, list[Floats]] = {}
    for held in sets:
        others = [one for one in sets if one.name != held.name]
        pooled = _pooled([told[one.name] for one in others])
        labels = pd.concat([_judged(one, told[one.name]) for one in others])
        fitted = [Boosting(seed=seed).fit(pooled, labels) for seed in range(seeds)]
        known = [f"{held.name}/{entity}" for entity in held.labels.dropna().index]
        scores[held.name] = [one.score(told[held.name].select(known)) for one in fitted]
    return scores


def warned(sets: Sequence[LabelledSet], city: Profiles) -> dict[str, float]:
    """Share of a city's tenders at or above the threshold of each market and of all together, by the city's norms."""
    shares, pooled = {}, []
    for one in sets:
        screens = Screens().fit(one.profiles)
        own = screens.score(one.profiles)
        pooled.append(own)
        shares[one.name] = float((screens.score(city) >= np.quantile(own, 1.0 - WARNED)).mean())
    if pooled:
        line = np.quantile(np.concatenate(pooled), 1.0 - WARNED)
        shares["all markets together"] = float((Screens().fit(city).score(city) >= line).mean())
    return shares


def unlabelled(data: Path, name: str, file: str, mapping_name: str) -> Profiles | None:
    """Profiles of an unlabelled set of tenders; None where it is missing."""
    path = data / "tenders-unlabelled" / name / file
    if not path.exists():
        return None
    with tempfile.TemporaryDirectory() as scratch:
        return profiled([(path, mapping_name)], "tender", Path(scratch))


def _common(markets: Sequence[Profiles]) -> list[str]:
    kept: set[str] | None = None
    for one in markets:
        known = one.deviations.notna().mean()
        own = {column.name for column in usable(one) if known[column.name] >= COMMON}
        kept = own if kept is None else kept & own
    return sorted(kept or ())


def _deviations(profiles: Profiles, columns: Sequence[str], market: str) -> Profiles:
    """Profiles whose values are the compressed deviations: levels and currencies do not travel, distances do."""
    names = list(columns)
    index = pd.Index([f"{market}/{entity}" for entity in profiles.values.index], name="entity_id")
    deviations = profiles.deviations[names].set_axis(index)
    values = pd.DataFrame(np.arcsinh(deviations.to_numpy(float)), index=index, columns=names)
    told = tuple(replace(profiles.column(name), suspicious=Direction.BOTH) for name in names)
    groups = pd.DataFrame(NO_NORM, index=index, columns=names, dtype="int32")
    return replace(
        profiles, columns=told, values=values, deviations=deviations, groups=groups,
        attributes=pd.DataFrame({"market": market}, index=index), centers=None, spreads=None,
    )  # fmt: skip


def _judged(one: LabelledSet, told: Profiles) -> pd.Series:
    return one.labels.reindex(one.profiles.values.index).set_axis(told.values.index)


def _pooled(markets: Sequence[Profiles]) -> Profiles:
    frames = {
        name: pd.concat([getattr(one, name) for one in markets])
        for name in ("values", "deviations", "groups", "attributes")
    }
    return replace(markets[0], **frames)
