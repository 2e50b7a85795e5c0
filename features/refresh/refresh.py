"""Profiles brought up to date: what no row touched is taken over, what adds up is added up, the rest measured anew.

The result equals what `features.build.build` gives for the same tables and moment, value by value. Each view goes one
of three ways:

- *kept*: no row of the tables that it reads came, went or crossed the bound of a window since then.
- *added*: its rows can be told apart by some columns (`View.by`). Those that changed are measured as they were then and
  as they are now; the one is taken from the sums that were stored, the other put to them (`features.refresh.adding`).
- *whole*: measured anew, which is always right.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from time import perf_counter

import ibis
import ibis.expr.operations as ops
import ibis.expr.types as ir
import pandas as pd
import pyarrow as pa

from features.build import Frames, compose, moment_of
from features.contracts import contract_of
from features.engine import EMBEDDED, Engine
from features.leave_one_out import Apart
from features.measures import Entity
from features.measures import entity as entity_of
from features.measures.declare import View, fused
from features.measures.tables import Tables
from features.profile_store import place
from features.profiles import Profiles
from features.refresh.adding import Restricted, added
from features.refresh.changes import Changes, Some
from features.refresh.partials import Partial, partial_of
from features.refresh.state import State, load, save
from features.unknown import fields_of
from gnomon import tracing

Make = Callable[[Tables], ir.Table]
ATTRIBUTES = "attributes"


@dataclass(frozen=True)
class Refreshed:
    """Profiles, what the next refresh starts from, and what was done."""

    profiles: Profiles
    state: State
    ways: Mapping[str, str]
    """By view; the attributes are one of them."""
    touched: int
    """Entities that are not as they were: new, gone, or with another value or attribute."""
    against: str
    """Message key of why everything was measured anew; empty when there was something to start from."""
    seconds: Mapping[str, float]
    """By view, and of the norms."""


def refresh(
    engine: Engine,
    entity: str,
    as_of: datetime | None = None,
    min_peers: int = 20,
    earlier: tuple[State, Profiles] | None = None,
) -> Refreshed:
    """Profiles of all entities of one kind, as `features.build.build` makes them, from earlier ones where possible."""
    kind = entity_of(entity)
    moment = moment_of(engine, kind, as_of)
    against = "features.refresh.first" if earlier is None else earlier[0].reason_against(min_peers)
    against = against if engine.repeats else "features.refresh.engine"
    if earlier is None or against:
        frames = Renewed(engine, kind, moment, min_peers)
        made = compose(frames, min_peers)
        return Refreshed(made, frames.state, frames.ways, len(made.values), against, frames.seconds)
    before = Engine.open(Some(earlier[0].files, 0), url=EMBEDDED)
    try:
        frames = Renewed(engine, kind, moment, min_peers, (earlier[0], before))
        made = compose(frames, min_peers)
    finally:
        before.close()
    return Refreshed(made, frames.state, frames.ways, _touched(earlier[1], made), "", frames.seconds)


def refresh_stored(
    engine: Engine, entity: str, root: Path, as_of: datetime | None = None, min_peers: int = 20, full: bool = False
) -> tuple[Refreshed, Path]:
    """Refresh the profiles that lie under `root` (all anew when `full`), and store them there; also their folder."""
    kind = entity_of(entity).kind
    with tracing.span("profile", entity=kind, version=engine.lake_version) as told:
        made = refresh(engine, kind, as_of, min_peers, None if full else load(root, kind))
        profiles = made.profiles
        told.tell(as_of=profiles.as_of.isoformat(), rows=len(profiles.values), columns=len(profiles.columns))
        return made, save(profiles, made.state, place(root, profiles))


@dataclass(frozen=True)
class Plan:
    """What a query stands on, found out without running it."""

    reads: frozenset[str]
    bounds: frozenset[int]
    timed: bool
    parts: Mapping[str, tuple[str, tuple[str, ...]]]
    """Of which table, and told apart by which columns."""
    partial: Partial | None = None
    made_of: Mapping[str, ir.Value] = field(default_factory=dict)


class Planned(Tables):
    """Tables that note which parts are asked for."""

    def __init__(self, engine: Engine, as_of: datetime) -> None:
        super().__init__(engine, as_of, keep=False)
        self.parts: dict[str, tuple[str, tuple[str, ...]]] = {}

    def part(self, name: str, of: str, by: Sequence[str], expr: Make) -> ir.Table:
        """Note the part, and look into it."""
        self.parts[name] = of, tuple(by)
        return expr(self)


class Parted(Tables):
    """Tables whose parts are brought up to date instead of made whole."""

    def __init__(self, engine: Engine, as_of: datetime, renewed: Callable[[str, str, Sequence[str], Make], pa.Table]):
        super().__init__(engine, as_of)
        self._renewed = renewed

    def part(self, name: str, of: str, by: Sequence[str], expr: Make) -> ir.Table:
        """The part as it is now."""
        return ibis.memtable(self._renewed(name, of, by, expr))


class Renewed(Frames):
    """Frames taken over from an earlier state, added up, or asked of the engine; `state` is what is known after it."""

    def __init__(
        self, engine: Engine, kind: Entity, moment: datetime, min_peers: int,
        earlier: tuple[State, Engine] | None = None,
    ) -> None:  # fmt: skip
        super().__init__(engine, kind, moment)
        self.state = State.of(engine, kind.kind, moment, min_peers)
        self.ways: dict[str, str] = {}
        self.seconds: dict[str, float] = {}
        self.tables = Parted(engine, moment, self._part)
        self._plans = {ATTRIBUTES: self._plan(kind.attributes)}
        self._plans |= {
            one.name: self._plan_view(one) for one in kind.views if all(engine.has(table) for table in one.needs)
        }
        self._earlier: State | None = None if earlier is None else earlier[0]
        self._before = engine if earlier is None else earlier[1]
        moments = (self._earlier.as_of if self._earlier else moment, moment)
        bounds = {days for plan in self._plans.values() for days in plan.bounds}
        self._changes = Changes(self._before, engine, moments, self._columns(), bounds)

    def attributes(self) -> pd.DataFrame:
        """Taken over, or asked."""
        with self._timed(ATTRIBUTES):
            plan = self._plans[ATTRIBUTES]
            if self._earlier is not None and self._same(plan):
                return self._frame(ATTRIBUTES, "kept", self._earlier.frames[ATTRIBUTES])
            return self._frame(ATTRIBUTES, "whole", self.engine.arrow(self.kind.attributes(self.tables)))

    def view(self, view: View) -> tuple[pd.DataFrame, Mapping[str, ir.Value]]:
        """Taken over, added up, or measured."""
        with self._timed(view.name):
            return self._viewed(view, self._plans[view.name]), self._plans[view.name].made_of

    def _viewed(self, view: View, plan: Plan) -> pd.DataFrame:
        name = view.name
        if self._earlier is not None and name in self._earlier.frames and self._same(plan):
            if name in self._earlier.firsts:
                self.state.firsts[name] = self._earlier.firsts[name]
            return self._frame(name, "kept", self._earlier.frames[name])
        if plan.partial is None:
            return self._frame(name, "whole", self.engine.arrow(fused(self.kind, view, self.tables)[0]))
        if self._earlier is not None and name in self._earlier.firsts and self._same(plan, view.table):
            way, first = "added", self._added(view, plan.partial, plan.bounds)
        else:
            way, first = "whole", self._first(self.engine, view, self.tables, plan.partial.columns)
        self.state.firsts[name] = first
        return self._frame(name, way, self.engine.arrow(plan.partial.second(ibis.memtable(first))))

    def norms(
        self, values: pd.DataFrame, trials: pd.DataFrame, attributes: pd.DataFrame, min_peers: int
    ) -> tuple[pd.DataFrame, Apart]:
        """As of all values."""
        with self._timed("norms"):
            return super().norms(values, trials, attributes, min_peers)

    @contextmanager
    def _timed(self, name: str) -> Iterator[None]:
        begun = perf_counter()
        yield
        self.seconds[name] = perf_counter() - begun

    def _frame(self, name: str, way: str, rows: pa.Table) -> pd.DataFrame:
        self.ways[name], self.state.frames[name] = way, rows
        if way == "kept" and self._earlier is not None:
            known = self._earlier.parts
            self.state.parts |= {part: known[part] for part in self._plans[name].parts if part in known}
        frame: pd.DataFrame = rows.to_pandas().set_index("entity_id")
        return frame

    def _plan(self, make: Make) -> Plan:
        tables = Planned(self.engine, self.moment)
        reads = frozenset(one.name for one in make(tables).op().find(ops.DatabaseTable))
        return Plan(reads, frozenset(tables.bounds), tables.timed, tables.parts)

    def _plan_view(self, view: View) -> Plan:
        tables = Planned(self.engine, self.moment)
        query, made_of = fused(self.kind, view, tables)
        reads = frozenset(one.name for one in query.op().find(ops.DatabaseTable))
        partial = partial_of(view, query)
        timed = tables.timed or not _dated_by_rows(query)
        return Plan(reads, frozenset(tables.bounds), timed, tables.parts, partial, made_of)

    def _columns(self) -> dict[str, set[str]]:
        """By table, the columns that changed rows will be asked for."""
        found: dict[str, set[str]] = {}
        for plan in self._plans.values():
            for of, by in plan.parts.values():
                found.setdefault(of, set()).update(by)
        for view in self.kind.views:
            plan = self._plans.get(view.name, self._plans[ATTRIBUTES])
            if plan.partial is not None:
                found.setdefault(view.table, set()).update(*plan.partial.closures)
        return found

    def _same(self, plan: Plan, but: str = "") -> bool:
        """Whether nothing that a query reads, one table excepted, may be seen otherwise than before."""
        if self._earlier is None or (plan.timed and self._earlier.as_of != self.moment):
            return False
        return not any(self._changes.stirred(table, plan.bounds) for table in plan.reads if table != but)

    def _first(self, engine: Engine, view: View, tables: Tables, columns: Sequence[str]) -> pa.Table:
        partial = partial_of(view, fused(self.kind, view, tables)[0], engine.origins)
        assert partial is not None
        return engine.arrow(partial.first(columns))

    def _added(self, view: View, partial: Partial, bounds: frozenset[int]) -> pa.Table:
        assert self._earlier is not None
        sides = ((self._before, self._earlier.as_of), (self.engine, self.moment))

        def some(keys: pa.Table, columns: Sequence[str]) -> tuple[pa.Table, pa.Table]:
            gone, come = (
                self._first(engine, view, Restricted(engine, moment, view.table, keys), columns)
                for engine, moment in sides
            )
            return gone, come

        moved = []
        for by, columns in partial.closures.items():
            keys = self._changes.keys(view.table, by, bounds)
            moved += [some(keys, columns)] if keys.num_rows else []

        def anew(ids: pa.Array) -> pa.Table:
            keys = pa.table({view.entity[0]: ids})
            some = Restricted(self.engine, self.moment, view.table, keys)
            return self._first(self.engine, view, some, list(partial.extremes))

        return added(self.engine, partial, self._earlier.firsts[view.name], moved, anew)

    def _part(self, name: str, of: str, by: Sequence[str], expr: Make) -> pa.Table:
        """A part as it is now: the rows that changed made anew, the others taken over."""
        if name in self.state.parts:
            return self.state.parts[name]
        plan = self._plan(expr)
        earlier = None if self._earlier is None else self._earlier.parts.get(name)
        if earlier is None or not self._same(plan, of):
            made = self.engine.arrow(expr(Tables(self.engine, self.moment)))
        else:
            keys = self._changes.keys(of, by, plan.bounds)
            fresh = self.engine.arrow(expr(Restricted(self.engine, self.moment, of, keys)))
            held, new = ibis.memtable(earlier), ibis.memtable(keys)
            others = held.anti_join(new, [held[one].identical_to(new[one]) for one in by])
            made = pa.concat_tables([self.engine.arrow(others), fresh])
        self.state.parts[name] = made
        return made


def _dated_by_rows(query: ir.Table) -> bool:
    """Whether the windows of a fused aggregation go by what `Changes` looks at: when its rows happened or began."""
    rows = query.op().parent.parent.to_expr()
    dated = fields_of(rows.event_at) if "event_at" in rows.columns else ()
    return all(name in (*contract_of(table).event, "valid_from") for table, name in dated)


def _touched(then: Profiles, now: Profiles) -> int:
    everybody = then.values.index.union(now.values.index)
    told = []
    for name in ("values", "attributes"):
        old, new = (getattr(one, name).reindex(everybody) for one in (then, now))
        told.append(((old == new) | (old.isna() & new.isna())).all(axis=1))
    here = everybody.isin(then.values.index) & everybody.isin(now.values.index)
    return int((~(told[0] & told[1] & here)).sum())
