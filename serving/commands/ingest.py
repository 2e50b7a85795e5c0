"""`gnomon ingest` puts source files into the lake; `gnomon tables` shows what lies there and what was refused."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gnomon.errors import Misuse
from gnomon.i18n import say
from serving.commands.output import Format, FormatOption, WorkspaceOption, emit, settings_for

if TYPE_CHECKING:
    from collections.abc import Sequence

    from features.ingest import Ingested
    from gnomon.config import Settings

REASONS_SHOWN = 10


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("ingest")(ingest)
    app.command("tables")(tables)


def ingest(
    paths: Annotated[list[str], typer.Argument(metavar="PATH…", help="Files, folders or patterns.")],
    table: Annotated[
        str | None, typer.Option("--table", help="Table that a file without a mapping fills; its columns by name.")
    ] = None,
    mapping: Annotated[
        str | None, typer.Option("--mapping", help="Mapping file, or the name of a shipped mapping.")
    ] = None,
    form: FormatOption = Format.TABLE,
    workspace: WorkspaceOption = None,
) -> None:
    """Put source files into the lake. The same file twice changes nothing."""
    from features.ingest import ingest as ingest_files
    from features.lake import Lake
    from features.mapping import load, restricted, straight

    settings = settings_for(workspace)
    if mapping is not None:
        chosen = load(mapping)
        chosen = chosen if table is None else restricted(chosen, table)
    elif table is not None:
        chosen = straight(table)
    else:
        raise Misuse("serving.ingest.no_table", place="gnomon ingest")
    done = ingest_files(paths, chosen, Lake(settings.lake_url), settings.workspace / "refused", settings.secret)
    well = [one for one in done if one.fault is None]
    if well:
        emit([_told(one, form) for one in well], form, settings.language)
        _tell_refusals(well, settings.language)
    faults = [one.fault for one in done if one.fault is not None]
    for fault in faults:
        sys.stderr.write(fault.told(settings.language) + "\n")
    if faults:
        raise typer.Exit(max(fault.exit_code for fault in faults))


def _told(one: Ingested, form: Format) -> dict[str, Any]:
    told = asdict(one)
    del told["fault"]
    refusals = told.pop("refusals")
    return {**told, "refusals": list(refusals)} if form is Format.JSON else told


def _tell_refusals(done: Sequence[Ingested], language: str) -> None:
    """The most frequent reasons, on stderr; `gnomon tables --refused` lists the rows."""
    for one in done:
        for refusal in one.refusals[:REASONS_SHOWN]:
            place = f"{one.table}.{refusal.column}" if refusal.column else one.table
            told = {"place": place, "count": refusal.rows, "reason": refusal.reason}
            sys.stderr.write(say("serving.ingest.refused", language, **told) + "\n")


def tables(
    refused: Annotated[bool, typer.Option("--refused", help="List the rows kept aside, with the reason.")] = False,
    table: Annotated[str | None, typer.Option("--table", help="Only this table.")] = None,
    form: FormatOption = Format.TABLE,
    workspace: WorkspaceOption = None,
) -> None:
    """Show the contracts with row counts and lake versions."""
    from features.contracts import contract_of, contracts
    from features.lake import Lake

    settings = settings_for(workspace)
    if table is not None:
        contract_of(table)
    if refused:
        emit(_refused_rows(settings, table), form, settings.language)
        return
    state = Lake(settings.lake_url).state()
    rows: list[dict[str, Any]] = []
    for name, of in contracts().items():
        if table is None or name == table:
            here = state.get(name)
            rows.append(
                {
                    "table": name,
                    "title": of.title,
                    "rows": here.rows if here else 0,
                    "version": here.version if here else None,
                    "columns": len(of.columns),
                    "key": ", ".join(of.key),
                }
            )
    emit(rows, form, settings.language)


def _refused_rows(settings: Settings, table: str | None = None) -> list[dict[str, Any]]:
    from features.aside import kept_aside

    rows: list[dict[str, Any]] = kept_aside(settings.workspace / "refused", table).to_pylist()
    return rows
