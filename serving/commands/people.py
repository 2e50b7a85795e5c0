"""`gnomon users`: accounts and API tokens. There is no account until somebody makes one, and no default password."""

from __future__ import annotations

import getpass
import secrets
import sys
from pathlib import Path
from typing import Annotated

import typer

from cases.scopes import Scope
from cases.workflow import BODY_KINDS, ROLES, BodyKind, Role
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
    group.command("body")(body)
    group.command("bodies")(bodies_list)
    group.command("route")(route)
    group.command("grant")(grant)
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
        made = people.add(session, name, role, operator(), chosen, display, organisation)
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
        people.set_password(session, name, chosen, operator())
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
    scope: Annotated[
        list[Scope] | None, typer.Option("--scope", help="All that it is good for; may be repeated. Default: all.")
    ] = None,
    revoke: Annotated[bool, typer.Option("--revoke", help="Make all tokens of the account worthless.")] = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Print a new API token of an account. It is shown once; only its hash is kept."""
    from cases import people, store
    from gnomon.database import transaction

    settings = settings_for(workspace)
    with transaction(store.upgrade(settings)) as session:
        if revoke:
            gone = people.revoke_tokens(session, name, operator())
            sys.stderr.write(say("serving.users.revoked", settings.language, name=name, count=gone) + "\n")
            return
        made = people.issue_token(session, name, operator(), days, scope)
    _tell(made)


def body(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the body; accounts name it as organisation.")],
    kind: Annotated[BodyKind, typer.Option("--kind", help="Which of the 1+9 kinds, a department or an owner unit.")],
    parent: Annotated[str | None, typer.Option("--parent", help="Body that it is a part of.")] = None,
    oversight: Annotated[bool, typer.Option("--oversight", help="Sees and may supervise every case.")] = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Register a body. From the first one on, people see the cases of their own body only."""
    from cases import bodies, store
    from gnomon.database import transaction

    settings = settings_for(workspace)
    with transaction(store.upgrade(settings)) as session:
        bodies.register(session, name, kind, operator(), parent, oversight)
    sys.stderr.write(say("serving.users.body", settings.language, name=name, kind=BODY_KINDS[kind]) + "\n")


def bodies_list(form: FormatOption = Format.TABLE, workspace: WorkspaceOption = None) -> None:
    """List the registered bodies and the scenes that are routed to them."""
    from cases import bodies, store
    from gnomon.database import transaction

    settings = settings_for(workspace)
    with transaction(store.upgrade(settings)) as session:
        routes = bodies.routes(session)
        rows = [
            {
                "name": one.name,
                "kind": one.kind if form is Format.JSON else BODY_KINDS[BodyKind(one.kind)],
                "parent": one.parent,
                "oversight": one.oversight,
                "scenes": " ".join(scene for scene, names in routes.items() if one.name in names),
            }
            for one in bodies.everyone(session)
        ]
    emit(rows, form, settings.language)


def route(
    scene: Annotated[str, typer.Argument(help="Scene, such as medical.")],
    names: Annotated[list[str], typer.Argument(metavar="BODY…", help="Bodies whose queues its new cases enter.")],
    workspace: WorkspaceOption = None,
) -> None:
    """Send new cases of a scene to these bodies."""
    from cases import bodies, store
    from gnomon.database import transaction

    with transaction(store.upgrade(settings_for(workspace))) as session:
        bodies.route(session, scene, names, operator())


def grant(
    name: NameArgument,
    role: Annotated[Role, typer.Option("--role", help="What the person is there for.")],
    scene: Annotated[str, typer.Option("--scene", help="Only in this scene; * for all.")] = "*",
    organisation: Annotated[str, typer.Option("--organisation", help="Only for cases of this body; * for all.")] = "*",
    withdraw: Annotated[bool, typer.Option("--withdraw", help="Take it away again.")] = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Give a person another role in one scene, for one body, or both."""
    from cases import bodies, store
    from gnomon.database import transaction

    with transaction(store.upgrade(settings_for(workspace))) as session:
        if withdraw:
            bodies.withdraw(session, name, operator(), scene, organisation)
        else:
            bodies.grant(session, name, role, operator(), scene, organisation)


def _set_disabled(name: str, disabled: bool, workspace: Path | None) -> None:
    from cases import people, store
    from gnomon.database import transaction

    settings = settings_for(workspace)
    with transaction(store.upgrade(settings)) as session:
        people.set_disabled(session, name, disabled, operator())
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


def operator() -> str:
    """Who decides where no account is named."""
    # The command line trusts the operating system's user: whoever can write the workspace's files needs no password.
    return f"cli:{getpass.getuser()}"
