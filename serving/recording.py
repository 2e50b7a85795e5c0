"""Runs by hand on record, beside those of the schedules: what they read and wrote, how long, and why they failed."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from gnomon import tracing
from gnomon.errors import Fault
from gnomon.i18n import say

if TYPE_CHECKING:
    from gnomon.config import Settings


@contextmanager
def recorded(settings: Settings, task: str) -> Iterator[dict[str, Any]]:
    """Put what the block does on record as a run of `task`; it fills in what it wrote, and `why` if a part failed.

    A record that cannot be kept is told and stops no work.
    """
    wrote: dict[str, Any] = {}
    led_here = _led_here(settings) if tracing.on() and task != "ingest" else []
    with tracing.span(f"gnomon {task}", follows=next(iter(led_here), ""), links=led_here[1:], task=task):
        number = _kept(settings, lambda session: _begun(session, settings, task))
        why: str | None = None
        try:
            yield wrote
        except Fault as fault:
            why = str(fault)
            raise
        except SystemExit as end:
            why = None if not end.code else f"exit {end.code}"
            raise
        except BaseException as error:
            # Typer ends a command with an exception of its own, which holds its exit code.
            code = getattr(error, "exit_code", None)
            why = None if code == 0 else type(error).__name__ if code is None else f"exit {code}"
            raise
        finally:
            if tracing.on():
                wrote["trace"] = tracing.trace_id()
            if number is not None:
                _kept(settings, lambda session: _ended(session, number, wrote, why or wrote.pop("why", None)))


def _led_here(settings: Settings) -> list[str]:
    """Whoever reads the lake goes on with the trace of what was put there last."""
    from features.lake import Lake

    return Lake(settings.lake_url).traces()


def _kept(settings: Settings, what: Any) -> Any:
    """Do one thing with the records; None when they cannot be reached."""
    from gnomon.database import transaction
    from monitoring import job_store

    try:
        with job_store.opened(settings) as engine, transaction(engine) as session:
            return what(session)
    except Exception as error:
        sys.stderr.write(say("serving.recording.lost", settings.language, why=type(error).__name__) + "\n")
        return None


def _begun(session: Any, settings: Settings, task: str) -> int:
    from features.lake import Lake
    from monitoring import schedules

    return schedules.begin_by_hand(session, task, Lake(settings.lake_url).version, datetime.now(UTC))


def _ended(session: Any, number: int, wrote: dict[str, Any], why: str | None) -> None:
    from monitoring import schedules

    schedules.end_by_hand(session, number, wrote, why, datetime.now(UTC))
