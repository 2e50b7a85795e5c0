"""`gnomon cases` beyond single actions: raise, take, clock, messages, imports, lists, suppressions, search."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from gnomon.errors import Misuse
from gnomon.i18n import say
from gnomon.terms import Severity, Text
from serving.commands.output import Format, FormatOption, WorkspaceOption, emit, moment, settings_for

ActorOption = Annotated[str, typer.Option("--as", metavar="NAME", help="Account that you act for.")]


def register(group: typer.Typer) -> None:
    """Add these to `gnomon cases`."""
    for name, command in (
        ("raise", raise_case),
        ("next", take_next),
        ("tick", tick),
        ("deliver", deliver),
        ("dead", dead),
        ("endpoint", endpoint),
        ("import", import_cases),
        ("list-of", list_of),
        ("forecast", forecast),
        ("totals", totals),
        ("suppress", suppress),
        ("suppressions", suppressions),
        ("search", search_trail),
        ("notices", notices),
        ("policy", policies),
    ):
        group.command(name)(command)


def raise_case(
    actor: ActorOption,
    title: Annotated[str, typer.Option("--title", help="What it is about.")],
    description: Annotated[str, typer.Option("--description", help="What is known.")],
    scene: Annotated[str, typer.Option("--scene", help="Scene, such as medical.")],
    scheme: Annotated[str, typer.Option("--scheme", help="Kind of problem, such as stalled-project.")],
    organisation: Annotated[str, typer.Option("--organisation", help="Body that is to handle it.")] = "",
    entity: Annotated[str, typer.Option("--entity", help="KIND:ID of what it is about, such as institution:H1.")] = "",
    grave: Annotated[bool, typer.Option("--grave", help="Goes on top of the queue.")] = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Raise a case by hand."""
    from cases import people, raising, store
    from gnomon.database import transaction

    settings = settings_for(workspace)
    kind, _, number = entity.partition(":")
    about = {"entity_kind": kind, "entity_id": number} if number else {}
    severity = Severity.ALERT if grave else Severity.WARN
    told = raising.Raised(Text(title, title), description, scene, scheme, severity, **about)
    with transaction(store.upgrade(settings)) as session:
        made = raising.raise_case(session, people.required(session, actor).by_way_of("cli"), told, organisation)
    sys.stdout.write(f"{made.id}\n")


def take_next(
    actor: ActorOption,
    scene: Annotated[str | None, typer.Option("--scene", help="Only cases of this scene.")] = None,
    workspace: WorkspaceOption = None,
) -> None:
    """Sign for the gravest case that waits, and print its number. Exits 1 when none waits."""
    from cases import people, service, store
    from gnomon.database import transaction

    with transaction(store.upgrade(settings_for(workspace))) as session:
        taken = service.take_next(session, people.required(session, actor).by_way_of("cli"), scene)
    if taken is None:
        raise typer.Exit(1)
    sys.stdout.write(f"{taken.id}\n")


def tick(workspace: WorkspaceOption = None) -> None:
    """Press for what is overdue, stuck or unsigned, and step in where a reminder was ignored. Run it every hour."""
    from cases import clock, store
    from gnomon.database import transaction

    settings = settings_for(workspace)
    with transaction(store.upgrade(settings)) as session:
        done = clock.tick(session)
    told = {"supervised": done.supervised, "resupervised": done.resupervised, "stepped_in": done.stepped_in}
    sys.stderr.write(say("serving.cases.ticked", settings.language, **told) + "\n")


def deliver(workspace: WorkspaceOption = None) -> None:
    """Send the messages that wait: webhooks and e-mails. Run it every minute."""
    from cases import delivery, store

    settings = settings_for(workspace)
    sent = delivery.deliver(store.upgrade(settings), settings)
    told = {"done": sent.done, "failed": sent.failed, "dead": sent.dead}
    sys.stderr.write(say("serving.cases.delivered", settings.language, **told) + "\n")


def dead(
    revive: Annotated[int | None, typer.Option("--revive", metavar="NUMBER", help="Try this one again.")] = None,
    form: FormatOption = Format.TABLE,
    workspace: WorkspaceOption = None,
) -> None:
    """List the messages that were given up."""
    from cases import outbox, store
    from gnomon.database import transaction

    settings = settings_for(workspace)
    names = ("id", "channel", "target", "kind", "at", "attempts", "error")
    with transaction(store.upgrade(settings)) as session:
        if revive is not None:
            outbox.revive(session, revive, "cli")
        rows = [{name: one.as_dict()[name] for name in names} for one in outbox.dead(session)]
    emit(rows, form, settings.language)


def endpoint(
    name: Annotated[str, typer.Argument(help="Name of the receiver.")],
    url: Annotated[str, typer.Argument(help="http or https address.")],
    kind: Annotated[
        list[str] | None, typer.Option("--kind", help="Kind of events, such as case.close; default all.")
    ] = None,
    organisation: Annotated[str | None, typer.Option("--organisation", help="Only cases that this body sees.")] = None,
    workspace: WorkspaceOption = None,
) -> None:
    """Tell another system of what happens to cases. Prints the key that messages are signed with."""
    from cases import outbox, store
    from gnomon.database import transaction

    settings = settings_for(workspace)
    with transaction(store.upgrade(settings)) as session:
        made = outbox.subscribe(session, name, url, "cli", kind or ("*",), organisation)
        secret = outbox.secret_of(settings, made)
    sys.stdout.write(secret + "\n")


def import_cases(
    file: Annotated[Path, typer.Argument(help="CSV, or an export of TheHive 4 or Netflix Dispatch as JSON.")],
    system: Annotated[str, typer.Option("--from", help="csv, thehive or dispatch.")],
    actor: ActorOption,
    name: Annotated[str, typer.Option("--name", help="Tells two systems of one make apart.")] = "",
    workspace: WorkspaceOption = None,
) -> None:
    """Take in the cases of another system. The same file twice changes nothing."""
    from cases import imports, people, store
    from gnomon.database import transaction

    settings = settings_for(workspace)
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError):
        raise Misuse("serving.cases.unreadable", place=str(file)) from None
    with transaction(store.upgrade(settings)) as session:
        person = people.required(session, actor).by_way_of("cli")
        done = imports.take(session, system, text, person, name)
    told = {"new": done.new, "known": done.known, "skipped": done.skipped}
    sys.stderr.write(say("serving.cases.imported", settings.language, **told) + "\n")


def list_of(
    kind: Annotated[str, typer.Argument(help="problems, duties or developments.")],
    reader: Annotated[str | None, typer.Option("--as", metavar="NAME", help="Only what this account may see.")] = None,
    since: Annotated[str | None, typer.Option("--since", help="Date YYYY-MM-DD; cases that changed since.")] = None,
    form: FormatOption = Format.TABLE,
    workspace: WorkspaceOption = None,
) -> None:
    """Print one of the three lists: problems, duties, developments."""
    from cases import lists, people, store
    from gnomon.database import transaction

    if kind not in tuple(lists.Kind):
        raise Misuse("serving.cases.list_kind", place="KIND", value=kind, known=", ".join(lists.Kind))
    settings = settings_for(workspace)
    with transaction(store.upgrade(settings)) as session:
        person = people.named(session, reader)
        rows = lists.rows(session, lists.Kind(kind), person, moment(since))
    emit(rows, form, settings.language)


def forecast(
    reader: Annotated[str | None, typer.Option("--as", metavar="NAME", help="Only what this account may see.")] = None,
    form: FormatOption = Format.TABLE,
    workspace: WorkspaceOption = None,
) -> None:
    """List running cases, the one most likely to miss its date first."""
    from cases import clock, people, store
    from gnomon.database import transaction

    settings = settings_for(workspace)
    with transaction(store.upgrade(settings)) as session:
        person = people.named(session, reader)
        rows = [
            {
                "case": one.case_id,
                "due": one.due.date(),
                "working_days_left": one.working_days_left,
                "breach": one.breach,
                "learned_from": one.learned_from,
            }
            for one in clock.forecasts(session, person)
        ]
    emit(rows, form, settings.language)


def totals(
    reader: Annotated[str | None, typer.Option("--as", metavar="NAME", help="Only what this account may see.")] = None,
    since: Annotated[str | None, typer.Option("--since", help="Date YYYY-MM-DD; cases that ended since.")] = None,
    scene: Annotated[str | None, typer.Option("--scene", help="Of one scene.")] = None,
    form: FormatOption = Format.TABLE,
    workspace: WorkspaceOption = None,
) -> None:
    """Add up money, people and working days of ended cases."""
    from dataclasses import asdict

    from cases import people, results, store
    from gnomon.database import transaction

    settings = settings_for(workspace)
    with transaction(store.upgrade(settings)) as session:
        person = people.named(session, reader)
        told = results.totals(session, person, moment(since), scene)
    emit([asdict(told) | {"found": str(told.found), "recovered": str(told.recovered)}], form, settings.language)


def suppress(
    actor: ActorOption,
    entity: Annotated[str, typer.Option("--entity", help="KIND:ID, such as institution:H1.")] = "",
    scheme: Annotated[str, typer.Option("--scheme", help="One scheme; default all.")] = "*",
    until: Annotated[str | None, typer.Option("--until", help="Date YYYY-MM-DD.")] = None,
    reason: Annotated[str, typer.Option("--reason", help="Why.")] = "",
    approve: Annotated[int | None, typer.Option("--approve", metavar="NUMBER", help="Let one stand.")] = None,
    lift: Annotated[int | None, typer.Option("--lift", metavar="NUMBER", help="End one now.")] = None,
    workspace: WorkspaceOption = None,
) -> None:
    """Keep warnings about an entity out of the queue for a while: one person asks, another approves."""
    from cases import people, store, suppression
    from gnomon.database import transaction

    kind, _, number = entity.partition(":")
    end = moment(until)
    if approve is None and lift is None and (not number or end is None):
        raise Misuse("serving.cases.suppress", place="suppress")
    with transaction(store.upgrade(settings_for(workspace))) as session:
        person = people.required(session, actor).by_way_of("cli")
        if approve is not None:
            made = suppression.approve(session, approve, person)
        elif lift is not None:
            made = suppression.lift(session, lift, person)
        else:
            assert end is not None
            made = suppression.ask(session, person, kind, number, reason, end, scheme)
    sys.stdout.write(f"{made.id}\n")


def suppressions(form: FormatOption = Format.TABLE, workspace: WorkspaceOption = None) -> None:
    """Report what each suppression hid."""
    from cases import store, suppression
    from gnomon.database import transaction

    settings = settings_for(workspace)
    names = ("id", "entity_kind", "entity_id", "scheme", "expires_at", "asked_by", "approved_by", "lifted_by", "reason")
    with transaction(store.upgrade(settings)) as session:
        rows: list[dict[str, Any]] = []
        for one in suppression.report(session):
            told = one.suppression.as_dict()
            found = {"hidden": one.hidden, "alerts": one.alerts, "gravest": one.gravest}
            rows.append({name: told[name] for name in names} | found)
    emit(rows, form, settings.language)


def search_trail(
    text: Annotated[str, typer.Argument(help="Text that people wrote: reasons, notes, minutes.")],
    reader: Annotated[str | None, typer.Option("--as", metavar="NAME", help="Only what this account may see.")] = None,
    form: FormatOption = Format.TABLE,
    workspace: WorkspaceOption = None,
) -> None:
    """Search in what people did with cases, the newest first."""
    from cases import people, search, store
    from gnomon.database import transaction

    settings = settings_for(workspace)
    names = ("seq", "at", "actor", "action", "subject_id", "after")
    with transaction(store.upgrade(settings)) as session:
        person = people.named(session, reader)
        found = search.in_trail(session, person, text=text)
        rows = [{name: getattr(event, name) for name in names} for event in found]
    emit(rows, form, settings.language)


def notices(
    actor: ActorOption,
    form: FormatOption = Format.TABLE,
    workspace: WorkspaceOption = None,
) -> None:
    """List an account's unread notices."""
    from cases import notices as told
    from cases import people, store
    from gnomon.database import transaction

    settings = settings_for(workspace)
    with transaction(store.upgrade(settings)) as session:
        rows = [
            {"notice": one.id, "at": one.at, "case": one.case_id, "text": Text(one.text_zh, one.text_en)}
            for one in told.mine(session, people.required(session, actor), unread=True)
        ]
    emit(rows, form, settings.language)


def policies(
    name: Annotated[str | None, typer.Argument(help="Policy to set.")] = None,
    value: Annotated[str | None, typer.Argument(help="Its value, as JSON.")] = None,
    form: FormatOption = Format.TABLE,
    workspace: WorkspaceOption = None,
) -> None:
    """List the policies of this deployment, or set one."""
    import json

    from cases import policy, store
    from gnomon.database import transaction

    settings = settings_for(workspace)
    with transaction(store.upgrade(settings)) as session:
        if name is not None and value is not None:
            try:
                told = json.loads(value)
            except ValueError:
                told = value
            policy.put(session, name, told, "cli")
        rows = [
            {"policy": key, "value": json.dumps(policy.get(session, key)), "meaning": known.meaning}
            for key, known in policy.POLICIES.items()
        ]
    emit(rows, form, settings.language)
