"""Progress on standard error for anything that takes over two seconds; silent where nobody watches."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol


class Step(Protocol):
    """One bar that somebody watches."""

    def advance(self, by: float = 1.0) -> None:
        """Move on by so many units."""


class _Quiet:
    def advance(self, by: float = 1.0) -> None:
        return


@contextmanager
def progress(what: str, total: float | None = None) -> Iterator[Step]:
    """Show `what` with a bar over `total` units (a spinner when unknown) while the block runs."""
    if not sys.stderr.isatty():
        yield _Quiet()
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as bars:
        task = bars.add_task(what, total=total)

        class _Bar:
            def advance(self, by: float = 1.0) -> None:
                bars.advance(task, by)

        yield _Bar()
        bars.update(task, total=total or 1, completed=total or 1)
