"""Labels and the profiles they judge: who was confirmed, who refuted, and what was known of them at that moment.

Confirmed teaches 1, a false alarm 0. `useful` (worth the look, nothing proved) and `data_error` (the record was wrong,
not the conduct) teach nothing and are left out, as is every entity that nobody has looked at: unlabelled is unknown.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd

from features.profiles import NO_NORM, Profiles
from gnomon.errors import Fault, Misuse, nearest
from gnomon.terms import Outcome

TARGET = {Outcome.CONFIRMED: 1.0, Outcome.FALSE_ALARM: 0.0}
_WORDS = {
    1.0: {"1", "1.0", "yes", "y", "true", "t", "confirmed", "fraud", "collusive", "positive", "是", "属实", "确认"},
    0.0: {"0", "0.0", "no", "n", "false", "f", "false_alarm", "honest", "negative", "否", "不属实", "误报"},
}
_NEUTRAL = {"", "useful", "data_error", "unknown", "nan", "none", "null", "有价值", "数据错误", "未知"}
_TIME = pd.DatetimeTZDtype("us", "UTC")
_MOST_DATES = 24
"""Profiles are built for at most so many dates; labels between two of them use the earlier one."""


def read_labels(path: Path, entity: str, ids: Sequence[str]) -> pd.DataFrame:
    """Labels of one kind of entity from a CSV file, as `entity_id, scheme, outcome, as_of, labelled_at`.

    Two forms: the columns of the `label` contract, or any file in which one column holds entity ids (the first, or
    the one that matches the most known ids) and another holds 1/0, yes/no or an outcome.
    """
    if not path.is_file():
        raise Misuse("training.dataset.no_file", place=str(path))
    try:
        table = pd.read_csv(path, dtype=str, encoding="utf-8-sig", keep_default_na=False)
    except (UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise Misuse("training.dataset.unreadable", place=str(path), error=str(error).strip()) from error
    if table.empty:
        raise Misuse("training.dataset.empty", place=str(path))
    if {"entity_id", "outcome"} <= set(table.columns):
        return _of_contract(table, entity, str(path))
    return _of_two_columns(table, set(ids), str(path))


def of_rows(rows: pd.DataFrame, entity: str) -> pd.DataFrame:
    """Rows of the lake's label table about one kind of entity, in the form of `read_labels`."""
    return _of_contract(rows, entity, "label")


def labels_for(
    profiles: Profiles, rows: pd.DataFrame, place: str = "labels", until: datetime | None = None
) -> pd.Series:
    """1.0, 0.0 or NaN (unknown) for each profile. Nothing labelled after `until` (None: today) is used.

    The latest outcome of each scheme counts; an entity confirmed under any scheme is confirmed. Raises `Fault` naming
    the first entities that have labels and no profile.
    """
    known = set(profiles.ids)
    strangers = sorted(set(rows["entity_id"]) - known)
    if strangers:
        raise Fault(
            "training.dataset.strangers",
            place=place,
            count=len(strangers),
            first=", ".join(strangers[:5]),
            entity=profiles.entity,
            nearest=nearest(strangers[0], known),
        )
    told = _latest(known_by(rows, until))
    return told.reindex(profiles.values.index).astype(float)


def known_by(rows: pd.DataFrame, moment: datetime | None) -> pd.DataFrame:
    """The labels that somebody had given by `moment` (None: all); one without a date is taken as given before."""
    if moment is None:
        return rows
    given = rows["labelled_at"]
    return rows[given.isna() | (given <= pd.Timestamp(moment))]


def examples(
    now: Profiles,
    rows: pd.DataFrame,
    build: Callable[[datetime], Profiles],
    place: str = "labels",
    until: datetime | None = None,
) -> tuple[Profiles, pd.Series]:
    """Profiles to learn from and their labels, each judged entity *as it was* on the label's date.

    `build` makes the profiles of another date. An entity appears once; one without a dated label, or whose label is
    younger than the profiles of now, as it is now.
    """
    labels = labels_for(now, rows, place, until)
    moment = _judged_at(known_by(rows, until), labels)
    moment = moment[moment < pd.Timestamp(now.as_of)]
    dates = _few(sorted(moment.dt.floor("D").unique()))
    parts, placed = [], set()
    ends = [*dates[1:], pd.Timestamp.max.tz_localize("UTC")][: len(dates)]
    for date, later in zip(dates, ends, strict=True):
        mine = set(moment[(moment >= date) & (moment < later)].index)
        then = build(date.to_pydatetime())
        # Who had no rows yet on that day cannot have been judged by them: the profile of now would tell the future.
        here = [one for one in then.ids if one in mine]
        placed |= mine
        if here:
            parts.append(then.select(here))
    rest = [one for one in now.ids if one not in placed]
    joined = stack([now.select(rest), *parts]) if placed else now
    return joined, labels.reindex(joined.values.index)


def _judged_at(rows: pd.DataFrame, labels: pd.Series) -> pd.Series:
    """The moment of each labelled entity's youngest judgement; entities without a date are left out."""
    moment = rows["as_of"].fillna(rows["labelled_at"])
    dated = moment.notna() & rows["entity_id"].isin(labels.dropna().index)
    return moment[dated].groupby(rows["entity_id"][dated]).max()


def stack(parts: Sequence[Profiles]) -> Profiles:
    """Profiles of several dates under one another; the first part's date and columns count. Ids must not repeat."""
    first, offset, groups = parts[0], 0, []
    for part in parts:
        numbers = part.groups.astype("int64")
        groups.append(numbers.where(numbers == NO_NORM, numbers + offset).astype("int32"))
        offset += len(part.norms)
    joined: dict[str, Any] = {
        name: pd.concat([getattr(part, name) for part in parts]) for name in ("values", "deviations", "attributes")
    }
    names = [column.name for column in first.columns]
    for name in ("values", "deviations"):
        joined[name] = joined[name].reindex(columns=names)
    for name in ("centers", "spreads"):
        kept = [getattr(part, name) for part in parts]
        joined[name] = None if any(one is None for one in kept) else pd.concat(kept).reindex(columns=names)
    trials = [part.trials for part in parts]
    joined["trials"] = None if any(one is None for one in trials) else pd.concat(trials)
    numbers = pd.concat(groups).reindex(columns=names).fillna(NO_NORM).astype("int32")
    return replace(first, groups=numbers, norms=pd.concat([part.norms for part in parts], ignore_index=True), **joined)


def _few(dates: list[pd.Timestamp]) -> list[pd.Timestamp]:
    if len(dates) <= _MOST_DATES:
        return dates
    # Only ever an earlier date stands in for a later one: nothing a label could have caused leaks into its profile.
    step = len(dates) / _MOST_DATES
    return [dates[int(number * step)] for number in range(_MOST_DATES)]


def _latest(rows: pd.DataFrame) -> pd.Series:
    ordered = rows.sort_values("labelled_at", kind="stable", na_position="first")
    last = ordered.drop_duplicates(["entity_id", "scheme"], keep="last")
    return last["outcome"].map(TARGET).groupby(last["entity_id"]).max()


def _of_contract(table: pd.DataFrame, entity: str, place: str) -> pd.DataFrame:
    kinds = table["entity_kind"] if "entity_kind" in table else pd.Series(entity, index=table.index)
    mine = table[kinds == entity]
    unknown = sorted(set(mine["outcome"]) - {str(one) for one in Outcome})
    if unknown:
        raise Misuse("training.dataset.outcome", place=place, value=unknown[0], known=", ".join(Outcome))
    out = pd.DataFrame({"entity_id": mine["entity_id"].astype(str), "outcome": mine["outcome"].astype(str)})
    out["scheme"] = mine["scheme"].fillna("").astype(str) if "scheme" in mine else ""
    for name in ("as_of", "labelled_at"):
        out[name] = _moments(mine[name], place) if name in mine else pd.Series(pd.NaT, mine.index, dtype=_TIME)
    if "inclusion" in mine:
        out["inclusion"] = pd.to_numeric(mine["inclusion"], errors="coerce").astype(float)
    return out.reset_index(drop=True)


def _moments(column: pd.Series, place: str) -> pd.Series:
    given = column.where(column.astype(str).str.strip() != "", None)
    try:
        return pd.Series(pd.to_datetime(given, utc=True, format="ISO8601"), index=column.index, dtype=_TIME)
    except (ValueError, TypeError) as error:
        raise Misuse("training.dataset.date", place=f"{place} {column.name}", error=str(error).split(",")[0]) from error


def _of_two_columns(table: pd.DataFrame, ids: set[str], place: str) -> pd.DataFrame:
    words = {name: column.str.strip().str.lower() for name, column in table.items()}
    understood = _NEUTRAL | _WORDS[0.0] | _WORDS[1.0]
    targets = [name for name, column in words.items() if column.isin(understood).all() and column.nunique() > 0]
    hits = {name: int(column.str.strip().isin(ids).sum()) for name, column in table.items() if name not in targets}
    holders = sorted(hits, key=lambda name: -hits[name])
    if not targets or not holders:
        raise Misuse("training.dataset.form", place=place, columns=", ".join(map(str, table.columns[:8])))
    target = words[targets[0]]
    outcome = target.map(
        lambda word: Outcome.CONFIRMED if word in _WORDS[1.0] else Outcome.FALSE_ALARM if word in _WORDS[0.0] else ""
    )
    out = pd.DataFrame({"entity_id": table[holders[0]].str.strip(), "outcome": outcome.astype(str), "scheme": ""})
    for name in ("as_of", "labelled_at"):
        out[name] = pd.Series(pd.NaT, index=out.index, dtype=_TIME)
    return out[out["outcome"] != ""].reset_index(drop=True)
