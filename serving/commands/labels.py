"""`gnomon labels`: outcomes into the lake, and the outcomes of closed cases out of the queue."""

from __future__ import annotations

import csv
import hashlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gnomon.i18n import say
from serving.commands.output import Format, FormatOption, WorkspaceOption, moment, settings_for

if TYPE_CHECKING:
    from features.lake import Committed
    from gnomon.config import Settings


def register(app: typer.Typer) -> None:
    """Add `gnomon labels`."""
    group = typer.Typer(no_args_is_help=True, help="Outcomes that training learns from.")
    group.command("import")(import_labels)
    group.command("export")(export)
    app.add_typer(group, name="labels")


def import_labels(
    paths: Annotated[list[str], typer.Argument(metavar="FILE…", help="Files with outcomes of inspections or cases.")],
    mapping: Annotated[
        str | None, typer.Option("--mapping", help="Mapping file, or the name of a shipped mapping.")
    ] = None,
    form: FormatOption = Format.TABLE,
    workspace: WorkspaceOption = None,
) -> None:
    """Put outcomes into the lake's label table. The same file twice changes nothing."""
    from serving.commands.ingest import ingest

    ingest(paths, "label", mapping, form, workspace)


def export(
    to_lake: Annotated[
        bool, typer.Option("--to-lake", help="Put the labels into the lake, where training finds them.")
    ] = False,
    since: Annotated[
        str | None, typer.Option("--since", help="Date YYYY-MM-DD; only labels made or withdrawn after it.")
    ] = None,
    to: Annotated[Path | None, typer.Option("--to", help="CSV file to write; default stdout.")] = None,
    workspace: WorkspaceOption = None,
) -> None:
    """Write the outcomes of closed cases as CSV (or into the lake with --to-lake)."""
    from cases import labels, store
    from gnomon.database import transaction

    settings = settings_for(workspace)
    with transaction(store.upgrade(settings)) as session:
        rows = labels.labels(session, moment(since))
    if to_lake:
        told = put_into_lake(settings, rows)
        counts = {"labels": len(rows), "version": told.version, "new": told.new, "corrected": told.corrected}
        sys.stderr.write(say("serving.labels.to_lake", settings.language, **counts) + "\n")
    elif to is None:
        _write(sys.stdout, rows, labels.COLUMNS)
    else:
        with to.open("w", encoding="utf-8", newline="") as file:
            _write(file, rows, labels.COLUMNS)


def put_into_lake(settings: Settings, rows: list[dict[str, Any]]) -> Committed:
    """Commit labels of cases to the lake; labels that it holds already change nothing, later ones supersede."""
    import pyarrow as pa

    from features.contracts import contracts
    from features.lake import Lake

    own = contracts()["label"]
    schema = pa.schema([own.schema.field(column.name) for column in own.columns])
    table = pa.Table.from_pylist(rows, schema=schema)
    digest = hashlib.sha256(repr([list(row.values()) for row in rows]).encode()).hexdigest()
    return Lake(settings.lake_url).commit("label", table, "cases", digest)


def _write(file: Any, rows: list[dict[str, Any]], columns: tuple[str, ...]) -> None:
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([value.isoformat() if hasattr(value, "isoformat") else value for value in row.values()])
