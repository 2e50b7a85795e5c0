"""Labelled sets on disk, brought through the shipped mappings, the lake and the measures to profiles and labels."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd

from features import mapping
from features.build import build
from features.engine import Engine
from features.ingest import ingest
from features.lake import Lake
from features.norms import Peers, Placed, fit
from features.profiles import ProfileColumn, Profiles
from gnomon.terms import Direction, Text
from training.dataset import labels_for, read_labels

PROVIDER_FILES = (
    ("beneficiaries", "providers-beneficiaries"),
    ("claims_inpatient", "providers-claims"),
    ("provider_aggregates", "providers-totals"),
)
KEY = b"benchmark"


@dataclass(frozen=True)
class LabelledSet:
    """One labelled set as the pipeline sees it."""

    name: str
    kind: str
    """`tenders` or `providers`."""
    profiles: Profiles
    labels: pd.Series
    published: pd.DataFrame | None = None
    """Screens as published, index entity_id; tender sets only."""
    firms: Mapping[str, frozenset[str]] | None = None
    """Bidders by tender, where the source names them."""


def folders(data: Path, kind: str) -> list[Path]:
    """The labelled sets of one kind under `data`, by name."""
    return sorted(path.parent for path in (data / kind).glob("*/labels.csv"))


def load(folder: Path, kind: str) -> LabelledSet:
    """One set through the real pipeline in a temporary lake."""
    entity = "tender" if kind == "tenders" else "institution"
    with tempfile.TemporaryDirectory() as scratch:
        profiles = profiled(_files(folder, kind), entity, Path(scratch))
    rows = read_labels(folder / "labels.csv", entity, profiles.ids)
    path = folder / "published_screens.csv"
    published = pd.read_csv(path, index_col=0) if path.exists() else None
    if published is not None:
        published.index = published.index.astype(str)
    labels = labels_for(profiles, rows, str(folder))
    return LabelledSet(folder.name, kind, profiles, labels, published, _firms(folder / "bids.csv"))


def profiled(files: Sequence[tuple[Path, str]], entity: str, scratch: Path) -> Profiles:
    """Profiles of one kind of entity from files, each with the name of its shipped mapping."""
    lake = Lake(str(scratch / "lake"))
    for file, name in files:
        for one in ingest([file], mapping.load(name), lake, scratch / "refused", KEY):
            if one.fault is not None:
                raise one.fault
    engine = Engine.open(lake)
    try:
        return build(engine, entity)
    finally:
        engine.close()


def rows_sets(data: Path, limit: int | None) -> Iterator[tuple[str, Profiles, pd.Series]]:
    """ADBench: rows as entities, every feature suspicious on both sides, norms over all rows."""
    for path in sorted((data / "adbench").glob("*.npz")):
        with np.load(path, allow_pickle=False) as held:
            x, y = held["X"].astype(float), held["y"].astype(float)
        if limit is not None and len(x) > limit:
            picked = np.sort(np.random.default_rng(0).choice(len(x), limit, replace=False))
            x, y = x[picked], y[picked]
        ids = pd.Index([f"R{number}" for number in range(len(x))], name="entity_id")
        yield path.stem, of_matrix(x, ids), pd.Series(y, index=ids)


def of_matrix(x: np.ndarray, ids: pd.Index) -> Profiles:
    """Rows of numbers as profiles with one peer group: everybody."""
    names = [f"x{number}" for number in range(x.shape[1])]
    values = pd.DataFrame(x, index=ids, columns=names)
    attributes = pd.DataFrame(index=ids)
    peers = Peers(((),), {}, Text("全部", "all"))
    norms = fit(values, attributes, peers, frozenset(), 5)
    deviations, groups = Placed(norms, names, peers).deviations(values, attributes)
    columns = tuple(ProfileColumn(name, name, "", Text(name, name), "x", Direction.BOTH) for name in names)
    return Profiles("row", datetime.now(UTC), 0, columns, values, deviations, groups, norms, attributes)


def limited(one: LabelledSet, limit: int | None) -> LabelledSet:
    """At most `limit` labelled entities, drawn once by a fixed seed."""
    known = one.labels.dropna()
    if limit is None or len(known) <= limit:
        return one
    picked = np.sort(np.random.default_rng(0).choice(len(known), limit, replace=False))
    kept = [str(entity) for entity in known.index[picked]]
    return replace(one, profiles=one.profiles.select(kept), labels=one.labels.loc[kept])


def say(text: str) -> None:
    """Progress goes to stderr: stdout holds the rows and nothing else."""
    sys.stderr.write(text + "\n")


def _firms(path: Path) -> dict[str, frozenset[str]] | None:
    if not path.exists():
        return None
    bids = pd.read_csv(path, dtype=str)
    if "Competitors" not in bids:
        return None
    return {str(tender): frozenset(own.dropna()) for tender, own in bids.groupby("Tender")["Competitors"]}


def _files(folder: Path, kind: str) -> list[tuple[Path, str]]:
    if kind == "tenders":
        return [(folder / "bids.csv", f"tenders-{folder.name}")]
    found = []
    for stem, name in PROVIDER_FILES:
        found += [(path, name) for path in sorted(folder.glob(f"{stem}.csv*"))]
    return found
