"""Structured logs: one JSON object a line on standard error. What may be told is listed; nothing else gets in."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from typing import Any

from gnomon import tracing

TOLD = frozenset(
    {
        "id", "job", "task", "cause", "state", "started_at", "seconds", "missed", "read_version", "why", "entity",
        "light", "rows", "columns", "moved", "source", "sign", "version", "begun", "ended", "silenced", "unreached",
        "trace", "method", "route", "status",
    }
)  # fmt: skip
"""Fields of the log. None holds a name, an id of a person or entity, or a value of a record."""


def line(event: str, **fields: Any) -> str:
    """One line; `ValueError` names a field that is not on the list."""
    foreign = sorted(set(fields) - TOLD)
    if foreign:
        raise ValueError(f"{foreign[0]} is no field of the log")
    told = {"at": datetime.now(UTC).isoformat(timespec="seconds"), "event": event}
    # The same id stands on the spans: whoever reads a line finds the road it belongs to.
    told |= {"trace": trace} if (trace := tracing.trace_id()) else {}
    told |= {name: value for name, value in fields.items() if value is not None}
    return json.dumps(told, ensure_ascii=False, default=str)


def tell(event: str, **fields: Any) -> None:
    """Write one line."""
    sys.stderr.write(line(event, **fields) + "\n")
