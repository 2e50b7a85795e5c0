"""Moves planted in the sample city are told apart, each within two runs; quiet runs raise nothing."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator
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
from monitoring.comparison import Cause, Drift
from monitoring.drift import compared
from monitoring.effect import Limits
from monitoring.outcomes import share
from monitoring.scan import summarise_frame
from monitoring.standing import alerts, standing

pytestmark = pytest.mark.slow

SINCE = datetime(2026, 3, 25, tzinfo=UTC)
"""When the planted things begin; the model was trained on the day before."""
TRAINED = SINCE - timedelta(days=1)
RUNS = (SINCE + timedelta(days=91), SINCE + timedelta(days=96))
"""Two runs, when what began has filled the shortest window."""
YEAR = timedelta(days=365)
SEEDS, QUIET_RUNS = 20, 30
KIND = "institution"
LIMITS = Limits(rows=30)
"""The small city has some forty hospitals."""
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
MONEY = ["total_amount", "fund_amount", "assistance_amount", "self_amount"]


def price_reform(city: Tables) -> Tables:
    claim = city["claim"]
    return city | {"claim": changed(claim, after(claim, "settled_at", ALWAYS), MONEY, lambda x: pc.multiply(x, 1.8))}


def new_drug_list(city: Tables) -> Tables:
    rx = city["prescription"]
    late = after(rx, "prescribed_at", ALWAYS)
    told = changed(rx, late, ["quantity", "daily_dose"], lambda x: pc.multiply(x, 2.5))
    claim = city["claim"]
    paid = changed(claim, after(claim, "settled_at", ALWAYS), ["fund_amount"], lambda x: pc.multiply(x, 0.5))
    return city | {"prescription": told, "claim": paid}


def zeros(city: Tables) -> Tables:
    claim = city["claim"]
    return city | {"claim": changed(claim, after(claim, "settled_at", ALWAYS), MONEY, lambda x: pc.multiply(x, 0.0))}


def stopped(city: Tables) -> Tables:
    claim = city["claim"]
    return city | {"claim": claim.filter(pc.invert(after(claim, "settled_at", ALWAYS)))}


def renamed(city: Tables) -> Tables:
    claim = city["claim"]
    late = after(claim, "settled_at", ALWAYS)
    return city | {"claim": changed(claim, late, MONEY, lambda x: pa.nulls(len(x), pa.float64()))}


def season(city: Tables) -> Tables:
    claim = city["claim"]
    spans = [(SINCE - back, SINCE - back + timedelta(days=100)) for back in (timedelta(0), YEAR)]
    return city | {"claim": changed(claim, after(claim, "settled_at", *spans), MONEY, lambda x: pc.multiply(x, 1.8))}


def profiles(tables: Tables, as_of: datetime) -> pd.DataFrame:
    engine = Engine.of(tables, threads=2)
    try:
        return build(engine, KIND, as_of, 20).values
    finally:
        engine.close()


def told(tables: Tables) -> list[Drift]:
    """The two comparisons, the newest first, each with the same season a year before."""
    reference = summarise_frame(profiles(tables, TRAINED))
    edges = {name: one.edges for name, one in reference.items()}
    made = []
    for as_of in RUNS:
        before = summarise_frame(profiles(tables, as_of - YEAR), edges)
        now = summarise_frame(profiles(tables, as_of), edges)
        made.append(compared(KIND, reference, now, as_of=as_of, model="m/1", season=before, limits=LIMITS))
    return made[::-1]


PLANTED = {
    "price reform": (price_reform, Cause.CHANGE),
    "new drug list": (new_drug_list, Cause.CHANGE),
    "zeros": (zeros, Cause.DATA),
    "stopped": (stopped, Cause.DATA),
    "renamed": (renamed, Cause.DATA),
    "season": (season, Cause.SEASON),
}


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_move_is_told_within_two_runs_and_by_its_cause(name: str, city: Tables) -> None:
    plant, cause = PLANTED[name]
    found = standing(told(plant(city)))
    quiet = {one.column for one in standing(told(city))}
    causes = {one.column: one.cause for one in found if one.column not in quiet}
    sys.stdout.write(
        f"{name}: {dict(Counter(map(str, causes.values())))} {sorted(causes)[:6]}; quiet: {sorted(quiet)}\n"
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


def test_quiet_runs_raise_no_alert(city: Tables) -> None:
    values = profiles(city, TRAINED)
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


def test_a_quiet_city_raises_no_alert(city: Tables) -> None:
    assert alerts(told(city)) == []
