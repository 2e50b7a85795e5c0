"""Commands about learned models: `train`, `retrain`, `evaluate`, `shadow`, `promote`, `rollback` and `models`."""

from __future__ import annotations

import json
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gnomon.config import Settings
from gnomon.errors import Misuse
from gnomon.i18n import say
from gnomon.progress import progress
from serving.commands.output import AsOfOption, Format, FormatOption, WorkspaceOption, emit, moment, settings_for

if TYPE_CHECKING:
    import pandas as pd

    from features.engine import Engine
    from features.profiles import Profiles
    from training.train import TrainedRun

EntityArgument = Annotated[str, typer.Argument(help="institution, practitioner, supplier, tender or buyer.")]
LabelsOption = Annotated[
    Path | None,
    typer.Option("--labels", help="CSV of outcomes: label contract, or two columns (id; 1/0, yes/no or an outcome)."),
]
FoldsOption = Annotated[int, typer.Option("--folds", help="Folds of the cross-validation.")]
SeedOption = Annotated[int, typer.Option("--seed", help="Seed of splits and models.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("train")(train)
    app.command("evaluate")(evaluate)
    app.command("promote")(promote)
    app.command("rollback")(rollback)
    app.command("models")(models)
    app.command("shadow")(shadow)
    app.command("retrain")(retrain)


def train(
    entity: EntityArgument,
    as_of: AsOfOption = None,
    labels: LabelsOption = None,
    folds: FoldsOption = 5,
    seed: SeedOption = 0,
    search: Annotated[float, typer.Option("--search", help="Minutes to search settings for; 0: none.", min=0)] = 0.0,
    workspace: WorkspaceOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Train, evaluate, log to MLflow and register a candidate. Default labels: the lake's outcomes."""
    from serving.recording import recorded

    settings = settings_for(workspace)
    with recorded(settings, "train") as wrote, progress(f"train {entity}") as step:
        engine, profiles = _profiles(settings, entity, moment(as_of))
        step.advance()
        rows = _label_rows(engine, profiles, labels)
        from features.build import build
        from training.train import train as run

        made = run(
            settings, profiles, rows, lambda then: build(engine, entity, then, settings.min_peers),
            place=str(labels or "label"), seed=seed, folds=folds, until=moment(as_of), search_seconds=60.0 * search,
        )  # fmt: skip
        wrote |= {"entity": made.entity, "model": made.version, "mlflow_run": made.run_id}
    emit([_told(made)], form, settings.language)
    if made.why_not:
        sys.stderr.write(_why(made.why_not, settings.language) + "\n")


def evaluate(
    entity: EntityArgument,
    labels: Annotated[Path, typer.Option("--labels", help="CSV of outcomes; see `train`.")],
    as_of: AsOfOption = None,
    folds: FoldsOption = 5,
    group: Annotated[str | None, typer.Option("--group", help="Attribute that must not stand on both sides.")] = None,
    seed: SeedOption = 0,
    repeat: Annotated[int, typer.Option("--repeat", help="Repeats with other seeds.", min=1)] = 1,
    budget: Annotated[float, typer.Option("--budget", help="Review budget: a share under 1, or a number.")] = 0.05,
    workspace: WorkspaceOption = None,
) -> None:
    """Print honest cross-validated figures of the full pipeline as JSON, each beside the trivial baseline."""
    settings = settings_for(workspace)
    from serving.learning import from_file
    from training import unlabelled
    from training.dataset import examples
    from training.evaluate import evaluate as measure

    with progress(f"evaluate {entity}"):
        engine, profiles = _profiles(settings, entity, moment(as_of))
        rows = from_file(engine, profiles, labels)
        from features.build import build

        judged, target = examples(
            profiles, rows, lambda then: build(engine, entity, then, settings.min_peers), str(labels),
            moment(as_of),
        )  # fmt: skip
        groups = None if group is None else _group(judged, group)
        told = measure(
            judged, target, folds=folds, group=groups, seed=seed, repeats=repeat, budget=budget,
            makers=unlabelled.makers(entity),
        )  # fmt: skip
    json.dump(told.as_dict(), sys.stdout, ensure_ascii=False, indent=2)
    sys.stdout.write("\n")


def promote(
    entity: EntityArgument,
    version: Annotated[str | None, typer.Option("--version", help="Candidate; default the newest.")] = None,
    labels: LabelsOption = None,
    as_of: AsOfOption = None,
    although: Annotated[
        str, typer.Option("--although", help="Why it is promoted though it ranks lower, within what chance explains.")
    ] = "",
    workspace: WorkspaceOption = None,
) -> None:
    """Put a candidate through the gate and move the `champion` alias, or say why not (exit code 1)."""
    settings = settings_for(workspace)
    from serving.learning import gated

    with progress(f"promote {entity}"):
        engine, profiles = _profiles(settings, entity, moment(as_of))
        rows = _label_rows(engine, profiles, labels)
        verdict = gated(
            settings, profiles, rows, version, place=str(labels or "label"), until=moment(as_of), although=although
        )
    key = "serving.models.promoted" if verdict.passed else "serving.models.refused"
    said = say(key, settings.language, entity=entity, version=verdict.version, reason=verdict.reason)
    (sys.stdout if verdict.passed else sys.stderr).write(said + "\n")
    if not verdict.passed:
        raise typer.Exit(1)


def rollback(entity: EntityArgument, workspace: WorkspaceOption = None) -> None:
    """Give the `champion` alias back to the version that had it before."""
    settings = settings_for(workspace)
    from training import registry

    serving = registry.rollback(settings, entity)
    sys.stdout.write(
        say("serving.models.rolled_back", settings.language, entity=entity, version=serving.version) + "\n"
    )


def models(
    entity: Annotated[str | None, typer.Argument(help="Kind of entity; default all.")] = None,
    workspace: WorkspaceOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """List registered versions; the champion is marked."""
    settings = settings_for(workspace)
    from training import registry

    emit(registry.versions(settings, entity), form, settings.language)


def shadow(
    entity: EntityArgument,
    version: Annotated[str | None, typer.Option("--version", help="Candidate; default the newest.")] = None,
    budget: Annotated[int | None, typer.Option("--budget", help="Entities to look at.", min=1)] = None,
    as_of: AsOfOption = None,
    workspace: WorkspaceOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Score a candidate beside the champion without issuing anything, and tell how far they ask about the same."""
    settings = settings_for(workspace)
    from training import registry
    from training.bundle import Bundle
    from training.shadow import shadow as compare

    with progress(f"shadow {entity}"):
        _, profiles = _profiles(settings, entity, moment(as_of))
        number, run_id = registry.run_of(settings, entity, version)
        champion = Bundle.load(registry.fetch(entity, settings))
        candidate = Bundle.load(registry.fetch(entity, settings, number))
        found = compare(champion, candidate, profiles, budget or settings.budget)
        told = {"champion": champion.folder.name, "candidate": number, "as_of": profiles.as_of.isoformat()}
        registry.note(settings, run_id, f"shadow/{profiles.as_of:%Y-%m-%d}.json", told | found.as_dict())
    names = ("only_champion", "only_candidate")
    row = {"entity": entity, **told, **found.as_dict()}
    if form is not Format.JSON:
        row |= {name: ", ".join(row[name][:5]) + (" …" if len(row[name]) > 5 else "") for name in names}
    emit([row], form, settings.language)


def retrain(
    entity: EntityArgument,
    from_run: Annotated[str, typer.Option("--from-run", help="MLflow run whose model is made again.")],
    workspace: WorkspaceOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Make the model of a run again, from the lake version and the labels it was made from. Exit 1 when it differs."""
    settings = settings_for(workspace)
    from training import registry

    with progress(f"retrain {entity}"):
        recipe = registry.recipe(settings, from_run)
        if recipe.entity != entity:
            raise Misuse("training.bundle.entity", place=from_run, model=recipe.entity, given=entity)
        from features.build import build
        from features.engine import Engine
        from features.lake import Lake
        from training.search import Found
        from training.train import train as run

        kept = recipe.kept
        engine = Engine.open(Lake(settings.lake_url), recipe.lake_version, threads=settings.threads)
        as_of = datetime.fromisoformat(kept["as_of"])
        until = None if kept["until"] is None else datetime.fromisoformat(kept["until"])
        peers = int(kept["min_peers"])
        then = {"min_peers": peers, "label_delay": int(kept.get("label_delay", 0))}
        # Runs of before waited for no outcome, so the moment did not matter to them.
        trained_at = datetime.fromisoformat(kept["moment"]) if "moment" in kept else None
        made = run(
            settings.model_copy(update=then), build(engine, entity, as_of, peers), recipe.labels,
            lambda then: build(engine, entity, then, peers), place=kept["place"], seed=kept["seed"],
            folds=kept["folds"], until=until, moment=trained_at, tags={"retrained_from": from_run},
            found=None if kept["search"] is None else Found.of(kept["search"]),
        )  # fmt: skip
        again = registry.recipe(settings, made.run_id)
    ours, theirs = again.hashes, recipe.hashes
    differs = sorted(name for name in {*theirs, *ours} if ours.get(name) != theirs.get(name))
    emit([_told(made) | {"files": len(ours), "differs": ", ".join(differs)}], form, settings.language)
    if differs:
        if again.commit != recipe.commit:
            told = {"then": recipe.commit[:12], "now": again.commit[:12]}
            sys.stderr.write(say("serving.models.other_code", settings.language, **told) + "\n")
        raise typer.Exit(1)


def _told(made: TrainedRun) -> dict[str, Any]:
    told: dict[str, Any] = {
        "entity": made.entity,
        "version": made.version,
        "run_id": made.run_id,
        "detector": made.detector,
        "entities": made.entities,
        "labelled": made.labelled,
    }
    for name in ("average_precision", "roc_auc"):
        value = made.metrics.get(f"{made.detector}.{name}")
        told[name] = None if value is None else round(value, 4)
    return told


def _profiles(settings: Settings, entity: str, as_of: datetime | None) -> tuple[Engine, Profiles]:
    """Profiles at a date: the stored ones when they are of the same lake version and date, else built now."""
    from features import profile_store
    from features.build import build
    from features.engine import Engine
    from features.lake import Lake

    engine = Engine.open(Lake(settings.lake_url), threads=settings.threads)
    root = settings.workspace / "profiles"
    if as_of is None:
        newest = profile_store.latest(root, entity)
        if newest is not None and newest.name.endswith(f"-v{engine.lake_version:08d}"):
            return engine, profile_store.load(newest)
    return engine, build(engine, entity, as_of, settings.min_peers)


def _label_rows(engine: Engine, profiles: Profiles, labels: Path | None) -> pd.DataFrame | None:
    """Outcomes from the file when given, else from the lake's label table; None when there are none."""
    from serving.learning import from_file, outcomes

    return outcomes(engine, profiles) if labels is None else from_file(engine, profiles, labels)


def _group(profiles: Profiles, name: str) -> pd.Series[Any]:
    if name not in profiles.attributes.columns:
        known = ", ".join(map(str, profiles.attributes.columns))
        raise Misuse("training.evaluate.no_group", place="--group", entity=profiles.entity, name=name, known=known)
    # An entity without the attribute stands for itself: unknown is not one big group.
    own = profiles.attributes[name]
    filled = own.where(own.notna(), own.index.to_series())
    filled.name = name
    return filled


def _why(key: str, language: str) -> str:
    from training.card import WHY

    return say("serving.models.no_boosting", language, reason=say(WHY[key], language))
