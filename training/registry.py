"""The doorway to MLflow: runs, registered versions, the gate and the `champion` alias. The only importer of mlflow.

The registered model `gnomon-<entity>` is the truth; `<workspace>/bundles/<entity>/champion.json` is its local,
verified copy that the request path reads (see `training.bundle`).
"""

from __future__ import annotations

import json
import logging
import os
import secrets
import shutil
import tempfile
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version as installed
from pathlib import Path
from typing import Any

import pandas as pd

from features.profiles import Profiles
from gnomon.config import Settings
from gnomon.errors import Fault, Misuse
from gnomon.terms import Language
from training import bundle
from training.bundle import Bundle, Champion
from training.card_page import page
from training.gate import Verdict, judge

ALIAS = "champion"
HISTORY = "champion_history"
RECIPE, LABELS = "recipe.json", "labels.parquet"
_KNOWN_WARNINGS = ("The ``noload`` loader strategy is deprecated",)
"""MLflow's own use of an option that SQLAlchemy 2.1 retires: nothing here can change it."""
REQUIRED = ("lightgbm", "numpy", "pandas", "pyarrow", "mlflow", "gnomon")


@dataclass(frozen=True)
class Logged:
    """Where a run and its registered version lie."""

    run_id: str
    version: str


def registered(entity: str) -> str:
    """Name of the registered model of one kind of entity."""
    return f"gnomon-{entity}"


def log(
    settings: Settings,
    made: Bundle,
    *,
    params: Mapping[str, Any],
    metrics: Mapping[str, float],
    tags: Mapping[str, str],
    plots: Path,
    example: pd.DataFrame,
    scores: pd.DataFrame | None,
    kept: Mapping[str, Any] | None = None,
    labels: pd.DataFrame | None = None,
    trials: Sequence[Mapping[str, Any]] = (),
) -> Logged:
    """Log one training run whole and register its model as a candidate; nothing is registered when a step fails.

    `scores` are the out-of-fold scores (columns `boosting`, `forest`, …, `label`), which the gate compares later.
    `kept` and `labels` are what `again` needs to make the same model; `trials` of a search become child runs.
    """
    mlflow = _mlflow(settings)
    client, name = mlflow.MlflowClient(), registered(made.entity)
    told = {**tags, "lake_version": str(params["lake_version"]), "as_of": str(params["as_of"])}
    told |= {"entity": made.entity, "detector": made.detector.name, "bundle_sha256": bundle.digest(made.folder)}
    experiment = _experiment(mlflow, settings, name)
    with mlflow.start_run(experiment_id=experiment, tags=told) as run, tempfile.TemporaryDirectory() as scratch:
        mlflow.log_params(dict(params))
        mlflow.log_metrics(dict(metrics))
        mlflow.log_dict({"columns": list(made.columns)}, "features.json")
        mlflow.log_dict(dict(made.about["card"]), "model_card.json")
        for language in Language:
            mlflow.log_text(page(made.about["card"], language), f"model_card.{language}.html")
        mlflow.log_artifacts(str(plots), "plots")
        if scores is not None:
            path = Path(scratch) / "out_of_fold.parquet"
            scores.to_parquet(path)
            mlflow.log_artifact(str(path), "evaluation")
        if kept is not None:
            mlflow.log_dict(dict(kept), RECIPE)
        if labels is not None:
            labels.to_parquet(Path(scratch) / LABELS)
            mlflow.log_artifact(str(Path(scratch) / LABELS))
        _log_trials(client, experiment, run.info.run_id, trials)
        model = mlflow.pyfunc.log_model(
            name="model",
            python_model=str(Path(__file__).with_name("pyfunc_model.py")),
            artifacts={"bundle": str(made.folder)},
            signature=_signature(mlflow, made, example),
            input_example=example,
            pip_requirements=[f"{one}=={installed(one)}" for one in REQUIRED],
        )
        mlflow.log_artifacts(str(made.folder), "bundle")
    client.get_registered_model(name) if _known(client, name) else client.create_registered_model(name)
    made_version = client.create_model_version(name, model.model_uri, run.info.run_id, tags=told | {"gate": "pending"})
    return Logged(run.info.run_id, str(made_version.version))


@dataclass(frozen=True)
class Recipe:
    """What a run was made from: enough to make the same model again."""

    entity: str
    lake_version: int
    kept: Mapping[str, Any]
    """`as_of`, `until` (of labels), `min_peers`, `seed`, `folds`, `place`, `search`."""
    labels: pd.DataFrame | None
    commit: str
    """The code that made it."""
    hashes: Mapping[str, str]
    """SHA-256 of every file of the bundle that the run made."""


def recipe(settings: Settings, run_id: str) -> Recipe:
    """Read a run back; `Misuse` for a run that is not there, `Fault` for one made before recipes were kept."""
    mlflow = _mlflow(settings)
    client = mlflow.MlflowClient()
    try:
        run = client.get_run(run_id)
    except mlflow.exceptions.MlflowException as error:
        raise Misuse("training.registry.no_run", place=run_id) from error
    names = {one.path for one in client.list_artifacts(run_id)}
    if RECIPE not in names:
        raise Fault("training.registry.no_recipe", place=run_id)
    with tempfile.TemporaryDirectory() as scratch:

        def got(path: str) -> Path:
            return Path(mlflow.artifacts.download_artifacts(run_id=run_id, artifact_path=path, dst_path=scratch))

        kept = json.loads(got(RECIPE).read_text(encoding="utf-8"))
        labels = pd.read_parquet(got(LABELS)) if LABELS in names else None
        hashes = json.loads(got(f"bundle/{bundle.MANIFEST}").read_text(encoding="utf-8"))
    return Recipe(
        run.data.params["entity"], int(run.data.params["lake_version"]), kept, labels,
        run.data.tags.get("code_commit", ""), hashes,
    )  # fmt: skip


def note(settings: Settings, run_id: str, name: str, told: Mapping[str, Any]) -> None:
    """Put a JSON file beside what a run already holds."""
    _mlflow(settings).MlflowClient().log_dict(run_id, dict(told), name)


def run_of(settings: Settings, entity: str, version: str | None = None) -> tuple[str, str]:
    """Version and run id of a registered version, the newest when none is named."""
    client = _mlflow(settings).MlflowClient()
    name = registered(entity)
    found = _newest(client, name, entity) if version is None else _version(client, name, version)
    return str(found.version), str(found.run_id)


def versions(settings: Settings, entity: str | None = None) -> list[dict[str, Any]]:
    """All registered versions, newest first, with the champion marked."""
    if not _store_exists(settings):
        return []
    client = _mlflow(settings).MlflowClient()
    out = []
    for model in client.search_registered_models():
        if not model.name.startswith("gnomon-") or (entity and model.name != registered(entity)):
            continue
        found = client.search_model_versions(f"name = '{model.name}'")
        for one in sorted(found, key=lambda item: -int(item.version)):
            out.append(
                {
                    "entity": model.name.removeprefix("gnomon-"),
                    "version": int(one.version),
                    "champion": str(one.version) == str(model.aliases.get(ALIAS, "")),
                    "detector": one.tags.get("detector", ""),
                    "gate": one.tags.get("gate", ""),
                    "as_of": one.tags.get("as_of", "")[:10],
                    "lake_version": int(one.tags.get("lake_version", 0)),
                    "run_id": one.run_id,
                }
            )
    return out


def champion(entity: str, settings: Settings) -> Champion | None:
    """The version that serves, or None when none was promoted yet."""
    client = _mlflow(settings).MlflowClient()
    serving = _aliased(client, registered(entity))
    if serving is None:
        return None
    return Champion(entity, str(serving.version), serving.run_id, _folder(settings, entity, str(serving.version)))


def fetch(entity: str, settings: Settings, version: str | None = None) -> Path:
    """Folder of a verified local bundle of the champion (or of a version), brought from the registry when missing."""
    client = _mlflow(settings).MlflowClient()
    name = registered(entity)
    found = _aliased(client, name) if version is None else _version(client, name, version)
    if found is None:
        raise Fault("training.registry.no_champion", place=entity, entity=entity)
    folder = _folder(settings, entity, str(found.version))
    if not folder.exists():
        _bring(settings, found, folder)
    bundle.verify(folder)
    if bundle.digest(folder) != found.tags.get("bundle_sha256"):
        raise Fault("training.bundle.changed", place=str(folder))
    if version is None:
        bundle.point(settings, Champion(entity, str(found.version), found.run_id, folder))
    return folder


def promote(
    settings: Settings,
    entity: str,
    profiles: Profiles,
    labels: pd.Series | None,
    version: str | None = None,
    move: bool = True,
    weights: pd.Series | None = None,
    drifted: bool = False,
    although: str = "",
) -> Verdict:
    """Put a candidate (default the newest) through the gate; the alias moves only when it passes, and only if `move`.

    `labels` (index entity_id; 1, 0, NaN) judge both sides on the same entities, each by scores that never saw them;
    `weights` say how many entities each labelled one stands for. For `drifted` and `although` see `gate.judge`.
    """
    client = _mlflow(settings).MlflowClient()
    name = registered(entity)
    candidate = _newest(client, name, entity) if version is None else _version(client, name, version)
    serving = _aliased(client, name)
    if serving is not None and str(serving.version) == str(candidate.version):
        raise Misuse("training.registry.already", place=f"{entity} {candidate.version}")
    ours = (Bundle.load(fetch(entity, settings, str(candidate.version))), _out_of_fold(settings, candidate.run_id))
    theirs = None
    if serving is not None:
        theirs = (Bundle.load(fetch(entity, settings, str(serving.version))), _out_of_fold(settings, serving.run_id))
    verdict = judge(str(candidate.version), ours, theirs, profiles, labels, settings.budget, weights, drifted, although)
    told = {"gate": "passed" if verdict.passed else "refused", "gate_reason": verdict.reason.en}
    told |= {
        "gate_at": datetime.now(UTC).isoformat(),
        "gate_figures": json.dumps({k: v for k, v in verdict.figures.items() if k != "groups"}),
    }
    for key, value in told.items():
        client.set_model_version_tag(name, candidate.version, key, value)
    if verdict.passed and move:
        history = _history(client, name)
        if serving is not None:
            history.append(str(serving.version))
        _move(client, settings, entity, candidate, history)
    return verdict


def rollback(settings: Settings, entity: str) -> Champion:
    """Give the alias back to the champion before this one; raises `Fault` when there was none."""
    client = _mlflow(settings).MlflowClient()
    name = registered(entity)
    history = _history(client, name) if _known(client, name) else []
    if not history:
        raise Fault("training.registry.no_earlier", place=entity, entity=entity)
    earlier = _version(client, name, history.pop())
    return _move(client, settings, entity, earlier, history)


def _log_trials(client: Any, experiment: str, parent: str, trials: Sequence[Mapping[str, Any]]) -> None:
    from mlflow.entities import Metric, Param

    for number, one in enumerate(trials):
        child = client.create_run(
            experiment, tags={"mlflow.parentRunId": parent, "where": str(one["where"])}, run_name=f"trial {number}"
        )
        values = [Metric(name, float(one[name]), 0, 0) for name in ("average_precision", "seconds")]
        params = [Param(name, str(value)) for name, value in one["settings"].items()]
        client.log_batch(child.info.run_id, metrics=values, params=params)
        client.set_terminated(child.info.run_id)


def _move(client: Any, settings: Settings, entity: str, found: Any, history: list[str]) -> Champion:
    # The bundle is fetched and verified first: an alias must never point at what cannot be loaded.
    folder = fetch(entity, settings, str(found.version))
    client.set_registered_model_alias(registered(entity), ALIAS, found.version)
    client.set_registered_model_tag(registered(entity), HISTORY, json.dumps(history))
    moved = Champion(entity, str(found.version), found.run_id, folder)
    bundle.point(settings, moved)
    return moved


def _history(client: Any, name: str) -> list[str]:
    return [str(one) for one in json.loads(client.get_registered_model(name).tags.get(HISTORY, "[]"))]


def _folder(settings: Settings, entity: str, version: str) -> Path:
    return settings.workspace / "bundles" / entity / version


def _bring(settings: Settings, found: Any, folder: Path) -> None:
    mlflow = _mlflow(settings)
    folder.parent.mkdir(parents=True, exist_ok=True)
    fresh = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}")
    try:
        got = mlflow.artifacts.download_artifacts(run_id=found.run_id, artifact_path="bundle", dst_path=str(fresh))
        bundle.verify(Path(got))
        Path(got).rename(folder)
    except mlflow.exceptions.MlflowException as error:
        raise Fault("training.registry.not_fetched", place=registered(folder.parent.name), error=str(error)) from error
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _out_of_fold(settings: Settings, run_id: str) -> pd.DataFrame | None:
    mlflow = _mlflow(settings)
    kept = [one.path for one in mlflow.MlflowClient().list_artifacts(run_id, "evaluation")]
    if not kept:
        return None
    with tempfile.TemporaryDirectory() as scratch:
        got = mlflow.artifacts.download_artifacts(run_id=run_id, artifact_path=kept[0], dst_path=scratch)
        return pd.read_parquet(got)


def _aliased(client: Any, name: str) -> Any:
    if not _known(client, name):
        return None
    number = client.get_registered_model(name).aliases.get(ALIAS)
    return None if number is None else client.get_model_version(name, number)


def _newest(client: Any, name: str, entity: str) -> Any:
    found = client.search_model_versions(f"name = '{name}'")
    if not found:
        raise Fault("training.registry.no_version", place=entity, entity=entity)
    return max(found, key=lambda one: int(one.version))


def _version(client: Any, name: str, version: str) -> Any:
    found = {str(one.version): one for one in client.search_model_versions(f"name = '{name}'")}
    if version not in found:
        raise Misuse(
            "training.registry.unknown_version", place=name, version=version, known=", ".join(sorted(found)) or "-"
        )
    return found[version]


def _known(client: Any, name: str) -> bool:
    return bool(client.search_registered_models(f"name = '{name}'"))


def _signature(mlflow: Any, made: Bundle, example: pd.DataFrame) -> Any:
    from training.flat import profiles_of, scored_rows

    told = scored_rows(made.score(profiles_of(example, made.entity, made.columns, datetime.now(UTC))))
    return mlflow.models.infer_signature(example, told)


def _experiment(mlflow: Any, settings: Settings, name: str) -> str:
    found = mlflow.get_experiment_by_name(name)
    if found is not None:
        return str(found.experiment_id)
    return str(mlflow.create_experiment(name, artifact_location=f"{settings.artifacts_url.rstrip('/')}/{name}"))


def _store_exists(settings: Settings) -> bool:
    url = settings.mlflow_url
    return not url.startswith("sqlite:///") or Path(url.removeprefix("sqlite:///")).exists()


def _mlflow(settings: Settings) -> Any:
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    for message in _KNOWN_WARNINGS:
        warnings.filterwarnings("ignore", message=message)
    with warnings.catch_warnings():
        # Importing it warns about its own type hints.
        warnings.simplefilter("ignore")
        import mlflow
        import mlflow.pyfunc

    # After the import, which sets its own levels.
    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)
    settings.workspace.mkdir(parents=True, exist_ok=True)
    mlflow.set_tracking_uri(settings.mlflow_url)
    mlflow.set_registry_uri(settings.mlflow_url)
    return mlflow
