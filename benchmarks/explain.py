"""Isolation forest scores and contributions: rows per second beside scikit-learn and shap on the same rows.

    python -m benchmarks.explain [--rows 1000000] [--columns 40] [--trees 300] [--peer-rows 400] [--repeat 1]
                                 [--format table|json]

One forest, grown on synthetic directed deviations (a tenth of the entities deviates). Ours explains `--rows` rows;
`shap.TreeExplainer` (path-dependent) and LightGBM's `pred_contrib` are given the first `--peer-rows` of them, in turn
with ours in the same process, each with its own threads (shap's C extension uses one). `max_abs_difference` is against
shap on the rows that both saw. `first` is a cold start: tables laid out and filled, compiled code read or made.
`--profile` adds where the time of ours goes.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from training.detectors import isolation, trees
from training.detectors.trees import Floats

TRAINING_ROWS = 20_000
CHUNK = 50_000
"""Rows explained at a time: contributions of all at once would be 320 MB a million rows, which is allowed but idle."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the benchmark and print its rows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000_000])
    parser.add_argument("--columns", type=int, default=40)
    parser.add_argument("--trees", type=int, nargs="+", default=[300])
    parser.add_argument("--peer-rows", type=int, default=400)
    parser.add_argument("--repeat", type=int, default=1)
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--profile", action="store_true")
    parser.add_argument("--data", help=argparse.SUPPRESS)
    parser.add_argument("--format", choices=("table", "json"), default="table")
    told = parser.parse_args(arguments)
    threads = told.threads or os.cpu_count() or 1
    rows: list[dict[str, Any]] = []
    for count in told.trees:
        forest, text = grown(told.columns, count)
        for size in told.rows:
            matrix = deviations(size, told.columns, seed=1)
            rows += compared(forest, text, matrix, told.peer_rows, told.repeat, threads, told.profile)
    if told.format == "json":
        sys.stdout.write(json.dumps(rows, indent=1) + "\n")
        return
    names = list(rows[0])
    sys.stdout.write("\t".join(names) + "\n")
    for row in rows:
        sys.stdout.write("\t".join(_cell(row[name]) for name in names) + "\n")


def deviations(rows: int, columns: int, seed: int = 0) -> Floats:
    """Directed deviations as the forest reads them: zero on the harmless side, heavy tails, one in ten further out."""
    rng = np.random.default_rng(seed)
    z = rng.standard_t(5, (rows, columns))
    z[rng.random(rows) < 0.1] *= 2.0
    return np.log1p(np.maximum(z, 0.0)).astype(np.float32).astype(float)


def grown(columns: int, count: int) -> tuple[Any, str]:
    """A fitted scikit-learn forest and its model text."""
    from sklearn.ensemble import IsolationForest

    forest = IsolationForest(n_estimators=count, max_samples=256, random_state=0)
    forest.fit(deviations(TRAINING_ROWS, columns).astype(np.float32))
    return forest, trees.isolation_text(forest)


def compared(
    forest: Any, text: str, matrix: Floats, peer_rows: int, repeat: int, threads: int, profile: bool
) -> list[dict[str, Any]]:
    """Rows of the table for one forest and one matrix; shap, LightGBM and ours take turns."""
    model = trees.booster_of(text)
    few = matrix[:peer_rows]
    began = time.perf_counter()
    tables = isolation.Tables.of(text)
    tables.contributions(few, threads)
    first = time.perf_counter() - began
    scale = float(trees.average_path_length([forest.max_samples_])[0])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import shap

        explainer = shap.TreeExplainer(forest)
    given: dict[tuple[str, str], tuple[int, Callable[[], Any]]] = {
        ("scikit-learn", "score"): (min(len(matrix), CHUNK), lambda: forest.score_samples(matrix[:CHUNK])),
        ("gnomon", "score"): (len(matrix), lambda: _chunked(lambda part: trees.raw(model, part, threads), matrix)),
        ("shap", "contributions"): (len(few), lambda: np.asarray(explainer.shap_values(few)) / scale),
        ("lightgbm", "contributions"): (len(few), lambda: trees.contributions(model, few, threads)[0]),
        ("gnomon", "contributions"): (
            len(matrix), lambda: _chunked(lambda part: tables.contributions(part, threads), matrix),
        ),
    }  # fmt: skip
    seconds: dict[tuple[str, str], list[float]] = {key: [] for key in given}
    values: dict[tuple[str, str], Any] = {}
    for _ in range(repeat):
        for key, (_, run) in given.items():
            began = time.perf_counter()
            values[key] = run()
            seconds[key].append(time.perf_counter() - began)
    rate = {key: given[key][0] / statistics.median(taken) for key, taken in seconds.items()}
    shape = f"{forest.n_estimators} trees × {matrix.shape[1]} columns"
    expected = {"contributions": values["shap", "contributions"], "score": -values["scikit-learn", "score"]}
    values["gnomon", "score"] = 2.0 ** -values["gnomon", "score"]
    values["scikit-learn", "score"] = -values["scikit-learn", "score"]
    out = []
    for (who, what), (rows, _) in given.items():
        base = rate["shap", "contributions"] if what == "contributions" else None
        both = min(len(values[who, what]), len(expected[what]))
        out.append(
            {
                "model": f"{who}, {shape}",
                "rows": rows,
                "what": what,
                "rows_per_second": round(rate[who, what], 1),
                "low": round(rows / max(seconds[who, what]), 1),
                "high": round(rows / min(seconds[who, what]), 1),
                "ratio_to_shap": None if base is None else round(rate[who, what] / base, 2),
                "ratio_to_scikit": None if base else round(rate[who, what] / rate["scikit-learn", "score"], 2),
                "max_abs_difference": float(np.abs(values[who, what][:both] - expected[what][:both]).max()),
                "threads": 1 if who in ("shap", "scikit-learn") else threads,
                "first_seconds": round(first, 2) if (who, what) == ("gnomon", "contributions") else None,
                "table_mb": round(tables.values.nbytes / 1e6, 1) if who == "gnomon" else None,
            }
        )
    if profile:
        sys.stderr.write(json.dumps(spent(tables, matrix[:CHUNK]), indent=1) + "\n")
    return out


def spent(tables: isolation.Tables, matrix: Floats) -> dict[str, float]:
    """Seconds of one thread by part: turning blocks, finding patterns, and reading tables (the rest)."""
    from training.detectors import kernel

    starts = range(0, len(matrix), isolation.BLOCK)
    told = {"turning": 0.0, "patterns": 0.0, "all": 0.0}
    for start in starts:
        began = time.perf_counter()
        rows = np.ascontiguousarray(matrix[start : start + isolation.BLOCK].T, dtype=np.float32)
        out = np.zeros(rows.shape)
        _ = out.T.copy()
        told["turning"] += time.perf_counter() - began
        none = tables.plan[4] * 0
        for name, features in (("patterns", none), ("all", tables.plan[4])):
            plan = (*tables.plan[:4], features, tables.plan[5])
            began = time.perf_counter()
            kernel.explain(rows, out, tables.starts, tables.values, *plan)
            told[name] += time.perf_counter() - began
    return {
        "rows": len(matrix), "turning": round(told["turning"], 3), "patterns": round(told["patterns"], 3),
        "tables": round(told["all"] - told["patterns"], 3),
    }  # fmt: skip


def _chunked(run: Callable[[Floats], Floats], matrix: Floats) -> Floats:
    kept: list[Floats] = []
    for start in range(0, len(matrix), CHUNK):
        told = run(matrix[start : start + CHUNK])
        # Only the first rows are compared: the rest need not be held.
        kept.append(told if told.ndim == 1 or not kept else told[:0])
    return np.concatenate(kept)


def _cell(value: Any) -> str:
    return "" if value is None else f"{value:.3g}" if isinstance(value, float) and abs(value) < 1e-3 else str(value)


if __name__ == "__main__":
    main()
