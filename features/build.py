"""Profiles at an as-of date: every measure of every entity of a kind, beside the norm of its peers."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.as_of import first_event, last_event
from features.engine import Engine
from features.evidence import evidence
from features.leave_one_out import apart, rejoined
from features.measures import Entity
from features.measures import entity as entity_of
from features.measures.declare import fused
from features.measures.tables import Tables
from features.norms import Peers, Placed, fit
from features.profiles import Profiles
from features.unknown import reasons
from gnomon.errors import Fault
from gnomon.i18n import both
from gnomon.terms import Text

__all__ = ["build", "evidence", "measure", "peers_of"]


def build(engine: Engine, entity: str, as_of: datetime | None = None, min_peers: int = 20) -> Profiles:
    """Profiles of all entities of one kind.

    Parameters
    ----------
    as_of:
        No row that happened later enters. None is the moment of the last event in the entity's tables.
    min_peers:
        A norm needs at least this many peers with a known value; else the parent group is asked.

    Raises
    ------
    Misuse
        For an unknown kind of entity.
    Fault
        When the tables hold nothing, or nothing yet at the as-of date.
    """
    kind = entity_of(entity)
    moment = last_event(engine, kind) if as_of is None else _not_too_early(engine, kind, as_of.astimezone(UTC))
    values, attributes, missing = _measured(engine, kind, moment)
    if values.empty:
        raise Fault("features.build.empty", place=entity, tables=", ".join(kind.tables))
    peers = peers_of(kind)
    log = frozenset(column.name for one in kind.measures.values() if one.log for column in one.columns)
    norms = fit(values, attributes, peers, log, min_peers)
    held = apart(values, attributes, norms, peers, log, min_peers)
    return Profiles(
        kind.kind, moment, engine.lake_version, kind.columns, values, held.deviations, held.groups, norms, attributes,
        missing, held.centers, held.spreads,
    )  # fmt: skip


def measure(records: Engine, entity: str, reference: Profiles, as_of: datetime | None = None) -> Profiles:
    """Profiles of the entities in raw records, held against the norms of stored reference profiles.

    Measures that need other entities' rows (earlier tenders, peers for the same drug) see only the records given.
    """
    kind = entity_of(entity)
    if not any(records.has(table) for table in kind.tables):
        raise Fault("features.build.empty", place=entity, tables=", ".join(kind.tables))
    moment = last_event(records, kind) if as_of is None else as_of.astimezone(UTC)
    values, attributes, missing = _measured(records, kind, moment)
    columns = [column.name for column in reference.columns]
    values = values.reindex(columns=columns)
    placed = Placed(reference.norms, columns, peers_of(kind))
    deviations, groups = against(reference, values, placed.deviations(values, attributes), placed.log)
    return Profiles(
        kind.kind, moment, reference.lake_version, reference.columns, values, deviations, groups, reference.norms,
        attributes, missing, *held_apart(reference, values.index),
    )  # fmt: skip


def held_apart(reference: Profiles, ids: pd.Index) -> tuple[pd.DataFrame | None, pd.DataFrame | None]:
    """Centers and spreads of stored profiles for these entities; unknown for those that were not profiled."""
    if reference.centers is None or reference.spreads is None:
        return None, None
    return reference.centers.reindex(ids), reference.spreads.reindex(ids)


def against(
    reference: Profiles, values: pd.DataFrame, held: tuple[pd.DataFrame, pd.DataFrame], log: npt.NDArray[np.bool_]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Deviations and groups against stored norms, a profiled entity being held against the others as it was then."""
    if reference.centers is None or reference.spreads is None:
        return held
    return rejoined(held, (reference.groups, reference.centers, reference.spreads), values, log)


def _not_too_early(engine: Engine, kind: Entity, moment: datetime) -> datetime:
    first = first_event(engine, kind)
    if first is not None and first > moment:
        place = f"{kind.kind} --as-of {moment:%Y-%m-%d}"
        raise Fault("features.build.too_early", place=place, first=f"{first:%Y-%m-%d}")
    return moment


def peers_of(kind: Entity) -> Peers:
    """How the entity's peer groups are made and told."""
    everybody = Text(f"全部{kind.title.zh}", f"all {kind.title.en} profiles")
    return Peers(kind.peers, kind.attribute_titles, everybody)


def _measured(engine: Engine, kind: Entity, moment: datetime) -> tuple[pd.DataFrame, pd.DataFrame, dict[str, Text]]:
    """Values and attributes of all entities in order of their ids, and the columns that nobody has a value in."""
    tables = Tables(engine, moment)
    attributes = engine.frame(kind.attributes(tables)).set_index("entity_id")
    frames: list[pd.DataFrame] = []
    missing: dict[str, Text] = {}
    for view in kind.views:
        absent = [table for table in view.needs if not engine.has(table)]
        columns = [c.name for one in kind.measures.values() if one.view.name == view.name for c in one.columns]
        if absent:
            reason = both("features.build.no_table", tables=", ".join(absent))
            missing.update(dict.fromkeys(columns, reason))
            continue
        query, made_of = fused(kind, view, tables)
        frame = engine.frame(query).set_index("entity_id")
        frames.append(frame)
        unknown = frame.columns[frame.isna().all().to_numpy()]
        missing.update(reasons(engine, {name: made_of[name] for name in unknown}) if len(unknown) else {})
    ids = attributes.index
    for frame in frames:
        ids = ids.union(frame.index)
    ids = pd.Index(sorted(map(str, ids)), name="entity_id", dtype="str")
    names = [column.name for column in kind.columns]
    found = pd.concat([frame.reindex(ids) for frame in frames], axis=1) if frames else pd.DataFrame(index=ids)
    values = found.reindex(columns=names).astype("float64")
    values = pd.DataFrame(steady(values.to_numpy()), index=ids, columns=names)
    return values, attributes.reindex(ids).astype("str"), missing


def steady(x: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The values without the noise of the order in which threads added them up; not finite is unknown.

    Sums of money become whole cents again, everything else keeps nine digits: the same rows give the same frame.

    >>> steady(np.array([0.1 + 0.2, 1 / 3, np.inf])).tolist()
    [0.3, 0.333333333, nan]
    """
    x = np.where(np.isfinite(x), x, np.nan)
    cents = np.round(x, 2)
    with np.errstate(divide="ignore", invalid="ignore"):
        digits = 10.0 ** (8 - np.floor(np.log10(np.abs(x))))
        rounded = np.where(np.isfinite(digits), np.round(x * digits) / digits, x)
    return np.where(np.abs(x - cents) <= 1e-12 * np.abs(x), cents, rounded)
