"""`gnomon catalogue`: list, show, check, start, back-test and print warning models."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gnomon.config import Settings
from gnomon.errors import Fault, Misuse, nearest
from serving.commands.output import Format, FormatOption, WorkspaceOption, emit, moment, settings_for

if TYPE_CHECKING:
    from catalogue.model import WarningModel
    from features.engine import Engine
    from features.profiles import Profiles

ModelArgument = Annotated[str, typer.Argument(metavar="ID", help="Id of a warning model; `list` shows them.")]


def register(app: typer.Typer) -> None:
    """Add the commands to `gnomon`."""
    group = typer.Typer(
        no_args_is_help=True, help="Warning models: list, show, check, new, try, backtest, docs, coverage."
    )
    group.command("list")(list_models)
    group.command("show")(show)
    group.command("check")(check)
    group.command("new")(new)
    group.command("try")(try_model)
    group.command("backtest")(backtest)
    group.command("docs")(docs)
    group.command("coverage")(coverage)
    app.add_typer(group, name="catalogue")


def list_models(form: FormatOption = Format.TABLE) -> None:
    """List all warning models."""
    settings = Settings()
    rows = [
        {
            "id": model.id,
            "scene": model.scene,
            "stage": model.stage,
            "entity": model.entity,
            "scheme": model.scheme,
            "detector": model.detector,
            "title": model.title,
        }
        for model in _models(settings).values()
    ]
    emit(rows, form, settings.language)


def show(id: ModelArgument, form: FormatOption = Format.TABLE) -> None:
    """Show one warning model: what it asks, of whom, and its examples."""
    from catalogue.pages import section

    settings = Settings()
    model = _model(settings, id)
    if form is Format.TABLE:
        sys.stdout.write(section(model, settings.language) + "\n")
        return
    told: dict[str, Any] = {name: getattr(model, name) for name in ("id", "version", "scene", "stage", "entity")}
    told |= {name: getattr(model, name) for name in ("scheme", "detector", "title", "meaning", "advice")}
    told |= {"basis": list(model.basis), **model.conditions, "digest": model.digest, "path": str(model.path)}
    emit([told], form, settings.language)


def check(form: FormatOption = Format.TABLE) -> None:
    """Check all models and run their examples; exits 1 when a model does not do what it says."""
    from catalogue.check import Grade
    from catalogue.check import check as look
    from catalogue.vocabulary import vocabularies

    settings = Settings()
    models = _models(settings)
    issues = look(models.values(), vocabularies())
    rows = [{"grade": str(it.grade), "model": it.model, "place": it.place, "issue": it.text} for it in issues]
    if rows or form is not Format.TABLE:
        emit(rows, form, settings.language)
    examples = sum(len(model.examples) for model in models.values())
    from gnomon.i18n import say

    told = say("catalogue.check.done", settings.language, models=len(models), examples=examples, issues=len(rows))
    sys.stderr.write(told + "\n")
    if any(issue.grade is Grade.HIGH for issue in issues):
        raise typer.Exit(1)


def new(
    id: Annotated[str, typer.Argument(metavar="ID", help="Id of the new model: lower-case words joined by hyphens.")],
    entity: Annotated[str, typer.Option("--entity", help="Kind of entity that it is about, e.g. institution.")] = "",
    scene: Annotated[str, typer.Option("--scene", help="Scene it belongs to.")] = "medical-insurance",
    scheme: Annotated[str, typer.Option("--scheme", help="What it suspects.")] = "over-billing",
    folder: Annotated[Path | None, typer.Option("--folder", help="Your folder of warning models.")] = None,
    case: Annotated[
        int | None, typer.Option("--from-case", metavar="CASE", help="Ask of others what was unusual in this case.")
    ] = None,
    reader: Annotated[
        str | None,
        typer.Option("--as", metavar="NAME", help="Account that reads the case; its look goes on the trail."),
    ] = None,
    workspace: WorkspaceOption = None,
) -> None:
    """Write the draft of a new warning model into your own folder of models: an empty one, or one from a case."""
    from catalogue.skeleton import put, write
    from catalogue.vocabulary import vocabularies

    where = folder or Settings().model_folder
    if where is None:
        raise Misuse("catalogue.new.folder", place="--folder")
    if case is not None:
        text, of_scene = _of_case(settings_for(workspace), id, case, reader)
        sys.stdout.write(f"{put(id, where, of_scene, text)}\n")
        return
    if not entity:
        raise Misuse("catalogue.new.source", place="--entity")
    sys.stdout.write(f"{write(id, entity, where, vocabularies(), scene, scheme)}\n")


def try_model(
    id: Annotated[str, typer.Argument(metavar="ID|FILE", help="Id of a warning model, or the file of a draft.")],
    workspace: WorkspaceOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Tell whom a rule would ask about on the newest stored profiles. Nothing is issued."""
    from cases import store
    from gnomon.database import transaction
    from gnomon.i18n import say
    from serving.trying import look, tried

    settings = settings_for(workspace)
    file = Path(id)
    if file.suffix in (".yaml", ".yml") and file.is_file():
        looked = look(file.read_text(encoding="utf-8"))
        if looked.model is None:
            raise looked.faults[0]
        model = looked.model
    else:
        model = _model(settings, id)
    with transaction(store.upgrade(settings)) as session:
        told = tried(settings, model, session)
    rows = [
        {"entity": one.entity_id, "name": one.name, "severity": one.severity, "score": round(one.score, 3),
         "case": one.case_id}
        for one in told.asked
    ]  # fmt: skip
    emit(rows, form, settings.language)
    values = {"day": f"{told.as_of:%Y-%m-%d}", "lacking": ", ".join(told.lacking) or "–"}
    counts = {name: getattr(told, name) for name in ("entities", "fires", "alerts", "unknown", "excluded", "in_cases")}
    sys.stderr.write(say("serving.trying.told", settings.language, **values, **counts) + "\n")


def backtest(
    id: ModelArgument,
    as_of: Annotated[list[str] | None, typer.Option("--as-of", help="Date YYYY-MM-DD; may be given again.")] = None,
    months: Annotated[int, typer.Option("--months", min=1, help="Month ends to test when no --as-of is given.")] = 6,
    workspace: WorkspaceOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Count how often a rule would have spoken at each date, beside the outcomes known by now."""
    from dataclasses import asdict

    from catalogue.backtest import backtest as run
    from catalogue.backtest import outcomes
    from features.engine import Engine
    from features.identity import Links
    from features.lake import Lake
    from gnomon.progress import progress

    settings = settings_for(workspace)
    model = _model(settings, id)
    if model.detector != "rule":
        raise Misuse("catalogue.backtest.learned", place=id, entity=model.entity)
    engine = Engine.open(Lake(settings.lake_url), threads=settings.threads)
    profiles: list[Profiles] = []
    moments = [day for told in as_of or () if (day := moment(told))] or _month_ends(engine, model.entity, months)
    with progress(id, len(moments)) as step:
        for day in moments:
            try:
                profiles.append(_profiles(settings, engine, model.entity, day))
            except Fault as fault:
                # Month ends from before the first record were not asked for by anyone.
                if as_of or fault.key != "features.build.too_early":
                    raise
            step.advance()
    links, known = Links.read_by(engine), frozenset(id_ for one in profiles for id_ in one.ids)
    told = {links.named(id_, known): outcome for id_, outcome in outcomes(engine, model).items()}
    emit([asdict(row) for row in run(model, profiles, told)], form, settings.language)


def docs(
    to: Annotated[Path, typer.Option("--to", help="Folder that the pages are written to.")] = Path("docs"),
) -> None:
    """Write the catalogue as pages, one a language."""
    from catalogue.load import load
    from catalogue.pages import write

    for path in write(load().values(), to):
        sys.stdout.write(f"{path}\n")


def coverage(form: FormatOption = Format.TABLE) -> None:
    """List the published models that have no model of the same id here: what answers them, and what is left out."""
    from catalogue.published import told

    rows = [
        {"id": name, "answered": one.how, "models": ", ".join(one.models), "lacks": one.lacks}
        for name, one in told().items()
    ]
    emit(rows, form, Settings().language)


def _of_case(settings: Settings, id: str, case: int, reader: str | None) -> tuple[str, str]:
    """The draft from a case, and the case's scene."""
    from cases import people, store
    from gnomon.database import transaction
    from serving.trying import of_case

    if reader is None:
        raise Misuse("catalogue.new.reader", place="--as")
    with transaction(store.upgrade(settings)) as session:
        return of_case(session, id, case, people.required(session, reader))


def _models(settings: Settings) -> dict[str, WarningModel]:
    from catalogue.load import load

    return load(settings.model_folder)


def _model(settings: Settings, id: str) -> WarningModel:
    models = _models(settings)
    if id not in models:
        raise Misuse("catalogue.backtest.unknown", place=id, id=id, nearest=nearest(id, models))
    return models[id]


def _month_ends(engine: Engine, entity: str, months: int) -> list[datetime]:
    from catalogue.backtest import month_ends
    from features.as_of import last_event
    from features.measures import entity as entity_of

    return month_ends(last_event(engine, entity_of(entity)), months)


def _profiles(settings: Settings, engine: Engine, entity: str, as_of: datetime) -> Profiles:
    """Stored profiles of that moment and lake version when there are some, else built now."""
    from features.build import build
    from features.profile_store import HEADER, load

    folder = settings.workspace / "profiles" / entity / f"{as_of:%Y%m%dT%H%M%S}-v{engine.lake_version:08d}"
    if (folder / HEADER).exists():
        return load(folder)
    return build(engine, entity, as_of, settings.min_peers)
