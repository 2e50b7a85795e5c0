"""`gnomon drift`: how far profiles and scores moved from what the serving model was trained on."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from serving.commands.output import AsOfOption, Format, FormatOption, WorkspaceOption, emit, moment, settings_for

if TYPE_CHECKING:
    from monitoring.comparison import ColumnDrift


def register(app: typer.Typer) -> None:
    """Add the command to `gnomon`."""
    app.command()(drift)


def drift(
    entity: Annotated[str, typer.Argument(help="Kind of entity: institution, practitioner, supplier, tender, buyer.")],
    as_of: AsOfOption = None,
    workspace: WorkspaceOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Compare profiles and scores with the reference that the serving model was trained on.

    Without --as-of the newest profiles are compared, brought up to date with the lake, and with the same season a year
    before where the data reach back so far. What stays moved in two comparisons in a row is told with its likely
    cause. The figures and Evidently's page are kept under `<workspace>/drift/<entity>/<day>/`; having nothing to
    compare with is a state, not a fault.
    """
    from gnomon.progress import progress
    from monitoring import standing
    from serving.comparing import compare_now

    settings = settings_for(workspace)
    with progress(f"{entity}: drift"):
        found = compare_now(settings, entity, moment(as_of))
    # A person reads what moved first; a program gets the columns in their own order.
    shown = sorted(found.columns, key=lambda row: row not in found.moved) if form is Format.TABLE else found.columns
    if shown or form is not Format.TABLE:
        emit([_row(row, form) for row in shown], form, settings.language)
    told = f"{found.entity} {found.as_of:%Y-%m-%d} {found.model or '-'} [{found.light}] "
    sys.stderr.write(told + found.told.said_in(settings.language) + "\n")
    for one in standing.standing(standing.history(settings.folder("drift"), found.entity)):
        sys.stderr.write(one.told.said_in(settings.language) + "\n")
    if found.page is not None:
        sys.stderr.write(f"{found.page}\n")


def _row(row: ColumnDrift, form: Format) -> dict[str, Any]:
    told: dict[str, Any] = {
        "column": row.column,
        "title": row.title,
        "verdict": row.told if form is Format.TABLE else row.verdict.value,
        "because": ", ".join(row.because),
        "psi": row.psi,
        "distance": row.distance,
        "median_then": row.median_then,
        "median_now": row.median_now,
        "unknown_then": row.unknown_then,
        "unknown_now": row.unknown_now,
    }
    if form is Format.TABLE:
        return told
    told |= {"cause": row.cause, "season": row.season, "chance": row.chance}
    chance = {"psi_chance": row.psi_chance, "distance_chance": row.distance_chance}
    return told | chance | {"n_then": row.n_then, "n_now": row.n_now}
