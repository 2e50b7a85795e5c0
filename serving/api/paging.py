"""Pages of lists, whether they come whole from the database or cut by it, and what all lists are asked by."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Protocol, TypeVar

from fastapi import Path, Query

from cases import cursors
from cases.pages import MOST
from gnomon.errors import Misuse

T = TypeVar("T")
Row = TypeVar("Row", covariant=True)
Id = Annotated[int, Path(ge=1, lt=2**63)]
Cursor = Annotated[str | None, Query(max_length=800, description="From the page before.")]
Limit = Annotated[int, Query(ge=1, le=MOST)]
Since = Annotated[datetime | None, Query(description="Only what has changed since.")]
Name = Annotated[str | None, Query(max_length=200)]
Text200 = Annotated[str, Query(max_length=200)]


def paged(
    rows: Sequence[T], key: Callable[[T], list[Any]], cursor: str | None, limit: int
) -> tuple[Sequence[T], str | None]:
    """One page of a short list that came whole, by a key that never changes, ascending, and the cursor of the next.

    >>> paged("abc", lambda row: [row], None, 2)[0]
    ['a', 'b']
    """
    ordered = sorted(rows, key=key)
    if cursor:
        after = cursors.read(cursor)
        try:
            ordered = [row for row in ordered if key(row) > after]
        except TypeError:
            raise Misuse("cases.cursor", place="cursor") from None
    page = ordered[:limit]
    return page, cursors.written(key(page[-1])) if len(ordered) > limit else None


class Fetch(Protocol[Row]):
    """Reads rows from the database: those after the key of the last row read so far (null: none), so many at most."""

    def __call__(self, *, after: Sequence[Any] | None, limit: int) -> Sequence[Row]: ...


def page_of(
    fetch: Fetch[T], key: Callable[[T], list[Any]], cursor: str | None, limit: int
) -> tuple[Sequence[T], str | None]:
    """One page that the database cuts, and the cursor of the next; null on the last."""
    rows = fetch(after=cursors.read(cursor) if cursor else None, limit=limit + 1)
    page = rows[:limit]
    return page, cursors.written(key(page[-1])) if len(rows) > limit else None


def aware(moment: datetime | None) -> datetime | None:
    """A moment with its zone; UTC when none was given."""
    return moment.replace(tzinfo=UTC) if moment is not None and moment.tzinfo is None else moment


def since(rows: Sequence[T], moment: datetime | None, *changed: Callable[[T], datetime | None]) -> Sequence[T]:
    """The rows of which any of these moments lies at or after `moment`."""
    start = aware(moment)
    if start is None:
        return rows
    return [row for row in rows if any(at is not None and at >= start for at in (one(row) for one in changed))]
