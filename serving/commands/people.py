"""`gnomon users`: accounts and API tokens. There is no account until somebody makes one, and no default password."""

from __future__ import annotations

import getpass
import secrets
import sys
from pathlib import Path
from typing import Annotated

import typer

from cases.workflow import ROLES, Role
from gnomon.i18n import say
from serving.commands.output import Format, FormatOption, WorkspaceOption, emit, settings_for

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="Name of the account.")]
GenerateOption = Annotated[bool, typer.Option("--generate", help="Make a random password and print it once.")]


def register(app: typer.Typer) -> None:
    """Add `gnomon users`."""
    group = typer.Typer(no_args_is_help=True, help="Accounts, their roles and API tokens.")
    group.command("add")(add)
    group.command("list")(list_users)
    group.command("password")(password)
    group.command("disable")(disable)
    group.command("enable")(enable)
    group.command("token")(token)
    app.add_typer(group, name="users")


def add(
    name: NameArgument,
    role: Annotated[Role, typer.Option("--role", help="What the person is here for.")],
    organisation: Annotated[str | None, typer.Option("--organisation", help="Body the person works for.")] = None,
    display: Annotated[str, typer.Option("--display", help="Name as others read it.")] = "",
    generate: GenerateOption = False,
    no_password: Annotated[
        bool, typer.Option("--no-password", help="For systems: the account signs in by token alone.")
    ] = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Make an account. Asks for its password, or prints a random one once with --generate."""
    from cases import people, store
    from gnomon.database import transaction

    settings = settings_for(workspace)
    chosen = None if no_password else _password(generate)
    with transaction(store.upgrade(settings)) as session:
        made = people.add(session, name, role, _operator(), chosen, display, organisation)
    sys.stderr.write(say("serving.users.added", settings.language, name=made.name, role=ROLES[made.role]) + "\n")
    _tell(chosen if generate else None)


def list_users(form: FormatOption = Format.TABLE, workspace: WorkspaceOption = None) -> None:
    """List all accounts."""
    from cases import people, store
    from gnomon.database import transaction

    settings = settings_for(workspace)
    with transaction(store.upgrade(settings)) as session:
        rows = [
            {
                "name": one.name,
                "display": one.display,
                "role": one.role if form is Format.JSON else ROLES[Role(one.role)],
                "organisation": one.organisation,
                "disabled": one.disabled,
                "password": one.password is not None,
                "locked_until": one.locked_until,
            }
            for one in people.everyone(session)
        ]
    emit(rows, form, settings.language)


def password(name: NameArgument, generate: GenerateOption = False, workspace: WorkspaceOption = None) -> None:
    """Give an account another password; whoever is signed in under the old one is signed out."""
    from cases import people, store
    from gnomon.database import transaction

    settings = settings_for(workspace)
    chosen = _password(generate)
    with transaction(store.upgrade(settings)) as session:
        people.set_password(session, name, chosen, _operator())
    sys.stderr.write(say("serving.users.password", settings.language, name=name) + "\n")
    _tell(chosen if generate else None)


def disable(name: NameArgument, workspace: WorkspaceOption = None) -> None:
    """Shut an account; its tokens are worthless from now on."""
    _set_disabled(name, True, workspace)


def enable(name: NameArgument, workspace: WorkspaceOption = None) -> None:
    """Open an account again, and end its lock-out."""
    _set_disabled(name, False, workspace)


def token(
    name: NameArgument,
    days: Annotated[int, typer.Option("--days", min=1, max=3650, help="Days that the token is good for.")] = 365,
    revoke: Annotated[bool, typer.Option("--revoke", help="Make all tokens of the account worthless.")] = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Print a new API token of an account. It is shown once; only its hash is kept."""
    from cases import people, store
    from gnomon.database import transaction

    settings = settings_for(workspace)
    with transaction(store.upgrade(settings)) as session:
        if revoke:
            gone = people.revoke_tokens(session, name, _operator())
            sys.stderr.write(say("serving.users.revoked", settings.language, name=name, count=gone) + "\n")
            return
        made = people.issue_token(session, name, _operator(), days)
    _tell(made)


def _set_disabled(name: str, disabled: bool, workspace: Path | None) -> None:
    from cases import people, store
    from gnomon.database import transaction

    settings = settings_for(workspace)
    with transaction(store.upgrade(settings)) as session:
        people.set_disabled(session, name, disabled, _operator())
    key = "serving.users.disabled" if disabled else "serving.users.enabled"
    sys.stderr.write(say(key, settings.language, name=name) + "\n")


def _password(generate: bool) -> str:
    if generate:
        return secrets.token_urlsafe(15)
    told: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    return told


def _tell(secret: str | None) -> None:
    """The secret alone on stdout, so that a script can take it."""
    if secret is not None:
        sys.stdout.write(secret + "\n")


def _operator() -> str:
    # The command line trusts the operating system's user: whoever can write the workspace's files needs no password.
    return f"cli:{getpass.getuser()}"
