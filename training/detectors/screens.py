"""Directed screens: how few of the others are as suspicious as this one, in each declared measure, summed. No labels.

Each column gives `-log p`, where `p` is the share of the training population that lies at least as far on the
suspicious side: a conformal p-value, so that the sum is Fisher's (1932) and a screen weighs the same in a market of
wide prices as in one of narrow ones. An unknown value gives nothing, nor does any screen where there is nothing to
compare. The sum is additive as it stands, so a contribution is the column's own term less its mean over the training
population, which is the Shapley value against that population. Only the population is learned from, and no outcome:
scores of two markets, each held against its own, are comparable, and weights taught elsewhere (`taught`) may be given.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd

from features.profiles import Profiles
from gnomon.errors import Fault
from gnomon.terms import Direction
from training.design import Design, Feature, Floats, Part, require, usable
from training.detectors.contract import Contributions
from training.detectors.tail import Tail
from training.volume import total

ABOUT = "screens.json"
KNOWN = 0.5
"""A measure takes part when so large a share of those who can be compared has it: one that only some can have would
rank those who have it."""
WHERE_SOME = frozenset({"shared_agent_share", "shared_bond_account_share", "tied_pair_share"})
"""Screens that speak of what was found out: whoever lacks the record was not found out, and that is no advantage."""
DECLARED: dict[str, dict[str, Part]] = {
    "tender": {
        "bid_cv": "down",
        "losing_cv": "down",
        "closest_four_spread": "down",
        "market_cv": "value",
        "lowest_bid": "up",
        "shared_agent_share": "up",
        "shared_bond_account_share": "up",
        "tied_pair_share": "up",
    }
}
"""Screens of a kind, each of weight one. Tenders: all bids, the losing ones and the closest four stand too close
together (collusion is regularity), and so they did in the whole market for a year; much money is at stake, and bidders
are tied. Competition raises none. Which screens, and that size is one of them, was chosen with the labels of six
cartels in sight."""
LOW_LEVELS = frozenset({"market_cv"})
"""Of these the value itself is held against all of the kind, low being suspicious: against its own market the market is
always usual."""
COMPARABLE = {"tender": "bid_cv"}
"""Without this there are no prices to compare, and screens say nothing at all: a lone bid is another question."""


@dataclass
class Screens:
    """Unsupervised; labels are ignored. Score: weighted sum of the columns' terms, 0 where nothing is known."""

    seed: int = 0
    threads: int = 0
    given: tuple[tuple[str, float], ...] = ()
    """Weights by column, as `taught` finds them; without, every declared screen weighs one."""
    name: str = "screens"
    design: Design = field(default_factory=lambda: Design(()))
    weights: tuple[float, ...] = ()
    usual: tuple[float, ...] = ()
    """Mean weighted term of each feature over the training population."""
    tails: tuple[Tail, ...] = ()
    """Of each feature: how many of the training population are at least as suspicious."""

    def fit(self, profiles: Profiles, labels: pd.Series | None = None) -> Self:
        """Choose the columns and note the population; raises `Fault` when none deviates from its norm anywhere."""
        parts = _declared(profiles, dict(self.given)) or _all(profiles)
        if not parts:
            raise Fault("training.forest.nothing_varies", place=profiles.entity)
        self.design = Design(tuple(feature for feature, _ in parts))
        self.weights = tuple(weight for _, weight in parts)
        toward = self._toward(profiles)
        self.tails = tuple(Tail.of(toward[:, number]) for number in range(len(parts)))
        self.usual = tuple(self._terms(profiles).mean(axis=0).tolist())
        return self

    def score(self, profiles: Profiles) -> Floats:
        """Sum of the weighted terms of each entity; higher is more suspicious."""
        return np.asarray(self._terms(profiles).sum(axis=1), dtype=float)

    def explain(self, profiles: Profiles) -> Contributions:
        """Each column's own term less its mean over the training population; the base is the sum of those means."""
        told = self.design.told(self._terms(profiles) - np.asarray(self.usual), profiles)
        return Contributions(float(np.sum(self.usual)), told)

    def save(self, folder: Path) -> None:
        """Write JSON."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / ABOUT).write_text(json.dumps(self.as_dict(), indent=1), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote."""
        return cls.of(json.loads((folder / ABOUT).read_text(encoding="utf-8")))

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values; `of` reads them back."""
        about: dict[str, Any] = {"seed": self.seed, "features": self.design.as_list()}
        about |= {"weights": list(self.weights), "usual": list(self.usual)}
        return about | {"tails": [one.as_dict() for one in self.tails]}

    @classmethod
    def of(cls, about: Mapping[str, Any]) -> Self:
        """The screens that `as_dict` told."""
        weights, usual = (tuple(float(one) for one in about[name]) for name in ("weights", "usual"))
        tails = tuple(Tail.read(one) for one in about["tails"])
        return cls(int(about["seed"]), design=Design.of(about["features"]), weights=weights, usual=usual, tails=tails)

    def terms(self, profiles: Profiles) -> pd.DataFrame:
        """The weighted term of each entity (index entity_id) and column."""
        return pd.DataFrame(self._terms(profiles), index=profiles.values.index, columns=list(self.design.columns))

    def _terms(self, profiles: Profiles) -> Floats:
        toward = self._toward(profiles)
        columns = [tail.surprise(toward[:, number]) for number, tail in enumerate(self.tails)]
        return np.asarray(np.column_stack(columns) * np.asarray(self.weights), dtype=float)

    def _toward(self, profiles: Profiles) -> Floats:
        """How far each entity lies on the suspicious side; NaN where unknown or nothing can be compared."""
        values, deviations = require(profiles, self.design.columns)
        columns = [
            -values[:, number] if one.part == "value" else _side(deviations[:, number], one.part)
            for number, one in enumerate(self.design.features)
        ]
        toward = np.column_stack(columns)
        toward[~_comparable(profiles)] = np.nan
        return toward


def taught(markets: Sequence[tuple[Profiles, pd.Series]], penalty: float = 0.01) -> tuple[tuple[str, float], ...]:
    """Weights that tell the confirmed from the refuted in several markets at once, each held against itself.

    Logistic regression with weights that are never negative: what a screen declares suspicious may count for nothing,
    and never in favour. Each market and each of its two sides weighs the same. They sum to the number of screens.
    """
    told = [(Screens().fit(profiles).terms(profiles), labels) for profiles, labels in markets]
    names = sorted({name for terms, _ in told for name in terms.columns})
    rows, target, weight = [], [], []
    for terms, labels in told:
        known = labels.reindex(terms.index).dropna()
        compared = (terms.loc[known.index] > 0.0).any(axis=1)
        positive = known[compared].to_numpy(float) > 0.5
        own = terms.reindex(columns=names, fill_value=0.0).loc[known.index[compared]].to_numpy(float)
        rows.append(own - own.mean(axis=0))
        target.append(np.where(positive, 1.0, -1.0))
        weight.append(np.where(positive, 0.5 / positive.sum(), 0.5 / (~positive).sum()) / len(told))
    x, y, w = np.vstack(rows), np.concatenate(target), np.concatenate(weight)
    found = _logistic(x, y, w, penalty, np.zeros(len(names)))[1:]
    whole = float(found.sum()) or 1.0
    return tuple((name, float(one) * len(names) / whole) for name, one in zip(names, found, strict=True))


def heard(profiles: Profiles, target: Floats, counts: Floats | None = None) -> tuple[Screens, float]:
    """Screens whose score is in log-odds of `target` (1 confirmed, 0 refuted), and the log-odds where it is zero.

    Logistic regression on the terms, each over its own spread, with weights that are never negative and are drawn to
    what one common weight for all of them would be: few labels leave the screens as they were declared.
    """
    screens = Screens().fit(profiles)
    terms = screens.terms(profiles).to_numpy(float)
    side, weight = np.where(target > 0.5, 1.0, -1.0), np.ones(len(target)) if counts is None else counts
    middle, spread = terms.mean(axis=0), _spread(terms)
    total, breadth = terms.sum(axis=1, keepdims=True), _spread(terms.sum(axis=1, keepdims=True))
    common = _logistic((total - total.mean()) / breadth, side, weight, 1.0, np.zeros(1))[1] / breadth[0]
    level, *slopes = _logistic((terms - middle) / spread, side, weight, 1.0, common * spread)
    own = np.asarray(slopes) / spread
    screens.weights = tuple((own * np.asarray(screens.weights)).tolist())
    screens.usual = tuple((own * np.asarray(screens.usual)).tolist())
    return screens, float(level - own @ middle)


def _spread(columns: Floats) -> Floats:
    spread = columns.std(axis=0)
    return np.asarray(np.where(spread > 0.0, spread, 1.0), dtype=float)


def _logistic(x: Floats, side: Floats, weight: Floats, penalty: float, around: Floats) -> Floats:
    """Intercept and slopes of a logistic regression on sides 1 and -1; slopes never negative, drawn to `around`."""
    from scipy.optimize import minimize

    def loss(at: Floats) -> tuple[float, Floats]:
        margin, off = side * (at[0] + x @ at[1:]), at[1:] - around
        slope = -weight * side * 1.0 / (1.0 + np.exp(np.minimum(margin, 50.0)))
        value = float(weight @ np.logaddexp(0.0, -margin) + 0.5 * penalty * off @ off)
        return value, np.concatenate([[slope.sum()], x.T @ slope + penalty * off])

    limits: list[tuple[float | None, float | None]] = [(None, None), *[(0.0, None)] * x.shape[1]]
    start = np.concatenate([[0.0], around])
    return np.asarray(minimize(loss, start, jac=True, method="L-BFGS-B", bounds=limits).x, dtype=float)


def _side(deviation: Floats, part: Part) -> Floats:
    return np.abs(deviation) if part == "either" else -deviation if part == "down" else deviation


def _comparable(profiles: Profiles) -> np.ndarray:
    column = COMPARABLE.get(profiles.entity, "")
    if column not in profiles.values:
        return np.ones(len(profiles.values), dtype=bool)
    return np.asarray(profiles.values[column].notna().to_numpy(), dtype=bool)


def _declared(profiles: Profiles, given: Mapping[str, float]) -> list[tuple[Feature, float]]:
    compared = _comparable(profiles)
    parts = []
    for name, part in DECLARED.get(profiles.entity, {}).items():
        if name not in profiles.values or (given and name not in given):
            continue
        told = profiles.values if name in LOW_LEVELS else profiles.deviations
        own = told[name].to_numpy(float)[compared]
        known = float(np.isfinite(own).mean()) if len(own) else 0.0
        enough = known > 0.0 if name in WHERE_SOME else known >= KNOWN
        if enough and len(np.unique(own[np.isfinite(own)])) > 1:
            parts.append((Feature(name, part), given.get(name, 1.0)))
    return parts


def _all(profiles: Profiles) -> list[tuple[Feature, float]]:
    """The total amount of the kind, and all directed measures that most have, which together weigh as much."""
    sides: dict[Direction, Part] = {Direction.HIGH: "up", Direction.LOW: "down", Direction.BOTH: "either"}
    deviating, known = profiles.deviations.abs().gt(0).any(), profiles.deviations.notna().mean()
    stakes = total(profiles)
    others = [
        Feature(column.name, sides[column.suspicious])
        for column in usable(profiles)
        if column.suspicious in sides and deviating[column.name] and known[column.name] >= KNOWN
    ]
    parts = {feature: 1.0 / len(others) for feature in others}
    if stakes is not None and deviating.get(stakes, False):
        stake = Feature(stakes, "up")
        parts[stake] = parts.get(stake, 0.0) + 1.0
    return list(parts.items())
