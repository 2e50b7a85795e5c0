"""`gnomon resolve` finds which records of firms or persons are one, shows why, and accepts or undoes links."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gnomon.config import Settings
from gnomon.errors import Misuse
from gnomon.terms import Text
from serving.commands.output import Format, FormatOption, WorkspaceOption, emit, settings_for

if TYPE_CHECKING:
    from features.resolution.links import Agreement, Kept


class Whom(StrEnum):
    """What is resolved."""

    FIRMS = "firms"
    PEOPLE = "people"


STANDINGS = {
    "waiting": Text("待确认", "waiting"),
    "accepted": Text("已采纳", "accepted"),
    "undone": Text("已撤销", "undone"),
}


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("resolve")(resolve)


def resolve(
    whom: Annotated[Whom, typer.Argument(help="firms or people")],
    threshold: Annotated[float, typer.Option(min=0.5, max=1.0, help="Least probability of a scored link.")] = 0.9,
    listed: Annotated[bool, typer.Option("--list", help="Show all links and what became of them; find none.")] = False,
    accept: Annotated[
        list[str] | None,
        typer.Option("--accept", metavar="LINK", help="Let a link hold, a waiting or an undone one; may be repeated."),
    ] = None,
    undo: Annotated[
        list[str] | None, typer.Option("--undo", metavar="LINK", help="Take a link back; may be repeated.")
    ] = None,
    reason: Annotated[str, typer.Option("--reason", help="Why; asked of --accept and --undo.")] = "",
    actor: Annotated[
        str | None,
        typer.Option("--as", metavar="NAME", help="Account that decides; default: the user of this machine."),
    ] = None,
    evaluate: Annotated[
        int, typer.Option("--evaluate", min=0, metavar="N", help="Measure on N made-up entities told several times.")
    ] = 0,
    form: FormatOption = Format.TABLE,
    workspace: WorkspaceOption = None,
) -> None:
    """Find the records that are one entity. A link waits until it is accepted; equal valid codes hold at once.

    Profiles read accepted records as one, from the lake version that this makes; the rows themselves are not changed.
    """
    from features.lake import Lake
    from features.resolution import accepted, records
    from features.resolution.links import Journal
    from features.resolution.resolve import resolve as find

    settings = settings_for(workspace)
    journal, lake = Journal(settings.workspace / "resolution"), Lake(settings.lake_url)
    kind: Any = "firm" if whom is Whom.FIRMS else "person"
    if sum(map(bool, (listed, accept, undo, evaluate))) > 1:
        raise Misuse("serving.resolve.one", place="gnomon resolve")
    if evaluate:
        emit([_measured(kind, evaluate, threshold)], form, settings.language)
        return
    if accept or undo:
        shown = set(accept or undo or ())
        by = _decides(settings, actor)
        journal.accept(accept, reason, by) if accept else journal.undo(undo or (), reason, by)
    elif listed:
        shown = {name for name, one in journal.all().items() if one.link.kind == kind}
    else:
        frame = records.firms_of(lake) if whom is Whom.FIRMS else records.people_of(lake)
        shown = {one.link_id for one in journal.add(find(frame, kind, threshold))}
    if not listed:
        accepted.commit(journal, lake)
    emit([_told(one) for name, one in journal.all().items() if name in shown], form, settings.language)


def _decides(settings: Settings, actor: str | None) -> str:
    """Whose decision it is, as the trail of accounts tells it."""
    from cases import people, store
    from gnomon.database import transaction
    from serving.commands.people import operator

    if actor is None:
        return operator()
    database = store.upgrade(settings)
    try:
        with transaction(database) as session:
            return people.required(session, actor).name
    finally:
        database.dispose()


def _told(one: Kept) -> dict[str, Any]:
    link = one.link
    return {
        "link": link.link_id,
        "left": link.left,
        "right": link.right,
        "method": link.method,
        "probability": round(link.probability, 4),
        "evidence": Text(
            "; ".join(_worded(e, "zh") for e in link.evidence), "; ".join(_worded(e, "en") for e in link.evidence)
        ),
        "standing": STANDINGS[one.standing],
        "reason": one.reason,
        "by": one.by,
        "decided_at": one.decided_at,
        "at": one.at,
    }


def _worded(one: Agreement, language: str) -> str:
    values = one.left if one.left == one.right else f"{one.left} ≠ {one.right}"
    weight = "" if one.weight is None else f" ({one.weight:+.1f})"
    return f"{one.what.said_in(language)}: {values}{weight}"


def _measured(kind: Any, entities: int, threshold: float) -> dict[str, Any]:
    from features.resolution import pairs, records
    from features.resolution.evaluate import measured
    from features.resolution.resolve import resolve as find

    rows, truth = pairs.labelled(kind, entities, seed=1)
    frame = records.firms(rows) if kind == "firm" else records.people(rows)
    told = measured(find(frame, kind, threshold), truth)
    return {
        "records": len(rows),
        "pairs": told.true,
        "precision": round(told.precision, 4),
        "precision_low": round(told.precision_interval[0], 4),
        "precision_high": round(told.precision_interval[1], 4),
        "recall": round(told.recall, 4),
        "recall_low": round(told.recall_interval[0], 4),
        "recall_high": round(told.recall_interval[1], 4),
    }
