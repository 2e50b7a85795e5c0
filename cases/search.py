"""Search in cases, warnings and the trail, for text as it stands, in Chinese as well as in Latin letters.

On PostgreSQL the letters and the pairs of neighbouring letters of a text are indexed, because two letters are a word in
Chinese, one may be a name, and the database's own trigrams need three. SQLite looks through all rows, which is fast at
the size that it serves.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Text, and_, cast, func, literal, literal_column, or_, select, true
from sqlalchemy import text as sql
from sqlalchemy.dialects.postgresql import array
from sqlalchemy.orm import Session

from cases import bodies
from cases.people import Person
from cases.tables import BULK, DEEDS, Case, IssuedWarning, Trail

_ALL: ColumnElement[bool] = true()
_DEEDS: ColumnElement[bool] = literal_column(DEEDS)


def in_cases(session: Session, text: str) -> ColumnElement[bool]:
    """The condition on `case_file`: name, id, titles, scheme, description or number."""
    numbered = (Case.id == int(text),) if text.isdecimal() and len(text) < 19 else ()
    return _rows(session, Case.id, Case.haystack, "ix_search_case", text, numbered=numbered)


def in_warnings(
    session: Session, text: str, before: Sequence[ColumnElement[bool]] | None = None
) -> ColumnElement[bool]:
    """The condition on `warning`: name, id or scheme hold the text; `before` as of `_rows`."""
    blank = literal(" ", literal_execute=True)
    told = IssuedWarning.entity_name + blank + IssuedWarning.entity_id + blank + IssuedWarning.scheme
    return _rows(session, IssuedWarning.id, func.lower(told), "ix_search_warning", text, before=before)


def in_trail(
    session: Session,
    reader: Person | None = None,
    *,
    text: str = "",
    actor: str | None = None,
    action: str | None = None,
    case_id: int | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    before: int | None = None,
    limit: int = 50,
) -> Sequence[Trail]:
    """What people did with cases that `reader` may see, the newest first: every event whose text holds `text`.

    `before` is the number of the last event read so far. Mere reading is found by `action="read"`.
    """
    query = select(Trail).where(Trail.subject_kind == "case")
    query = query.where(Trail.action == action) if action is not None else query.where(_DEEDS)
    later = () if before is None else (Trail.seq < before,)
    if text.strip():
        query = query.where(_told(session, text.strip(), action, later))
    for column, value in ((Trail.actor, actor), (Trail.subject_id, None if case_id is None else str(case_id))):
        if value is not None:
            query = query.where(column == value)
    if since is not None:
        query = query.where(Trail.at >= since)
    if until is not None:
        query = query.where(Trail.at < until)
    query = query.where(*later, bodies.visible_events(session, reader))
    return session.scalars(query.order_by(Trail.seq.desc()).limit(max(1, min(limit, 200)))).all()


def _told(
    session: Session, text: str, action: str | None, before: Sequence[ColumnElement[bool]]
) -> ColumnElement[bool]:
    told = func.lower(Trail.after)
    if action in BULK:
        return told.contains(text.lower(), autoescape=True)
    return _rows(session, Trail.seq, told, "ix_search_trail", text, _DEEDS, before=before)


def _rows(
    session: Session,
    key: Any,
    column: Any,
    index: str,
    text: str,
    among: ColumnElement[bool] = _ALL,
    numbered: Sequence[ColumnElement[bool]] = (),
    before: Sequence[ColumnElement[bool]] | None = None,
) -> ColumnElement[bool]:
    """The condition for a list that is read in its order, a page at a time.

    What many rows hold is soon found by reading in that order; the index would first collect all of them. What few rows
    hold, or none where the page begins, is found by the index alone, and OFFSET keeps the planner from hoping for an
    early end of the list. `among` is what the index covers; `before` says where a page of the newest rows begins (null:
    the list has another order).
    """
    told = text.lower()
    there: ColumnElement[bool] = column.contains(told, autoescape=True)
    if session.get_bind().dialect.name != "postgresql":
        return or_(there, *numbered)
    share = _share(session, index, told)
    if share > _MOST or (share > _COMMON and (before is None or _near(session, key, there, (among, *before)))):
        # The planner takes LIKE for rare and would sort all hits; a comparison it takes for common, as it is.
        return or_(func.strpos(column, told) > 0, *numbered)
    grams = func.gnomon_bigrams(told) if len(told) > 1 else array([cast(told, Text)])
    found = select(key).where(among, or_(and_(func.gnomon_grams(column).op("@>")(grams), there), *numbered))
    return key.in_(found.offset(0))  # type: ignore[no-any-return]


def _share(session: Session, index: str, told: str) -> float:
    """Share of rows that hold a text, from a look at pages picked at random; 0 where a table is small.

    Statistics of single pairs cannot tell it: pairs of one word come together, and their shares cannot be multiplied.
    """
    table, column, among = _LOOKED_IN[index]
    size = session.scalar(_SIZE, {"name": table}) or 0
    if size < 10 * _SAMPLE:
        return 0.0
    sampled = sql(
        f"SELECT avg(CASE WHEN position(:told IN {column}) > 0 THEN 1.0 ELSE 0.0 END) "
        f"FROM {table} TABLESAMPLE SYSTEM (:percent) WHERE {among}"
    )
    return float(session.scalar(sampled, {"told": told, "percent": 100 * _SAMPLE / size}) or 0)


def _near(session: Session, key: Any, there: ColumnElement[bool], within: Sequence[ColumnElement[bool]]) -> bool:
    """Whether a page fills up soon after where it begins: what many old rows hold may be far away."""
    first = select(there.label("there")).where(*within).order_by(key.desc()).limit(_AHEAD).subquery()
    hits = select(first.c.there).where(first.c.there).limit(_FULL).subquery()
    return session.scalar(select(func.count()).select_from(hits)) == _FULL


_MOST = 0.02
"""Share beyond which the index gathers so many rows that even a far page is sooner reached by reading."""
_AHEAD = 30_000
"""Rows that may be read in vain before the index is asked after all."""
_FULL = 100
"""Hits that fill a page."""
_SAMPLE = 1000
"""Rows looked at to tell how common a text is."""
_COMMON = 0.003
"""Share of rows holding a text beyond which reading in order is faster: more than three of those looked at."""
_SIZE = sql("SELECT reltuples FROM pg_class WHERE oid = to_regclass(:name)")
_LOOKED_IN = {
    "ix_search_case": ("case_file", "haystack", "true"),
    "ix_search_warning": ("warning", "lower(entity_name || ' ' || entity_id || ' ' || scheme)", "true"),
    "ix_search_trail": ("trail", "lower(after)", DEEDS),
}
