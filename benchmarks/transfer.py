"""What carries from one market to another: rankings of a market never learned from, warnings in an ordinary city."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from benchmarks.markets import LabelledSet, profiled
from features.profiles import Profiles
from training.detectors.contract import Floats
from training.detectors.screens import Screens, taught
from training.detectors.tail import Tail
from training.volume import rates

WARNED = 0.02
"""Share of its own tenders that a market warns of: where its threshold lies."""
WAYS: dict[str, Callable[[Profiles], Profiles]] = {"transfer": lambda all_: all_, "transfer, no size": rates}
"""Task and what the screens may see."""


def strangers(sets: Sequence[LabelledSet], teachers: Sequence[LabelledSet]) -> dict[tuple[str, str], Floats]:
    """Scores of each market's labelled tenders, by market and task.

    The weights are taught by the labels of all teachers of other names, each held against its own population; of the
    market itself only its population is read, and none of its labels.
    """
    scores: dict[tuple[str, str], Floats] = {}
    for task, seen in WAYS.items():
        for held in sets:
            weights = taught([(seen(one.profiles), one.labels) for one in teachers if one.name != held.name])
            told = seen(held.profiles)
            judged = told.select([str(entity) for entity in held.labels.dropna().index])
            scores[held.name, task] = Screens(given=weights).fit(told).score(judged)
    return scores


def warned(sets: Sequence[LabelledSet], city: Profiles) -> dict[str, float]:
    """Share of a city's tenders that a market's threshold warns of, the city held against its own population.

    The threshold is read in two ways. As a score, on the screens that both places have: nothing makes the shares equal.
    As a conformal p-value: what is warned of in the city is then at most the share that the market warned of at home,
    whatever the city is like, which is what makes a threshold portable.
    """
    shares: dict[str, float] = {}
    everything = Screens().fit(city)
    for one in sets:
        home = Screens().fit(one.profiles)
        both = tuple((name, 1.0) for name in home.design.columns if name in everything.design.columns)
        own = Screens(given=both).fit(one.profiles).score(one.profiles)
        line = np.quantile(own[own > 0.0], 1.0 - WARNED)
        shares[f"score of {one.name}"] = float((Screens(given=both).fit(city).score(city) >= line).mean())
    score = everything.score(city)
    shares["conformal p-value"] = float((Tail.of(score).p_value(score) <= WARNED).mean())
    return shares


def unlabelled(data: Path, name: str, file: str, mapping_name: str) -> Profiles | None:
    """Profiles of an unlabelled set of tenders; None where it is missing."""
    path = data / "tenders-unlabelled" / name / file
    if not path.exists():
        return None
    with tempfile.TemporaryDirectory() as scratch:
        return profiled([(path, mapping_name)], "tender", Path(scratch))
