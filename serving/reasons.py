"""Reasons: why a score is what it is, line by line, in sentences that an auditor can check.

Pure: profiles and contributions go in, ordered reasons come out. The contributions told always add up to the score,
because whatever is too small for a line of its own is summed into one last line.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from features.contracts import contract_of
from features.measures import entities
from features.profiles import ProfileColumn, Profiles
from gnomon.i18n import both
from gnomon.terms import Evidence, Norm, Reason, Text
from serving.quantities import quantity, times

if TYPE_CHECKING:
    import pandas as pd

OTHER = "other"
"""`Reason.measure` of the last line, which sums what has no line of its own; `other:<table>` where all is of one."""

TOLD = 8
"""Lines of an explanation before the rest is summed: more than that is not read."""

KINDS, FEWEST = 3, 3
"""The rest is told by the records that it is read from: at most so many kinds, each of at least so many measures."""

NAMED = 3
"""Measures named in a line that sums several."""

COUNTED = frozenset({"institution", "practitioner", "supplier", "tender", "buyer"})
"""Kinds whose peers have a measure word of their own in Chinese."""

NEAR = 0.05
"""Within this share of the median a value is called close to it, not a multiple of it."""

FEW = 0.1
"""A rate whose deviation is taken from a value further off than this share of it is told with that value."""

BETWEEN = re.compile(r"(?<=[\u4e00-\u9fff]) (?=[\u4e00-\u9fff])")

WINDOW = re.compile(r"_(\d+)d$")
"""The end of the name of a profile column that looks at its last days alone."""

Rows = Mapping[tuple[str, str], tuple[Evidence, ...]]
"""Evidence by profile column and entity, as `features.build.evidence` returns it."""


@dataclass(frozen=True, slots=True)
class Line:
    """One profile column with its share of the score, before it is put into words."""

    column: str
    contribution: float


def told_lines(contributions: Mapping[str, float], limit: int = TOLD) -> tuple[list[Line], list[Line]]:
    """The lines worth telling, and all others, the weightiest first.

    The weightiest `limit` are told, whichever way they push; those that raise the score come first.

    >>> told_lines({"a": 3.0, "b": -1.0, "c": 0.25, "d": 0.5, "e": 0.0}, limit=3)
    ([Line(column='a', contribution=3.0), Line(column='d', contribution=0.5), Line(column='b', contribution=-1.0)], \
[Line(column='c', contribution=0.25)])
    """
    moved = [Line(name, float(share)) for name, share in contributions.items() if share != 0.0]
    moved.sort(key=lambda line: (-abs(line.contribution), line.column))
    return sorted(moved[:limit], key=lambda line: -line.contribution), moved[limit:]


def by_measure(profiles: Profiles, contributions: Mapping[str, float]) -> dict[str, float]:
    """Contributions summed over the windows of each measure, under the weightiest window: one measure, one reason."""
    windows: dict[str, dict[str, float]] = {}
    for name, share in contributions.items():
        windows.setdefault(profiles.column(name).measure, {})[name] = share
    return {max(one, key=lambda name: abs(one[name])): math.fsum(one.values()) for one in windows.values()}


def reasons(
    profiles: Profiles,
    entity_id: str,
    contributions: Mapping[str, float],
    evidence: Rows | None = None,
    limit: int = TOLD,
) -> tuple[Reason, ...]:
    """The ordered reasons of one entity's score; their contributions sum to that of all columns.

    Many small parts are told together by the records that they are read from, and what is left in one last line.

    Parameters
    ----------
    contributions:
        Share of the score by profile column, on the detector's additive scale, base excluded.
    evidence:
        The rows behind the columns told; columns without rows get none.
    """
    told, rest = told_lines(contributions, limit)
    lines = [_reason(profiles, entity_id, line, evidence or {}) for line in told]
    return (*lines, *_together(profiles, rest))


def _together(profiles: Profiles, rest: list[Line]) -> Iterator[Reason]:
    """What has no line of its own: a line for each of the weightiest kinds of records, and one for all others."""
    measures = entities()[profiles.entity].measures if profiles.entity in entities() else {}
    kinds: dict[str, list[Line]] = {}
    for line in rest:
        measure = measures.get(profiles.column(line.column).measure)
        kinds.setdefault("" if measure is None else measure.view.table, []).append(line)
    several = {table: lines for table, lines in kinds.items() if table and len(lines) >= FEWEST}
    sums = {table: math.fsum(line.contribution for line in lines) for table, lines in several.items()}
    for table in sorted(several, key=lambda one: (-abs(sums[one]), one))[:KINDS]:
        lines = kinds.pop(table)
        named = [_opening(profiles.column(line.column).title) for line in lines[:NAMED]]
        values = {
            "count": len(lines),
            "table": contract_of(table).title,
            "named": Text("、".join(one.zh for one in named), "; ".join(one.en for one in named)),
        }
        title, sentence = both("serving.reason.kind_title", **values), both("serving.reason.kind", **values)
        yield Reason(f"{OTHER}:{table}", title, None, "", None, None, sums[table], _close_up(sentence))
    left = [line for lines in kinds.values() for line in lines]
    if left:
        sentence, title = both("serving.reason.other", count=len(left)), both("serving.reason.other_title")
        yield Reason(OTHER, title, None, "", None, None, math.fsum(line.contribution for line in left), sentence)


def _reason(profiles: Profiles, entity_id: str, line: Line, evidence: Rows) -> Reason:
    column = profiles.column(line.column)
    value = _known(profiles.values, entity_id, column.name)
    deviation = _known(profiles.deviations, entity_id, column.name)
    norm = profiles.norm(entity_id, column.name)
    why = profiles.missing.get(column.name)
    return Reason(
        measure=column.name,
        title=column.title,
        value=value,
        unit=column.unit,
        norm=norm,
        deviation=deviation,
        contribution=line.contribution,
        sentence=_weighed(profiles, entity_id, column, sentence(column, profiles.entity, value, norm, why)),
        evidence=evidence.get((column.name, entity_id), ()),
    )


def _weighed(profiles: Profiles, entity_id: str, column: ProfileColumn, said: Text) -> Text:
    """The sentence, and of a rate of few trials what it counts as: 2 of 2 is not held to be 100 %."""
    held = profiles.drawn(entity_id, column.name)
    value = _known(profiles.values, entity_id, column.name)
    if held is None or value is None or abs(held[1] - value) <= FEW * abs(value):
        return said
    more = both("serving.reason.few_trials", n=f"{held[0]:,.0f}", drawn=quantity(held[1], column.unit))
    return _close_up(Text(f"{said.zh}{more.zh}", f"{said.en} {more.en}"))


def sentence(
    column: ProfileColumn, entity: str, value: float | None, norm: Norm | None, why: Text | None = None
) -> Text:
    """One value held against its norm, in words.

    `why` says why a column cannot be computed here; it is told when the value is unknown.
    """
    return _close_up(_sentence(column, entity, value, norm, why))


def _sentence(column: ProfileColumn, entity: str, value: float | None, norm: Norm | None, why: Text | None) -> Text:
    said: dict[str, object] = {"title": _opening(column.title), "value": quantity(value, column.unit)}
    if value is None:
        if why is None:
            return both("serving.reason.unknown", **said)
        return both("serving.reason.not_applicable", why=Text(why.zh.rstrip("。"), why.en.rstrip(".")), **said)
    if norm is None:
        return both("serving.reason.no_norm", **said)
    said |= {
        "median": quantity(norm.median, column.unit, bare=True),
        "peers": both(f"serving.peers.{entity if entity in COUNTED else 'other'}", n=f"{norm.n:,}", group=norm.group),
    }
    if norm.median > 0 and value > 0:
        return _ratio(value / norm.median, said)
    if value == norm.median:
        return both("serving.reason.equal", **said)
    return both("serving.reason.above" if value > norm.median else "serving.reason.below", **said)


def _ratio(ratio: float, said: dict[str, object]) -> Text:
    if abs(ratio - 1) <= NEAR:
        return both("serving.reason.close", **said)
    if ratio < 1:
        share = f"{ratio:.0%}" if ratio >= 0.01 else "<1%"
        return both("serving.reason.fraction", share=share, **said)
    if ratio < 1.5:
        return both("serving.reason.percent_above", percent=f"{ratio - 1:.0%}", **said)
    return both("serving.reason.times", times=times(ratio), **said)


def _close_up(said: Text) -> Text:
    """Chinese sets no space between its own characters: «210 万元 的» becomes «210 万元的»."""
    return Text(BETWEEN.sub("", said.zh), said.en)


def period(measure: str, as_of: date) -> Text:
    """Which records a profile column is read from; empty for a line that sums several.

    >>> period("claims_count_90d", date(2026, 6, 30)).en
    'Taken from the records of 2026-04-01 to 2026-06-30.'
    >>> period("claims_count", date(2026, 6, 30)).en
    'Taken from all records up to 2026-06-30.'
    """
    if measure == OTHER or measure.startswith(f"{OTHER}:"):
        return Text("", "")
    window = WINDOW.search(measure)
    if window is None:
        return both("serving.reason.period_all", until=as_of.isoformat())
    since = as_of - timedelta(days=int(window[1]))
    return both("serving.reason.period", since=since.isoformat(), until=as_of.isoformat())


def kind_title(kind: str, language: str) -> str:
    """What a kind of entity is called, with a capital; its name when nobody measures it here."""
    known = entities().get(kind)
    return _opening(known.title).said_in(language) if known else kind


def _opening(title: Text) -> Text:
    return Text(title.zh, title.en[:1].upper() + title.en[1:])


def _known(frame: pd.DataFrame, entity_id: str, column: str) -> float | None:
    value = float(frame[column].to_numpy(float)[frame.index.get_loc(entity_id)])
    return None if math.isnan(value) else value
