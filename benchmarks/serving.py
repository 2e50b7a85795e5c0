"""The scoring service over loopback HTTP, beside `mlflow models serve` of the same model in the same run.

    python -m benchmarks.serving [--workspace DIR] [--rows 300] [--repeat 3] [--format table|json]

`--workspace` names a workspace with a promoted tender model (a demo's); without it a market of 600 tenders is made, and
an isolation forest trained and promoted on it. Both servers run as their command line starts them, one process each,
and are asked in turn: `--rows` requests of one entity each over 1 and over 4 kept-alive connections. Ours answers ids
at stored profiles (all rules and the learned model), and one raw tender with its bids; the peer answers the learned
model alone on a ready row, explained, which is what its model gives. Figures are medians over `--repeat`, low and high
beside them; `ratio_to_mlflow` is in requests a second at as many connections.
"""

from __future__ import annotations

import argparse
import http.client
import itertools
import json
import os
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.dataset as ds

from features import profile_store
from features.build import build
from features.contracts import contract_of
from features.contracts.column import SYSTEM
from features.engine import Engine
from features.lake import Lake
from features.profiles import Profiles
from gnomon.config import Settings

TENDERS = 600
CONNECTIONS = (1, 4)
WARM = 20


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the benchmark and print its rows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workspace", type=Path)
    parser.add_argument("--data", help=argparse.SUPPRESS)
    parser.add_argument("--rows", type=int, default=300)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--format", choices=("table", "json"), default="table")
    told = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as scratch:
        settings = Settings(workspace=told.workspace or market(Path(scratch) / "workspace"))
        rows = compared(settings, told.rows, told.repeat)
    if told.format == "json":
        sys.stdout.write(json.dumps(rows, indent=1) + "\n")
        return
    names = list(rows[0])
    sys.stdout.write("\t".join(names) + "\n")
    for row in rows:
        sys.stdout.write("\t".join("" if row[name] is None else str(row[name]) for name in names) + "\n")


def compared(settings: Settings, requests: int, repeat: int) -> list[dict[str, Any]]:
    """Rows of the table: both servers run at once and take turns, so that neither has the machine to itself."""
    found = profile_store.latest(settings.workspace / "profiles", "tender")
    if found is None:
        raise SystemExit("the workspace holds no tender profiles")
    profiles = profile_store.load(found)
    ids = random.Random(0).sample(profiles.ids, min(200, len(profiles.ids)))
    with ours(settings) as (port, token), peer(settings) as (their_port, columns):
        head = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        plain = {"Content-Type": "application/json"}
        asks = {
            "ids, scored": (port, "/v1/score", head, [_by_id(one, explain=False) for one in ids]),
            "ids, explained": (port, "/v1/score", head, [_by_id(one, explain=True) for one in ids]),
            "raw tender, explained": (port, "/v1/score", head, _raw(settings, ids[:50])),
            "mlflow, explained": (their_port, "/invocations", plain, _flat(profiles, ids, columns)),
        }  # fmt: skip
        taken: dict[tuple[str, int], list[tuple[float, float, float]]] = {}
        for _ in range(repeat):
            for (what, asked), connections in itertools.product(asks.items(), CONNECTIONS):
                taken.setdefault((what, connections), []).append(measured(*asked, requests, connections))
    rate = {key: [one[0] for one in figures] for key, figures in taken.items()}
    return [
        {
            "what": f"{what}, {connections} connection{'s' if connections > 1 else ''}",
            "requests_per_second": round(statistics.median(rate[what, connections]), 1),
            "low": round(min(rate[what, connections]), 1),
            "high": round(max(rate[what, connections]), 1),
            "p50_ms": round(statistics.median(one[1] for one in figures), 2),
            "p99_ms": round(statistics.median(one[2] for one in figures), 2),
            "ratio_to_mlflow": round(
                statistics.median(rate[what, connections]) / statistics.median(rate["mlflow, explained", connections]),
                2,
            ),
        }
        for (what, connections), figures in taken.items()
    ]


def measured(
    port: int, path: str, headers: dict[str, str], bodies: Sequence[bytes], requests: int, connections: int
) -> tuple[float, float, float]:
    """Requests a second, and milliseconds at the median and at the 99th percentile."""
    seconds: list[float] = []
    turns = iter(itertools.islice(itertools.cycle(bodies), requests))
    lock = threading.Lock()

    def ask(count: int | None) -> None:
        line = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        while True:
            with lock:
                body = next(turns, None) if count is None else bodies[0] if (count := count - 1) >= 0 else None
            if body is None:
                break
            began = time.perf_counter()
            line.request("POST", path, body, headers)
            answer = line.getresponse()
            told = answer.read()
            if answer.status != 200:
                raise SystemExit(f"{path} answered {answer.status}: {told[:300]!r}")
            if count is None:
                seconds.append(time.perf_counter() - began)
        line.close()

    ask(WARM)
    workers = [threading.Thread(target=ask, args=(None,)) for _ in range(connections)]
    began = time.perf_counter()
    for one in workers:
        one.start()
    for one in workers:
        one.join()
    took = time.perf_counter() - began
    p50, p99 = np.percentile(seconds, [50, 99]) * 1000
    return len(seconds) / took, float(p50), float(p99)


@contextmanager
def ours(settings: Settings) -> Iterator[tuple[int, str]]:
    """`gnomon serve` on a free port, and a token to ask it with."""
    from cases import people, store
    from cases.workflow import Role
    from gnomon.database import transaction

    database = store.upgrade(settings)
    with transaction(database) as session:
        if people.person(session, "benchmark") is None:
            people.add(session, "benchmark", Role.SERVICE, "benchmark")
        token = people.issue_token(session, "benchmark", "benchmark")
    database.dispose()
    port = _free()
    command = [sys.executable, "-m", "serving.cli", "serve", "--port", str(port)]
    with _running([*command, "--workspace", str(settings.workspace)], port, "/healthz"):
        yield port, token


@contextmanager
def peer(settings: Settings) -> Iterator[tuple[int, tuple[str, ...]]]:
    """`mlflow models serve` of the champion, and the columns that its rows hold."""
    from training import bundle

    serving = bundle.serving(settings, "tender")
    if serving is None:
        raise SystemExit("no tender model is promoted in the workspace")
    port = _free()
    command = [sys.executable, "-m", "mlflow", "models", "serve", "--env-manager", "local", "--port", str(port)]
    command += ["--workers", "1", "--model-uri", f"models:/gnomon-tender/{serving.version}"]
    surroundings = {"MLFLOW_TRACKING_URI": settings.mlflow_url, "MLFLOW_DISABLE_TELEMETRY": "true"}
    # It starts its server by name.
    surroundings["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    with _running(command, port, "/ping", surroundings):
        yield port, bundle.Bundle.load(serving.folder).columns


@contextmanager
def _running(
    command: Sequence[str], port: int, alive: str, surroundings: dict[str, str] | None = None
) -> Iterator[None]:
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            list(command), env={**os.environ, **(surroundings or {})}, stdout=said, stderr=said, start_new_session=True
        )
        try:
            for _ in range(600):
                if process.poll() is not None or _answers(port, alive):
                    break
                time.sleep(0.2)
            if process.poll() is not None:
                said.seek(0)
                raise SystemExit(f"{' '.join(command)} ended: {said.read().decode(errors='replace')[-2000:]}")
            yield
        finally:
            # The whole group of this very process: the peer serves in a child of its own.
            if process.poll() is None:
                os.killpg(process.pid, 15)
            process.wait(30)


def _answers(port: int, path: str) -> bool:
    try:
        line = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
        line.request("GET", path)
        return line.getresponse().status == 200
    except OSError:
        return False


def _free() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
    return port


def _by_id(one: str, explain: bool) -> bytes:
    return json.dumps({"entity": "tender", "ids": [one], "explain": explain}).encode()


def _raw(settings: Settings, ids: Sequence[str]) -> list[bytes]:
    lake, out = Lake(settings.lake_url), []
    hidden = [name for name, _ in SYSTEM]
    rows: dict[str, dict[str, list[dict[str, Any]]]] = {one: {} for one in ids}
    for table in ("tender", "bid"):
        where = ds.field("tender_id").cast("string").isin(list(ids))
        found = ds.dataset(lake.files(table), schema=contract_of(table).schema).to_table(filter=where)
        for row in found.drop_columns(hidden).to_pylist():
            rows[row["tender_id"]].setdefault(table, []).append({k: v for k, v in row.items() if v is not None})
    for records in rows.values():
        asked = {"entity": "tender", "records": records, "explain": True}
        out.append(json.dumps(asked, default=lambda x: x.isoformat() if hasattr(x, "isoformat") else str(x)).encode())
    return out


def _flat(profiles: Profiles, ids: Sequence[str], columns: tuple[str, ...]) -> list[bytes]:
    from training.flat import flat

    rows = flat(profiles.select(list(ids)), columns)
    return [
        ('{"dataframe_split": ' + rows.iloc[[at]].to_json(orient="split", index=False) + "}").encode()
        for at in range(len(rows))
    ]


def market(folder: Path) -> Path:
    """A workspace with one market of tenders, and a forest trained and promoted on it."""
    from training import registry
    from training.train import train

    settings, draw = Settings(workspace=folder), random.Random(7)
    tenders = [_tender(number) for number in range(TENDERS)]
    bids = [one for number in range(TENDERS) for one in _bids(number, draw)]
    for name, rows in (("tender", tenders), ("bid", bids)):
        under = contract_of(name)
        schema = pa.schema([field for field in under.schema if field.name in rows[0]])
        Lake(settings.lake_url).commit(name, pa.Table.from_pylist(rows, schema=schema), "benchmark", name)
    profiles = build(Engine.open(Lake(settings.lake_url)), "tender")
    profile_store.save(profiles, profile_store.place(settings.folder("profiles"), profiles))
    train(settings, profiles, None, lambda _: profiles)
    registry.promote(settings, "tender", profiles, None)
    return folder


def _tender(number: int) -> dict[str, Any]:
    at = datetime(2022, 1, 10, 2, tzinfo=UTC) + timedelta(days=2 * number)
    told: dict[str, Any] = {"tender_id": f"T{number}", "buyer_id": f"B{number % 20}", "title": f"Road {number}"}
    told |= {"category": "works", "class_code": f"B0{number % 4}", "method": "open", "status": "complete"}
    told |= {"region_code": "460100", "published_at": at - timedelta(days=25), "opened_at": at}
    return told | {"estimated_value": Decimal(1_000_000)}


def _bids(number: int, draw: random.Random) -> list[dict[str, Any]]:
    firms = draw.sample(range(80), 5)
    amounts = [Decimal(round(draw.uniform(780_000, 990_000))) for _ in firms]
    return [
        {
            "bid_id": f"T{number}-{firm}",
            "tender_id": f"T{number}",
            "bidder_id": f"F{firm}",
            "amount": amount,
            "status": "valid",
            "is_winner": amount == min(amounts),
        }
        for firm, amount in zip(firms, amounts, strict=True)
    ]


if __name__ == "__main__":
    main()
