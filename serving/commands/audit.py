"""`gnomon audit`: is the trail whole, and a copy of it for somebody who wants to check for themselves."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from gnomon.errors import Misuse
from gnomon.i18n import say
from serving.commands.output import Format, FormatOption, WorkspaceOption, settings_for


def register(app: typer.Typer) -> None:
    """Add `gnomon audit`."""
    group = typer.Typer(no_args_is_help=True, help="The audit trail: verify and export.")
    group.command("verify")(verify)
    group.command("export")(export)
    group.command("bundle")(bundle)
    group.command("key")(key)
    app.add_typer(group, name="audit")


def verify(
    witness: Annotated[
        str | None,
        typer.Option("--witness", metavar="SEQ:HASH", help="An end of the trail that you wrote down earlier."),
    ] = None,
    form: FormatOption = Format.TABLE,
    workspace: WorkspaceOption = None,
) -> None:
    """Recompute the whole chain. Exits 1 at the first broken link and says where it is."""
    from cases import audit, store
    from gnomon.database import transaction

    settings = settings_for(workspace)
    known = None if witness is None else _witness(witness)
    with transaction(store.upgrade(settings)) as session:
        found = audit.verify(session, known)
    broken = found.broken
    if form is Format.JSON:
        told = {"ok": found.ok, "events": found.events, "head": found.head}
        told["broken"] = broken and {"kind": broken.kind, "place": broken.place, "told": broken.told.en}
        sys.stdout.write(json.dumps(told, ensure_ascii=False) + "\n")
    elif broken is None:
        told = {"events": found.events, "seq": found.seq, "head": found.head}
        sys.stdout.write(say("serving.audit.whole", settings.language, **told) + "\n")
    if broken is not None:
        sys.stderr.write(f"{broken.place}: {broken.told.said_in(settings.language)}\n")
        raise typer.Exit(1)


def export(
    to: Annotated[Path | None, typer.Option("--to", help="File to write; default stdout.")] = None,
    workspace: WorkspaceOption = None,
) -> None:
    """Write every event as one JSON object a line, with all that its hash covers."""
    from cases import audit, store
    from gnomon.database import transaction

    with transaction(store.upgrade(settings_for(workspace))) as session:
        lines = (json.dumps(audit.told(event), ensure_ascii=False) + "\n" for event in audit.walk(session))
        if to is None:
            sys.stdout.writelines(lines)
        else:
            with to.open("w", encoding="utf-8") as file:
                file.writelines(lines)


def bundle(
    to: Annotated[Path, typer.Argument(metavar="FILE.zip", help="Bundle to write.")],
    workspace: WorkspaceOption = None,
) -> None:
    """Write the whole trail as a signed bundle, for a third party to verify by `docs/verify_trail.py`."""
    from cases import bundle as bundles
    from cases import store
    from gnomon.database import transaction

    settings = settings_for(workspace)
    with transaction(store.upgrade(settings)) as session:
        made = bundles.export(session, settings, to)
    told = {"events": made.events, "head": made.head, "public_key": made.public_key}
    sys.stderr.write(say("serving.audit.bundled", settings.language, **told) + "\n")


def key(workspace: WorkspaceOption = None) -> None:
    """Print the public key that bundles are signed with; write it down outside this machine."""
    from cases import bundle as bundles

    sys.stdout.write(bundles.public_key(settings_for(workspace)) + "\n")


def _witness(told: str) -> tuple[int, str]:
    seq, _, digest = told.partition(":")
    if not seq.isdecimal() or len(digest) != 64:
        raise Misuse("serving.audit.witness", place="--witness", value=told)
    return int(seq), digest
