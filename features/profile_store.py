"""Profiles on disk: Parquet frames beside a JSON header, written whole or not at all."""

from __future__ import annotations

import json
import secrets
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd

from features.profiles import ProfileColumn, Profiles
from gnomon.errors import Fault
from gnomon.terms import Direction, Text

FRAMES = ("values", "deviations", "groups", "norms", "attributes")
APART = ("centers", "spreads", "trials")
"""Absent in profiles that were stored before peers were taken without the entity, and rates drawn to theirs."""
HEADER = "profiles.json"
FORMAT = 1


def place(root: Path, profiles: Profiles) -> Path:
    """Folder of these profiles under `root`: `<entity>/<as-of>-v<lake version>`; names sort by age."""
    return root / profiles.entity / f"{profiles.as_of:%Y%m%dT%H%M%S}-v{profiles.lake_version:08d}"


def save(profiles: Profiles, folder: Path, beside: Callable[[Path], None] | None = None) -> Path:
    """Write profiles to `folder`, replacing what stands there; a reader sees the old or the new, never half.

    `beside` writes what goes with them into the same folder, in the same step.
    """
    fresh = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}")
    fresh.mkdir(parents=True)
    try:
        frames = {name: getattr(profiles, name) for name in (*FRAMES, *APART)}
        with ThreadPoolExecutor() as pool:
            writing = [
                pool.submit(frame.to_parquet, fresh / f"{name}.parquet")
                for name, frame in frames.items()
                if frame is not None
            ]
        for one in writing:
            one.result()
        if beside is not None:
            beside(fresh)
        (fresh / HEADER).write_text(json.dumps(_header(profiles), ensure_ascii=False, indent=1), encoding="utf-8")
        old = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}")
        if folder.exists():
            folder.rename(old)
        fresh.rename(folder)
        shutil.rmtree(old, ignore_errors=True)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return folder


def load(folder: Path) -> Profiles:
    """Read what `save` wrote; `Fault` when there is nothing or only half of it."""
    about = header(folder)
    try:
        apart = [name for name in APART if (folder / f"{name}.parquet").exists()]
        frames = {name: pd.read_parquet(folder / f"{name}.parquet") for name in (*FRAMES, *apart)}
    except (OSError, ValueError) as cause:
        raise Fault("features.profile_store.unreadable", place=str(folder)) from cause
    return Profiles(**about | frames)


def header(folder: Path) -> dict[str, Any]:
    """What stored profiles are of, by field, without any frame; `Fault` when it cannot be read."""
    try:
        told = json.loads((folder / HEADER).read_text(encoding="utf-8"))
    except (OSError, ValueError) as cause:
        raise Fault("features.profile_store.unreadable", place=str(folder)) from cause
    if told.get("format") != FORMAT:
        raise Fault("features.profile_store.unreadable", place=str(folder))
    return {
        "entity": told["entity"],
        "as_of": datetime.fromisoformat(told["as_of"]),
        "lake_version": told["lake_version"],
        "columns": tuple(_column(one) for one in told["columns"]),
        "missing": {name: Text(**one) for name, one in told["missing"].items()},
    }


def latest(root: Path, entity: str) -> Path | None:
    """Folder of the entity's newest profiles under `root` (by as-of, then lake version); None when there are none."""
    found = sorted(path.parent for path in (root / entity).glob(f"[0-9]*/{HEADER}"))
    return found[-1] if found else None


def _header(profiles: Profiles) -> dict[str, object]:
    return {
        "format": FORMAT,
        "entity": profiles.entity,
        "as_of": profiles.as_of.isoformat(),
        "lake_version": profiles.lake_version,
        "columns": [asdict(column) for column in profiles.columns],
        "missing": {name: asdict(reason) for name, reason in profiles.missing.items()},
    }


def _column(told: dict[str, object]) -> ProfileColumn:
    title = told["title"]
    assert isinstance(title, dict)
    return ProfileColumn(
        str(told["name"]), str(told["measure"]), str(told["window"]), Text(**title), str(told["unit"]),
        Direction(str(told["suspicious"])),
    )  # fmt: skip
