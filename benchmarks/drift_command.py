"""`gnomon drift` itself, whole, on stored profiles: seconds and peak memory from start to exit.

    python -m benchmarks.drift_command [--rows 10000000] [--columns 100] [--format table|json]

A model is trained on five thousand made-up entities and promoted; then profiles of `--rows` entities are stored, in
which five columns have moved as in `benchmarks.drift`. The command runs in a process of its own: it reads the
profiles, scores a sample of a million, compares, and draws Evidently's page. `peak_mb` is the largest resident memory
of that process, Python and libraries included; `baseline_mb` is what the same command takes for the profiles that the
model was trained on.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.drift import GROUP, PLANTED, column, names_of
from features import profile_store
from features.profiles import ProfileColumn, Profiles
from gnomon.config import Settings
from gnomon.terms import Direction, Text

TRAINED_ON = 5_000
ENTITY = "institution"
RUN = """
import resource, sys, time
from serving.cli import app
sys.argv = ["gnomon", "drift", sys.argv[1], "--format", "json", "--workspace", sys.argv[2]]
began = time.perf_counter()
try:
    app()
finally:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    sys.stderr.write(f"{time.perf_counter() - began} {peak}\\n")
"""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--columns", type=int, default=100)
    parser.add_argument("--format", choices=("table", "json"), default="table")
    told = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        row = measured(Path(folder), told.rows, names_of(told.columns))
    if told.format == "json":
        sys.stdout.write(json.dumps([row], indent=1) + "\n")
        return
    for name, value in row.items():
        sys.stdout.write(f"{name:>14}  {value}\n")


def measured(folder: Path, rows: int, names: Sequence[str]) -> dict[str, Any]:
    """One run on a workspace made for it."""
    settings = Settings(workspace=folder / "workspace", mlflow="", database="", lake="")
    small = made(names)
    trained(settings, small)
    baseline = run(settings)
    began = time.perf_counter()
    stored(settings, replace(small, as_of=datetime(2026, 2, 1, tzinfo=UTC)), rows, names)
    writing = time.perf_counter() - began
    found = run(settings)
    moved = sorted(name for name, verdict in found["verdicts"].items() if verdict == "moved")
    return {
        "rows": rows,
        "columns": len(names),
        "seconds": round(found["seconds"], 1),
        "peak_mb": round(found["peak_mb"]),
        "baseline_mb": round(baseline["peak_mb"]),
        "made_in": round(writing, 1),
        "moved": moved,
        "as_planted": [name for name in moved if name != "score"] == sorted(set(PLANTED) & set(names)),
    }


def made(names: Sequence[str]) -> Profiles:
    """The profiles that the model is trained on."""
    draw = np.random.default_rng(1)
    ids = pd.Index([f"H{number:08d}" for number in range(TRAINED_ON)], name="entity_id", dtype="str")
    values = pd.DataFrame({name: column(name, TRAINED_ON, draw, False) for name in names}, index=ids)
    columns = tuple(ProfileColumn(name, name, "", Text(name, name), "", Direction.HIGH) for name in names)
    groups = pd.DataFrame(-1, index=ids, columns=list(names), dtype="int32")
    norms = pd.DataFrame({name: [] for name in ("column", "zh", "en", "n", "median", "scale", "low", "high")})
    attributes = pd.DataFrame({"name": list(ids)}, index=ids)
    at = datetime(2026, 1, 1, tzinfo=UTC)
    return Profiles(ENTITY, at, 1, columns, values, deviations(values), groups, norms, attributes)


def deviations(values: pd.DataFrame) -> pd.DataFrame:
    """Values in units of a made-up norm."""
    return (values - 1.0) / 0.7


def trained(settings: Settings, profiles: Profiles) -> None:
    """Train on the profiles, promote, and store them."""
    from training import registry
    from training.train import train

    profile_store.save(profiles, profile_store.place(settings.folder("profiles"), profiles))
    version = train(settings, profiles, None, lambda then: profiles).version
    registry.promote(settings, ENTITY, profiles, None, version)


def stored(settings: Settings, profiles: Profiles, rows: int, names: Sequence[str]) -> None:
    """Store profiles of many entities, a stretch at a time."""
    folder = profile_store.save(profiles, profile_store.place(settings.folder("profiles"), profiles))
    schema = pa.schema([*((name, pa.float64()) for name in names), ("entity_id", pa.string())])
    draw = np.random.default_rng(2)
    with (
        pq.ParquetWriter(folder / "values.parquet", schema, compression="zstd") as values,
        pq.ParquetWriter(folder / "deviations.parquet", schema, compression="zstd") as apart,
    ):
        for start in range(0, rows, GROUP):
            many = min(GROUP, rows - start)
            # Three decimals, as measures of money and shares have: the files stay a fifth of the size.
            told = pd.DataFrame({name: np.round(column(name, many, draw, True), 3) for name in names})
            ids = pa.array([f"H{number:08d}" for number in range(start, start + many)])
            for writer, frame in ((values, told), (apart, deviations(told).round(3))):
                part = pa.Table.from_pandas(frame, preserve_index=False).append_column("entity_id", ids)
                writer.write_table(part.cast(schema))


def run(settings: Settings) -> dict[str, Any]:
    """The command in a process of its own."""
    command = [sys.executable, "-c", RUN, ENTITY, str(settings.workspace)]
    surroundings = {**os.environ, "GNOMON_THREADS": os.environ.get("GNOMON_THREADS", "2")}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=surroundings)
    seconds, peak = done.stderr.strip().splitlines()[-1].split()
    verdicts = {row["column"]: row["verdict"] for row in json.loads(done.stdout)}
    return {"seconds": float(seconds), "peak_mb": float(peak), "verdicts": verdicts}


if __name__ == "__main__":
    main()
