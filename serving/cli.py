"""`gnomon`: the command line that people and scripts rely on. Exits 0, 1 (the work failed) or 2 (bad usage)."""

from __future__ import annotations

import sys

import typer

from gnomon.config import Settings
from gnomon.errors import Fault

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)


def _register() -> None:
    from serving.commands import (
        audit,
        cases,
        catalogue,
        demo,
        drift,
        ingest,
        labels,
        models,
        monitor,
        people,
        profile,
        resolve,
        schedule,
        score,
        serve,
    )

    for module in (
        ingest,
        resolve,
        profile,
        models,
        monitor,
        schedule,
        score,
        cases,
        labels,
        drift,
        catalogue,
        people,
        audit,
        serve,
        demo,
    ):
        module.register(app)


_register()


def main() -> None:
    """Run the command line; a fault is told in one line on stderr."""
    try:
        app()
    except Fault as fault:
        sys.stderr.write(fault.told(Settings().language) + "\n")
        sys.exit(fault.exit_code)


if __name__ == "__main__":
    main()
