"""Pages of short lists that come whole from the database, and what all lists are asked by."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar

from fastapi import Path, Query

from cases.pages import MOST
from gnomon.errors import Misuse

T = TypeVar("T")
Id = Annotated[int, Path(ge=1, lt=2**63)]
Cursor = Annotated[str | None, Query(max_length=800, description="From the page before.")]
Limit = Annotated[int, Query(ge=1, le=MOST)]
Since = Annotated[datetime | None, Query(description="Only what has changed since.")]
Name = Annotated[str | None, Query(max_length=200)]
Text200 = Annotated[str, Query(max_length=200)]


def paged(
    rows: Sequence[T], key: Callable[[T], list[Any]], cursor: str | None, limit: int
) -> tuple[Sequence[T], str | None]:
    """One page by a key that never changes, ascending, and the cursor of the next; null on the last.

    >>> paged("abc", lambda row: [row], None, 2)[0]
    ['a', 'b']
    """
    ordered = sorted(rows, key=key)
    if cursor:
        after = read_cursor(cursor)
        try:
            ordered = [row for row in ordered if key(row) > after]
        except TypeError:
            raise Misuse("cases.cursor", place="cursor") from None
    page = ordered[:limit]
    return page, written_cursor(key(page[-1])) if len(ordered) > limit else None


def page_of(
    fetch: Callable[[list[Any] | None, int], Sequence[T]], key: Callable[[T], list[Any]], cursor: str | None, limit: int
) -> tuple[Sequence[T], str | None]:
    """One page that the database cuts, and the cursor of the next; null on the last.

    `fetch` is given the key of the last row read so far (null: none), and how many rows it is to give at most.
    """
    rows = fetch(read_cursor(cursor) if cursor else None, limit + 1)
    page = rows[:limit]
    return page, written_cursor(key(page[-1])) if len(rows) > limit else None


def aware(moment: datetime | None) -> datetime | None:
    """A moment with its zone; UTC when none was given."""
    return moment.replace(tzinfo=UTC) if moment is not None and moment.tzinfo is None else moment


def since(rows: Sequence[T], moment: datetime | None, *changed: Callable[[T], datetime | None]) -> Sequence[T]:
    """The rows of which any of these moments lies at or after `moment`."""
    start = aware(moment)
    if start is None:
        return rows
    return [row for row in rows if any(at is not None and at >= start for at in (one(row) for one in changed))]


def written_cursor(key: list[Any]) -> str:
    """The key of a page's last row as a cursor."""
    return base64.urlsafe_b64encode(json.dumps(key).encode()).decode().rstrip("=")


def read_cursor(cursor: str) -> list[Any]:
    """The key in a cursor; a fault (400) for what is none."""
    try:
        told = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except ValueError:
        raise Misuse("cases.cursor", place="cursor") from None
    if not isinstance(told, list):
        raise Misuse("cases.cursor", place="cursor")
    return told
