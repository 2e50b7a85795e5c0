"""Long work that nobody waits for: scoring many entities part by part. It survives `kill -9` and can be called off.

A job is a folder of the workspace. What was asked is written once, every part of the result once, both by renaming; so
whoever finds an unfinished job without an owner goes on after its last part. The owner holds a lock that dies with it.
"""

from __future__ import annotations

import fcntl
import json
import logging
import re
import secrets
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from gnomon.errors import Fault

log = logging.getLogger("gnomon.serving")

PART = 250
"""Entities scored between two looks at whether the job was called off."""
MOST = 1_000_000
"""Entities of one job."""
WAITING = 20
"""Unfinished jobs at a time; more would only wait."""
LOOK = 5.0
"""Seconds after which an idle worker looks for jobs that another process left behind."""
ID = re.compile(r"\d{8}T\d{12}-[0-9a-f]{6}")

Row = Mapping[str, Any]
Work = Callable[["Asked", Sequence[str]], Sequence[Row]]
"""Scores some entities: one row each, with `fault` in it where one could not be scored."""
Plan = Callable[["Asked"], "Line"]
"""Looks at all entities of a job with an aim before the first is scored in full."""


class State(StrEnum):
    """Where a job stands."""

    WAITING = "waiting"
    RUNNING = "running"
    CANCELLING = "cancelling"
    CANCELLED = "cancelled"
    DONE = "done"
    FAILED = "failed"


ENDED = frozenset({State.CANCELLED, State.DONE, State.FAILED})


@dataclass(frozen=True)
class Asked:
    """What somebody wants scored."""

    id: str
    by: str
    at: str
    entity: str
    ids: tuple[str, ...]
    explain: bool
    aim: Mapping[str, float] | None = None
    """`budget`, `precision` or `fdr`, and its number; None: scores alone."""


@dataclass(frozen=True)
class Line:
    """What an aim came to over all entities of a job."""

    asks: Mapping[str, Sequence[str]]
    """Models that ask, by entity."""
    threshold: Mapping[str, Any] | None
    stated: Mapping[str, str]
    """How the threshold was made, or why nobody is asked about; zh and en."""


@dataclass(frozen=True)
class Job:
    """A job as it stands."""

    id: str
    by: str
    entity: str
    explain: bool
    state: State
    total: int
    scored: int
    failed: int
    """Entities that could not be scored; the others are not held up by them."""
    parts: int
    created_at: datetime
    updated_at: datetime
    fault: str
    """Why the job failed as a whole."""
    aim: Mapping[str, float] | None = None
    threshold: Mapping[str, Any] | None = None
    stated: Mapping[str, str] | None = None
    """What the aim came to; None until that is known, and where there is no aim."""


class Jobs:
    """The jobs of one workspace. Any number of processes may serve them; each job has one worker at a time."""

    def __init__(self, folder: Path, work: Work, plan: Plan) -> None:
        self.folder = folder
        self._work = work
        self._plan = plan
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Work on what waits, in a thread of its own."""
        self._thread = threading.Thread(target=self._serve, name="gnomon-jobs", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop after the part under way; the rest is done by whoever starts next."""
        self._stop.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join(30)

    def submit(
        self, by: str, entity: str, ids: Sequence[str], explain: bool, aim: Mapping[str, float] | None = None
    ) -> Job:
        """Take a job in. `Fault`: 422 nothing or too much at once, 429 too many jobs wait."""
        if not 0 < len(ids) <= MOST:
            raise Fault("serving.jobs.size", place="ids", status=422, most=f"{MOST:,}")
        if sum(1 for one in self._folders() if not (one / "end.json").exists()) >= WAITING:
            raise Fault("serving.jobs.busy", place="jobs", status=429, most=WAITING)
        now = datetime.now(UTC)
        name = f"{now:%Y%m%dT%H%M%S%f}-{secrets.token_hex(3)}"
        folder = self.folder / f".{name}"
        folder.mkdir(parents=True)
        _write(folder / "asked.json", asdict(Asked(name, by, now.isoformat(), entity, tuple(ids), explain, aim)))
        folder.rename(self.folder / name)
        self._wake.set()
        return self.job(name)

    def job(self, name: str) -> Job:
        """One job as it stands; `Fault` (404) when there is none."""
        folder = self._folder(name)
        # The long list of ids is not needed to tell how a job stands.
        asked = _asked(folder)
        end = _read(folder / "end.json") or {}
        done = _read(folder / "progress.json") or {"parts": 0, "scored": 0, "failed": 0}
        if end:
            state = State(end["state"])
        elif (folder / "cancel").exists():
            state = State.CANCELLING
        else:
            state = State.RUNNING if done["parts"] or _held(folder) else State.WAITING
        line = (_read(folder / "line.json") if asked.aim else None) or {"threshold": None, "stated": None}
        changed = [path.stat().st_mtime for path in folder.glob("*.json")]
        return Job(
            name, asked.by, asked.entity, asked.explain, state, len(asked.ids), done["scored"], done["failed"],
            done["parts"], datetime.fromisoformat(asked.at), datetime.fromtimestamp(max(changed), UTC),
            str(end.get("fault", "")), asked.aim, line["threshold"], line["stated"],
        )  # fmt: skip

    def jobs(self, updated_since: datetime | None = None, after: str = "", limit: int = 50) -> list[Job]:
        """Jobs, the newest first; those below `after` (an id), and those that changed since a moment, when asked."""
        found: list[Job] = []
        for folder in sorted(self._folders(), reverse=True):
            if after and folder.name >= after:
                continue
            one = self.job(folder.name)
            if updated_since is None or one.updated_at >= updated_since:
                found.append(one)
            if len(found) == limit:
                break
        return found

    def cancel(self, name: str) -> Job:
        """Call a job off: it ends after the part under way. One that has ended stays as it is."""
        folder = self._folder(name)
        if not (folder / "end.json").exists():
            (folder / "cancel").touch()
            self._wake.set()
        return self.job(name)

    def rows(self, name: str, part: int) -> list[Row]:
        """Results of one part, numbered from 0; empty when it is not done."""
        path = self._folder(name) / f"part-{part:05d}.jsonl"
        if not path.exists():
            return []
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]

    def work_off(self) -> int:
        """Do everything that waits and that nobody else is at, the oldest first; how many jobs that was."""
        count = 0
        for folder in sorted(self._folders()):
            if (folder / "end.json").exists() or self._stop.is_set():
                continue
            with _owned(folder) as mine:
                if mine and not (folder / "end.json").exists():
                    self._run(folder)
                    count += 1
        return count

    def _run(self, folder: Path) -> None:
        asked = _asked(folder)
        told = _read(folder / "progress.json") or {"parts": 0, "scored": 0, "failed": 0}
        try:
            asks = self._asks(folder, asked)
            for start in range(told["parts"] * PART, len(asked.ids), PART):
                if self._stop.is_set():
                    return
                if (folder / "cancel").exists():
                    _write(folder / "end.json", {"state": State.CANCELLED})
                    return
                rows = self._work(asked, asked.ids[start : start + PART])
                if asks is not None:
                    rows = [row if "fault" in row else {**row, "asks": asks.get(row["entity_id"], [])} for row in rows]
                text = "\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
                _rename(folder / f"part-{told['parts']:05d}.jsonl", text)
                faults = sum(1 for row in rows if "fault" in row)
                told["parts"] += 1
                told["failed"] += faults
                told["scored"] += len(rows) - faults
                _write(folder / "progress.json", told)
            _write(folder / "end.json", {"state": State.DONE})
        except Fault as fault:
            _write(folder / "end.json", {"state": State.FAILED, "fault": str(fault)})
        except Exception as error:
            log.exception("job %s failed", folder.name)
            _write(folder / "end.json", {"state": State.FAILED, "fault": type(error).__name__})

    def _asks(self, folder: Path, asked: Asked) -> Mapping[str, Sequence[str]] | None:
        """Which models ask about whom under the job's aim: looked at once, so that all parts keep to one line."""
        if asked.aim is None:
            return None
        known = _read(folder / "asks.json")
        if known is None:
            line = self._plan(asked)
            known = {key: list(ids) for key, ids in line.asks.items()}
            _write(folder / "line.json", {"threshold": line.threshold, "stated": line.stated})
            _write(folder / "asks.json", known)
        return known

    def _serve(self) -> None:
        while not self._stop.is_set():
            self._wake.clear()
            if not self.work_off():
                self._wake.wait(LOOK)

    def _folders(self) -> Iterator[Path]:
        return (path for path in self.folder.glob("[0-9]*") if ID.fullmatch(path.name))

    def _folder(self, name: str) -> Path:
        folder = self.folder / name
        if not ID.fullmatch(name) or not (folder / "asked.json").exists():
            raise Fault("serving.jobs.unknown", place=name[:60], status=404)
        return folder


def _asked(folder: Path) -> Asked:
    told = _read(folder / "asked.json")
    assert told is not None
    return Asked(**{**told, "ids": tuple(told["ids"])})


@contextmanager
def _owned(folder: Path) -> Iterator[bool]:
    """Whether this process is the job's worker while the block runs; the lock goes with the process."""
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


def _held(folder: Path) -> bool:
    if not (folder / "lock").exists():
        return False
    with _owned(folder) as free:
        return not free


def _read(path: Path) -> dict[str, Any] | None:
    try:
        told: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return told


def _write(path: Path, told: Mapping[str, Any]) -> None:
    _rename(path, json.dumps(told, ensure_ascii=False))


def _rename(path: Path, text: str) -> None:
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    fresh.write_text(text, encoding="utf-8")
    fresh.replace(path)
