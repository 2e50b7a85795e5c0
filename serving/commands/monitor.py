"""`gnomon monitor`: what is late, what has moved, what warnings are worth; alerts and where they go."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from gnomon.i18n import say
from serving.commands.output import Format, FormatOption, WorkspaceOption, emit, moment, settings_for


def register(app: typer.Typer) -> None:
    """Add `gnomon monitor`."""
    group = typer.Typer(no_args_is_help=True, help="What is late, what has moved, what warnings are worth.")
    group.command("check")(check)
    group.command("feeds")(feeds)
    group.command("yield")(worth)
    group.command("proposals")(proposals)
    group.command("evasion")(evasion)
    group.command("successors")(successors)
    group.command("metrics")(metrics)
    group.command("channel")(channel)
    group.command("silence")(silence)
    app.add_typer(group, name="monitor")


def check(
    jobs_only: Annotated[bool, typer.Option("--jobs-only", help="Look at schedules and runs only: quick.")] = False,
    tell: Annotated[bool, typer.Option("--tell", help="Send new alerts to the channels as well.")] = False,
    workspace: WorkspaceOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Say what needs a look, and exit 1 if anything does. Needs no scheduler: it watches the scheduler."""
    settings = settings_for(workspace)
    from gnomon.database import transaction
    from monitoring import alerting, job_store
    from monitoring.watchdog import overdue
    from serving.watching import KINDS, feed_health, look

    now = datetime.now(UTC)
    if jobs_only:
        _, version, changed = feed_health(settings, now, rows=False)
        with job_store.opened(settings) as engine, transaction(engine) as session:
            found = [alerting.Alert(one.key, one.told) for one in overdue(session, now, version, changed)]
        kinds: tuple[str, ...] = ("job",)
    else:
        found, kinds = look(settings, now).alerts, KINDS
    if tell:
        with job_store.opened(settings) as engine:
            told = alerting.tell(settings, engine, found, now, kinds)
        for address, why in told.unreached:
            sys.stderr.write(say("serving.monitor.unreached", settings.language, address=address, why=why) + "\n")
    emit([{"kind": one.kind, "told": one.told, "key": one.key} for one in found], form, settings.language)
    if found:
        raise typer.Exit(1)
    sys.stderr.write(say("serving.monitor.well", settings.language) + "\n")


def feeds(
    tables: Annotated[
        bool, typer.Option("--tables", help="Show tables instead: when their last event happened, and arrived.")
    ] = False,
    workspace: WorkspaceOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Show every source against its own history."""
    settings = settings_for(workspace)
    from features.lake import Lake
    from monitoring import freshness
    from serving.watching import feed_health

    rows: list[dict[str, Any]] = []
    if tables:
        for table in freshness.feeds(Lake(settings.lake_url)):
            told = {"table": table.table, "title": table.title, "rows": table.rows, "version": table.version}
            rows.append(told | {"last_event": table.last_event, "last_arrival": table.last_arrival})
        emit(rows, form, settings.language)
        return
    for one in feed_health(settings, datetime.now(UTC), rows=True)[0]:
        told = {"source": one.source, "arrivals": one.arrivals, "last": one.last, "pause_days": one.pause}
        rows += [told | {"told": trouble.told} for trouble in one.troubles] or [told | {"told": one.told}]
    emit(rows, form, settings.language)


def worth(
    by: Annotated[str, typer.Option("--by", help="model, scene or organisation.")] = "model",
    workspace: WorkspaceOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Show the funnel from warning to money, with precision, its estimate, and the time to the first action."""
    settings = settings_for(workspace)
    from cases import store
    from cases.worth import Came, came
    from gnomon.database import transaction
    from gnomon.errors import Misuse
    from monitoring.worth import expected, yields
    from serving.mixes import LATELY
    from serving.watching import floor_of

    if by not in ("model", "scene", "organisation"):
        raise Misuse("serving.monitor.by", place="--by", given=by)
    now = datetime.now(UTC)
    database = store.upgrade(settings)
    try:
        with transaction(database) as session:
            rows: list[Came] = list(came(session))
    finally:
        database.dispose()
    told, floor = [], floor_of(settings)
    for one in yields(rows, lambda row: getattr(row, by), now):
        line: dict[str, Any] = {
            by: one.name,
            "warnings": one.warnings,
            "cases": one.cases,
            "clues": one.clues,
            "confirmed": one.confirmed,
            "precision": one.precision.value,
            "low": one.precision.low,
            "high": one.precision.high,
            "data_errors": one.data_error.value,
            "found": one.found,
            "recovered": one.recovered,
            "days_to_action": one.first_action.median,
        }
        if by == "model":
            promise = expected(one.name, rows, now - LATELY)
            line |= {"floor": floor(one.name), "expected": promise.value}
            line |= {"expected_low": promise.low, "expected_high": promise.high}
            line |= {"realised": promise.realised.value, "off": promise.off}
        told.append(line)
    emit(told, form, settings.language)


def proposals(workspace: WorkspaceOption = None, form: FormatOption = Format.TABLE) -> None:
    """Show what is proposed: models to train anew, models to retire, and why. Nothing happens by itself."""
    settings = settings_for(workspace)
    from serving.watching import look

    looked = look(settings, rows=False)
    rows: list[dict[str, Any]] = []
    for one in looked.proposals:
        why = "; ".join(reason.said_in(settings.language) for reason in one.reasons)
        rows.append({"model": one.model, "what": one.what, "told": one.told, "why": why})
    for weak in looked.retirements:
        why = " ".join(one.said_in(settings.language) for one in weak.evidence)
        rows.append({"model": weak.model, "what": "retire", "told": weak.told, "why": why})
    emit(rows, form, settings.language)


def evasion(
    entity: Annotated[str, typer.Argument(help="Kind of entity.")],
    column: Annotated[str | None, typer.Option("--column", help="A profile column; with --threshold.")] = None,
    threshold: Annotated[float | None, typer.Option("--threshold", help="Value above which a rule fires.")] = None,
    since: Annotated[str | None, typer.Option("--since", help="Day on which the thresholds became known.")] = None,
    workspace: WorkspaceOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Show whether values gather just under the thresholds of the rules (or under one that is given). With --since,
    whether they moved there after that day: profiles from before it must be stored."""
    settings = settings_for(workspace)
    from gnomon.errors import Misuse
    from serving.evading import Threshold, signs

    if (column is None) != (threshold is None):
        raise Misuse("serving.monitor.threshold", place="--column")
    given = [Threshold("", column, threshold)] if column is not None and threshold is not None else None
    rows = []
    apart = ("column", "threshold", "state", "title")
    for one, sign in signs(settings, entity, given, moment(since)):
        told = {name: getattr(sign, name) for name in sign.__slots__ if name not in apart}
        line = {"model": one.model, "column": one.column, "threshold": one.at, "found": sign.found}
        rows.append({**line, **told, "told": sign.told})
    emit(rows, form, settings.language)


def successors(
    entity: Annotated[str, typer.Argument(help="Kind of entity; supplier above all.")],
    since: Annotated[str, typer.Option("--since", help="Entities that began after this day are held against earlier.")],
    workspace: WorkspaceOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Show entities that began since a day and share telephone, address, account, officers or holders with an earlier
    one: a rename, or a split. Those whose earlier self was warned about come first."""
    settings = settings_for(workspace)
    from serving.succession import succession

    day = moment(since)
    assert day is not None
    found = succession(settings, entity, day)
    emit(found, form, settings.language)
    if not found:
        sys.stderr.write(say("serving.monitor.no_successors", settings.language, since=since) + "\n")


def metrics(
    to: Annotated[Path | None, typer.Option("--to", help="File to write, for a textfile collector.")] = None,
    workspace: WorkspaceOption = None,
) -> None:
    """Print what is watched as Prometheus metrics."""
    settings = settings_for(workspace)
    from gnomon.database import transaction
    from monitoring import job_store
    from serving.watching import exposed

    with job_store.opened(settings) as engine, transaction(engine) as session:
        told = exposed(settings, session, datetime.now(UTC))
    if to is None:
        sys.stdout.write(told)
        return
    # A collector must never read half a file.
    fresh = to.with_name(f".{to.name}.part")
    fresh.write_text(told, encoding="utf-8")
    fresh.replace(to)


def channel(
    address: Annotated[str | None, typer.Argument(metavar="ADDRESS", help="https address or e-mail address.")] = None,
    drop: Annotated[bool, typer.Option("--drop", help="Send nothing there any more.")] = False,
    workspace: WorkspaceOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Send alerts there, in the language of the settings, and show the key that its receiver checks signatures with;
    without an address, show where alerts go."""
    settings = settings_for(workspace)
    from cases import outbox
    from gnomon.database import transaction
    from gnomon.errors import Fault, Misuse
    from monitoring import alerting, job_store

    if drop and address is None:
        raise Misuse("serving.monitor.which", place="--drop")
    with job_store.opened(settings) as engine, transaction(engine) as session:
        if drop and not job_store.drop_channel(session, address or ""):
            raise Fault("serving.monitor.no_channel", place=address or "", status=404)
        if address is not None and not drop:
            alerting.add_channel(session, address, settings.language)
        owed = {one.address: one.since for one in job_store.unreached(session)}
        # Of the address that is named only: a list of all keys has no business in a log.
        key = (
            "" if address is None or alerting.is_mail(address) else outbox.told_key(alerting.key_of(settings, address))
        )
        rows = [
            {
                "address": one.address,
                "language": one.language,
                "unreached_since": owed.get(one.address),
                "key": key if one.address == address else "",
            }
            for one in job_store.channels(session)
        ]
    emit(rows, form, settings.language)


def silence(
    prefix: Annotated[
        str | None, typer.Argument(metavar="KEY", help="Beginning of the alerts' keys: feed:hotline.")
    ] = None,
    reason: Annotated[str, typer.Option("--reason", help="Why nobody needs to hear of it.")] = "",
    days: Annotated[float, typer.Option("--days", help="For so many days.")] = 1.0,
    end: Annotated[bool, typer.Option("--end", help="Tell of them again from now on.")] = False,
    workspace: WorkspaceOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Tell nobody about some alerts for a while; they stay on record. Without a key, show the silences that hold."""
    settings = settings_for(workspace)
    from gnomon.database import transaction
    from gnomon.errors import Fault, Misuse
    from monitoring import alerting, job_store

    now = datetime.now(UTC)
    if end and prefix is None:
        raise Misuse("serving.monitor.which", place="--end")
    with job_store.opened(settings) as engine, transaction(engine) as session:
        if end and not job_store.end_silence(session, prefix or "", now):
            raise Fault("serving.monitor.no_silence", place=prefix or "", status=404)
        if prefix is not None and not end:
            alerting.silence(session, prefix, now + timedelta(days=days), reason, "gnomon monitor silence", now)
        held = job_store.silences(session, now)
        rows = [{"key": one.prefix, "until": one.until, "reason": one.reason, "by": one.by} for one in held]
    emit(rows, form, settings.language)
