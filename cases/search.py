"""Search in cases, warnings and the trail, for text as it stands, in Chinese as well as in Latin letters.

On PostgreSQL the pairs of neighbouring letters of a text are indexed, because two letters are a word in Chinese and the
database's own trigrams need three. SQLite looks through all rows, which is fast at the size that it serves.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, cast, func, literal, or_, select
from sqlalchemy import text as sql
from sqlalchemy.orm import Session

from cases import bodies
from cases.people import Person
from cases.tables import Case, IssuedWarning, Trail

BULK = ("issue", "open", "join", "read")
"""Events that no person wrote anything in; search passes over them."""


def in_cases(session: Session, text: str) -> ColumnElement[bool]:
    """The condition on `case_file`: name, id, titles, scheme, description or number."""
    numbered = (Case.id == int(text),) if text.isdecimal() and len(text) < 19 else ()
    return _rows(session, Case.id, Case.haystack, "ix_search_case", text, numbered)


def in_warnings(session: Session, text: str) -> ColumnElement[bool]:
    """The condition on `warning`: name, id or scheme hold the text."""
    blank = literal(" ", literal_execute=True)
    told = IssuedWarning.entity_name + blank + IssuedWarning.entity_id + blank + IssuedWarning.scheme
    return _rows(session, IssuedWarning.id, func.lower(told), "ix_search_warning", text)


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
    query = query.where(Trail.action == action) if action is not None else query.where(Trail.action.not_in(_BULK))
    if text.strip():
        query = query.where(_holds(session, func.lower(Trail.after), text.strip()))
    for column, value in ((Trail.actor, actor), (Trail.subject_id, None if case_id is None else str(case_id))):
        if value is not None:
            query = query.where(column == value)
    if since is not None:
        query = query.where(Trail.at >= since)
    if until is not None:
        query = query.where(Trail.at < until)
    if before is not None:
        query = query.where(Trail.seq < before)
    if bodies.reach(session, reader) is not None:
        # A number as text on one side: cast the cases' side, the trail's index then still serves.
        seen = select(cast(Case.id, Trail.subject_id.type)).where(bodies.visible(session, reader))
        query = query.where(Trail.subject_id.in_(seen))
    return session.scalars(query.order_by(Trail.seq.desc()).limit(max(1, min(limit, 200)))).all()


def _rows(
    session: Session, key: Any, column: Any, index: str, text: str, numbered: Sequence[ColumnElement[bool]] = ()
) -> ColumnElement[bool]:
    """The condition for a list that is read in its order, a page at a time.

    What most rows hold is soon found by reading in that order; the index would first collect nearly all of them. What
    few rows hold is found by the index alone, and OFFSET keeps the planner from hoping for an early end of the list.
    """
    told = text.lower()
    if session.get_bind().dialect.name != "postgresql" or len(told) < 2 or _share(session, index, told) > _COMMON:
        return or_(column.contains(told, autoescape=True), *numbered)
    return key.in_(select(key).where(or_(_holds(session, column, text), *numbered)).offset(0))  # type: ignore[no-any-return]


def _holds(session: Session, column: Any, text: str) -> ColumnElement[bool]:
    told = text.lower()
    there: ColumnElement[bool] = column.contains(told, autoescape=True)
    if session.get_bind().dialect.name != "postgresql" or len(told) < 2:
        return there
    return and_(func.gnomon_bigrams(column).op("@>")(func.gnomon_bigrams(told)), there)


def _share(session: Session, index: str, told: str) -> float:
    """Share of rows that hold a text, from a look at pages picked at random; 0 where a table is small.

    Statistics of single pairs cannot tell it: pairs of one word come together, and their shares cannot be multiplied.
    """
    table, column = _LOOKED_IN[index]
    size = session.scalar(_SIZE, {"name": table}) or 0
    if size < 10 * _SAMPLE:
        return 0.0
    sampled = sql(
        f"SELECT avg(CASE WHEN position(:told IN {column}) > 0 THEN 1.0 ELSE 0.0 END) "
        f"FROM {table} TABLESAMPLE SYSTEM (:percent)"
    )
    return float(session.scalar(sampled, {"told": told, "percent": 100 * _SAMPLE / size}) or 0)


_SAMPLE = 1000
"""Rows looked at to tell how common a text is."""
_COMMON = 0.003
"""Share of rows holding a text beyond which reading in order is faster: more than three of those looked at."""
_SIZE = sql("SELECT reltuples FROM pg_class WHERE oid = to_regclass(:name)")
_LOOKED_IN = {
    "ix_search_case": ("case_file", "haystack"),
    "ix_search_warning": ("warning", "lower(entity_name || ' ' || entity_id || ' ' || scheme)"),
}
_BULK = [literal(action, literal_execute=True) for action in BULK]
