"""`gnomon ingest` puts sources into the lake; `gnomon tables` shows what lies there, what was refused, what waits."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gnomon.config import Settings
from gnomon.errors import Misuse
from gnomon.i18n import say
from gnomon.terms import Text
from serving.commands.output import Format, FormatOption, WorkspaceOption, emit, settings_for

if TYPE_CHECKING:
    from collections.abc import Sequence

    from features.ingest import Ingested

REASONS_SHOWN = 10


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("ingest")(ingest)
    app.command("tables")(tables)
    app.command("sources")(sources)


def ingest(
    paths: Annotated[list[str] | None, typer.Argument(metavar="PATH…", help="Files, folders or patterns.")] = None,
    table: Annotated[
        str | None, typer.Option("--table", help="Table that a file without a mapping fills; its columns by name.")
    ] = None,
    mapping: Annotated[
        str | None, typer.Option("--mapping", help="Mapping file, or the name of a shipped mapping.")
    ] = None,
    form: FormatOption = Format.TABLE,
    workspace: WorkspaceOption = None,
    source: Annotated[
        str | None,
        typer.Option("--source", help="Declared source to run: a file, or a shipped sample. PATHs stand in for it."),
    ] = None,
) -> None:
    """Put source files, or what a declared source tells since last time, into the lake. Twice changes nothing."""
    from serving.recording import recorded

    settings = settings_for(workspace)
    with recorded(settings, "ingest") as wrote:
        if source:
            done = _from_source(source, paths or [], settings)
        else:
            done = _from_files(paths or [], table, mapping, settings)
        wrote |= _wrote(done)
    well = [one for one in done if one.fault is None]
    if well:
        emit(_counted([_told(one, form) for one in well], form), form, settings.language)
        _tell_refusals(well, settings.language)
        _tell_dangling(well, settings.language)
    faults = [one.fault for one in done if one.fault is not None]
    for fault in faults:
        sys.stderr.write(fault.told(settings.language) + "\n")
    if faults:
        raise typer.Exit(max(fault.exit_code for fault in faults))


def _wrote(done: Sequence[Ingested]) -> dict[str, Any]:
    """What the record of the run says: the lake's version and rows, and how many sources could not be read."""
    faults = [one.fault for one in done if one.fault is not None]
    return {
        "version": max((one.version for one in done), default=0),
        "rows": sum(one.new + one.corrected for one in done),
        "refused": sum(one.refused for one in done),
        "faults": len(faults),
        **({"why": str(faults[0])} if faults else {}),
    }


def _from_source(source: str, paths: list[str], settings: Settings) -> list[Ingested]:
    from features.declaration import declaration
    from features.lake import Lake
    from features.pull import pull

    refused = settings.workspace / "refused"
    return pull(declaration(source), Lake(settings.lake_url), refused, settings.secret, paths)


def _from_files(paths: list[str], table: str | None, mapping: str | None, settings: Settings) -> list[Ingested]:
    from features.ingest import ingest as ingest_files
    from features.lake import Lake
    from features.mapping import load, restricted, straight

    if not paths:
        raise Misuse("serving.ingest.no_paths", place="gnomon ingest")
    if mapping is not None:
        chosen = load(mapping)
        chosen = chosen if table is None else restricted(chosen, table)
    elif table is not None:
        chosen = straight(table)
    else:
        raise Misuse("serving.ingest.no_table", place="gnomon ingest")
    return ingest_files(paths, chosen, Lake(settings.lake_url), settings.workspace / "refused", settings.secret)


def sources(form: FormatOption = Format.TABLE) -> None:
    """List the sample declarations of sources."""
    from features.declaration import declaration, declared

    rows = []
    for name in declared():
        one = declaration(name)
        kind = "sql" if one.sql else "http" if one.http else one.mapping.connector
        filled = list(dict.fromkeys(table.table for table in one.mapping.tables))
        rows.append(
            {
                "source": name,
                "title": Text(one.title["zh"], one.title["en"]),
                "system": one.system,
                "kind": kind,
                "schedule": one.schedule,
                "watermark": one.watermark.column if one.watermark else "",
                "tables": ", ".join(filled),
            }
        )
    emit(rows, form, Settings().language)


def _told(one: Ingested, form: Format) -> dict[str, Any]:
    told = asdict(one)
    del told["fault"]
    listed = {name: list(told.pop(name)) for name in ("refusals", "dangling")}
    return {**told, **listed} if form is Format.JSON else {**told, "dangling": sum(d.rows for d in one.dangling)}


def _counted(rows: list[dict[str, Any]], form: Format) -> list[dict[str, Any]]:
    """For people, counts of what did not happen anywhere are left out; dangling references are told in sentences."""
    if form is not Format.TABLE:
        return rows
    idle = {name for name in ("parked", "released", "repaired") if not any(row[name] for row in rows)}
    return [{name: value for name, value in row.items() if name not in {*idle, "dangling"}} for row in rows]


def _tell_refusals(done: Sequence[Ingested], language: str) -> None:
    """The most frequent reasons, on stderr; `gnomon tables --refused` lists the rows."""
    for one in done:
        for refusal in one.refusals[:REASONS_SHOWN]:
            place = f"{one.table}.{refusal.column}" if refusal.column else one.table
            told = {"place": place, "count": refusal.rows, "reason": refusal.reason}
            sys.stderr.write(say("serving.ingest.refused", language, **told) + "\n")


def _tell_dangling(done: Sequence[Ingested], language: str) -> None:
    """References that were taken although the lake does not hold their other end, on stderr."""
    for one in done:
        for told in one.dangling:
            key = "serving.ingest.dangling" if told.registered else "serving.ingest.no_register"
            place = f"{one.table}.{told.column}"
            sys.stderr.write(say(key, language, place=place, count=told.rows, parent=told.parent) + "\n")


def tables(
    refused: Annotated[bool, typer.Option("--refused", help="List the rows kept aside, with the reason.")] = False,
    parked: Annotated[bool, typer.Option("--parked", help="List the rows that wait for a row they refer to.")] = False,
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
    if parked:
        from features.parking import parked as waiting

        emit(waiting(settings.workspace / "parked", table), form, settings.language)
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
