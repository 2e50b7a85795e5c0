"""Profiles of ten million prescription lines: ours, hand-written DuckDB SQL, and pandas.

    python -m benchmarks.features [--data DIR] [--rows N] [--repeat K] [--format table|json]
        [--engines ours,sql,pandas,pandas-strings]
    python -m benchmarks.features --scale [--sizes 1000000,10000000,100000000] [--engines ours] …

Institution, practitioner and drug-in-institution measures with their windows and norms; each run in a process of its
own, in turn, on two threads. `seconds` and `peak_mb` (peak resident memory) are medians; `low` and `high` the extremes.
Ratios are of medians: under 1 is faster than the peer. `cpu_seconds` is the processor time of all threads, which other
work on the machine disturbs less. `differ` counts the values of the columns in common that lie apart from ours by more
than 1e-6 of the value. `pandas` works on category codes; `pandas-strings`, which runs when it is named, is the same
program on identifiers as text. `--scale` runs ours at 1, 10 and 100 million lines and fits the cost model of
docs/engines.md; the engine `spark` is ours on Spark in this machine.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import gettempdir
from time import perf_counter, process_time
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.features_scale import SIZES, grown
from benchmarks.markets import say
from benchmarks.prescriptions import Stored, written

KINDS = ("institution", "practitioner", "drug_institution")
NOW = "2024-12-30 23:59:59"
THREADS = 2
MEMORY = "3GB"


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the benchmark and print its rows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path(gettempdir()) / "gnomon-benchmarks")
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--engines", default="")
    parser.add_argument("--scale", action="store_true")
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)))
    parser.add_argument("--format", choices=("table", "json"), default="table")
    parser.add_argument("--run", help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if given.run:
        _run(given.run, given.data, given.rows)
        return
    if given.scale:
        engines, sizes = (given.engines or "ours").split(","), [int(one) for one in given.sizes.split(",")]
        _tell(grown(partial(_sized, given), engines, sizes, given.repeat, given.data), given.format)
        return
    _written(given)
    engines = (given.engines or "ours,sql,pandas").split(",")
    runs: dict[str, list[dict[str, float]]] = {engine: [] for engine in engines}
    for turn in range(given.repeat):
        for engine in engines:
            runs[engine].append(_in_a_process(engine, given))
            say(f"{turn + 1}/{given.repeat} {engine} {runs[engine][-1]}")
    _tell(_rows(given.rows, runs, given.data), given.format)


def _sized(given: argparse.Namespace, engine: str, rows: int) -> dict[str, float]:
    """One run of one engine on so many rows."""
    sized = argparse.Namespace(**{**vars(given), "rows": rows})
    _written(sized)
    told = _in_a_process(engine, sized)
    say(f"{rows:,} {engine} {told}")
    return told


def _written(given: argparse.Namespace) -> None:
    subprocess.run([sys.executable, "-m", "benchmarks.features", "--run", "data", *_same(given)], check=True)


def _same(given: argparse.Namespace) -> list[str]:
    return ["--data", str(given.data), "--rows", str(given.rows)]


def _in_a_process(engine: str, given: argparse.Namespace) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.features", "--run", engine, *_same(given)]
    environment = {**os.environ, "OMP_NUM_THREADS": str(THREADS)}
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment)
    told: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return told


def _run(engine: str, data: Path, rows: int) -> None:
    """One engine in this process: its seconds by part, and its peak memory, on stdout."""
    stored = written(data, rows)
    if engine == "data":
        return
    files = {table: stored.files(table) for table in stored.state()}
    begun, worked = perf_counter(), process_time()
    parts: dict[str, float] = {}
    if engine in ("ours", "spark"):
        found, parts = _ours(stored, "duckdb" if engine == "ours" else f"local[{THREADS}]")
    elif engine == "sql":
        from benchmarks.features_sql import profiles as by_sql

        found = by_sql(files, NOW, THREADS, MEMORY)
    else:
        from benchmarks.features_pandas import profiles as by_pandas

        found = by_pandas(files, NOW, coded=engine == "pandas")
    told = {"all": perf_counter() - begun, **parts, "cpu": process_time() - worked, "peak_mb": _peak()}
    for kind, values in found.items():
        values.to_parquet(data / f"values-{rows}-{engine}-{kind}.parquet")
    sys.stdout.write(json.dumps(told) + "\n")


def _ours(stored: Stored, url: str) -> tuple[dict[str, pd.DataFrame], dict[str, float]]:
    from features.build import build
    from features.engine import Engine

    engine = Engine.open(stored, threads=THREADS, memory=MEMORY, url=url)
    found, parts = {}, {}
    for kind in KINDS:
        begun = perf_counter()
        found[kind] = build(engine, kind, pd.Timestamp(NOW, tz="UTC").to_pydatetime()).values
        parts[kind] = perf_counter() - begun
    engine.close()
    return found, parts


def _peak() -> float:
    """Peak resident memory of this process in MB; unlike `getrusage`, nothing inherited from the parent."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def _rows(rows: int, runs: dict[str, list[dict[str, float]]], data: Path) -> list[dict[str, Any]]:
    def middle(engine: str, what: str) -> float | None:
        return median(run[what] for run in runs[engine]) if runs.get(engine) and what in runs[engine][0] else None

    told = []
    for engine, some in runs.items():
        for what in (name for name in some[0] if name not in ("cpu", "peak_mb")):
            seconds = [run[what] for run in some]
            row: dict[str, Any] = {
                "rows": rows, "engine": engine, "what": what, "seconds": round(median(seconds), 2),
                "low": round(min(seconds), 2), "high": round(max(seconds), 2),
                "cpu_seconds": round(middle(engine, "cpu") or 0, 2) if what == "all" else None,
                "peak_mb": round(middle(engine, "peak_mb") or 0) if what == "all" else None,
            }  # fmt: skip
            for peer in ("sql", "pandas", *({"pandas-strings"} & runs.keys())):
                other = middle(peer, "all") if what == "all" and engine != peer else None
                row[f"ratio_to_{peer.replace('-', '_')}"] = None if other is None else round(median(seconds) / other, 2)
            row["differ"] = _apart(data, rows, engine) if what == "all" and engine != "ours" else None
            told.append(row)
    return told


def _apart(data: Path, rows: int, engine: str) -> str | None:
    """Values in common that differ from ours, of how many."""
    wrong = all_ = 0
    for kind in KINDS:
        ours, theirs = (data / f"values-{rows}-{one}-{kind}.parquet" for one in ("ours", engine))
        if not ours.exists():
            return None
        mine, other = pd.read_parquet(ours), pd.read_parquet(theirs).astype(float)
        columns = [column for column in mine.columns if column in other.columns]
        other = other.reindex(index=mine.index)
        same = np.isclose(mine[columns], other[columns], rtol=1e-6, atol=1e-9, equal_nan=True)
        wrong, all_ = wrong + int((~same).sum()), all_ + same.size
        for column, bad in zip(columns, (~same).sum(axis=0), strict=True):
            if bad:
                say(f"{engine} {kind}.{column}: {bad} values differ")
        missing = set(mine.columns[mine.notna().any()]) - set(columns)
        if missing:
            say(f"{engine} {kind}: not computed: {sorted(missing)}")
    return f"{wrong} of {all_}"


def _tell(rows: list[dict[str, Any]], form: str) -> None:
    if form == "json":
        sys.stdout.write(json.dumps(rows) + "\n")
        return
    sys.stdout.write(pd.DataFrame(rows).to_string(index=False, na_rep="") + "\n")


if __name__ == "__main__":
    main()
