"""Profiles of raw records in a request: queries planned once, rows of the lake beside the records, norms as stored."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import UTC, datetime, time

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from features.build import held_against, peers_of, steady
from features.contracts import contract_of
from features.engine_duckdb import Answer, Warm
from features.lake import Lake
from features.measures import entity as entity_of
from features.measures.declare import TRIALS, fused
from features.measures.tables import INHERITS, Tables
from features.neighbours import FOLLOWED, HELD, Neighbours
from features.norms import Placed
from features.profiles import Profiles
from gnomon.errors import Fault
from gnomon.i18n import both

STORED: Mapping[str, frozenset[str]] = {
    "institution": frozenset(
        {
            "after_death_claims", "bed_load_max", "days_supply_overlap_share", "deceased_share",
            "duplicate_line_share", "fund_case_mix_ratio", "institutions_per_patient", "light_stay_ratio",
            "light_stay_share", "many_institution_patient_share", "no_post_share", "overlapping_stays",
            "overload_day_share", "readmitted_share", "resource_load_max", "restricted_unmet_share", "rx_times_norm",
            "rx_times_norm_drugs", "rx_times_norm_median", "rx_times_norm_patients", "rx_top_line_share",
            "shared_patient_share", "shared_physician_share", "stay_case_mix_ratio", "unbundled_line_share",
        }
    ),
    "practitioner": frozenset(
        {
            "days_supply_overlap_share", "no_post_share", "rx_times_norm", "rx_times_norm_drugs",
            "rx_times_norm_median", "rx_times_norm_patients", "rx_top_line_share",
        }
    ),
    "supplier": frozenset({
            "age_at_award_min", "award_amount_per_head", "banned_bid_share", "benchmark_distance_median",
            "benford_deviation", "class_rivals", "class_variety", "cobid_lift", "rejected_share",
            "settlement_cut_mean", "winner_lift",
        }),
    "buyer": frozenset({
            "benford_deviation", "closed_amount_share", "downloads_lost_share", "rejected_share",
            "under_threshold_share",
        }),
    "tender": frozenset({
            "shared_machine_share",
        }),
}  # fmt: skip
"""Measures that need rows of others beyond its own: the norm of a drug, a patient's other visits, the chance to meet.

No request can wait for those rows: an entity that was profiled keeps its stored value, a new one has none."""


ENGINES = min(2, os.cpu_count() or 1)
"""How many answer side by side; each needs half a second and some 30 MB to be made."""


class OnDemand:
    """Measures raw records of one kind of entity as `build` will once they are in the lake. Safe between threads.

    Tables of the lake of up to `held` rows stay in memory. A query over few rows takes its time for starting, whatever
    the rows: so the queries are shared out among `engines`, which answer side by side.
    """

    def __init__(self, lake: Lake, reference: Profiles, held: int = HELD, engines: int = ENGINES) -> None:
        self.kind = entity_of(reference.entity)
        if self.kind.kind not in FOLLOWED:
            raise Fault("features.ondemand.kind", place=self.kind.kind, kinds=", ".join(FOLLOWED))
        self._reference = reference
        self._lock = threading.Lock()
        self._beside = Neighbours(lake, lake.version, held)
        self._columns = [column.name for column in reference.columns]
        self._placed = Placed(reference.norms, self._columns, peers_of(self.kind))
        beyond = STORED.get(self.kind.kind, frozenset())
        self._stored = [column.name for column in reference.columns if column.measure in beyond]
        first = Warm(sorted(self._beside.tables | set(self.kind.tables)))
        tables = Tables(first, Warm.MOMENT, keep=False)
        queries = {"attributes": first.query(self.kind.attributes(tables))}
        for view in self.kind.views:
            own = [one for one in self.kind.measures.values() if one.view.name == view.name]
            if all(first.has(table) for table in view.needs) and any(one.name not in beyond for one in own):
                queries[f"view_{view.name}"] = first.query(fused(self.kind, view, tables)[0])
        self._engines = [first, *(Warm(first.reads) for _ in range(engines - 1))]
        self._aside = ThreadPoolExecutor(len(self._engines), "gnomon-records")
        # How long a query is tells best how long it takes to start; the longest first, each to who has least to do.
        loads = [0] * len(self._engines)
        for name in sorted(queries, key=lambda name: -len(queries[name])):
            at = loads.index(min(loads))
            loads[at] += len(queries[name])
            self._engines[at].prepare(name, queries[name])

    @property
    def lake_version(self) -> int:
        """State of the lake that stands beside the records."""
        return self._beside.version

    def close(self) -> None:
        """Give the memory back."""
        self._aside.shutdown()
        for one in self._engines:
            one.close()

    def measure(self, records: Mapping[str, pa.Table]) -> Profiles:
        """Profiles of the entities that the records are about, held against the stored norms.

        The moment is that of the stored profiles, or of the records where they are later. Raises `Fault` when the
        records name no entity of the kind.
        """
        ids = self._beside.ids(self.kind.kind, records)
        if not ids:
            raise Fault("features.build.empty", place=self.kind.kind, tables=", ".join(self.kind.tables))
        moment = max(self._reference.as_of, _last_event(records) or self._reference.as_of)
        beside = self._beside.beside(self.kind.kind, ids, records)
        answered = self._answered(beside, moment, ids)
        names, told = answered.pop("attributes")
        answers = list(answered.values())
        index = pd.Index(ids, name="entity_id", dtype="str")
        values = pd.DataFrame(steady(self._placed_in(ids, answers, self._columns)), index=index, columns=self._columns)
        rates = list(self._placed.priors.columns)
        told_trials = self._placed_in(ids, answers, [f"{name}{TRIALS}" for name in rates])
        trials = pd.DataFrame(steady(told_trials), index=index, columns=rates)
        missing = dict(self._reference.missing)
        if self._stored:
            values[self._stored] = self._reference.values[self._stored].reindex(index)
            kept = [name for name in self._stored if name in rates]
            if kept and self._reference.trials is not None:
                trials[kept] = self._reference.trials[kept].reindex(index)
            missing |= dict.fromkeys(self._stored, both("features.ondemand.stored"))
        by_id = {row[names.index("entity_id")]: row for row in told}
        known = {
            name: [None if one not in by_id else by_id[one][at] for one in ids]
            for at, name in enumerate(names)
            if name != "entity_id"
        }
        attributes = pd.DataFrame(known, index=index, dtype="str")
        return held_against(
            self._reference, self._placed, moment, self.lake_version, values, trials, attributes, missing
        )

    def _answered(self, rows: Mapping[str, pa.Table], moment: datetime, ids: list[str]) -> dict[str, Answer]:
        """What all queries say of these rows, by their names."""

        def ask(engine: Warm) -> dict[str, Answer]:
            engine.fill(rows, moment, ids)
            return engine.answers()

        with self._lock:
            others = [self._aside.submit(ask, one) for one in self._engines[1:]]
            try:
                told = ask(self._engines[0])
            finally:
                # Nobody may fill them anew while they answer.
                wait(others)
            for one in others:
                told |= one.result()
            return told

    @staticmethod
    def _placed_in(ids: list[str], answers: list[Answer], columns: list[str]) -> npt.NDArray[np.float64]:
        """Ids × columns; unknown where no view says anything."""
        row = {one: number for number, one in enumerate(ids)}
        column = {one: number for number, one in enumerate(columns)}
        found = np.full((len(row), len(column)), np.nan)
        for names, rows in answers:
            key = names.index("entity_id")
            here = [(at, column[name]) for at, name in enumerate(names) if name in column]
            for told in rows:
                for at, place in here:
                    if told[at] is not None:
                        found[row[told[key]], place] = told[at]
        return found


def _last_event(records: Mapping[str, pa.Table]) -> datetime | None:
    """Moment of the last event of the records themselves; None when no row is dated."""
    latest: datetime | None = None
    for name, rows in records.items():
        named = [column for column in contract_of(name).event if column in rows.column_names]
        if name in INHERITS:
            continue
        for row in rows.select(named).to_pylist() if named else ():
            first = next((value for value in row.values() if value is not None), None)
            if isinstance(first, datetime):
                first = first if first.tzinfo else first.replace(tzinfo=UTC)
            elif first is not None and hasattr(first, "year"):
                first = datetime.combine(first, time(), tzinfo=UTC)
            if isinstance(first, datetime) and (latest is None or first > latest):
                latest = first
    return latest
