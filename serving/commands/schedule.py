"""`gnomon schedule`: jobs on cron-like times and on new data, durable over restarts and `kill -9`."""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from gnomon.i18n import say
from serving.commands.output import Format, FormatOption, WorkspaceOption, emit, settings_for

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="Name of the schedule.")]


def register(app: typer.Typer) -> None:
    """Add `gnomon schedule`."""
    group = typer.Typer(no_args_is_help=True, help="Jobs on cron-like times and on new data.")
    group.command("add")(add)
    group.command("list")(list_jobs)
    group.command("runs")(list_runs)
    group.command("remove")(remove)
    group.command("once")(once)
    group.command("run")(run)
    app.add_typer(group, name="schedule")


def add(
    name: NameArgument,
    task: Annotated[
        str,
        typer.Option(
            "--task", help="score, drift, watch, retrain, evasion, cases-tick, cases-deliver or housekeeping."
        ),
    ],
    cron: Annotated[str | None, typer.Option("--cron", help="Five fields in UTC: 0 6 * * *.")] = None,
    on_data: Annotated[bool, typer.Option("--on-data", help="Run when the lake has a newer version.")] = False,
    entity: Annotated[list[str] | None, typer.Option("--entity", help="Kind of entity; again for more.")] = None,
    most: Annotated[
        int | None, typer.Option("--most", help="New warnings that one run may issue; the rest is held back.", min=1)
    ] = None,
    budget: Annotated[
        int | None, typer.Option("--budget", help="Score: entities to look at, per kind; default: the setting.", min=1)
    ] = None,
    precision: Annotated[
        float | None, typer.Option("--precision", help="Score: least share of hits that the learned model expects.")
    ] = None,
    fdr: Annotated[
        float | None, typer.Option("--fdr", help="Score: largest share of false ones that the learned model risks.")
    ] = None,
    catch_up: Annotated[str, typer.Option("--catch-up", help="one: a single run for all missed; skip: none.")] = "one",
    yes: Annotated[bool, typer.Option("--yes", help="Save without asking; the count is shown all the same.")] = False,
    workspace: WorkspaceOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Save a schedule. One that scores first shows what a run would issue now, and asks."""
    from features.measures import entity as known_entity
    from gnomon.database import transaction
    from gnomon.errors import Misuse
    from monitoring import job_store, schedules
    from serving import tasks
    from training.threshold import aim as wanted

    settings = settings_for(workspace)
    if task not in tasks.NAMES:
        raise Misuse("monitoring.schedule.task", place=name, task=task, known=", ".join(tasks.NAMES))
    kinds = [known_entity(one).kind for one in entity or ()]
    if cron is not None:
        schedules.next_time(cron, datetime.now(UTC))
    given = {"budget": budget, "precision": precision, "fdr": fdr}
    aim = {key: value for key, value in given.items() if value is not None}
    wanted(budget, precision, fdr, settings.budget)
    if aim and task != "score":
        raise Misuse("serving.schedule.aim", place=f"--{next(iter(aim))}", task=task)
    if task == "score":
        told = tasks.would_issue(settings, kinds, most, aim)
        stated = [one.pop("stated") for one in told]
        emit(told, form, settings.language)
        sys.stderr.write("".join(f"{line}\n" for line in stated))
        issued, held = (sum(one[name] for one in told) for name in ("would_issue", "held"))
        sys.stderr.write(say("serving.schedule.would", settings.language, warnings=issued, held=held) + "\n")
        if not yes and not typer.confirm(say("serving.schedule.save", settings.language, name=name), err=True):
            raise typer.Exit(1)
    with job_store.opened(settings) as engine, transaction(engine) as session:
        arguments = ({"entities": kinds} if kinds else {}) | ({"aim": aim} if aim else {})
        made = schedules.save(
            session, name, task, arguments, cron=cron, on_data=on_data, catch_up=catch_up, most=most,
            by="gnomon schedule", now=datetime.now(UTC),
        )  # fmt: skip
        due = f"{made.due_at:%Y-%m-%d %H:%M} UTC" if made.due_at else "-"
    sys.stderr.write(say("serving.schedule.saved", settings.language, name=name, due=due) + "\n")


def list_jobs(workspace: WorkspaceOption = None, form: FormatOption = Format.TABLE) -> None:
    """Show schedules: when they are due, and who runs them."""
    from gnomon.database import transaction
    from monitoring import job_store

    settings = settings_for(workspace)
    with job_store.opened(settings) as engine, transaction(engine) as session:
        rows = [
            {
                "name": one.name,
                "task": one.task,
                "cron": one.cron,
                "on_data": one.on_data,
                "due_at": one.due_at,
                "catch_up": one.catch_up,
                "most": one.most,
                "aim": ", ".join(f"{key} {value:g}" for key, value in one.arguments.get("aim", {}).items()),
                "running": one.holder is not None,
                "read_version": one.read_version,
            }
            for one in job_store.jobs(session)
        ]
    emit(rows, form, settings.language)


def list_runs(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="Of one schedule; default all.")] = None,
    limit: Annotated[int, typer.Option("--limit", help="At most so many.", min=1)] = 20,
    workspace: WorkspaceOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Show runs, the newest first: what they read and wrote, how long they took, why they failed."""
    from gnomon.database import transaction
    from monitoring import job_store

    settings = settings_for(workspace)
    with job_store.opened(settings) as engine, transaction(engine) as session:
        rows = [told(one, form) for one in job_store.runs(session, name, limit)]
    emit(rows, form, settings.language)


def remove(name: NameArgument, workspace: WorkspaceOption = None) -> None:
    """Remove a schedule; its runs stay on record."""
    from gnomon.database import transaction
    from gnomon.errors import Fault
    from monitoring import job_store

    settings = settings_for(workspace)
    with job_store.opened(settings) as engine, transaction(engine) as session:
        if not job_store.drop(session, name):
            raise Fault("monitoring.schedule.unknown", place=name, status=404)


def once(name: NameArgument, workspace: WorkspaceOption = None, form: FormatOption = Format.TABLE) -> None:
    """Run one job now, unless it runs already. Exits 1 when it fails."""
    from features.lake import Lake
    from monitoring import job_store, schedules
    from serving import tasks

    settings = settings_for(workspace)
    with job_store.opened(settings) as engine:
        version = Lake(settings.lake_url).version
        ran = schedules.run(engine, name, tasks.tasks(settings), version, by_hand=True)
    if ran is None:
        sys.stderr.write(say("serving.schedule.busy", settings.language, name=name) + "\n")
        raise typer.Exit(1)
    emit([told(ran, form)], form, settings.language)
    if ran.state == "failed":
        raise typer.Exit(1)


def run(
    every: Annotated[float, typer.Option("--every", help="Seconds between looks.", min=0.1)] = 20.0,
    one_look: Annotated[bool, typer.Option("--one-look", help="Run what is due, and end.")] = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Run what is due, for ever. Any number of these may run at once: a job runs once at a time."""
    from features.lake import Lake
    from monitoring import job_store, journal, schedules
    from serving import tasks

    settings = settings_for(workspace)
    lake, known = Lake(settings.lake_url), tasks.tasks(settings)
    with job_store.opened(settings) as engine:
        while True:
            for one in schedules.tick(engine, known, lambda: lake.version):
                journal.tell("run", **{key: value for key, value in told(one).items() if key != "wrote"})
            if one_look:
                return
            time.sleep(every)


def told(one: Any, form: Format = Format.JSON) -> dict[str, Any]:
    """One run as a row; in a table of what it wrote only what fits, and of lists how long they are."""
    import json

    wrote = json.dumps(one.wrote, ensure_ascii=False) if one.wrote else ""
    if form is Format.TABLE:
        wrote = " ".join(f"{key}={len(v) if isinstance(v, list | dict) else v}" for key, v in one.wrote.items())
    return {
        "id": one.id,
        "job": one.job,
        "task": one.task,
        "cause": one.cause,
        "state": one.state,
        "started_at": one.started_at,
        "seconds": one.seconds,
        "missed": one.missed,
        "read_version": one.read_version,
        "wrote": wrote,
        "why": one.why,
    }
