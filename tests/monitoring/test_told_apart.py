"""Moves planted in the sample city are told apart, each within two runs; quiet runs raise nothing."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from features.build import build
from features.engine import Engine
from features.ingest import ingest
from features.lake import Lake
from features.mapping import load, straight
from features.samplecity import make_city
from monitoring.comparison import Cause, Drift, SourceDrift
from monitoring.drift import compared
from monitoring.effect import Limits
from monitoring.outcomes import share
from monitoring.scan import summarise_frame
from monitoring.standing import alerts, of_sources, standing

pytestmark = pytest.mark.slow

SINCE = datetime(2026, 3, 25, tzinfo=UTC)
"""When the planted things begin; the model was trained on the day before."""
TRAINED = SINCE - timedelta(days=1)
RUNS = (SINCE + timedelta(days=91), SINCE + timedelta(days=96))
"""Two runs, when what began has filled the shortest window."""
YEAR = timedelta(days=365)
SEEDS, QUIET_RUNS = 20, 30
SOURCE_SEEDS = 5
KIND = "practitioner"
LIMITS = Limits()
Tables = dict[str, pa.Table]


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Tables:
    """The raw tables of the small city, both waves."""
    folder = tmp_path_factory.mktemp("city")
    sample = make_city(folder / "city", seed=7, size="small")
    lake = Lake(str(folder / "lake"))
    for wave in ("history", "later"):
        for table, path in sample.files(wave).items():
            mapping = sample.mapping(table)
            chosen = load(str(mapping)) if mapping else straight(table)
            ingest([str(path)], chosen, lake, folder / "refused", b"k" * 32)
    engine = Engine.open(lake, threads=2)
    held = {name: engine.arrow(engine.table(name)) for name in lake.state()}
    engine.close()
    return held


def after(rows: pa.Table, column: str, *spans: tuple[datetime, datetime]) -> pa.ChunkedArray:
    """Which rows lie in one of the spans."""
    at = rows[column].cast(pa.timestamp("us"))
    told = pa.chunked_array([pa.array([False] * rows.num_rows)])
    for begin, end in spans:
        span = (pa.scalar(one.replace(tzinfo=None), pa.timestamp("us")) for one in (begin, end))
        low, high = span
        told = pc.or_(told, pc.and_(pc.greater_equal(at, low), pc.less(at, high)))
    return pc.fill_null(told, False)


def changed(rows: pa.Table, mask: pa.ChunkedArray, columns: list[str], how: Callable[[pa.Array], pa.Array]) -> pa.Table:
    for name in columns:
        place = rows.column_names.index(name)
        rows = rows.set_column(place, name, pc.if_else(mask, how(rows[name]), rows[name]))
    return rows


ALWAYS = (SINCE, datetime(2100, 1, 1, tzinfo=UTC))
LINES = ("prescription", "prescribed_at", ["quantity", "daily_dose"])
CHARGES = ("claim_item", "occurred_at", ["amount", "fund_amount", "unit_price"])
Feed = tuple[str, str, list[str]]


def planted(city: Tables, feed: Feed, how: Callable[[pa.Array], pa.Array], *spans: tuple[datetime, datetime]) -> Tables:
    name, at, columns = feed
    return city | {name: changed(city[name], after(city[name], at, *(spans or (ALWAYS,))), columns, how)}


def price_reform(city: Tables) -> Tables:
    return planted(city, CHARGES, lambda x: pc.multiply(x, 2.5))


def new_drug_list(city: Tables) -> Tables:
    return planted(city, LINES, lambda x: pc.multiply(x, 2.5))


def zeros(city: Tables) -> Tables:
    return planted(city, CHARGES, lambda x: pc.multiply(x, 0.0))


def stopped(city: Tables) -> Tables:
    lines = city["prescription"]
    return city | {"prescription": lines.filter(pc.invert(after(lines, "prescribed_at", ALWAYS)))}


def renamed(city: Tables) -> Tables:
    return planted(city, LINES, lambda x: pa.nulls(len(x), pa.float64()))


def season(city: Tables) -> Tables:
    spans = [(SINCE - back, SINCE - back + timedelta(days=100)) for back in (timedelta(0), YEAR)]
    return planted(city, LINES, lambda x: pc.multiply(x, 2.5), *spans)


def profiles(tables: Tables, as_of: datetime) -> pd.DataFrame:
    engine = Engine.of(tables, threads=2)
    try:
        return build(engine, KIND, as_of, 20).values
    finally:
        engine.close()


Sides = tuple[pd.DataFrame, tuple[pd.DataFrame, ...]]


def earlier(tables: Tables) -> Sides:
    """What the model was trained on, and the same days a year before the two runs."""
    return profiles(tables, TRAINED), tuple(profiles(tables, as_of - YEAR) for as_of in RUNS)


@pytest.fixture(scope="module")
def past(city: Tables) -> Sides:
    """The earlier sides of the city as it is."""
    return earlier(city)


def told(tables: Tables, past: Sides) -> list[Drift]:
    """The two comparisons, the newest first, each with the same season a year before."""
    reference = summarise_frame(past[0])
    edges = {name: one.edges for name, one in reference.items()}
    made = []
    for as_of, back in zip(RUNS, past[1], strict=True):
        before = summarise_frame(back, edges)
        now = summarise_frame(profiles(tables, as_of), edges)
        made.append(compared(KIND, reference, now, as_of=as_of, model="m/1", season=before, limits=LIMITS))
    return made[::-1]


@pytest.fixture(scope="module")
def quiet(city: Tables, past: Sides) -> list[Drift]:
    """The two comparisons when nothing was planted."""
    return told(city, past)


PLANTED = {
    "price reform": (price_reform, Cause.CHANGE),
    "new drug list": (new_drug_list, Cause.CHANGE),
    "zeros": (zeros, Cause.DATA),
    "stopped": (stopped, Cause.DATA),
    "renamed": (renamed, Cause.DATA),
    "season": (season, Cause.SEASON),
}


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_move_is_told_within_two_runs_and_by_its_cause(
    name: str, city: Tables, past: Sides, quiet: list[Drift]
) -> None:
    plant, cause = PLANTED[name]
    tables = plant(city)
    found = standing(told(tables, earlier(tables) if plant is season else past))
    before = {one.column for one in standing(quiet)}
    causes = {one.column: one.cause for one in found if one.column not in before}
    sys.stdout.write(
        f"{name}: {dict(Counter(map(str, causes.values())))} {sorted(causes)[:6]}; quiet: {sorted(before)}\n"
    )
    assert cause in causes.values()


def quiet_runs(values: pd.DataFrame, seed: int) -> Iterator[Drift]:
    """Runs on redrawn entities of one population: nothing moved, and every run is other entities."""
    rng = np.random.default_rng(seed)
    reference = summarise_frame(values)
    edges = {name: one.edges for name, one in reference.items()}
    for number in range(QUIET_RUNS):
        drawn = values.iloc[rng.integers(0, len(values), len(values))]
        at = SINCE + timedelta(days=number)
        yield compared(KIND, reference, summarise_frame(drawn, edges), as_of=at, model="m/1", limits=LIMITS)


def test_quiet_runs_raise_no_alert(past: Sides) -> None:
    values = past[0]
    columns = runs = moved = raised = 0
    for seed in range(SEEDS):
        made: list[Drift] = []
        for drift in quiet_runs(values, seed):
            made.insert(0, drift)
            runs += 1
            columns += len(drift.columns)
            moved += bool(drift.moved)
            raised += bool(alerts(made))
    rate = share(raised, runs)
    sys.stdout.write(
        f"{runs} quiet runs of {SEEDS} seeds, {columns // runs} columns each: {moved} with a moved column, "
        f"{raised} with an alert; false alarms a run {rate.low:.4f} to {rate.high:.4f} (95 %)\n"
    )
    assert raised == 0


def test_quiet_runs_raise_no_alert_of_a_single_source(past: Sides) -> None:
    """The same, with the entities of each run dealt out to three sources that do not differ."""
    values, names = past[0], ("north", "south", "east")
    runs = raised = 0
    for seed in range(SOURCE_SEEDS):
        rng = np.random.default_rng(1000 + seed)
        whole = summarise_frame(values)
        edges = {name: one.edges for name, one in whole.items()}
        home = rng.integers(0, len(names), len(values))
        then = [summarise_frame(values[home == n]) for n in range(len(names))]
        made: list[Drift] = []
        for number in range(QUIET_RUNS):
            drawn = rng.integers(0, len(values), len(values))
            now, parts = values.iloc[drawn], []
            for n, source in enumerate(names):
                under = {name: one.edges for name, one in then[n].items()}
                told = summarise_frame(now[home[drawn] == n], under)
                one = compared(KIND, then[n], told, as_of=SINCE, model="m/1", limits=LIMITS)
                moved = tuple(row.column for row in one.moved)
                parts.append(SourceDrift(source, one.light, one.told, moved, one.rows_then, one.rows_now))
            at = SINCE + timedelta(days=number)
            found = compared(KIND, whole, summarise_frame(now, edges), as_of=at, model="m/1", limits=LIMITS)
            made.insert(0, replace(found, sources=tuple(parts)))
            runs += 1
            raised += bool(of_sources(made))
    rate = share(raised, runs)
    sys.stdout.write(
        f"{runs} quiet runs of {SOURCE_SEEDS} seeds, {len(names)} sources: {raised} with an alert of a source; "
        f"false alarms a run {rate.low:.4f} to {rate.high:.4f} (95 %)\n"
    )
    assert raised == 0


def test_a_quiet_city_raises_no_alert(quiet: list[Drift]) -> None:
    assert alerts(quiet) == []
