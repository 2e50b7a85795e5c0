"""`gnomon score`, `gnomon warnings`, `gnomon explain`: from profiles to warnings, and why."""

from __future__ import annotations

import json
import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gnomon.config import Settings
from gnomon.errors import Fault
from serving.commands.output import AsOfOption, Format, FormatOption, WorkspaceOption, emit, moment, settings_for

if TYPE_CHECKING:
    from gnomon.terms import Warned


class ExplainFormat(StrEnum):
    """How one warning is printed."""

    TABLE = "table"
    JSON = "json"
    HTML = "html"


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(score)
    app.command()(warnings)
    app.command()(explain)


def score(
    entities: Annotated[list[str] | None, typer.Argument(metavar="[ENTITY]…", help="All with data when none.")] = None,
    as_of: AsOfOption = None,
    budget: Annotated[
        int | None, typer.Option(help="Entities to look at, per kind; default: the setting.", min=1)
    ] = None,
    precision: Annotated[
        float | None, typer.Option(help="The learned model asks as long as so large a share is expected to be hits.")
    ] = None,
    fdr: Annotated[
        float | None, typer.Option(help="The learned model asks with at most so large a share of false ones.")
    ] = None,
    audit_share: Annotated[
        float | None,
        typer.Option(
            help="Part of the budget for entities drawn at random; default: the setting, of persons none.",
            min=0,
            max=0.5,
        ),
    ] = None,
    form: FormatOption = Format.TABLE,
    workspace: WorkspaceOption = None,
) -> None:
    """Profile, score, explain and hand over to the queue. One of --budget, --precision and --fdr sets the threshold of
    the learned model; rules keep to the review budget."""
    from serving.engine import score_all
    from serving.recording import recorded

    settings = settings_for(workspace)
    with recorded(settings, "score") as wrote:
        run = score_all(
            settings, entities or [], moment(as_of), budget, precision=precision, fdr=fdr, audit_share=audit_share
        )
        wrote |= {"run": run.run_id, "issued": sum(one.issued for one in run.entities)}
    told = ("entity", "as_of", "population", "findings", "settled", "entities", "issued", "new", "joined", "known")
    rows = []
    for one in run.entities:
        row: dict[str, Any] = {name: getattr(one, name) for name in told}
        row["as_of"] = one.as_of.date().isoformat()
        row |= {"random": one.random, "champion": one.champion, "refused": len(one.refused)}
        line = one.threshold if form is Format.JSON else (one.threshold or {}).get("score")
        rows.append({"run": run.run_id, **row, "threshold": line})
    emit(rows, form, settings.language)
    for one in run.entities:
        sys.stderr.write(f"{one.stated}\n")
    failed = [one for one in run.entities if one.faults]
    if failed:
        kinds = ", ".join(one.entity for one in failed)
        raise Fault("serving.score.not_scored", place=f"runs/{run.run_id}.json", kinds=kinds, fault=failed[0].faults[0])
    refused = sum(len(one.refused) for one in run.entities)
    if refused:
        raise Fault("serving.score.unexplained", place=f"runs/{run.run_id}.json", count=refused)


def warnings(
    entity: Annotated[str | None, typer.Option(help="Of one kind of entity only.")] = None,
    limit: Annotated[int, typer.Option(help="At most so many.", min=1, max=10_000)] = 50,
    form: FormatOption = Format.TABLE,
    workspace: WorkspaceOption = None,
) -> None:
    """Issued warnings, newest first."""
    from cases import pages, store
    from features.measures import entity as known_entity
    from gnomon.database import transaction

    settings = settings_for(workspace)
    kind = known_entity(entity).kind if entity else None
    database = store.upgrade(settings)
    rows: list[dict[str, Any]] = []
    cursor: str | None = None
    with transaction(database) as session:
        while len(rows) < limit:
            page = pages.warnings(session, cursor, min(limit - len(rows), pages.MOST), entity_kind=kind)
            rows += [_line(row) for row in page.rows]
            cursor = page.cursor
            if cursor is None:
                break
    database.dispose()
    emit(rows, form, settings.language)


def explain(
    warning: Annotated[str, typer.Argument(help="Number or fingerprint (eight characters are enough).")],
    form: Annotated[ExplainFormat, typer.Option("--format", help="table, json or html.")] = ExplainFormat.TABLE,
    workspace: WorkspaceOption = None,
) -> None:
    """One warning with its reasons and the rows behind them. Who read it goes on the trail."""
    from cases import audit, queue, store
    from gnomon.database import transaction

    settings = settings_for(workspace)
    database = store.upgrade(settings)
    with transaction(database) as session:
        found = queue.warning(session, warning)
        audit.record(session, "cli", "read", audit.Subject("warning", found.fingerprint))
    database.dispose()
    warned = found.warned()
    entity = _read_as(settings, warned)
    if form is ExplainFormat.JSON:
        told = {"fingerprint": found.fingerprint, **warned.as_dict(), "read_as": entity}
        json.dump(told, sys.stdout, ensure_ascii=False, indent=2)
        sys.stdout.write("\n")
        return
    from serving import report

    if form is ExplainFormat.HTML:
        from catalogue.load import load
        from serving.console.pages import shown

        sys.stdout.write(report.page(shown(settings, load(settings.model_folder), warned), settings.language))
        return
    sys.stdout.write("\n".join(report.lines(warned, found.fingerprint, settings.language, entity)) + "\n")


def _read_as(settings: Settings, warned: Warned) -> str | None:
    """The entity that the newest profiles read the warning's record as; None where it is the one warned about."""
    from features import profile_store
    from features.identity import Links
    from features.lake import Lake

    lake, newest = Lake(settings.lake_url), profile_store.latest(settings.workspace / "profiles", warned.entity_kind)
    version = 0 if newest is None else profile_store.header(newest)["lake_version"]
    links = Links.of(lake, version) if version <= lake.version else Links()
    if newest is None or not links:
        return None
    entity = links.named(warned.entity_id, profile_store.load(newest).values.index)
    return None if entity == warned.entity_id else entity


def _line(row: Any) -> dict[str, Any]:
    warned = row.warned()
    return {
        "id": row.id,
        "severity": "random" if warned.random else row.severity,
        "entity": row.entity_kind,
        "entity_id": row.entity_id,
        "name": row.entity_name,
        "title": warned.title,
        "as_of": warned.as_of.date().isoformat(),
        "percentile": round(row.percentile, 4),
        "score": round(row.score, 4),
        "model": row.model,
        "fingerprint": row.fingerprint[:16],
    }
