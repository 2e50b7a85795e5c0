"""`gnomon demo`: makes the sample city, runs the whole road on it, and prints what was found and where it lies."""

from __future__ import annotations

import io
import json
import secrets
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gnomon.errors import Misuse
from gnomon.i18n import say
from serving.commands.output import Format, WorkspaceOption, emit, settings_for

if TYPE_CHECKING:
    from features.samplecity import Sample
    from gnomon.config import Settings

LEARNED = ("institution", "practitioner", "supplier", "tender")
"""Kinds of entity that get a learned model; buyers are few and are watched by rules."""
RETRAINED = ("institution", "tender")
_MARK = "demo.json"
_STEPS = 10


class Size(StrEnum):
    """How large the sample city is."""

    SMALL = "small"
    DEFAULT = "default"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(demo)


def demo(
    size: Annotated[
        Size, typer.Option("--size", help="default: five minutes on two cores; small: a fifth of the data.")
    ] = Size.DEFAULT,
    seed: Annotated[int, typer.Option("--seed", help="Another seed makes another city.", min=0)] = 7,
    keep: Annotated[
        bool, typer.Option("--keep", help="Go on with what an earlier demo left instead of starting anew.")
    ] = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Make a sample city and walk the whole road on it: files, profiles, models, warnings, cases, labels, drift."""
    settings = settings_for(workspace)
    _make_room(settings, keep, {"size": size.value, "seed": seed})
    road = Road(settings)
    with road.step("city"):
        from features.samplecity import make_city

        sample = make_city(settings.workspace / "city", seed, size.value)
    with road.step("ingest"):
        road.ingest(sample, "history")
    with road.step("train"):
        for entity in LEARNED:
            road.learn(entity)
    with road.step("score"):
        road.score()
    with road.step("cases"):
        passwords = road.accounts()
        road.work_cases(sample)
    with road.step("later"):
        road.labels_to_lake()
        road.ingest(sample, "later")
    with road.step("retrain"):
        for entity in RETRAINED:
            road.learn(entity)
    with road.step("rescore"):
        road.score()
    with road.step("drift"):
        for entity in RETRAINED:
            road.drift(entity)
    with road.step("audit"):
        road.verify()
    _tell(settings, sample, road.seconds, passwords)


@dataclass
class Road:
    """The steps of the demo. Each calls what the command of the same name calls, and says what came of it."""

    settings: Settings
    number: int = 0
    begun: float = 0.0

    def __post_init__(self) -> None:
        self.begun = time.perf_counter()

    @property
    def seconds(self) -> float:
        """Since the first step began."""
        return time.perf_counter() - self.begun

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Head a step, and say how long it took."""
        self.number += 1
        began = time.perf_counter()
        self.say(f"demo.step.{name}", indent="", number=f"{self.number}/{_STEPS}")
        yield
        self.say("demo.took", seconds=f"{time.perf_counter() - began:.1f}")

    def say(self, key: str, indent: str = "      ", **values: object) -> None:
        """One line to whoever watches."""
        sys.stderr.write(indent + say(f"serving.{key}", self.settings.language, **values) + "\n")
        sys.stderr.flush()

    def rows(self, command: Any, *arguments: object, quiet: bool = False, **options: object) -> list[dict[str, Any]]:
        """What a command lists, run as the command line runs it."""
        told = io.StringIO()
        hushed = redirect_stderr(io.StringIO()) if quiet else nullcontext()
        with redirect_stdout(told), hushed:
            command(*arguments, form=Format.JSON, workspace=self.settings.workspace, **options)
        rows: list[dict[str, Any]] = json.loads(told.getvalue())
        return rows

    def ingest(self, sample: Sample, wave: str) -> None:
        """Put a wave of source files into the lake, outcomes of earlier inspections among them."""
        from gnomon.progress import progress
        from serving.commands import ingest

        files, done = sample.files(wave), []
        with progress(say("serving.demo.files", self.settings.language), len(files)) as bar:
            for table, path in files.items():
                mapping = sample.mapping(table)
                by = {"mapping": str(mapping), "table": None} if mapping else {"mapping": None, "table": table}
                done += self.rows(ingest.ingest, [str(path)], quiet=True, **by)
                bar.advance()
        total = {name: sum(row[name] for row in done) for name in ("read", "kept", "refused", "duplicate", "corrected")}
        self.say("demo.ingested", files=len(files), **{name: f"{count:,}" for name, count in total.items()})

    def learn(self, entity: str) -> None:
        """Train a candidate, log it to MLflow, and put it through the gate."""
        from serving.commands import models

        # Three folds tell a newcomer enough; `gnomon train` takes five.
        made = self.rows(models.train, entity, quiet=True, as_of=None, labels=None, folds=3, seed=0)[0]
        figure = made["average_precision"]
        told = {name: made[name] for name in ("version", "detector", "entities", "labelled")}
        self.say("demo.trained", entity=entity, figure="–" if figure is None else f"{figure:.3f}", **told)
        verdict = io.StringIO()
        try:
            with redirect_stdout(verdict):
                models.promote(
                    entity, version=None, labels=None, as_of=None, although="", workspace=self.settings.workspace
                )
        except typer.Exit:
            # The gate said why on stderr; the earlier model goes on serving, which is what a gate is for.
            return
        sys.stderr.write(f"      {verdict.getvalue().strip()}\n")

    def score(self) -> None:
        """Profiles, findings, warnings within the budget, reasons, cases."""
        from serving.commands import score

        for row in self.rows(score.score, None, as_of=None, budget=None):
            self.say(
                "demo.scored",
                **{
                    name: row[name]
                    for name in ("entity", "population", "findings", "entities", "issued", "new", "joined")
                },
            )

    def accounts(self) -> dict[str, str]:
        """Two people of the story, each with a random password that is shown once."""
        from cases import people, store
        from cases.workflow import Role
        from gnomon.database import transaction

        made: dict[str, str] = {}
        database = store.upgrade(self.settings)
        for name, role in (("auditor", Role.AUDITOR), ("supervisor", Role.SUPERVISOR)):
            chosen = secrets.token_urlsafe(12)
            with transaction(database) as session:
                if people.person(session, name) is None:
                    people.add(session, name, role, "gnomon:demo", chosen)
                else:
                    people.set_password(session, name, chosen, "gnomon:demo")
            made[name] = chosen
        database.dispose()
        return made

    def work_cases(self, sample: Sample) -> None:
        """The auditor signs for the gravest medical and the gravest tender case, looks, notes and closes."""
        from cases import pages, people, service, store
        from cases.workflow import OUTCOMES, Action
        from gnomon.database import transaction
        from gnomon.terms import Outcome

        found = _inspection(sample)
        database = store.upgrade(self.settings)
        for kinds in (("institution", "practitioner"), ("tender", "supplier", "buyer")):
            with transaction(database) as session:
                pile = [
                    pages.cases(session, state="open", entity_kind=kind, order=pages.Order.GRAVEST, limit=1).rows
                    for kind in kinds
                ]
                pile = [rows for rows in pile if rows]
                if not pile:
                    continue
                case = pile[0][0]
                auditor = people.required(session, "auditor")
                outcome = Outcome(found.get((case.entity_kind, case.entity_id), Outcome.FALSE_ALARM))
                note = say("serving.demo.note", self.settings.language)
                reason = say(f"serving.demo.reason.{outcome.value}", self.settings.language)
                case = service.act(session, case.id, Action.CLAIM, auditor, case.version)
                service.read(session, case.id, auditor)
                case = service.act(session, case.id, Action.NOTE, auditor, case.version, note)
                case = service.act(session, case.id, Action.CLOSE, auditor, case.version, reason, outcome)
                name = case.entity_name or case.entity_id
            self.say("demo.closed", case=case.id, name=name, outcome=OUTCOMES[outcome])
        database.dispose()

    def labels_to_lake(self) -> None:
        """What the auditor found becomes labels that training learns from."""
        from serving.commands import labels

        labels.export(to_lake=True, since=None, to=None, workspace=self.settings.workspace)

    def drift(self, entity: str) -> None:
        """Profiles and scores now, against what the serving model was trained on."""
        from serving.commands import drift

        rows = self.rows(drift.drift, entity, as_of=None, quiet=True)
        moved = [row["column"] for row in rows if row["verdict"] == "moved"]
        self.say("demo.drifted", entity=entity, columns=len(rows), moved=len(moved))

    def verify(self) -> None:
        """Recompute the whole chain of the trail."""
        from serving.commands import audit

        told = io.StringIO()
        with redirect_stdout(told):
            audit.verify(witness=None, form=Format.TABLE, workspace=self.settings.workspace)
        sys.stderr.write(f"      {told.getvalue().strip()}\n")


def _make_room(settings: Settings, keep: bool, told: dict[str, object]) -> None:
    """Start anew where an earlier demo was; never touch a workspace that holds anything else."""
    folder = settings.workspace
    mark = folder / _MARK
    if folder.exists() and any(folder.iterdir()) and not mark.exists():
        raise Misuse("serving.demo.occupied", place=str(folder))
    if mark.exists() and not keep:
        for one in folder.iterdir():
            shutil.rmtree(one) if one.is_dir() else one.unlink()
    folder.mkdir(parents=True, exist_ok=True)
    mark.write_text(json.dumps(told) + "\n", encoding="utf-8")


def _truth(sample: Sample, name: str) -> list[dict[str, str]]:
    """What was planted. Only the auditor of the story and the last step look; what scores and learns never does."""
    import csv

    with (sample.truth / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _inspection(sample: Sample) -> dict[tuple[str, str], str]:
    """What somebody who goes there and looks would find."""
    wrong = ("data-entry-slip", "blank-doctor-names")
    found = {
        (row["entity_kind"], row["entity_id"]): "data_error"
        for row in _truth(sample, "lookalikes")
        if row["kind"] in wrong
    }
    return found | {(row["entity_kind"], row["entity_id"]): "confirmed" for row in _truth(sample, "truth")}


def _issued(settings: Settings) -> list[dict[str, Any]]:
    """All warnings issued so far that suspect somebody: model, title, entity and severity."""
    from cases import pages, store
    from gnomon.database import transaction
    from gnomon.terms import RANDOM

    rows: list[dict[str, Any]] = []
    database = store.upgrade(settings)
    with transaction(database) as session:
        cursor: str | None = None
        while True:
            page = pages.warnings(session, cursor, pages.MOST)
            rows += [
                {
                    "model": one.model,
                    "title": one.warned().title,
                    "severity": one.severity,
                    "name": one.entity_name,
                    "entity": (one.entity_kind, one.entity_id),
                }
                for one in page.rows
                # Drawn at random, to learn what the models miss: nobody is suspected by it.
                if one.model != RANDOM
            ]
            cursor = page.cursor
            if cursor is None:
                break
    database.dispose()
    return rows


def _tell(settings: Settings, sample: Sample, seconds: float, passwords: dict[str, str]) -> None:
    """The end of the story: warnings per model, planted schemes found, look-alikes accused, where everything lies."""
    language = settings.language

    def line(key: str, **values: object) -> None:
        sys.stdout.write(say(f"serving.demo.{key}", language, **values) + "\n")

    def heading(key: str) -> dict[str, str]:
        return dict(pair.split("=", 1) for pair in say(f"serving.demo.{key}", language).split(";"))

    issued = _issued(settings)
    planted = {(row["entity_kind"], row["entity_id"]): row["scheme"] for row in _truth(sample, "truth")}
    honest = {(row["entity_kind"], row["entity_id"]): row["kind"] for row in _truth(sample, "lookalikes")}
    line("title.models")
    emit(_by_model(issued, planted, honest, heading("columns.models")), Format.TABLE, language)
    line("title.planted")
    emit(_by_scheme(issued, planted, heading("columns.planted")), Format.TABLE, language)
    line("title.lookalikes")
    emit(_accused(issued, honest, heading("columns.lookalikes")), Format.TABLE, language)
    workspace = f" --workspace {settings.workspace}"
    line(
        "where", workspace=settings.workspace, city=sample.folder, mlflow=settings.mlflow_url, seconds=f"{seconds:.0f}"
    )
    line("console", workspace=workspace)
    for name, password in passwords.items():
        line("account", name=name, password=password)


def _by_model(
    issued: list[dict[str, Any]],
    planted: dict[tuple[str, str], str],
    honest: dict[tuple[str, str], str],
    names: dict[str, str],
) -> list[dict[str, Any]]:
    rows = []
    for model in sorted({one["model"] for one in issued}):
        mine = [one for one in issued if one["model"] == model]
        entities = {one["entity"] for one in mine}
        told = {
            "model": model, "title": mine[0]["title"], "warnings": len(mine), "entities": len(entities),
            "planted": len(entities & planted.keys()), "lookalikes": len(entities & honest.keys()),
        }  # fmt: skip
        rows.append({names[name]: value for name, value in told.items()})
    return rows


def _by_scheme(
    issued: list[dict[str, Any]], planted: dict[tuple[str, str], str], names: dict[str, str]
) -> list[dict[str, Any]]:
    warned = {one["entity"] for one in issued}
    rows = []
    for scheme, kind in sorted({(scheme, entity[0]) for entity, scheme in planted.items()}):
        mine = {entity for entity, one in planted.items() if one == scheme and entity[0] == kind}
        told = {"scheme": scheme, "entity": kind, "planted": len(mine), "found": len(mine & warned)}
        rows.append({names[name]: value for name, value in told.items()})
    return rows


def _accused(
    issued: list[dict[str, Any]], honest: dict[tuple[str, str], str], names: dict[str, str]
) -> list[dict[str, Any]]:
    rows = []
    for kind in sorted(set(honest.values())):
        mine = {entity for entity, one in honest.items() if one == kind}
        hits = [one for one in issued if one["entity"] in mine]
        models = ", ".join(sorted({one["model"] for one in hits}))
        told = {"kind": kind, "placed": len(mine), "accused": len({one["entity"] for one in hits}), "models": models}
        rows.append({names[name]: value for name, value in told.items()})
    return rows
