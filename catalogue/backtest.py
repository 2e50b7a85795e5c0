"""How often a model would have spoken: counts over profiles of several as-of dates, beside what is known by now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from catalogue.model import WarningModel
from catalogue.rule import evaluate
from features.engine import Engine
from features.profiles import Profiles
from gnomon.terms import Outcome


@dataclass(frozen=True, slots=True)
class Backtested:
    """One as-of date of a back-test."""

    as_of: datetime
    entities: int
    fired: int
    alerts: int
    excluded: int
    """Would have fired but for an exclusion."""
    unknown: int
    """Could not be computed."""
    confirmed: int
    """Fired, and confirmed in a case or inspection, whenever that was."""
    cleared: int
    """Fired, and closed as a false alarm or a data error."""
    missed: int
    """Confirmed, and did not fire."""


def backtest(
    model: WarningModel, profiles: Iterable[Profiles], outcomes: Mapping[str, str] | None = None
) -> list[Backtested]:
    """Counts of a rule at each as-of date, oldest first.

    Parameters
    ----------
    profiles:
        Profiles of the model's entity, one per as-of date; each holds only what was known then.
    outcomes:
        Known outcome (see `Outcome`) by entity id. Hindsight is the point here: the rule did not learn from them.
    """
    return sorted((_counted(model, one, outcomes or {}) for one in profiles), key=lambda row: row.as_of)


def _counted(model: WarningModel, profiles: Profiles, outcomes: Mapping[str, str]) -> Backtested:
    result = evaluate(model, profiles)
    known = [outcomes.get(entity) for entity in profiles.ids]
    confirmed = np.array([one == Outcome.CONFIRMED for one in known], dtype=bool)
    cleared = np.array([one in (Outcome.FALSE_ALARM, Outcome.DATA_ERROR) for one in known], dtype=bool)
    return Backtested(
        as_of=profiles.as_of,
        entities=len(known),
        fired=int(result.fires.sum()),
        alerts=int(result.alert.sum()),
        excluded=len(result.excluded),
        unknown=int(result.unknown.sum()),
        confirmed=int((result.fires & confirmed).sum()),
        cleared=int((result.fires & cleared).sum()),
        missed=int((~result.fires & confirmed).sum()),
    )


def outcomes(engine: Engine, model: WarningModel) -> dict[str, str]:
    """The latest known outcome by entity id: of the model's scheme, or about the entity as a whole."""
    label = engine.table("label")
    about = label.filter(
        (label.entity_kind == model.entity)
        & (label.scheme.isnull() | (label.scheme == "") | (label.scheme == model.scheme))
    )
    rows = engine.arrow(about.order_by("labelled_at").select("entity_id", "outcome")).to_pylist()
    return {row["entity_id"]: row["outcome"] for row in rows}


def month_ends(last: datetime, months: int) -> list[datetime]:
    """The last moment of each of the `months` full months before `last`, oldest first.

    >>> [f"{end:%Y-%m-%d}" for end in month_ends(datetime(2024, 3, 31, 9), 2)]
    ['2024-01-31', '2024-02-29']
    """
    ends = []
    first_day = last.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    for _ in range(months):
        end = first_day - timedelta(microseconds=1)
        ends.append(end)
        first_day = end.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return ends[::-1]
