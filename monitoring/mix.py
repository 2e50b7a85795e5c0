"""Drift of a mix: the top reasons of issued warnings, the outcomes of cases, anything that is counted by name."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from gnomon.i18n import both
from gnomon.terms import Text
from monitoring.effect import CHANCE, Limits, chi_squared_beyond

RARE = 0.02
"""Names that hold less than this share on both sides are taken together: they would make an index of noise."""
REST = "…"


@dataclass(frozen=True, slots=True)
class Mix:
    """Two mixes, compared."""

    state: str
    """compared, no_reference or too_few."""
    then: Mapping[str, float]
    """Shares by name, rare ones together under `…`."""
    now: Mapping[str, float]
    n_then: int
    n_now: int
    psi: float | None
    chance: float | None
    """How likely chance alone makes the index as large."""
    moved: bool
    needed: int
    titles: Mapping[str, Text] = field(default_factory=dict)
    """What names are called; one that is not in it is told as it is."""
    season: bool | None = None
    """Whether a mix that moved stands where it stood in the same season a year before; null when that is not known."""
    stood: bool = True
    """Whether it had moved at the look before as well: what moves once is no alert."""

    @property
    def alarming(self) -> bool:
        """Whether somebody is to be told: a season is none of it, and what has not stayed is not yet."""
        return self.moved and self.stood and not self.season

    @property
    def most(self) -> tuple[str, float] | None:
        """The name whose share changed most, and by how much."""
        gaps = {name: self.now.get(name, 0.0) - self.then.get(name, 0.0) for name in {*self.then, *self.now}}
        return max(gaps.items(), key=lambda one: (round(abs(one[1]), 9), one[1], one[0]), default=None)

    @property
    def told(self) -> Text:
        """The state in one sentence."""
        name, gap = self.most or ("", 0.0)
        key = self.state if self.state != "compared" else ("moved" if self.moved else "steady")
        key = "season" if self.moved and self.season else key
        rows = min(self.n_then, self.n_now)
        called = both("monitoring.mix.rest") if name == REST else self.titles.get(name, name)
        return both(f"monitoring.mix.{key}", rows=rows, needed=self.needed, name=called, gap=f"{gap:+.0%}")


def mixed(
    then: Mapping[str, int],
    now: Mapping[str, int],
    limits: Limits | None = None,
    season: Mapping[str, int] | None = None,
    titles: Mapping[str, Text] | None = None,
) -> Mix:
    """Compare two mixes by the population stability index; few rows and rare names raise nothing by themselves.

    `season` is the mix of the same season a year before: a move that it made as well is a season.
    """
    limits = limits or Limits()
    found = replace(_compared(then, now, limits), titles=titles or {})
    if not found.moved or season is None:
        return found
    back, apart = _compared(season, now, limits), _compared(then, season, limits)
    if "compared" not in (back.state, apart.state) or back.state != apart.state:
        return found
    return replace(found, season=apart.moved and not back.moved)


@dataclass(frozen=True, slots=True)
class Watched:
    """The mix of one thing of one model: of all its warnings, or of those about the entities of one source."""

    what: str
    """reasons or labels."""
    model: str
    source: str
    """Empty for the warnings about entities of all sources."""
    mix: Mix

    @property
    def key(self) -> str:
        """Same thing, model and source: the same alert."""
        return f"mix:{self.what}:{self.model}" + (f":{self.source}" if self.source else "")

    @property
    def told(self) -> Text:
        """The state with what it is the mix of."""
        said = both(f"monitoring.mix.of_{self.what}", model=self.model, told=self.mix.told)
        return both("monitoring.mix.of_source", source=self.source, told=said) if self.source else said


def together(looks: Sequence[Watched], before: Sequence[Watched]) -> list[Watched]:
    """The mixes of one look, each told at the chance that many at once leave it, beside those of the look before.

    Of those told to have moved, `CHANCE` at most are expected to have moved by chance alone (Benjamini & Hochberg 1995,
    Journal of the Royal Statistical Society B 57(1)).
    """
    stood = {one.key for one in _controlled(before) if one.mix.moved}
    return [replace(one, mix=replace(one.mix, stood=one.key in stood)) for one in _controlled(looks)]


def _controlled(looks: Sequence[Watched]) -> list[Watched]:
    known = sorted(one.mix.chance for one in looks if one.mix.chance is not None)
    held = [rank * CHANCE / len(known) for rank, p in enumerate(known, 1) if p <= rank * CHANCE / len(known)]
    cut = max(held, default=0.0)
    return [replace(one, mix=replace(one.mix, moved=one.mix.moved and (one.mix.chance or 0.0) <= cut)) for one in looks]


def alerts(looks: Sequence[Watched]) -> list[Watched]:
    """What somebody is to be told: a source is named where the warnings of all sources together do not show it."""
    whole = {(one.what, one.model) for one in looks if not one.source and one.mix.alarming}
    return [one for one in looks if one.mix.alarming and not (one.source and (one.what, one.model) in whole)]


def _compared(then: Mapping[str, int], now: Mapping[str, int], limits: Limits) -> Mix:
    n_then, n_now = sum(then.values()), sum(now.values())
    before = {name: count / max(n_then, 1) for name, count in then.items()}
    after = {name: count / max(n_now, 1) for name, count in now.items()}
    if not n_then or min(n_then, n_now) < limits.rows:
        state = "too_few" if n_then else "no_reference"
        return Mix(state, before, after, n_then, n_now, None, None, False, limits.rows)
    names = sorted({*then, *now})
    common = [name for name in names if max(before.get(name, 0), after.get(name, 0)) >= RARE]
    rest = [name for name in names if name not in common]
    folded = []
    for side in (then, now):
        told = {name: side.get(name, 0) for name in common}
        if rest:
            told[REST] = sum(side.get(name, 0) for name in rest)
        folded.append(told)
    psi = _psi(*folded)
    chance = chi_squared_beyond(psi / (1 / n_then + 1 / n_now), max(len(folded[0]) - 1, 1))
    before, after = ({name: count / sum(side.values()) for name, count in side.items()} for side in folded)
    moved = psi >= limits.psi and chance <= CHANCE
    return Mix("compared", before, after, n_then, n_now, psi, chance, moved, limits.rows)


def _psi(then: Mapping[str, int], now: Mapping[str, int]) -> float:
    # Half a row in every place, as for the bins of a number.
    sides = [{name: count + 0.5 for name, count in side.items()} for side in (then, now)]
    totals = [sum(side.values()) for side in sides]
    pairs = [(sides[0][name] / totals[0], sides[1][name] / totals[1]) for name in sides[0]]
    return math.fsum((b - a) * math.log(b / a) for a, b in pairs)
