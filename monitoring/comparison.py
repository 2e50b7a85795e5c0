"""What one comparison with a training reference found: its columns, its light, and the folder it is kept in."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Self

from gnomon.i18n import both
from gnomon.terms import Text
from monitoring.effect import Effect, Limits, Summary, Verdict

FIGURES = "figures.json"
SUMMARIES = "summaries.json"
PAGE = "page.html"
SCORE = "score"
"""The column that holds the served score; when it moves, the light is red."""
MOSTLY = 0.9
"""From this share on, values that are zero say that a feed sends zeros."""


class State(StrEnum):
    """Whether a comparison could be made at all."""

    COMPARED = "compared"
    NO_REFERENCE = "no_reference"
    EMPTY = "empty"
    TOO_FEW = "too_few"


class Cause(StrEnum):
    """What a move looks like."""

    CHANGE = "change"
    """The world changed: a price reform, a new drug list, another conduct."""
    DATA = "data"
    """The records are at fault: ask the source before anybody looks at entities."""
    SEASON = "season"
    """It stands where it stood a year before."""


class Light(StrEnum):
    """One glance: grey says that nothing can be said."""

    GREEN = "green"
    AMBER = "amber"
    RED = "red"
    GREY = "grey"


@dataclass(frozen=True, slots=True)
class ColumnDrift:
    """One column, then (the reference) and now."""

    column: str
    title: Text
    verdict: Verdict
    because: tuple[str, ...]
    psi: float | None
    psi_chance: float | None
    """The index that chance alone explains for so few rows."""
    distance: float | None
    """Wasserstein distance in units of the reference's spread."""
    distance_chance: float | None
    median_then: float | None
    median_now: float | None
    unknown_then: float
    """Share of unknown values, 0 to 1."""
    unknown_now: float
    n_then: int
    n_now: int
    chance: float | None = None
    """How likely chance alone makes the most telling effect as large."""
    zero_then: float = 0.0
    """Share of the known values that are exactly 0."""
    zero_now: float = 0.0
    stuck: bool = False
    """All known values are one value now and were not then."""
    season: bool | None = None
    """Whether it stands where it stood in the same season a year before; null when that is not known."""

    @classmethod
    def of(
        cls, column: str, title: Text, effect: Effect, then: Summary, now: Summary, season: bool | None = None
    ) -> Self:
        """One row from an effect and the summaries behind it."""
        return cls(
            column,
            title,
            **asdict(effect),
            median_then=then.median,
            median_now=now.median,
            unknown_then=then.unknown_share,
            unknown_now=now.unknown_share,
            n_then=then.n,
            n_now=now.n,
            zero_then=then.zero_share,
            zero_now=now.zero_share,
            stuck=now.constant and not then.constant,
            season=season,
        )

    @property
    def told(self) -> Text:
        """The verdict in words."""
        return both(f"monitoring.verdict.{self.verdict}")

    @property
    def large(self) -> bool:
        """Whether an effect is as large as that of a move, which chance explains for so few rows when it is steady."""
        limits = Limits()
        return (self.psi or 0.0) >= limits.psi or (self.distance or 0.0) >= limits.distance

    @classmethod
    def read(cls, told: Mapping[str, Any]) -> Self:
        """The row that `asdict` wrote."""
        values = {**told, "title": Text(**told["title"]), "verdict": Verdict(told["verdict"])}
        return cls(**{**values, "because": tuple(told["because"])})

    @property
    def cause(self) -> Cause | None:
        """What kind of move this looks like, by the signs of the column itself; null when it did not move.

        A fault of the data leaves traces that conduct does not: the column is gone, values are unknown, or nearly all
        of them are zero or one number. Faults are looked for first, for a fault may repeat every year.
        """
        if self.verdict is Verdict.GONE:
            return Cause.DATA
        if self.verdict is not Verdict.MOVED:
            return None
        emptied = "unknown" in self.because and self.unknown_now > self.unknown_then
        zeroed = self.zero_now >= MOSTLY and self.zero_now - self.zero_then >= 1 - MOSTLY
        if emptied or zeroed or self.stuck:
            return Cause.DATA
        return Cause.SEASON if self.season else Cause.CHANGE


@dataclass(frozen=True, slots=True)
class SourceDrift:
    """The entities whose records come from one source mostly, then and now."""

    source: str
    light: Light
    told: Text
    moved: tuple[str, ...]
    """Columns that moved."""
    rows_then: int
    rows_now: int

    @classmethod
    def read(cls, told: Mapping[str, Any]) -> Self:
        """The part that `asdict` wrote."""
        values = {**told, "light": Light(told["light"]), "told": Text(**told["told"]), "moved": tuple(told["moved"])}
        return cls(**values)


@dataclass(frozen=True, slots=True)
class Drift:
    """One comparison: an entity kind's profiles and scores at one as-of date against what its model was trained on."""

    entity: str
    as_of: datetime
    model: str
    """`<registered name>/<version>` whose reference this is; empty when there is none."""
    state: State
    rows_then: int
    rows_now: int
    needed: int
    """Rows that each side needs."""
    columns: tuple[ColumnDrift, ...] = ()
    chance: float | None = None
    """What each column was allowed to be wrong by, so that of the moved ones 1 in 20 at most moved by chance."""
    page: Path | None = None
    """Evidently's page; none when nothing could be compared."""
    sources: tuple[SourceDrift, ...] = ()
    """The same, for the entities of each source alone; empty where one source feeds them all."""
    expected_then: float | None = None
    """Share of hits that calibrated scores promised among those asked about first, at the training; null when labels
    told too little to calibrate."""
    expected_now: float | None = None
    """The same now: what drift of the measures costs, before any case is closed. What the model cannot see, it cannot
    tell either."""

    @property
    def moved(self) -> tuple[ColumnDrift, ...]:
        """The columns that moved, and those that are gone."""
        return tuple(row for row in self.columns if row.verdict in (Verdict.MOVED, Verdict.GONE))

    @property
    def light(self) -> Light:
        """Red when the score moved or is gone, amber when a measure is, grey when nothing could be compared."""
        if self.state is not State.COMPARED:
            return Light.GREY
        if any(row.column == SCORE for row in self.moved):
            return Light.RED
        return Light.AMBER if self.moved else Light.GREEN

    @property
    def told(self) -> Text:
        """The state in one sentence."""
        rows = min(self.rows_then, self.rows_now) if self.state is State.TOO_FEW else self.rows_now
        moved, columns = len(self.moved), len(self.columns)
        return both(f"monitoring.drift.{self.state}", rows=rows, needed=self.needed, moved=moved, columns=columns)

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values: what is found, and what it comes to for who reads the file without this program."""
        return {
            "entity": self.entity,
            "as_of": self.as_of.isoformat(),
            "model": self.model,
            "state": self.state,
            "light": self.light,
            "told": asdict(self.told),
            "moved": [row.column for row in self.moved],
            "rows_then": self.rows_then,
            "rows_now": self.rows_now,
            "needed": self.needed,
            "chance": self.chance,
            "page": self.page.name if self.page else None,
            "sources": [asdict(one) for one in self.sources],
            "expected_then": self.expected_then,
            "expected_now": self.expected_now,
            "rows": [asdict(row) for row in self.columns],
        }

    @classmethod
    def read(cls, told: Mapping[str, Any], folder: Path) -> Self:
        """What `as_dict` wrote into `folder`."""
        return cls(
            entity=told["entity"],
            as_of=datetime.fromisoformat(told["as_of"]),
            model=told["model"],
            state=State(told["state"]),
            rows_then=told["rows_then"],
            rows_now=told["rows_now"],
            needed=told["needed"],
            columns=tuple(ColumnDrift.read(row) for row in told["rows"]),
            chance=told["chance"],
            page=folder / told["page"] if told["page"] else None,
            sources=tuple(SourceDrift.read(one) for one in told["sources"]),
            expected_then=told.get("expected_then"),
            expected_now=told.get("expected_now"),
        )


def keep(drift: Drift, root: Path, summaries: Mapping[str, tuple[Summary, Summary]] | None = None) -> Drift:
    """Write the figures under `root/<entity>/<as_of>/`; the same comparison is replaced."""
    folder = place(root, drift.entity, drift.as_of)
    told = {name: {"then": then.as_dict(), "now": now.as_dict()} for name, (then, now) in (summaries or {}).items()}
    write(folder / SUMMARIES, told)
    kept = replace(drift, page=folder / PAGE if (folder / PAGE).exists() and drift.state is State.COMPARED else None)
    write(folder / FIGURES, kept.as_dict())
    return kept


def place(root: Path, entity: str, as_of: datetime) -> Path:
    """The folder of one comparison, made when missing."""
    folder = root / entity / as_of.date().isoformat()
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def read(root: Path, entity: str, day: str) -> Drift | None:
    """One kept comparison (`day` as YYYY-MM-DD); none when there is none, or it cannot be read.

    One that is broken or of another version says nothing, and must not hide all the others.
    """
    folder = root / entity / day
    try:
        return Drift.read(json.loads((folder / FIGURES).read_text(encoding="utf-8")), folder)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write(path: Path, told: Any) -> None:
    """Write JSON whole or not at all."""
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    fresh.write_text(json.dumps(told, ensure_ascii=False, indent=1, allow_nan=False), encoding="utf-8")
    os.replace(fresh, path)
