"""Lists with a stable cursor: what was read stays read, whatever is written in between."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Generic, TypeVar

from sqlalchemy import Select, func, literal, select, tuple_
from sqlalchemy.orm import Session

from cases import bodies, cursors, search
from cases.people import Person
from cases.tables import Case, CaseCopy, CaseWarning, IssuedWarning, plain
from cases.workflow import ENDED, State
from gnomon.database import parts
from gnomon.errors import Misuse

_ALIVE = Case.state.not_in([state.value for state in ENDED])
MOST = 200
"""Rows that one page may hold."""
R = TypeVar("R", Case, IssuedWarning)


class Order(StrEnum):
    """How a list is sorted."""

    NEWEST = "newest"
    GRAVEST = "gravest"
    """Alerts before warnings, the higher percentile first."""
    UPDATED = "updated"
    """Longest unchanged first: for systems that follow changes by `updated_since`."""


@dataclass(frozen=True)
class Page(Generic[R]):
    """One page of a list."""

    rows: Sequence[R]
    cursor: str | None
    """Give it back for the next page; null on the last one. In the order `updated` it is always given: it marks how far
    the reader has come, also when nothing new is there yet."""


def cases(
    session: Session,
    *,
    state: State | str | None = None,
    owner: str | None = None,
    scheme: str | None = None,
    scene: str | None = None,
    severity: str | None = None,
    entity_kind: str | None = None,
    entity_id: str | None = None,
    copied_to: str | None = None,
    text: str = "",
    overdue_at: datetime | None = None,
    updated_since: datetime | None = None,
    order: Order | None = None,
    cursor: str | None = None,
    limit: int = 50,
    reader: Person | None = None,
    organisation: str | None = None,
    model: str | None = None,
    parent_id: int | None = None,
    stuck_since: datetime | None = None,
    shuffled: bool | None = None,
) -> Page[Case]:
    """The queue. All filters narrow it; `owner=""` means cases that nobody owns, `state="alive"` all not ended.

    `reader` leaves what this person may see (null: everything, for the system itself).

    `text` is searched in entity name, entity id, title, scheme and the case's number; `overdue_at` leaves what should
    have been done by then; `model` leaves cases that hold a warning of that model. The order is the newest first, with
    `updated_since` the longest unchanged first.
    """
    query = select(Case).where(bodies.visible(session, reader))
    equal: dict[Any, Any] = {
        Case.scheme: scheme,
        Case.scene: scene,
        Case.entity_kind: entity_kind,
        Case.entity_id: entity_id,
        Case.severity: severity,
        Case.organisation: organisation,
        Case.parent_id: parent_id,
        Case.shuffled: shuffled,
    }
    query = query.where(*(column == value for column, value in equal.items() if value is not None))
    if state is not None:
        query = query.where(_ALIVE if state == "alive" else Case.state == State(state).value)
    if owner is not None:
        query = query.where(Case.owner == owner if owner else Case.owner.is_(None))
    if copied_to is not None:
        query = query.where(Case.id.in_(select(CaseCopy.case_id).where(CaseCopy.name == copied_to)))
    if model is not None:
        of_model = select(IssuedWarning.id).where(IssuedWarning.model == model)
        held = select(CaseWarning.case_id).where(CaseWarning.warning_id.in_(of_model))
        query = query.where(Case.id.in_(held))
    if text.strip():
        query = query.where(search.in_cases(session, text.strip()))
    if overdue_at is not None:
        query = query.where(Case.due < overdue_at, _ALIVE, Case.state != State.PAUSED.value)
    if stuck_since is not None:
        query = query.where(Case.moved_at < stuck_since, _ALIVE, Case.state != State.PAUSED.value)
    if updated_since is not None:
        query = query.where(Case.updated_at >= updated_since)
    order = order or (Order.NEWEST if updated_since is None else Order.UPDATED)
    keys: dict[Order, list[Any]] = {
        Order.NEWEST: [Case.id],
        Order.GRAVEST: [Case.gravity, Case.id],
        Order.UPDATED: [Case.updated_at, Case.id],
    }
    return _page(session, query, keys[order], order, cursor, limit)


def warnings(
    session: Session,
    cursor: str | None = None,
    limit: int = 50,
    *,
    case_id: int | None = None,
    model: str | None = None,
    scheme: str | None = None,
    scene: str | None = None,
    severity: str | None = None,
    entity_kind: str | None = None,
    entity_id: str | None = None,
    run_id: str | None = None,
    text: str = "",
    updated_since: datetime | None = None,
    reader: Person | None = None,
) -> Page[IssuedWarning]:
    """Issued warnings, the newest first; with `updated_since` those issued since then, the oldest first."""
    query = select(IssuedWarning).where(bodies.visible_warnings(session, reader))
    equal: dict[Any, str | None] = {
        IssuedWarning.model: model,
        IssuedWarning.scheme: scheme,
        IssuedWarning.scene: scene,
        IssuedWarning.severity: severity,
        IssuedWarning.entity_kind: entity_kind,
        IssuedWarning.entity_id: entity_id,
        IssuedWarning.run_id: run_id,
    }
    query = query.where(*(column == value for column, value in equal.items() if value is not None))
    if case_id is not None:
        held = select(CaseWarning.warning_id).where(CaseWarning.case_id == case_id)
        query = query.where(IssuedWarning.id.in_(held))
    if updated_since is None:
        keys: list[Any] = [IssuedWarning.id]
        before = (tuple_(*keys) < _read(cursor, Order.NEWEST, keys),) if cursor else ()
        if text.strip():
            query = query.where(search.in_warnings(session, text.strip(), before))
        return _page(session, query, keys, Order.NEWEST, cursor, limit)
    if text.strip():
        query = query.where(search.in_warnings(session, text.strip()))
    query = query.where(IssuedWarning.issued_at >= updated_since)
    return _page(session, query, [IssuedWarning.issued_at, IssuedWarning.id], Order.UPDATED, cursor, limit)


def standing(
    session: Session, kind: str, scheme: str, ids: Sequence[str], reader: Person | None = None
) -> dict[str, int]:
    """Numbers of the running cases about these entities and this scheme, by entity, of those that `reader` may see."""
    found: dict[str, int] = {}
    for part in parts(ids):
        query = select(Case.entity_id, Case.id).where(
            Case.entity_kind == kind,
            Case.scheme == scheme,
            Case.entity_id.in_(part),
            Case.parent_id.is_(None),
            _ALIVE,
            bodies.visible(session, reader),
        )
        found.update({entity: number for entity, number in session.execute(query)})
    return found


def counts(session: Session, reader: Person | None = None) -> dict[str, int]:
    """How many cases are in each state, of those that `reader` may see."""
    found = Counter[str]()
    for part in bodies.visible_apart(session, reader):
        query = select(Case.state, func.count()).where(part).group_by(Case.state)
        found.update({state: n for state, n in session.execute(query)})
    return {state.value: found[state.value] for state in State}


def _page(session: Session, query: Select[R], keys: list[Any], order: Order, cursor: str | None, limit: int) -> Page[R]:
    down = order is not Order.UPDATED
    if cursor:
        after = _read(cursor, order, keys)
        here = tuple_(*keys)
        query = query.where(here < after if down else here > after)
    query = query.order_by(*(key.desc() if down else key for key in keys)).limit(max(1, min(limit, MOST)) + 1)
    rows: Sequence[R] = session.scalars(query.execution_options(populate_existing=True)).all()
    kept = rows[: max(1, min(limit, MOST))]
    if len(rows) > len(kept) or (order is Order.UPDATED and kept):
        return Page(kept, _written(kept[-1], order, keys))
    return Page(kept, cursor if order is Order.UPDATED else None)


def _written(row: Case | IssuedWarning, order: Order, keys: list[Any]) -> str:
    return cursors.written([order.value, *(plain(getattr(row, key.key)) for key in keys)])


def _read(cursor: str, order: Order, keys: list[Any]) -> Any:
    kinds: dict[str, type] = {"id": int, "gravity": float}
    told = cursors.read(cursor)
    if told[:1] != [order]:
        raise Misuse("cases.cursor", place="cursor")
    values = cursors.values(told[1:], *(kinds.get(key.key, datetime) for key in keys))
    return tuple_(*(literal(value, key.type) for key, value in zip(keys, values, strict=True)))
