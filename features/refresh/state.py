"""What a refresh starts from: the frames that stored profiles were put together from, and what they stand on.

It is bound to the files of the lake's state, to the as-of moment, to the program that measured, and to the smallest
peer group. When anything of the program or its engine is another, nothing is taken over.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

import features
from features import profile_store
from features.engine import Engine
from features.identity import TABLE as IDENTITY
from features.profiles import Profiles
from features.refresh.changes import Files

FOLDER = "refresh"
FACTS = "state.json"
KINDS = ("frames", "firsts", "parts")


class Known(NamedTuple):
    """What stored profiles are compared by."""

    values: pd.DataFrame
    attributes: pd.DataFrame


@dataclass
class State:
    """Arrow tables by name: `frames` of views and attributes, `firsts` steps of what adds up, `parts` of tables."""

    entity: str
    as_of: datetime
    min_peers: int
    files: Files
    program: str
    frames: dict[str, pa.Table] = field(default_factory=dict)
    firsts: dict[str, pa.Table] = field(default_factory=dict)
    parts: dict[str, pa.Table] = field(default_factory=dict)

    @classmethod
    def of(cls, engine: Engine, entity: str, as_of: datetime, min_peers: int) -> State:
        """An empty one that stands on what the engine reads."""
        return cls(entity, as_of, min_peers, {name: list(files) for name, files in engine.files.items()}, program())

    def reason_against(self, min_peers: int, files: Files) -> str:
        """Message key of why nothing can be taken over for the present files; empty when it can."""
        if self.program != program():
            return "features.refresh.program"
        if self.min_peers != min_peers:
            return "features.refresh.min_peers"
        if not all(Path(one).exists() for files in self.files.values() for one in files):
            return "features.refresh.files"
        if list(self.files.get(IDENTITY, ())) != list(files.get(IDENTITY, ())):
            # A link makes one entity of two: rows change hands that no file tells of.
            return "features.refresh.identity"
        return ""


@cache
def program() -> str:
    """Fingerprint of everything that profiles are measured by: this package, and the engine under it."""
    told = sha256()
    for path in sorted(Path(features.__path__[0]).rglob("*.py")):
        told.update(path.read_bytes())
    for name in ("ibis-framework", "duckdb", "numpy", "pandas"):
        told.update(f"{name}={version(name)}".encode())
    return told.hexdigest()


def save(profiles: Profiles, state: State, folder: Path) -> Path:
    """Store profiles with their state, in one step; states of the entity's earlier profiles go, for one is enough."""

    def beside(fresh: Path) -> None:
        (fresh / FOLDER).mkdir()
        facts = {name: getattr(state, name) for name in ("entity", "min_peers", "files", "program")}
        tables = {f"{kind}-{name}": table for kind in KINDS for name, table in getattr(state, kind).items()}
        with ThreadPoolExecutor() as pool:
            writing = [
                pool.submit(pq.write_table, table, fresh / FOLDER / f"{name}.parquet", compression="zstd")
                for name, table in tables.items()
            ]
        for one in writing:
            one.result()
        told = json.dumps({**facts, "as_of": state.as_of.isoformat()}, ensure_ascii=False, indent=1)
        (fresh / FOLDER / FACTS).write_text(told, encoding="utf-8")

    profile_store.save(profiles, folder, beside)
    for older in list(_stored(folder.parent))[1:]:
        shutil.rmtree(older / FOLDER, ignore_errors=True)
    return folder


def load(root: Path, entity: str) -> tuple[State, Known] | None:
    """The newest state of an entity, and what its profiles said; None when there are none to be read."""
    for folder in _stored(root / entity):
        try:
            facts = json.loads((folder / FOLDER / FACTS).read_text(encoding="utf-8"))
            facts["as_of"] = datetime.fromisoformat(facts["as_of"])
            state = State(**facts)
            for path in sorted((folder / FOLDER).glob("*.parquet")):
                kind, _, name = path.stem.partition("-")
                getattr(state, kind)[name] = pq.read_table(path)
            return state, Known(*(pd.read_parquet(folder / f"{name}.parquet") for name in Known._fields))
        except (OSError, ValueError, TypeError, AttributeError):
            continue
    return None


def _stored(folder: Path) -> Iterator[Path]:
    """Folders of profiles with a state, the newest first."""
    return (path.parent.parent for path in sorted(folder.glob(f"[0-9]*/{FOLDER}/{FACTS}"), reverse=True))
