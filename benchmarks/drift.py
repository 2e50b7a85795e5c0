"""Drift figures from stored profiles beside plain Evidently, on the same planted moves.

    python -m benchmarks.drift [--rows 1000000] [--columns 100] [--peer-columns 10] [--repeat 1] [--format table|json]

Two Parquet files are made, then and now. Ours scans both from disk and compares the summaries (in service the
reference is stored, so that one scan is left: `seconds_with_reference`). Evidently is given the same columns as frames
in memory, its reading not counted, and runs `DataDriftPreset` with its own defaults. It needs some 7 seconds a column
and million rows, so it is given `--peer-columns` of the columns, the planted ones among them; `--peer-columns 100`
gives it all. `ratio_to_evidently` compares seconds a column. Every run is a process of its own, in turn; `peak_mb` is
its largest resident memory. `equal`: both say the same of every column that both saw.

Planted: a mean that moves by half a spread, a spread that doubles, one category that grows, one source (a fifth of the
rows) that is off, and 1 % of the rows in a unit a thousand times too small. All other columns are drawn twice.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

KINDS = ("gnomon", "evidently")
PLANTED = ("mean", "spread", "category", "source", "one_percent")
GROUP = 250_000
"""Rows of a row group of the profile files."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the benchmark, or one measured run of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000_000])
    parser.add_argument("--columns", type=int, default=100)
    parser.add_argument(
        "--peer-columns", type=int, default=10, help="columns that Evidently is given; 0: it is left out"
    )
    parser.add_argument("--repeat", type=int, default=1)
    parser.add_argument("--data", help=argparse.SUPPRESS)
    parser.add_argument("--format", choices=("table", "json"), default="table")
    parser.add_argument("--one", nargs=3, metavar=("KIND", "FOLDER", "COLUMNS"), help=argparse.SUPPRESS)
    told = parser.parse_args(arguments)
    if told.one:
        kind, folder, columns = told.one
        sys.stdout.write(json.dumps(measured(kind, Path(folder), int(columns))))
        return
    rows = [compared(n, told.columns, told.peer_columns, told.repeat) for n in told.rows]
    if told.format == "json":
        sys.stdout.write(json.dumps(rows, indent=1) + "\n")
        return
    names = list(rows[0])
    for one in [dict(zip(names, names, strict=True)), *rows]:
        sys.stdout.write("  ".join(f"{one[name]!s:>{max(12, len(name))}}" for name in names) + "\n")


def names_of(columns: int) -> list[str]:
    """The planted columns first, then the quiet ones."""
    return [*PLANTED, *(f"quiet_{number}" for number in range(columns))][:columns]


def compared(rows: int, columns: int, peer_columns: int, repeat: int) -> dict[str, Any]:
    """Medians over the runs on one pair of files."""
    with tempfile.TemporaryDirectory() as folder:
        for side in ("then", "now"):
            plant(Path(folder) / f"{side}.parquet", rows, names_of(columns), side == "now")
        found: dict[str, list[dict[str, Any]]] = {kind: [] for kind in KINDS}
        for _ in range(repeat):
            for kind in KINDS:
                many = columns if kind == "gnomon" else min(peer_columns, columns)
                if many:
                    found[kind].append(run(kind, Path(folder), many))
    ours, peer = found["gnomon"], found["evidently"]
    seconds = statistics.median(one["seconds"] for one in ours)
    line: dict[str, Any] = {
        "rows": rows,
        "columns": columns,
        "seconds": round(seconds, 2),
        "seconds_with_reference": round(statistics.median(one["now_seconds"] for one in ours), 2),
        "peak_mb": round(max(one["peak_mb"] for one in ours)),
        "ratio_to_evidently": None,
        "equal": None,
        "evidently_columns": 0,
        "evidently_seconds": None,
        "evidently_peak_mb": None,
        "moved": sorted(name for name, moved in ours[0]["moved"].items() if moved),
    }
    if peer:
        theirs = statistics.median(one["seconds"] for one in peer)
        saw = peer[0]["moved"]
        line["ratio_to_evidently"] = round((theirs / len(saw)) / (seconds / columns), 1)
        line["equal"] = all(ours[0]["moved"][name] == moved for name, moved in saw.items())
        line["evidently_columns"] = len(saw)
        line["evidently_seconds"] = round(theirs, 2)
        line["evidently_peak_mb"] = round(max(one["peak_mb"] for one in peer))
    return line


def run(kind: str, folder: Path, columns: int) -> dict[str, Any]:
    """One measured run in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.drift", "--one", kind, str(folder), str(columns)]
    told: dict[str, Any] = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    return told


def measured(kind: str, folder: Path, columns: int) -> dict[str, Any]:
    """Seconds, peak memory and the verdict on every column."""
    import resource

    names = names_of(columns)
    told = _ours(folder, names) if kind == "gnomon" else _theirs(folder, names)
    return told | {"peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def plant(path: Path, rows: int, names: Sequence[str], moved: bool) -> None:
    """Write one side, a row group at a time."""
    schema = pa.schema([(name, pa.float64()) for name in names])
    draw = np.random.default_rng(2 if moved else 1)
    with pq.ParquetWriter(path, schema) as writer:
        for start in range(0, rows, GROUP):
            many = min(GROUP, rows - start)
            writer.write_table(pa.table({name: column(name, many, draw, moved) for name in names}, schema=schema))


def column(name: str, rows: int, draw: np.random.Generator, moved: bool) -> npt.NDArray[np.float64]:
    """One column, moved or not."""
    values = draw.lognormal(0.0, 0.7, rows) if name.startswith("quiet") else draw.normal(10.0, 1.0, rows)
    if name == "category":
        share = 0.45 if moved else 0.15
        return np.where(draw.random(rows) < share, 0.0, draw.integers(1, 6, rows)).astype(np.float64)
    if not moved:
        return np.asarray(values)
    if name == "mean":
        values += 0.5
    if name == "spread":
        values = 10.0 + (values - 10.0) * 2
    if name == "source":
        values[draw.random(rows) < 0.2] += 3.0
    if name == "one_percent":
        values[draw.random(rows) < 0.01] *= 1000.0
    return np.asarray(values)


def _ours(folder: Path, names: Sequence[str]) -> dict[str, Any]:
    from datetime import UTC, datetime

    from monitoring.drift import compared as judged
    from monitoring.effect import Verdict
    from monitoring.scan import summarise

    began = time.perf_counter()
    then = summarise([folder / "then.parquet"], names)
    read = time.perf_counter()
    edges = {name: one.edges for name, one in then.items()}
    now = summarise([folder / "now.parquet"], names, edges)
    drift = judged("benchmark", then, now, as_of=datetime(2026, 1, 1, tzinfo=UTC))
    ended = time.perf_counter()
    moved = {row.column: row.verdict is Verdict.MOVED for row in drift.columns}
    return {"seconds": ended - began, "now_seconds": ended - read, "moved": moved}


def _theirs(folder: Path, names: Sequence[str]) -> dict[str, Any]:
    import warnings

    import pandas as pd

    warnings.simplefilter("ignore")
    from evidently import DataDefinition, Dataset, Report
    from evidently.presets import DataDriftPreset

    then, now = (pd.read_parquet(folder / f"{side}.parquet", columns=list(names)) for side in ("then", "now"))
    categories = [name for name in names if name == "category"]
    numbers = [name for name in names if name not in categories]
    definition = DataDefinition(numerical_columns=numbers, categorical_columns=categories)
    began = time.perf_counter()
    preset = DataDriftPreset(columns=list(names))
    snapshot = Report([preset]).run(Dataset.from_pandas(now, definition), Dataset.from_pandas(then, definition))
    told = snapshot.dict()["metrics"]
    seconds = time.perf_counter() - began
    # Its scores are distances here (Wasserstein, Jensen-Shannon), and a column drifts from its threshold on.
    moved = {
        one["config"]["column"]: bool(one["value"] >= one["config"]["threshold"])
        for one in told
        if one["config"].get("column")
    }
    return {"seconds": seconds, "moved": moved}


if __name__ == "__main__":
    main()
