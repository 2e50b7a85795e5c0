"""How profiles grow with the rows, and the cost model fitted to it: `python -m benchmarks.features --scale`.

Seconds are taken for `fixed + per_million * millions of rows`, each measured size weighing the same by its relative
error. `modelled` and `off` hold the model against each measurement; the row of a billion is the model's alone.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

SIZES = (1_000_000, 10_000_000, 100_000_000)
FORETOLD = 1_000_000_000
MOST_KEPT = 10_000_000
"""Records of more lines than these are deleted after the runs: a hundred million take seven gigabytes."""


@dataclass(frozen=True)
class Cost:
    """Seconds as a straight line over rows."""

    fixed: float
    per_million: float

    @classmethod
    def fitted(cls, seconds: Mapping[int, float]) -> Cost:
        """Least squares of relative errors; both coefficients at least zero.

        >>> Cost.fitted({1_000_000: 3.0, 10_000_000: 12.0, 100_000_000: 102.0})
        Cost(fixed=2.0, per_million=1.0)
        """
        rows, told = np.array(list(seconds), float) / 1e6, np.array(list(seconds.values()))
        made = np.column_stack([np.ones_like(rows), rows]) / told[:, None]
        found = np.linalg.lstsq(made, np.ones_like(told), rcond=None)[0]
        if found[0] < 0:
            share = rows / told
            found = np.array([0.0, share.sum() / (share**2).sum()])
        return cls(round(float(found[0]), 3), round(float(found[1]), 4))

    def of(self, rows: int) -> float:
        """Seconds for that many rows."""
        return self.fixed + self.per_million * rows / 1e6


def grown(
    run: Callable[[str, int], dict[str, float]],
    engines: Sequence[str],
    sizes: Sequence[int],
    repeat: int,
    data: Path,
) -> list[dict[str, Any]]:
    """One row per engine and size, the smaller sizes first; the largest is run once.

    `run` measures one engine on so many rows in a process of its own.
    """
    told: list[dict[str, Any]] = []
    for engine in engines:
        found: dict[int, list[dict[str, float]]] = {}
        for rows in sizes:
            found[rows] = [run(engine, rows) for _ in range(1 if rows > MOST_KEPT else repeat)]
            if rows > MOST_KEPT:
                for place in data.glob(f"prescriptions-{rows}-*"):
                    shutil.rmtree(place)
        told += compared(engine, found)
    return told


def compared(engine: str, found: Mapping[int, Sequence[dict[str, float]]]) -> list[dict[str, Any]]:
    """Measured against modelled, size by size, and what the model says of a billion."""
    seconds = {rows: median(one["all"] for one in runs) for rows, runs in found.items()}
    cost = Cost.fitted(seconds) if len(seconds) > 1 else Cost(0.0, next(iter(seconds.values())) / next(iter(seconds)))
    told: list[dict[str, Any]] = []
    before: float | None = None
    for rows, runs in found.items():
        told.append(
            {
                "rows": rows,
                "engine": engine,
                "seconds": round(seconds[rows], 2),
                "cpu_seconds": round(median(one["cpu"] for one in runs), 2),
                "peak_mb": round(max(one["peak_mb"] for one in runs)),
                "ratio_to_the_size_before": None if before is None else round(seconds[rows] / before, 2),
                "modelled": round(cost.of(rows), 2),
                "off": f"{cost.of(rows) / seconds[rows] - 1:+.0%}",
                "model": f"{cost.fixed} s + {cost.per_million} s a million rows",
            }
        )
        before = seconds[rows]
    foretold = {"rows": FORETOLD, "engine": engine, "modelled": round(cost.of(FORETOLD)), "model": told[-1]["model"]}
    return [*told, {name: foretold.get(name) for name in told[0]}]
