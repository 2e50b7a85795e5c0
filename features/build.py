"""Profiles at an as-of date: every measure of every entity of a kind, beside the norm of its peers."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

import ibis.expr.types as ir
import numpy as np
import numpy.typing as npt
import pandas as pd

from features.as_of import first_event, happened_by, last_event
from features.engine import Engine
from features.evidence import evidence
from features.leave_one_out import Apart, apart, rejoined
from features.measures import Entity
from features.measures import entity as entity_of
from features.measures.declare import TRIALS, View, fused
from features.measures.tables import Tables
from features.norms import Peers, Placed, fit, scaled
from features.profiles import Profiles
from features.rates import Rates, not_beyond
from features.unknown import fields_of, reasons
from gnomon import tracing
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
    with tracing.span("profile", entity=kind.kind, version=engine.lake_version) as told:
        made = compose(Frames(engine, kind, moment_of(engine, kind, as_of)), min_peers)
        told.tell(as_of=made.as_of.isoformat(), rows=len(made.values), columns=len(made.columns))
        return made


class Frames:
    """What profiles are put together from, every frame asked of the engine."""

    def __init__(self, engine: Engine, kind: Entity, moment: datetime) -> None:
        self.engine, self.kind, self.moment = engine, kind, moment
        self.tables = Tables(engine, moment)

    def attributes(self) -> pd.DataFrame:
        """Name and peer attributes by entity."""
        return self.engine.frame(self.kind.attributes(self.tables)).set_index("entity_id")

    def view(self, view: View) -> tuple[pd.DataFrame, Mapping[str, ir.Value]]:
        """The measures of a view by entity, and what each is computed by."""
        query, made_of = fused(self.kind, view, self.tables)
        return self.engine.frame(query).set_index("entity_id"), made_of

    def norms(
        self, values: pd.DataFrame, trials: pd.DataFrame, attributes: pd.DataFrame, min_peers: int
    ) -> tuple[pd.DataFrame, Apart]:
        """The norms of all values, and the entities held against them."""
        peers = peers_of(self.kind)
        log = frozenset(column.name for one in self.kind.measures.values() if one.log for column in one.columns)
        rates = Rates(trials, self.kind.rates)
        norms = fit(values, attributes, peers, log, min_peers, rates)
        return norms, apart(values, attributes, norms, peers, log, min_peers, rates)


def compose(frames: Frames, min_peers: int) -> Profiles:
    """Put profiles together; `Fault` when there is nobody to profile."""
    kind = frames.kind
    values, trials, attributes, missing = _measured(frames)
    if values.empty:
        named = sorted(map(".".join, set(fields_of(kind.attributes(Tables(frames.engine, frames.moment)).entity_id))))
        tables = ", ".join(one for one in kind.tables if frames.engine.has(one))
        raise Fault("features.build.nobody", place=kind.kind, tables=tables, fields=", ".join(named))
    norms, held = frames.norms(values, trials, attributes, min_peers)
    return Profiles(
        kind.kind, frames.moment, frames.engine.lake_version, kind.columns, values, held.deviations, held.groups,
        norms, attributes, missing, held.centers, held.spreads, trials,
    )  # fmt: skip


def measure(records: Engine, entity: str, reference: Profiles, as_of: datetime | None = None) -> Profiles:
    """Profiles of the entities in raw records, held against the norms of stored reference profiles.

    Measures that need other entities' rows (earlier tenders, peers for the same drug) see only the records given.
    """
    kind = entity_of(entity)
    if not any(records.has(table) for table in kind.tables):
        raise Fault("features.build.empty", place=entity, tables=", ".join(kind.tables))
    moment = last_event(records, kind) if as_of is None else as_of.astimezone(UTC)
    values, trials, attributes, missing = _measured(Frames(records, kind, moment))
    columns = [column.name for column in reference.columns]
    values = values.reindex(columns=columns)
    placed = Placed(reference.norms, columns, peers_of(kind))
    trials = trials.reindex(columns=list(placed.priors.columns))
    return held_against(reference, placed, moment, reference.lake_version, values, trials, attributes, missing)


def held_against(
    reference: Profiles,
    placed: Placed,
    moment: datetime,
    lake_version: int,
    values: pd.DataFrame,
    trials: pd.DataFrame,
    attributes: pd.DataFrame,
    missing: Mapping[str, Text],
) -> Profiles:
    """Profiles of measured values, held against the norms of stored ones; `placed` are those norms made ready."""
    deviations, groups = against(reference, values, trials, placed.deviations(values, attributes, trials), placed)
    return Profiles(
        reference.entity, moment, lake_version, reference.columns, values, deviations, groups, reference.norms,
        attributes, missing, *held_apart(reference, values.index), trials,
    )  # fmt: skip


def held_apart(reference: Profiles, ids: pd.Index) -> tuple[pd.DataFrame | None, pd.DataFrame | None]:
    """Centers and spreads of stored profiles for these entities; unknown for those that were not profiled."""
    if reference.centers is None or reference.spreads is None:
        return None, None
    return reference.centers.reindex(ids), reference.spreads.reindex(ids)


def against(
    reference: Profiles,
    values: pd.DataFrame,
    trials: pd.DataFrame,
    held: tuple[pd.DataFrame, pd.DataFrame],
    placed: Placed,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Deviations and groups against stored norms, a profiled entity being held against the others as it was then."""
    if reference.centers is None or reference.spreads is None:
        return held
    again = values.index.intersection(reference.groups.index)
    if not len(again):
        return held
    x = values.loc[again].to_numpy(float)
    y = np.where(placed.log, scaled(x), x)
    stored = pd.DataFrame() if reference.trials is None else reference.trials
    if rates := [column for column in placed.priors.columns if column in stored]:
        # Sliced once: a look-up by label in each column would take longer than all the rest of a request.
        was, of = reference.values.loc[again, rates], stored.loc[again, rates]
        groups, n = reference.groups.loc[again, rates], trials.loc[again, rates]
        centers = reference.centers.loc[again, rates]
        for column in rates:
            at = values.columns.get_loc(column)
            then = was[column].to_numpy(float), of[column].to_numpy(float)
            code, own = groups[column].to_numpy(), n[column].to_numpy(float)
            drawn = placed.priors.drawn(column, x[:, at], own, code, then)
            y[:, at] = not_beyond(drawn, x[:, at], centers[column].to_numpy(float))
    known = (reference.groups, reference.centers, reference.spreads)
    return rejoined(held, known, pd.DataFrame(y, index=again, columns=values.columns))


def moment_of(engine: Engine, kind: Entity, as_of: datetime | None) -> datetime:
    """The as-of moment, by default that of the last event; `Fault` when nothing had happened by then."""
    if as_of is None:
        return last_event(engine, kind)
    moment = as_of.astimezone(UTC)
    first = None if happened_by(engine, kind, moment) else first_event(engine, kind)
    if first is not None:
        place = f"{kind.kind} --as-of {moment:%Y-%m-%d}"
        raise Fault("features.build.too_early", place=place, first=f"{first:%Y-%m-%d}")
    return moment


def peers_of(kind: Entity) -> Peers:
    """How the entity's peer groups are made and told."""
    everybody = Text(f"全部{kind.title.zh}", f"all {kind.title.en} profiles")
    return Peers(kind.peers, kind.attribute_titles, everybody)


def _measured(source: Frames) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, dict[str, Text]]:
    """Values, trials of rates and attributes of all entities in order of their ids, and the columns nobody has."""
    engine, kind = source.engine, source.kind
    attributes = source.attributes()
    frames: list[pd.DataFrame] = []
    missing: dict[str, Text] = {}
    for view in kind.views:
        absent = [table for table in view.needs if not engine.has(table)]
        columns = [c.name for one in kind.measures.values() if one.view.name == view.name for c in one.columns]
        if absent:
            reason = both("features.build.no_table", tables=", ".join(absent))
            missing.update(dict.fromkeys(columns, reason))
            continue
        frame, made_of = source.view(view)
        frames.append(frame)
        unknown = [name for name in made_of if frame[name].isna().all()]
        missing.update(reasons(engine, {name: made_of[name] for name in unknown}) if len(unknown) else {})
    ids = attributes.index.append([frame.index for frame in frames]).astype("str").unique().sort_values()
    ids = ids.rename("entity_id")
    values = _placed(frames, ids, {column.name: column.name for column in kind.columns})
    trials = _placed(frames, ids, {f"{name}{TRIALS}": name for name in kind.rates})
    return values, trials, attributes.reindex(ids).astype("str"), missing


def _placed(frames: list[pd.DataFrame], ids: pd.Index, names: Mapping[str, str]) -> pd.DataFrame:
    """Columns of the frames, under new names and free of noise, for all entities; one column at a time in memory."""
    found = np.full((len(ids), len(names)), np.nan, order="F")
    places = {name: place for place, name in enumerate(names)}
    for frame in frames:
        own = [name for name in frame.columns if name in places]
        here = ids.get_indexer(frame.index) if own else ()
        for name in own:
            found[here, places[name]] = steady(frame[name].to_numpy("float64", na_value=np.nan))
    return pd.DataFrame(found, index=ids, columns=list(names.values()), copy=False)


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
