"""Ingest of prescription lines from CSV, with validation, beside DuckDB's own copy from CSV to Parquet.

    python -m benchmarks.ingest [--rows 1000000 10000000] [--repeat 3] [--again] [--format table|json]

Every run is a process of its own, the two kinds in turn, on the same file; figures are medians. `seconds` is wall time
from the process's start of work, `cpu_seconds` what its threads used, `peak_mb` the process's largest resident memory,
`ratio_to_duckdb` its seconds over DuckDB's. DuckDB reads the file with its own guess of the types and checks nothing.
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
import pyarrow as pa
from pyarrow import csv

KINDS = ("duckdb", "gnomon")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the benchmark, or one measured run of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000_000, 10_000_000])
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--again", action="store_true", help="also ingest the same file once more")
    parser.add_argument("--format", choices=("table", "json"), default="table")
    parser.add_argument("--one", nargs=3, metavar=("KIND", "FILE", "FOLDER"), help=argparse.SUPPRESS)
    told = parser.parse_args(arguments)
    if told.one:
        kind, file, folder = told.one
        sys.stdout.write(json.dumps(measured(kind, Path(file), Path(folder))))
        return
    rows = [line for n in told.rows for line in compared(n, told.repeat, told.again)]
    if told.format == "json":
        sys.stdout.write(json.dumps(rows, indent=1) + "\n")
        return
    names = list(rows[0])
    for one in [dict(zip(names, names, strict=True)), *rows]:
        sys.stdout.write("  ".join(f"{one[name]!s:>16}" for name in names) + "\n")


def compared(rows: int, repeat: int, again: bool) -> list[dict[str, Any]]:
    """Medians over the runs on one file of that many rows."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "prescription.csv"
        write_lines(rows, file)
        found: dict[str, list[dict[str, float]]] = {}
        for turn in range(repeat):
            for kind in KINDS:
                place = Path(folder) / f"{kind}-{turn}"
                found.setdefault(kind, []).append(_run(kind, file, place))
                if kind == "gnomon" and again:
                    found.setdefault("gnomon again", []).append(_run(kind, file, place))
                _clear(place)
        duckdb = statistics.median(one["seconds"] for one in found["duckdb"])
        return [
            {
                "rows": rows,
                "what": what,
                **{name: round(statistics.median(one[name] for one in runs), 2) for name in runs[0]},
                "ratio_to_duckdb": round(statistics.median(one["seconds"] for one in runs) / duckdb, 2),
            }
            for what, runs in found.items()
        ]


def write_lines(rows: int, file: Path) -> None:
    """Lines as a hospital system writes them: 2,000 institutions, 20,000 prescribers, 500,000 patients, two years."""
    rng = np.random.default_rng(1)
    writer: csv.CSVWriter | None = None
    for start in range(0, rows, 500_000):
        n = min(500_000, rows - start)
        at = np.datetime64("2024-01-01T00:00:00") + rng.integers(0, 730 * 86400, n).astype("timedelta64[s]")
        lines = pa.table(
            {
                "rx_id": [f"RX{i:010d}" for i in range(start, start + n)],
                "rx_line": np.ones(n, np.int64),
                "person_id": [f"p{i:06d}" for i in rng.integers(0, 500_000, n)],
                "institution_id": [f"H{i:04d}" for i in rng.integers(0, 2_000, n)],
                "prescriber_id": [f"d{i:05d}" for i in rng.integers(0, 20_000, n)],
                "item_code": [f"DRUG{i:05d}" for i in rng.integers(0, 1_500, n)],
                "prescribed_at": np.datetime_as_string(at),
                "quantity": rng.integers(1, 60, n),
                "days_supply": rng.integers(1, 30, n),
                "rx_type": ["normal"] * n,
            }
        )
        writer = writer or csv.CSVWriter(file, lines.schema)
        writer.write_table(lines)
    if writer is not None:
        writer.close()


def measured(kind: str, file: Path, folder: Path) -> dict[str, float]:
    """One run in this process."""
    import resource

    folder.mkdir(exist_ok=True)
    if kind == "duckdb":
        import duckdb

        start, used = time.perf_counter(), time.process_time()
        target = folder / "copy.parquet"
        duckdb.execute(f"COPY (SELECT * FROM read_csv('{file}')) TO '{target}' (FORMAT parquet)")
    else:
        from features.ingest import ingest
        from features.lake import Lake
        from features.mapping import straight

        start, used = time.perf_counter(), time.process_time()
        done = ingest([file], straight("prescription"), Lake(str(folder / "lake")), folder / "refused", b"key")
        assert all(one.fault is None and one.refused == 0 for one in done), done
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {
        "seconds": time.perf_counter() - start,
        "cpu_seconds": time.process_time() - used,
        "peak_mb": peak,
    }


def _run(kind: str, file: Path, folder: Path) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.ingest", "--one", kind, str(file), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    told: dict[str, float] = json.loads(done.stdout)
    return told


def _clear(folder: Path) -> None:
    import shutil

    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
