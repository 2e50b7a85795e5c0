"""Planted schemes and honest look-alikes of sample cities: who is found within a budget of 2 % of the entities.

    python -m benchmarks.city [--seeds 7 11 23] [--size default|small] [--labels 200] [--format table|json]

Every step is the command that a user would run. First without any label: rules, and models trained on profiles alone.
Then with `--labels` outcomes of inspections, those of the warned entities first and the rest drawn at random, for new
models and a queue that starts empty. The budget is shared evenly by the kinds of entity.

`found` counts planted entities that were warned of, `schemes` the planted schemes of which one carrier was (an
institution; a ring, cover group or favourite among suppliers; a buyer). `interval` is Wilson's, 95 %, over the cities
together. Tenders are told as the share of the warned ones that were rigged: a budget of 2 % cannot hold 14 % of them.
`accused` are look-alikes warned of, `early` those of them in the top half of the budget. Entities drawn at random
within the budget are accused of nothing and not counted.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import random
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.markets import say
from features.samplecity import Sample, make_city
from gnomon.terms import RANDOM
from monitoring.outcomes import share

KINDS = ("institution", "practitioner", "supplier", "buyer", "tender")
LEARNED = ("institution", "practitioner", "supplier", "tender")
CARRIERS = ("institution", "supplier", "buyer")
SHARE = 0.02

Who = tuple[str, str]


@dataclass
class City:
    """One sample city, its own workspace, and what was planted in it."""

    sample: Sample
    workspace: Path
    planted: dict[Who, str] = field(default_factory=dict)
    """Scheme by entity."""
    schemes: dict[Who, str] = field(default_factory=dict)
    """Which planted scheme a carrier belongs to: groups share one."""
    honest: dict[Who, str] = field(default_factory=dict)

    def run(self, *command: str, database: str = "first") -> str:
        """One command as a user types it; what it prints."""
        environment = {
            **os.environ,
            "GNOMON_DATABASE": f"sqlite:///{self.workspace / database}.db",
            "GNOMON_WORKSPACE": str(self.workspace),
        }
        done = subprocess.run(
            [sys.executable, "-m", "serving.cli", *command],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL if command[0] == "ingest" else None,
            text=True,
            env=environment,
        )
        if done.returncode not in (0, 1):
            raise SystemExit(f"gnomon {' '.join(command)}: exit {done.returncode}")
        return done.stdout


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the benchmark and print its rows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[7, 11, 23])
    parser.add_argument("--size", default="default", choices=("default", "small"))
    parser.add_argument("--labels", type=int, default=200)
    parser.add_argument("--format", default="table", choices=("table", "json"))
    given = parser.parse_args(arguments)
    told: list[dict[str, Any]] = []
    for seed in given.seeds:
        with tempfile.TemporaryDirectory() as scratch:
            rows = _city(Path(scratch), seed, given.size, given.labels)
        told += rows
        if given.format == "table":
            _print(rows)
    together = _together(told)
    if given.format == "json":
        sys.stdout.write(json.dumps(told + together, indent=1) + "\n")
    else:
        _print(together)


def _print(rows: Iterable[dict[str, Any]]) -> None:
    """A city takes minutes: its rows are told as soon as they are known."""
    for row in rows:
        sys.stdout.write("  ".join(f"{name}={value}" for name, value in row.items()) + "\n")
    sys.stdout.flush()


def _city(scratch: Path, seed: int, size: str, many: int) -> list[dict[str, Any]]:
    city = City(make_city(scratch / "city", seed, size), scratch / "workspace")
    _read_truth(city)
    for table, path in city.sample.files("history").items():
        if table != "label":
            by = city.sample.mapping(table)
            city.run("ingest", str(path), *(("--mapping", str(by)) if by else ("--table", table)))
    say(f"seed {seed}: ingested")
    for kind in LEARNED:
        city.run("train", kind, "--folds", "3")
        city.run("promote", kind)
    population = {row["entity"]: row["population"] for row in json.loads(city.run("score", *KINDS, "--format", "json"))}
    budget = max(1, round(SHARE * sum(population.values()) / len(KINDS)))
    say(f"seed {seed}: budget {budget} a kind of {population}")
    first = _warned(city, "unlabelled", budget)
    rows = _rows(city, seed, "none", budget, first)
    inspected = _inspected(city, first, population, many, seed)
    for kind in LEARNED:
        labels = city.workspace / f"labels-{kind}.csv"
        with labels.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(("entity_id", "outcome"))
            writer.writerows((who[1], outcome) for who, outcome in inspected.items() if who[0] == kind)
        city.run("train", kind, "--labels", str(labels), "--folds", "3")
        city.run("promote", kind, "--labels", str(labels))
    say(f"seed {seed}: retrained on {len(inspected)} outcomes")
    return rows + _rows(city, seed, str(many), budget, _warned(city, "labelled", budget))


def _read_truth(city: City) -> None:
    """Only this benchmark looks; what scores and learns never does."""
    for row in _csv(city.sample.truth / "truth.csv"):
        who = (row["entity_kind"], row["entity_id"])
        city.planted[who] = row["scheme"]
        if who[0] in CARRIERS:
            alone = who[0] == "institution"
            city.schemes[who] = f"{row['scheme']}: {who[1] if alone else row['note']}"
    city.honest = {
        (row["entity_kind"], row["entity_id"]): row["kind"] for row in _csv(city.sample.truth / "lookalikes.csv")
    }


def _csv(path: Path) -> Iterable[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def _warned(city: City, database: str, budget: int) -> list[Who]:
    """The entities warned of in an empty queue, the most urgent first."""
    city.run("score", *KINDS, "--budget", str(budget), "--format", "json", database=database)
    ordered: list[Who] = []
    for kind in KINDS:
        told = city.run("warnings", "--entity", kind, "--limit", "10000", "--format", "json", database=database)
        # The newest come first, and the most urgent were handed over first.
        found = [row for row in reversed(json.loads(told)) if row["model"] != RANDOM]
        ordered += dict.fromkeys((kind, row["entity_id"]) for row in found)
    return ordered


def _inspected(city: City, warned: Sequence[Who], population: dict[str, int], many: int, seed: int) -> dict[Who, str]:
    """What somebody who goes there finds: of the warned entities, and of others drawn at random."""
    from features import profile_store

    everybody = list(warned)[:many]
    rng = random.Random(seed)
    rest = []
    for kind in population:
        folder = profile_store.latest(city.workspace / "profiles", kind)
        if folder is not None and kind in LEARNED:
            rest += [(kind, one) for one in profile_store.load(folder).ids if (kind, one) not in set(warned)]
    everybody += rng.sample(rest, max(0, min(len(rest), many - len(everybody))))
    return {who: "confirmed" if who in city.planted else "false_alarm" for who in everybody}


def _rows(city: City, seed: int, labels: str, budget: int, warned: Sequence[Who]) -> list[dict[str, Any]]:
    hits = set(warned)
    early = {one for kind in KINDS for one in [who for who in warned if who[0] == kind][: budget // 2]}
    rows: list[dict[str, Any]] = []
    by: dict[Who, list[Who]] = defaultdict(list)
    for who, scheme in city.planted.items():
        by[scheme, who[0]].append(who)
    for (scheme, kind), members in sorted(by.items()):
        if kind == "tender":
            continue
        rows.append(_row(seed, labels, f"{scheme}/{kind}", sum(who in hits for who in members), len(members)))
    found = {name for who, name in city.schemes.items() if who in hits}
    rows.append(_row(seed, labels, "schemes", len(found), len(set(city.schemes.values()))))
    tenders = [who for who in warned if who[0] == "tender"]
    rows.append(
        _row(seed, labels, "rigged among warned tenders", sum(t in city.planted for t in tenders), len(tenders))
    )
    rows.append(_row(seed, labels, "look-alikes accused", len(hits & city.honest.keys()), len(city.honest)))
    rows.append(_row(seed, labels, "look-alikes early", len(early & city.honest.keys()), len(city.honest)))
    return rows


def _row(seed: int | str, labels: str, what: str, found: int, of: int) -> dict[str, Any]:
    part = share(found, of)
    return {
        "seed": seed, "labels": labels, "what": what, "found": found, "of": of,
        "share": None if part.value is None else round(part.value, 3), "interval": f"{part.low:.3f}-{part.high:.3f}",
    }  # fmt: skip


def _together(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    sums: dict[tuple[str, str], list[int]] = {}
    for row in rows:
        told = sums.setdefault((row["labels"], row["what"]), [0, 0])
        told[0] += row["found"]
        told[1] += row["of"]
    return [_row("all", labels, what, found, of) for (labels, what), (found, of) in sums.items()]


if __name__ == "__main__":
    main()
