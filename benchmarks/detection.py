"""Detection figures on every labelled set under `--data`, each beside its baseline and the published figure.

    python -m benchmarks.detection [--data DIR] [--train DIR] [--rows N] [--repeat K] [--format table|json]

Tender and provider sets walk the real road: shipped mapping, lake, measures, norms, detectors. Tasks: `supervised`
(boosting, refitted in five folds that no tender or provider straddles, pooled over the folds, K seeds), `rates only`
(the same without volume), `trivial` (rank by volume), `unsupervised` (directed screens, fitted on all profiles, no
label; also without any size in them, and the directed forest; for providers also the gain over the trivial ranking,
paired), `firm-disjoint` (boosting on tenders of which no bidder was seen when it was fitted), `transfer` (screens with
weights taught by all other markets; also without size), `warned` (share of an ordinary city above a threshold),
`screens` (share of tenders on which our screen equals the published one), `within size band`. ADBench: rarity, fitted
on all rows, the forest beside it. With `--train DIR` detectors are fitted on the same-named sets under DIR and score
those under `--data`. Column `met`: the aim (`benchmarks.aims`) is reached, or where there is none the baseline beaten.
Intervals: 95%, bootstrap over entities. One configuration for all sets: the settings in
`training.detectors` were chosen once by grouped folds on these very sets and on nothing kept apart, so cross-validated
figures carry that one choice. So do the unsupervised ones: no label is read when they are fitted, but which screens
and which parts of rarity there are was chosen with the labels of these sets in sight, among some dozens of candidates.
Figures by `--train` on sets kept apart carry neither.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks import aims
from benchmarks.firms import disjoint
from benchmarks.markets import LabelledSet, folders, limited, load, rows_sets, say
from benchmarks.transfer import WARNED, strangers, unlabelled, warned
from features.profiles import Profiles
from training import metrics
from training.detectors.boosting import Boosting
from training.detectors.contract import Floats
from training.detectors.forest import Forest
from training.detectors.rarity import Rarity
from training.detectors.screens import Screens
from training.evaluate import Evaluation, evaluate
from training.metrics import FEWEST_POSITIVES, Figure, Flags
from training.volume import rates
from training.volume import total as size_of

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
BUDGET = 0.05
TOO_FEW = ", too few to tell"
"""Of a band with so few positives that its figure neither reaches an aim nor misses it."""
BASELINES: dict[tuple[str, str], tuple[float, float, float]] = {
    ("brazil", "supervised"): (0.880, 0.928, 0.877),
    ("italy", "supervised"): (0.887, 0.899, 0.819),
    ("japan-okinawa", "supervised"): (0.654, 0.833, 0.738),
    ("swiss-gr-sg", "supervised"): (0.897, 0.760, 0.680),
    ("swiss-ticino", "supervised"): (0.989, 0.949, 0.842),
    ("usa-milk", "supervised"): (0.347, 0.742, 0.680),
    ("medicare-us", "supervised"): (0.778, 0.955, float("nan")),
    ("medicare-us", "rates only"): (0.630, 0.931, float("nan")),
    ("medicare-us", "unsupervised"): (0.597, 0.914, float("nan")),
    ("medicare-us", "trivial"): (0.686, 0.938, float("nan")),
}
"""Plain models of the data's README, same folds: average precision, ROC AUC, balanced accuracy."""
PRECISION_AT_BUDGET = {"supervised": 0.862, "rates only": 0.722, "unsupervised": 0.691, "trivial": 0.767}
"""Of the provider set, at the top 5%."""
ONE_SIDED = {
    "brazil": 0.90, "italy": 0.63, "japan-okinawa": 0.74, "swiss-gr-sg": 0.53, "swiss-ticino": 0.82, "usa-milk": 0.44
}  # fmt: skip
"""ROC AUC of ranking by low variation alone, which learns nothing: the baseline of transfer."""
BARE = 0.5
"""Share of Yichang's notices that a bare "variation under 1 %" warns of."""
PUBLISHED = {("medicare-us", "average_precision"): 0.730, ("medicare-us", "roc_auc"): 0.950}
SCREENS = {
    "CV": "bid_cv",
    "SPD": "bid_spd",
    "DIFFP": "bid_diffp",
    "RD": "bid_rd",
    "KURT": "bid_kurt",
    "SKEW": "bid_skew",
    "KSTEST": "bid_kstest",
}
CITIES = {"yichang": ("candidates.csv", "yichang-candidates")}
"""Unlabelled tenders that are ordinary as far as anyone knows: file and mapping."""
ROW_SEEDS = 3
"""ADBench is fitted with at most so many seeds: one of its sets has 619,326 rows."""
EQUAL = 1e-4
"""Published screens are rounded to four decimals."""


@dataclass(frozen=True)
class Row:
    """One figure."""

    set: str
    task: str
    split: str
    metric: str
    value: float | None
    low: float | None = None
    high: float | None = None
    baseline: float | None = None
    published: float | None = None
    spread: float | None = None
    """Standard deviation of the figure between seeds."""
    aim: float | None = None
    met: bool | None = None
    """Whether the figure reaches its aim, or beats the baseline where it has none."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.detection", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--train", type=Path, default=None, help="fit on the same-named sets under this folder")
    parser.add_argument("--rows", type=int, default=None, help="at most so many entities of a set")
    parser.add_argument("--repeat", type=int, default=3, help="seeds")
    parser.add_argument("--format", choices=["table", "json"], default="table")
    parser.add_argument("--only", default="", help="sets whose name contains this")
    told = parser.parse_args(arguments)
    rows = run(told.data, told.train, told.rows, told.repeat, told.only)
    if told.format == "json":
        json.dump([asdict(row) for row in rows], sys.stdout, indent=1)
        sys.stdout.write("\n")
    else:
        _table(rows)


def run(data: Path, train: Path | None, limit: int | None, repeats: int, only: str = "") -> list[Row]:
    """All rows for the sets under `data`."""
    rows: list[Row] = []
    markets: list[LabelledSet] = []
    teachers: list[LabelledSet] = []
    for kind in ("providers", "tenders"):
        for folder in folders(data, kind):
            if only not in folder.name:
                continue
            say(f"{kind}/{folder.name}")
            one = limited(load(folder, kind), limit)
            known = one
            if train is None:
                rows += _crossed(one, repeats)
            elif (train / kind / folder.name / "labels.csv").exists():
                known = limited(load(train / kind / folder.name, kind), limit)
                rows += _transferred(known, one, repeats)
            rows += _screens(one)
            if kind == "tenders":
                markets.append(one)
                teachers.append(known)
    if not only:
        rows += _between(data, markets, teachers if train is None else [one for one in teachers if one not in markets])
    if not only or only == "adbench":
        rows += _adbench(data, limit, repeats)
    return [_held(row) for row in rows]


def _held(row: Row) -> Row:
    aim = aims.aim(row.set, row.task, row.metric)
    told = None if row.split.endswith(TOO_FEW) else aims.met(row.task, row.value, aim, row.baseline)
    return replace(row, aim=aim, met=told)


def _crossed(one: LabelledSet, repeats: int) -> list[Row]:
    told = evaluate(one.profiles, one.labels, repeats=repeats, budget=BUDGET, rates_only=one.kind == "providers",
                    makers={"boosting": lambda seed: Boosting(seed=seed)})  # fmt: skip
    return [
        *_figures(one.name, f"5-fold by {one.profiles.entity} x{repeats}", told),
        *_bands(one.name, told),
        *_firm_disjoint(one, repeats),
        *_unsupervised(one.name, "all rows, no labels", one, one.profiles, repeats),
    ]


def _figures(name: str, split: str, told: Evaluation) -> list[Row]:
    tasks = {"boosting": "supervised", "boosting, rates only": "rates only"}
    rows: list[Row] = []
    for ranking, figures in told.figures.items():
        task = tasks.get(ranking, "trivial")
        rows += [_row(name, task, split, metric, figure) for metric, figure in figures.items()]
    return rows


def _bands(name: str, told: Evaluation) -> list[Row]:
    """Fifths by size, then fifths joined until each has positives enough to tell anything."""
    rows = []
    for number, band in enumerate(told.bands):
        where = str(number + 1) if band["joined"] is None else "{}-{}".format(*band["joined"])
        split = f"{band['positives']} of {band['entities']}"
        if band["positives"] < FEWEST_POSITIVES:
            split += TOO_FEW
        rows.append(
            Row(name, f"within size band {where}", split, "roc_auc", band["roc_auc"], band["low"], band["high"])
        )
    return rows


def _unsupervised(name: str, split: str, one: LabelledSet, fitted_on: Profiles, repeats: int) -> list[Row]:
    known = one.labels.dropna()
    judged = one.profiles.select([str(entity) for entity in known.index])
    positive = known.to_numpy(float) > 0.5
    small, sizeless = rates(fitted_on), rates(judged)
    scores = {
        "unsupervised": [Screens().fit(fitted_on).score(judged)],
        "unsupervised, no size": [Screens().fit(small).score(sizeless)],
        "unsupervised, forest": [Forest(seed=seed).fit(fitted_on).score(judged) for seed in range(repeats)],
    }
    rows = [row for task, own in scores.items() for row in _measured(name, task, split, positive, own)]
    return rows + (_gain(name, split, judged, positive, scores["unsupervised"][0]) if one.kind == "providers" else [])


def _gain(name: str, split: str, judged: Profiles, positive: Flags, score: Floats) -> list[Row]:
    """Average precision above that of the trivial ranking, entities drawn in pairs."""
    total = size_of(judged)
    if total is None:
        return []
    size = np.nan_to_num(judged.values[total].to_numpy(float), nan=-np.inf)

    def measure(rows: Any, _: int) -> dict[str, float]:
        ours, trivial = (metrics.average_precision(positive[rows], one[rows]) for one in (score, size))
        return {"average_precision": ours - trivial}

    figures = metrics.figures(measure, np.arange(len(positive)), 1)
    return [_row(name, "unsupervised less trivial", split, metric, figure) for metric, figure in figures.items()]


def _firm_disjoint(one: LabelledSet, repeats: int) -> list[Row]:
    """Figures of the first seed, with the spread between seeds: each draws other folds and so judges other tenders."""
    told = [found for found in (disjoint(one, seed) for seed in range(repeats)) if found is not None]
    if not told:
        return []
    tenders = len(told[0][0])

    def figures(target: Flags, score: Floats, line: Floats) -> dict[str, Figure]:
        def measure(rows: Any, _: int) -> dict[str, float]:
            return metrics.ranking(target[rows], score[rows], score[rows] >= line[rows], BUDGET)

        return metrics.figures(measure, np.arange(len(target)), 1)

    every = [figures(*found) for found in told]
    split = f"{tenders} tenders, no bidder known, x{len(told)}"
    rows = []
    for metric, figure in every[0].items():
        spread = float(np.std([other[metric].value for other in every]))
        rows.append(_row(one.name, "firm-disjoint", split, metric, replace(figure, spread=spread)))
    return rows


def _between(data: Path, markets: Sequence[LabelledSet], teachers: Sequence[LabelledSet]) -> list[Row]:
    """How rankings and thresholds carry to a market that they were not made on."""
    rows: list[Row] = []
    if len(markets) > 1 and len(teachers) > 1:
        say("tenders: transfer")
        for (name, task), score in strangers(markets, teachers).items():
            known = next(one for one in markets if one.name == name).labels.dropna().to_numpy(float) > 0.5
            split = f"weights taught by {sum(one.name != name for one in teachers)} other markets"
            rows += _measured(name, task, split, known, [score])
    for name, (file, mapping_name) in CITIES.items():
        city = unlabelled(data, name, file, mapping_name) if markets else None
        if city is not None:
            say(f"tenders-unlabelled/{name}")
            rows += [
                Row(name, "warned", f"threshold: top {WARNED:.0%}, {way}", "share", round(share, 6), baseline=BARE)
                for way, share in warned(markets, city).items()
            ]
    return rows


def _transferred(source: LabelledSet, target: LabelledSet, repeats: int) -> list[Row]:
    split = f"fitted on {source.labels.notna().sum()} kept apart, x{repeats}"
    known = target.labels.dropna()
    judged = target.profiles.select([str(entity) for entity in known.index])
    positive = known.to_numpy(float) > 0.5
    fitted = [Boosting(seed=seed).fit(source.profiles, source.labels) for seed in range(repeats)]
    scores = [one.score(judged) for one in fitted]
    rows = _measured(target.name, "supervised", split, positive, scores, [one.prior for one in fitted])
    total = size_of(judged)
    if total is not None:
        size = np.nan_to_num(judged.values[total].to_numpy(float), nan=-np.inf)
        rows += _measured(target.name, "trivial", "rank by volume", positive, [size])
    return rows + _unsupervised(target.name, split, target, source.profiles, repeats)


def _measured(
    name: str, task: str, split: str, target: Flags, scores: Sequence[Floats], thresholds: Sequence[float] | None = None
) -> list[Row]:
    def measure(rows: Any, repeat: int) -> dict[str, float]:
        own = scores[repeat][rows]
        fires = own >= thresholds[repeat] if thresholds else np.zeros(len(own), dtype=bool)
        told = metrics.ranking(target[rows], own, fires, BUDGET)
        return told if thresholds else {key: value for key, value in told.items() if key != "balanced_accuracy"}

    figures = metrics.figures(measure, np.arange(len(target)), len(scores))
    return [_row(name, task, split, metric, figure) for metric, figure in figures.items()]


def _screens(one: LabelledSet) -> list[Row]:
    """Share of tenders on which a screen equals the published one, where the tender has bids enough to compute it."""
    if one.published is None:
        return []
    rows = []
    theirs = one.published.reindex(one.profiles.values.index)
    for screen, column in SCREENS.items():
        columns = [name for name in (column, f"{column}_low") if name in one.profiles.values]
        best: tuple[float, int] | None = None
        for name in columns:
            both = one.profiles.values[name].notna() & theirs[screen].notna()
            off = (one.profiles.values[name][both] - theirs[screen][both]).abs()
            share = float((off <= EQUAL * np.maximum(1.0, theirs[screen][both].abs())).mean()) if both.any() else 0.0
            best = max(best or (-1.0, 0), (share, int(both.sum())))
        if best is not None:
            rows.append(Row(one.name, "screens", f"{best[1]} tenders", screen, round(best[0], 6), published=1.0))
    return rows


def _adbench(data: Path, limit: int | None, repeats: int) -> list[Row]:
    rows: list[Row] = []
    path = data / "adbench" / "published.csv"
    published = pd.read_csv(path).set_index(["set", "metric"])["IForest"] / 100.0 if path.exists() else None
    for name, profiles, labels in rows_sets(data, limit):
        say(f"adbench/{name}")
        positive = labels.to_numpy(float) > 0.5
        seeds = range(min(repeats, ROW_SEEDS))
        scores = {
            "unsupervised": [Rarity(seed=seed).fit(profiles).score(profiles) for seed in seeds],
            "unsupervised, forest": [Forest(seed=seed).fit(profiles).score(profiles) for seed in seeds],
        }
        for row in (row for task, own in scores.items() for row in _measured(name, task, "all rows", positive, own)):
            if row.metric in {"roc_auc", "average_precision"}:
                known = None if published is None else published.get((name, row.metric))
                rows.append(replace(row, published=None if known is None else float(known)))
    return rows + _means(rows)


def _means(rows: Sequence[Row]) -> list[Row]:
    """Means over the sets, beside scikit-learn's plain forest and the published one."""
    made: list[Row] = []
    for task in dict.fromkeys(row.task for row in rows):
        for metric, baseline, theirs in (("roc_auc", 0.734, 0.742), ("average_precision", 0.391, 0.413)):
            own = [row for row in rows if row.task == task and row.metric == metric and row.value is not None]
            values = [row.value for row in own if row.value is not None]
            # Seeds differ independently from set to set, so their spreads add in squares.
            spread = float(np.sqrt(sum((row.spread or 0.0) ** 2 for row in own))) / max(1, len(own))
            mean = round(float(np.mean(values)), 6)
            name = f"adbench mean of {len(own)}"
            made.append(Row(name, task, "all rows", metric, mean, None, None, baseline, theirs, round(spread, 6)))
    return made


def _row(name: str, task: str, split: str, metric: str, figure: Figure) -> Row:
    told = figure.as_dict()
    place = {"average_precision": 0, "roc_auc": 1, "balanced_accuracy": 2}.get(metric)
    baseline = None
    if place is not None and (name, task) in BASELINES:
        baseline = BASELINES[name, task][place]
    if task.startswith("transfer") and metric == "roc_auc":
        baseline = ONE_SIDED.get(name)
    if name == "medicare-us" and metric == "precision_at_budget":
        baseline = PRECISION_AT_BUDGET.get(task)
    known = PUBLISHED.get((name, metric)) if task == "supervised" else None
    sound = baseline if baseline is not None and np.isfinite(baseline) else None
    return Row(name, task, split, metric, told["value"], told["low"], told["high"], sound, known, told["spread"])


def _table(rows: Sequence[Row]) -> None:
    from rich.console import Console
    from rich.table import Table

    names = list(Row.__dataclass_fields__)
    table = Table(*names, box=None, pad_edge=False)

    def told(one: Any) -> str:
        if isinstance(one, bool):
            return "yes" if one else "no"
        return "" if one is None else f"{one:.3f}" if isinstance(one, float) else str(one)

    for row in rows:
        table.add_row(*(told(getattr(row, name)) for name in names))
    Console(width=None if sys.stdout.isatty() else 160).print(table)


if __name__ == "__main__":
    main()
