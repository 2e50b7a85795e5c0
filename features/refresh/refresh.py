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
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from time import perf_counter

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd
import pyarrow as pa

from features.build import Frames, compose, moment_of
from features.contracts import contract_of
from features.engine import Engine
from features.leave_one_out import Apart
from features.measures import Entity
from features.measures import entity as entity_of
from features.measures.declare import View, fused
from features.measures.tables import Tables
from features.profile_store import place
from features.profiles import Profiles
from features.refresh.adding import Moved, added
from features.refresh.changes import Changes
from features.refresh.partials import partial_of
from features.refresh.picked import Picked
from features.refresh.plan import Make, Part, Plan, plan_of, plan_of_part, plan_of_view
from features.refresh.restricted import Restricted, sharing
from features.refresh.state import Known, State, load, save
from gnomon import tracing

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
    """By view; and of planning, of reading the rows that belong to a changed one, of the norms."""


def refresh(
    engine: Engine,
    entity: str,
    as_of: datetime | None = None,
    min_peers: int = 20,
    earlier: tuple[State, Known] | None = None,
) -> Refreshed:
    """Profiles of all entities of one kind, as `features.build.build` makes them, from earlier ones where possible."""
    kind = entity_of(entity)
    moment = moment_of(engine, kind, as_of)
    against = "features.refresh.first" if earlier is None else earlier[0].reason_against(min_peers, engine.files)
    against = against if engine.repeats else "features.refresh.engine"
    state, known = earlier if earlier is not None and not against else (None, None)
    frames = Renewed(engine, kind, moment, min_peers, state)
    try:
        made = compose(frames, min_peers)
    finally:
        frames.close()
    touched = len(made.values) if known is None else _touched(known, made)
    return Refreshed(made, frames.state, frames.ways, touched, against, frames.seconds)


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


class Parted(Tables):
    """Tables whose parts are brought up to date instead of made whole."""

    def __init__(self, engine: Engine, as_of: datetime, renewed: Callable[[Part], ir.Table]):
        super().__init__(engine, as_of)
        self._renewed = renewed

    def part(self, name: str, of: str, by: Sequence[str], expr: Make, adds: bool = False) -> ir.Table:
        """The part as it is now."""
        return self._renewed(Part(name, of, tuple(by), expr, adds))


class Renewed(Frames):
    """Frames taken over from an earlier state, added up, or asked of the engine; `state` is what is known after it."""

    def __init__(
        self, engine: Engine, kind: Entity, moment: datetime, min_peers: int, earlier: State | None = None
    ) -> None:
        super().__init__(engine, kind, moment)
        self.state = State.of(engine, kind.kind, moment, min_peers)
        self.ways: dict[str, str] = {}
        self.seconds: dict[str, float] = {}
        self.tables = Parted(engine, moment, self._part)
        self._earlier = earlier
        self._picks: dict[str, Picked] = {}
        self._parts: dict[str, Plan] = {}
        with self._timed("plans"):
            self._plans = {ATTRIBUTES: plan_of(engine, moment, kind.attributes)}
            self._plans |= {
                one.name: plan_of_view(engine, moment, kind, one)
                for one in kind.views
                if all(engine.has(table) for table in one.needs)
            }
        bounds = {days for plan in self._plans.values() for days in plan.bounds}
        before, then = (engine.files, moment) if earlier is None else (earlier.files, earlier.as_of)
        self._columns = self._asked()
        self._changes = Changes(before, engine, (then, moment), self._columns, bounds)

    def close(self) -> None:
        """Give the memory of the rows back that were picked."""
        for one in self._picks.values():
            one.close()

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
        def make(tables: Tables) -> ir.Table:
            return fused(self.kind, view, tables)[0]

        name, earlier = view.name, self._earlier
        if earlier is not None and name in earlier.frames and self._same(plan):
            if name in earlier.firsts:
                self.state.firsts[name] = earlier.firsts[name]
            return self._frame(name, "kept", earlier.frames[name])
        if plan.partial is None:
            return self._frame(name, "whole", self.engine.arrow(make(self.tables)))
        if earlier is not None and name in earlier.firsts and self._same(plan, view.table):
            way, first = "added", self._added(view, make, plan, earlier.firsts[name])
        else:
            way, first = "whole", self._first(view, make, self.tables, plan.partial.columns)
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
        """What is timed inside of it by another name does not count."""
        begun, others = perf_counter(), sum(self.seconds.values())
        yield
        self.seconds[name] = perf_counter() - begun - (sum(self.seconds.values()) - others)

    def _frame(self, name: str, way: str, rows: pa.Table) -> pd.DataFrame:
        self.ways[name], self.state.frames[name] = way, rows
        if way == "kept" and self._earlier is not None:
            known = self._earlier.parts
            self.state.parts |= {part: known[part] for part in self._plans[name].parts if part in known}
        frame: pd.DataFrame = rows.to_pandas().set_index("entity_id")
        return frame

    def _asked(self) -> dict[str, set[str]]:
        """By table, what changed rows, and those that belong to them, will be asked for."""
        found: dict[str, set[str]] = {}
        for plan in self._plans.values():
            for table, column in plan.columns:
                found.setdefault(table, set(contract_of(table).key)).add(column)
            for table in plan.reads:
                found.setdefault(table, set(contract_of(table).key)).update(*plan.closures(table))
        return found

    def _picked(self, table: str) -> Picked:
        """Rows that belong to a changed one, whatever view or part they are for."""
        if table not in self._picks:
            with self._timed(f"rows of {table}"):
                closures: dict[tuple[str, ...], set[int]] = {}
                for plan in self._plans.values():
                    for by in plan.closures(table):
                        closures.setdefault(by, set()).update(plan.bounds)
                stored = {name for name in self._columns[table] if "." not in name} | {"_ingested_at"}
                self._picks[table] = Picked(self.engine, self._changes, table, stored, closures)
        return self._picks[table]

    def _same(self, plan: Plan, but: str = "") -> bool:
        """Whether nothing that a query reads, one table excepted, may be seen otherwise than before."""
        if self._earlier is None or (plan.timed and self._earlier.as_of != self.moment):
            return False
        return not any(self._changes.stirred(table, plan.bounds) for table in plan.reads if table != but)

    def _first(self, view: View, make: Make, tables: Tables, columns: Sequence[str]) -> pa.Table:
        partial = partial_of(view, make(tables), self.engine.origins)
        assert partial is not None
        return self.engine.arrow(partial.first(columns))

    def _added(self, view: View, make: Make, plan: Plan, stored: pa.Table) -> pa.Table:
        """The first step with what changed rows add up to in the place of what they added up to then."""
        assert self._earlier is not None
        assert plan.partial is not None
        picked, partial = self._picked(view.table), plan.partial
        moved: list[Moved] = []
        sides = ((picked.was, self._earlier.as_of), (picked.now, self.moment))
        for by, columns in partial.closures.items():
            keys = self._changes.keys(view.table, by, plan.bounds)
            if keys.num_rows:
                some = (Restricted(self.engine, moment, view.table, rows, keys) for rows, moment in sides)
                gone, come = (self._first(view, make, side, columns) for side in some)
                moved.append((gone, come))

        def anew(ids: pa.Array) -> pa.Table:
            every = self.engine.some(view.table, lambda rows: sharing(rows, pa.table({view.entity[0]: ids})))
            some = Restricted(self.engine, self.moment, view.table, every)
            return self._first(view, make, some, list(partial.extremes))

        return added(self.engine, partial, stored, moved, anew)

    def _part(self, part: Part) -> ir.Table:
        """A part as it is now."""
        if part.name not in self._parts:
            self._parts[part.name] = plan_of_part(self.engine, self.moment, part)
        plan = self._parts[part.name]
        if part.name not in self.state.parts:
            self.state.parts[part.name] = self._renewed(part, plan)
        rows = ibis.memtable(self.state.parts[part.name])
        return rows if plan.partial is None else plan.partial.second(rows)

    def _renewed(self, part: Part, plan: Plan) -> pa.Table:
        known = None if self._earlier is None else self._earlier.parts.get(part.name)
        if known is not None and self._same(plan):
            return known
        if known is None or not self._same(plan, part.of):
            if plan.partial is None:
                return self.engine.arrow(part.expr(self.tables))
            return self._first(part.view, part.expr, self.tables, plan.partial.columns)
        if plan.partial is None:
            return self._remade(part, plan, known)
        return self._added(part.view, part.expr, plan, known)

    def _remade(self, part: Part, plan: Plan, known: pa.Table) -> pa.Table:
        """The rows of a part with the same values as a changed row made anew, the others taken over."""
        keys = self._changes.keys(part.of, part.by, plan.bounds)
        some = Restricted(self.engine, self.moment, part.of, self._picked(part.of).now, keys)
        fresh = self.engine.arrow(part.expr(some)).cast(known.schema)
        old, new = ibis.memtable(known), ibis.memtable(keys)
        others = old.anti_join(new, [old[one].identical_to(new[one]) for one in part.by])
        return pa.concat_tables([self.engine.arrow(others), fresh])


def _touched(then: Known, now: Profiles) -> int:
    place = then.values.index.get_indexer(now.values.index)
    here = np.flatnonzero(place >= 0)
    same = np.ones(len(here), dtype=bool)
    for name in ("values", "attributes"):
        for column in getattr(now, name).columns:
            old, new = getattr(then, name)[column].array[place[here]], getattr(now, name)[column].array[here]
            same &= np.asarray((old == new) | (pd.isna(old) & pd.isna(new)), dtype=bool)
    return len(then.values) + len(now.values) - len(here) - int(same.sum())
