"""`gnomon serve`: API and console on one address."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from gnomon.errors import Fault
from gnomon.i18n import say
from serving.commands.output import WorkspaceOption, settings_for

if TYPE_CHECKING:
    from gnomon.config import Settings


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(serve)


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on; 127.0.0.1 is this machine alone.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.", min=1, max=65535)] = 8000,
    workspace: WorkspaceOption = None,
) -> None:
    """Serve API and console. Needs an account to sign in with: there is no default one."""
    settings = settings_for(workspace)
    _require_account(settings)
    _bring_champions(settings)
    import uvicorn

    from serving.api.app import create

    shown = f"[{host}]" if ":" in host else host
    sys.stderr.write(f"http://{shown}:{port}/\n")
    uvicorn.run(create(settings), host=host, port=port, log_level="warning", server_header=False)


def _require_account(settings: Settings) -> None:
    from cases import people, store
    from gnomon.database import transaction

    engine = store.upgrade(settings)
    with transaction(engine) as session:
        accounts = [one for one in people.everyone(session) if not one.disabled]
    engine.dispose()
    if not accounts:
        raise Fault("serving.serve.no_account", place=str(settings.workspace))


def _bring_champions(settings: Settings) -> None:
    """Resolve the registry's champions into the workspace, in a process of its own: this one stays light."""
    # With the default registry the local pointer moves whenever a model is promoted: nothing has to be brought.
    if not settings.mlflow:
        return
    surroundings = {**os.environ, "GNOMON_WORKSPACE": str(settings.workspace)}
    ended = subprocess.run([sys.executable, "-m", "serving.champions"], env=surroundings, check=False)
    if ended.returncode != 0:
        sys.stderr.write(say("serving.serve.registry", settings.language, url=settings.mlflow) + "\n")
