"""Cursors of lists: where a reader has come to, as text that goes out with one page and comes back for the next."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from gnomon.errors import Misuse


def written(told: Sequence[Any]) -> str:
    """Plain JSON values as a cursor."""
    text = json.dumps(told, separators=(",", ":"), ensure_ascii=False)
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read(cursor: str) -> list[Any]:
    """The values in a cursor; a fault (400) for what is none."""
    try:
        told = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except ValueError:
        raise Misuse("cases.cursor", place="cursor") from None
    if not isinstance(told, list):
        raise Misuse("cases.cursor", place="cursor")
    return told


def values(told: Sequence[Any] | None, *kinds: type) -> tuple[Any, ...]:
    """What a cursor told, as values of these kinds; empty for none. A fault (400) for one of another list."""
    if told is None:
        return ()
    try:
        made = [datetime.fromisoformat(one) if kind is datetime else one for one, kind in zip(told, kinds, strict=True)]
    except (TypeError, ValueError):
        raise Misuse("cases.cursor", place="cursor") from None
    fits = all(type(one) is kind for one, kind in zip(made, kinds, strict=True))
    if not fits or any(type(one) is int and not 0 <= one < 2**63 for one in made):
        raise Misuse("cases.cursor", place="cursor")
    return tuple(one.replace(tzinfo=UTC) if isinstance(one, datetime) and one.tzinfo is None else one for one in made)
