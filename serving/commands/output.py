"""How commands speak: lists as table, JSON or CSV on stdout; progress and faults on stderr."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from gnomon import tracing
from gnomon.config import Settings
from gnomon.errors import Misuse
from gnomon.terms import Text


class Format(StrEnum):
    """How a list is printed."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


WorkspaceOption = Annotated[Path | None, typer.Option("--workspace", help="Folder that holds all state.")]
FormatOption = Annotated[Format, typer.Option("--format", help="table, json or csv; json and csv go alone to stdout.")]
AsOfOption = Annotated[
    str | None, typer.Option("--as-of", help="Date YYYY-MM-DD; default: the day after the last record.")
]


def settings_for(workspace: Path | None) -> Settings:
    """Settings from the environment, the workspace from the option when given; traces go where they say."""
    settings = Settings() if workspace is None else Settings(workspace=workspace)
    tracing.start(settings)
    return settings


def moment(as_of: str | None) -> datetime | None:
    """The as-of date of an option, as the end of that day in UTC."""
    if as_of is None:
        return None
    from datetime import UTC, time

    try:
        return datetime.combine(date.fromisoformat(as_of), time.max, tzinfo=UTC)
    except ValueError:
        raise Misuse("serving.as_of", place="--as-of", value=as_of) from None


def emit(rows: Sequence[Mapping[str, Any]], form: Format, language: str = "en") -> None:
    """Print rows; bilingual texts are told in `language` in tables and CSV, in both in JSON."""
    if form is Format.JSON:
        json.dump([{k: _json(v) for k, v in row.items()} for row in rows], sys.stdout, ensure_ascii=False, indent=2)
        sys.stdout.write("\n")
        return
    names = list(rows[0]) if rows else []
    told = [[_plain(row.get(name), language) for name in names] for row in rows]
    if form is Format.CSV:
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerows([names, *told])
        return
    if not rows:
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(*names, box=None, pad_edge=False)
    for row in told:
        table.add_row(*row)
    Console(width=None if sys.stdout.isatty() else 200).print(table)


def _json(value: Any) -> Any:
    if isinstance(value, Text):
        return {"zh": value.zh, "en": value.en}
    if isinstance(value, date | datetime):
        return value.isoformat()
    return value


def _plain(value: Any, language: str) -> str:
    if value is None:
        return ""
    if isinstance(value, Text):
        return value.said_in(language)
    if isinstance(value, float):
        return f"{value:,.4g}"
    return str(_json(value))
