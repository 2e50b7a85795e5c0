"""`gnomon cases give`, `take` and `check-package`: cases that go to other agencies and come from them, signed."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from gnomon.errors import Misuse
from gnomon.i18n import say
from serving.commands.casework import ActorOption
from serving.commands.output import Format, FormatOption, WorkspaceOption, emit, settings_for

FileArgument = Annotated[Path, typer.Argument(metavar="FILE", help="The package.")]
KeyOption = Annotated[str, typer.Option("--key", metavar="HEX", help="Their public key, as it came another way.")]


def register(group: typer.Typer) -> None:
    """Add these to `gnomon cases`."""
    for name, command in (("give", give), ("take", take), ("check-package", check_package)):
        group.command(name)(command)


def give(
    case_id: Annotated[int, typer.Argument(metavar="CASE", help="Number of the case.")],
    file: Annotated[Path, typer.Argument(help="Where the package is written.")],
    actor: ActorOption,
    to: Annotated[str, typer.Option("--to", help="The agency that gets it.")],
    reason: Annotated[str, typer.Option("--reason", help="Why.")],
    version: Annotated[
        int | None, typer.Option("--version", help="Version you decided on; refused when the case has changed since.")
    ] = None,
    workspace: WorkspaceOption = None,
) -> None:
    """Write one case as a signed package for an agency without an account; it goes on the trail."""
    from cases import packages, people, queue, store
    from gnomon.database import transaction

    settings = settings_for(workspace)
    with transaction(store.upgrade(settings)) as session:
        person = people.required(session, actor).by_way_of("cli")
        seen = queue.found(session, case_id, reader=person).version if version is None else version
        package = packages.give(session, settings, case_id, person, seen, to, reason)
        # Written before the trail says so: a full disk leaves no giving behind that did not happen.
        try:
            file.write_text(package.told, encoding="utf-8")
        except OSError:
            raise Misuse("serving.cases.unwritable", place=str(file)) from None


def take(file: FileArgument, key: KeyOption, actor: ActorOption, workspace: WorkspaceOption = None) -> None:
    """Take in another agency's package, once its signature holds; prints the number of the case that it is now."""
    from cases import packages, people, raising, store
    from catalogue import load
    from gnomon.database import snapshot, transaction
    from serving.scoring import scorer
    from serving.second_opinion import verdict

    settings, content = settings_for(workspace), _read(file)
    theirs, models = packages.read(content, key), load.load(settings.model_folder)
    database = store.upgrade(settings)
    with snapshot(database) as session:
        person = people.required(session, actor).by_way_of("cli")
    raising.may_import(person)
    # Scored before the transaction begins: nobody waits for the queue meanwhile.
    ours = verdict(lambda kind: scorer(settings, kind, models), theirs.entity_kind, theirs.entity_id, theirs.scheme)
    with transaction(database) as session:
        made = packages.take(session, content, key, lambda *_: ours, person)
    sys.stdout.write(f"{made.record.case_id}\n")
    told = "package_known" if made.known else "package_taken"
    sys.stderr.write(say(f"serving.console.{told}", settings.language) + "\n")


def check_package(
    file: FileArgument, key: KeyOption, form: FormatOption = Format.TABLE, workspace: WorkspaceOption = None
) -> None:
    """Print what a package says, once its signature holds; nothing is taken in. Exits 2 when it does not hold."""
    from cases import packages

    told = packages.opened(_read(file), key)
    if form is Format.JSON:
        json.dump(told, sys.stdout, ensure_ascii=False, indent=2)
        sys.stdout.write("\n")
        return
    rows = {name: told[name] for name in ("id", "made_at", "from", "to", "reason")} | told["case"]
    listed = [{"field": name, "value": value} for name, value in {**rows, "warnings": len(told["warnings"])}.items()]
    emit(listed, form, settings_for(workspace).language)


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError:
        raise Misuse("serving.cases.unreadable", place=str(file)) from None
