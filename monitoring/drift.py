"""Drift of profiles and scores against the training reference; the only file that names Evidently."""

from __future__ import annotations

import os
import secrets
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gnomon.i18n import both
from gnomon.terms import Text
from monitoring.comparison import PAGE, SCORE, ColumnDrift, Drift, SourceDrift, State, keep, place
from monitoring.effect import CHANCE, Effect, Limits, Summary, Verdict, effect, judge
from monitoring.scan import summarise_frame

if TYPE_CHECKING:
    import pandas as pd

PAGE_ROWS, PAGE_COLUMNS = 10_000, 40
"""The page draws at most so many rows of each side and so many columns, those that moved most first; the figures are
always of all rows and columns."""
SEED = 20260101
"""Of the page's sample: the same data draw the same page."""


def compare(
    entity: str,
    reference: pd.DataFrame | None,
    current: pd.DataFrame,
    folder: Path,
    *,
    as_of: datetime | None = None,
    model: str = "",
    titles: Mapping[str, Text] | None = None,
    limits: Limits | None = None,
    season: Mapping[str, Summary] | None = None,
    then: Mapping[str, Summary] | None = None,
    now: Mapping[str, Summary] | None = None,
    sources: Sequence[SourceDrift] = (),
    expected: tuple[float | None, float | None] = (None, None),
) -> Drift:
    """Compare current profiles with the reference that a model was trained on, and keep what was found.

    Parameters
    ----------
    entity:
        Kind of entity.
    reference, current:
        One row an entity, one numeric column a measure, and the served score in the column `score`. NaN is unknown.
        No reference is a state of its own and no fault.
    folder:
        The drift folder; figures, summaries and Evidently's page go to `<folder>/<entity>/<as_of>/`.
    as_of:
        Of the current profiles; today when it is not given.
    model:
        `<registered name>/<version>` that the reference belongs to.
    titles:
        What each column is called.
    limits:
        Effect sizes from which a column counts as moved.
    season:
        Summaries of the same season a year before.
    then:
        The stored summaries of the reference, from `monitoring.scan`: the figures are then told from these, and rows of
        the reference serve for the page alone, which is left out where there are none.
    now:
        The summaries of the current profiles, over the edges of `then`: `current` is a sample for the page then.
    sources:
        The comparisons of the entities of each source alone, kept beside.
    expected:
        Share of hits that the scores promise among those asked about first, then and now, kept beside.
    """
    limits = limits or Limits()
    as_of = as_of or datetime.now(UTC)
    if then is None:
        told = {} if reference is None else {name: _exact(reference, name) for name in map(str, reference.columns)}
        now = {name: _exact(current, name, told.get(name)) for name in map(str, current.columns)}
        counted = len(current)
    else:
        told = dict(then)
        counted = len(current) if now is None else max((one.n for one in now.values()), default=0)
        now = now or summarise_frame(current, {name: one.edges for name, one in told.items()})
    drift = compared(entity, told, now, as_of=as_of, model=model, titles=titles, limits=limits, season=season)
    drift = replace(
        drift, rows_now=counted, sources=tuple(sources), expected_then=expected[0], expected_now=expected[1]
    )
    if drift.state is not State.COMPARED:
        return keep(drift, folder)
    shown = [row.column for row in sorted(drift.columns, key=_weight, reverse=True) if row.psi is not None]
    if shown and reference is not None:
        drawn = [name for name in shown if name in reference.columns][:PAGE_COLUMNS]
        page = place(folder, entity, as_of) / PAGE
        _draw(reference, current, drawn, limits, drift.chance or CHANCE, page)
    return keep(drift, folder, {name: (told[name], now[name]) for name in told if name in now})


def compared(
    entity: str,
    then: Mapping[str, Summary],
    now: Mapping[str, Summary],
    *,
    as_of: datetime,
    model: str = "",
    titles: Mapping[str, Text] | None = None,
    limits: Limits | None = None,
    season: Mapping[str, Summary] | None = None,
) -> Drift:
    """Compare summaries that share their edges: no row is needed, nothing is written and no page is drawn.

    `season` are the summaries of the same season a year before, over the same edges.
    """
    limits = limits or Limits()
    rows_then, rows_now = (max((one.n for one in side.values()), default=0) for side in (then, now))
    state = _state(rows_then, rows_now, limits)
    if state is not State.COMPARED:
        return Drift(entity, as_of, model, state, rows_then, rows_now, limits.rows)
    effects, chance = judge(then, now, limits)
    back, _ = judge(season, now, limits) if season else ({}, 0.0)
    apart, _ = judge(then, season, limits) if season else ({}, 0.0)
    nothing = Summary.of(())
    called = {SCORE: both("monitoring.score"), **(titles or {})}
    columns = tuple(
        ColumnDrift.of(
            name,
            called.get(name, Text(name, name)),
            effects[name],
            then.get(name, nothing),
            now.get(name, nothing),
            _as_before(back.get(name), apart.get(name)),
        )
        for name in sorted(effects, key=lambda name: name != SCORE)
    )
    return Drift(entity, as_of, model, state, rows_then, rows_now, limits.rows, columns, chance)


def _as_before(back: Effect | None, apart: Effect | None) -> bool | None:
    """Whether it stands where it stood a year before; nothing when that cannot be compared.

    That nothing can be told between now and then is not enough, for few rows tell little: the year before must have
    differed from the reference as well.
    """
    told = {Verdict.STEADY: True, Verdict.CONSTANT: True, Verdict.MOVED: False}
    same = None if back is None else told.get(back.verdict)
    return same and apart is not None and apart.verdict is Verdict.MOVED


def _weight(row: ColumnDrift) -> tuple[bool, bool, float]:
    """What the page shows first: the score, what moved, then the larger effect."""
    return row.column == SCORE, row.verdict is Verdict.MOVED, max(row.psi or 0.0, row.distance or 0.0)


def _state(then: int, now: int, limits: Limits) -> State:
    if not then:
        return State.NO_REFERENCE
    if not now:
        return State.EMPTY
    return State.TOO_FEW if min(then, now) < limits.rows else State.COMPARED


def _exact(frame: pd.DataFrame, name: str, reference: Summary | None = None) -> Summary:
    values = frame[name].to_numpy(dtype=np.float64, na_value=np.nan)
    return Summary.of(values, None if reference is None else reference.edges)


def _draw(
    reference: pd.DataFrame, current: pd.DataFrame, names: Sequence[str], limits: Limits, chance: float, path: Path
) -> None:
    """Evidently's page: a table of the columns with their distributions then and now, judged by our effect sizes."""
    with warnings.catch_warnings():
        # Evidently 0.7.23 reaches into numpy.core and deprecated litestar calls while it is imported.
        warnings.simplefilter("ignore")
        from evidently import DataDefinition, Dataset, Report
        from evidently.presets import DataDriftPreset

        then, now = (_sample(frame.loc[:, list(names)]) for frame in (reference, current))
        definition = DataDefinition(numerical_columns=list(names))
        preset = DataDriftPreset(columns=list(names), num_method=_method(limits, chance), num_threshold=limits.psi)
        snapshot = Report([preset], include_tests=True).run(
            Dataset.from_pandas(now, definition), Dataset.from_pandas(then, definition)
        )
        fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        snapshot.save_html(str(fresh))
    os.replace(fresh, path)


def _method(limits: Limits, chance: float) -> str:
    """Teach Evidently our effect sizes, so that its page says what the figures say."""
    from evidently.legacy.calculations.stattests import StatTest, register_stattest
    from evidently.legacy.core import ColumnType

    def judged(reference: Any, current: Any, _type: Any, _threshold: float) -> tuple[float, bool]:
        then = Summary.of(reference)
        found = effect(then, Summary.of(current, then.edges), limits, chance=chance)
        return found.psi or 0.0, found.verdict is Verdict.MOVED

    shown = "PSI over the reference's deciles; Wasserstein distance has a say"
    register_stattest(StatTest("gnomon", shown, [ColumnType.Numerical], limits.psi), judged)
    return "gnomon"


def _sample(frame: pd.DataFrame) -> pd.DataFrame:
    # Evidently plots along the index and fails on entity ids.
    drawn = frame.astype("float64").reset_index(drop=True)
    return drawn if len(drawn) <= PAGE_ROWS else drawn.sample(PAGE_ROWS, random_state=SEED)
