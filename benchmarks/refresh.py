"""A day's delta of prescription lines: profiles refreshed against profiles measured anew.

    python -m benchmarks.refresh [--data DIR] [--rows N] [--repeat K] [--kinds institution,…] [--format table|json]

Of two years of lines all but the last day lie in the first state of the lake, and all of them in the second. Both ways
end with the same stored profiles of the second state, as of the end of that day: `full` measures them anew, `refresh`
starts from the stored ones of the first state, as of a day before. Each turn runs both in one process on two threads;
seconds are medians, reading and storing among them, `low` and `high` the extremes, `ratio` is of refresh to full;
`cpu` is the processor time of all threads, which other work on the machine disturbs less.
`differ` counts the values, deviations, norms and so on that are not the same to the last bit. `parts` are the seconds
of the last refresh by view, with the way it went; beside them those of planning, of reading the lines that belong to a
changed one, of the norms, and the rest: reading what was stored, putting profiles together, storing them.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from tempfile import gettempdir
from time import perf_counter, process_time
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from benchmarks.features import KINDS, MEMORY, THREADS
from benchmarks.markets import say
from benchmarks.prescriptions import DAYS, START, Rows, Stored, written
from features.engine import Engine
from features.profiles import Profiles
from features.refresh.refresh import Refreshed, refresh_stored

NOW = datetime(2024, 12, 30, 15, 59, 59, tzinfo=UTC)
"""End of the last day where the records are from, which is also the end of the last day of the lines."""
FRAMES = ("values", "trials", "attributes", "norms", "groups", "deviations", "centers", "spreads")


@dataclass(frozen=True)
class Parted:
    """The same records as two states: without the last day, and with it."""

    stored: Stored
    before: Path
    last: Path
    cut: Path
    """The file of the records that the last day was taken out of."""
    version: int

    def state(self, version: int | None = None) -> dict[str, Rows]:
        """Tables with their number of rows."""
        return self.stored.state()

    def files(self, table: str, version: int | None = None) -> list[str]:
        """Files of a table in this state."""
        found = self.stored.files(table)
        if table != "prescription":
            return found
        kept = [one for one in found if one != str(self.cut)]
        return [*kept, str(self.before), *([str(self.last)] if self.version > 1 else [])]


def parted(stored: Stored) -> tuple[Parted, Parted]:
    """The two states; the lines of the last day are told by the clock of the place."""
    cut = Path(stored.files("prescription")[-1])
    before, last = (stored.folder / f"{name}-{cut.name}" for name in ("but-last-day", "last-day"))
    if not last.exists():
        rows = pq.read_table(cut)
        dawn = pa.scalar(START + timedelta(days=DAYS - 1, hours=-8), pa.timestamp("us", "UTC"))
        late = pc.greater_equal(rows["prescribed_at"], dawn)
        pq.write_table(rows.filter(pc.invert(late)), before, compression="zstd")
        pq.write_table(rows.filter(late), last, compression="zstd")
    return Parted(stored, before, last, cut, 1), Parted(stored, before, last, cut, 2)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the benchmark and print its rows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path(gettempdir()) / "gnomon-benchmarks")
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--repeat", type=int, default=1)
    parser.add_argument("--kinds", default=",".join(KINDS))
    parser.add_argument("--format", choices=("table", "json"), default="table")
    given = parser.parse_args(arguments)
    kinds = given.kinds.split(",")
    first, second = parted(written(given.data, given.rows))
    root = given.data / f"refresh-{given.rows}"
    shutil.rmtree(root, ignore_errors=True)
    profiled(first, kinds, root / "first", NOW - timedelta(days=1), full=True)
    turns: list[tuple[Timed, Timed]] = []
    for turn in range(given.repeat):
        shutil.copytree(root / "first", root / "refresh")
        anew = profiled(second, kinds, root / "full", NOW, full=True)
        fresh = profiled(second, kinds, root / "refresh", NOW, full=False)
        turns.append((anew, fresh))
        say(f"{turn + 1}/{given.repeat} {anew['all'].seconds:.2f} {fresh['all'].seconds:.2f}")
        shutil.rmtree(root / "refresh")
    _tell(rows(given.rows, turns), given.format)
    shutil.rmtree(root)


@dataclass(frozen=True)
class Ran:
    """Seconds by the clock and of the processors, and what came of it."""

    seconds: float
    cpu: float
    made: Refreshed | None = None


Timed = dict[str, Ran]


def profiled(lake: Parted, kinds: Sequence[str], root: Path, as_of: datetime, full: bool) -> Timed:
    """Profiles of some kinds under a folder, each timed; opening the tables counts for all."""
    begun, worked = perf_counter(), process_time()
    engine = Engine.open(lake, threads=THREADS, memory=MEMORY, url="duckdb")
    told: Timed = {}
    for kind in kinds:
        started, before = perf_counter(), process_time()
        made, _ = refresh_stored(engine, kind, root, as_of, full=full)
        told[kind] = Ran(perf_counter() - started, process_time() - before, made)
        say(f"{'full' if full else 'refresh'} {kind} {told[kind].seconds:.2f}, cpu {told[kind].cpu:.2f}")
    told["all"] = Ran(perf_counter() - begun, process_time() - worked)
    engine.close()
    return told


def rows(lines: int, turns: Sequence[tuple[Timed, Timed]]) -> list[Any]:
    """One row a kind, and one for all."""
    told = []
    for kind in turns[0][0]:
        full, part = ([turn[way][kind] for turn in turns] for way in (0, 1))
        seconds, cpu = ([median(getattr(one, of) for one in way) for way in (full, part)] for of in ("seconds", "cpu"))
        every = [one.seconds for one in part]
        row: dict[str, Any] = {
            "rows": lines, "what": kind, "full_seconds": round(seconds[0], 2), "refresh_seconds": round(seconds[1], 2),
            "low": round(min(every), 2), "high": round(max(every), 2), "ratio": round(seconds[1] / seconds[0], 4),
            "full_cpu": round(cpu[0], 2), "refresh_cpu": round(cpu[1], 2), "cpu_ratio": round(cpu[1] / cpu[0], 4),
        }  # fmt: skip
        one, other = full[-1].made, part[-1].made
        if one is not None and other is not None:
            row |= {
                "entities": len(other.profiles.values), "touched": other.touched,
                "differ": differ(one.profiles, other.profiles), "parts": _parts(other, part[-1].seconds),
            }  # fmt: skip
        told.append(row)
    return told


def _parts(of: Refreshed, whole: float) -> str:
    told = {**of.seconds, "rest": whole - sum(of.seconds.values())}
    return ", ".join(" ".join(filter(None, (name, of.ways.get(name), f"{took:.2f}"))) for name, took in told.items())


def differ(one: Profiles, other: Profiles) -> int:
    """Cells that are not the same to the last bit."""
    wrong = 0
    for name in FRAMES:
        mine, theirs = (getattr(of, name) for of in (one, other))
        if not (mine.index.equals(theirs.index) and mine.columns.equals(theirs.columns)):
            return int(max(mine.size, theirs.size))
        same = (mine == theirs) | (mine.isna() & theirs.isna())
        wrong += int(np.count_nonzero(~same.to_numpy()))
    return wrong


def _tell(rows: list[dict[str, Any]], form: str) -> None:
    if form == "json":
        sys.stdout.write(json.dumps(rows) + "\n")
        return
    shown = pd.DataFrame(rows)
    sys.stdout.write(shown.drop(columns="parts").to_string(index=False, na_rep="") + "\n")
    sys.stdout.writelines(f"{row['what']}: {row['parts']}\n" for row in rows if "parts" in row)


if __name__ == "__main__":
    main()
