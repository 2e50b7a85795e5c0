"""The gates on structure: floors, doorways, sizes, texts, and what may never be written."""

from __future__ import annotations

import ast
import re
import string
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
FLOORS = ("gnomon", "features", "catalogue", "training", "cases", "monitoring", "serving")
LONGEST = 400

DOORWAYS = {
    "alembic": ("cases/",),
    "argon2": ("cases/people.py",),
    "cronsim": ("monitoring/schedules.py",),
    "deltalake": ("features/lake.py",),
    "duckdb": ("features/engine_duckdb.py",),
    "evidently": ("monitoring/drift.py",),
    "fastapi": ("serving/",),
    "ibis": ("features/", "catalogue/"),
    "jinja2": ("serving/console/",),
    "lightgbm": ("training/",),
    "mlflow": ("training/registry.py", "training/pyfunc_model.py"),
    "numba": ("training/detectors/kernel.py",),
    "openpyxl": ("features/connectors/",),
    "opentelemetry": ("gnomon/tracing.py",),
    "optuna": ("training/search.py",),
    "pydantic_settings": ("gnomon/config.py",),
    "pyod": ("training/detectors/outside.py",),
    "pyspark": ("features/engine_spark.py",),
    "rich": ("gnomon/progress.py", "serving/commands/"),
    "scipy": ("features/", "training/"),
    "shap": ("training/explain.py",),
    "skops": (),
    "sklearn": ("training/",),
    "splink": ("features/resolution/",),
    "sqlalchemy": ("gnomon/database.py", "features/connectors/sql.py", "cases/", "monitoring/job_store.py"),
    "starlette": ("serving/",),
    "typer": ("serving/cli.py", "serving/commands/"),
    "uvicorn": ("serving/commands/",),
}
"""Library → the only files and folders that may import it."""
HANDLES = {("sqlalchemy", "Engine"), ("sqlalchemy.orm", "Session"), ("starlette.requests", "Request")}
"""What may be named anywhere to pass it on: a handle is no doorway."""
HEAVY = (
    "pandas", "sklearn", "lightgbm", "mlflow", "evidently", "shap", "duckdb", "ibis", "deltalake", "pyarrow",
    "opentelemetry",
)  # fmt: skip
CODE_RUNNERS = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "marshal", "shelve"}


def sources() -> list[Path]:
    """Every Python file that ships."""
    return sorted(path for floor in FLOORS for path in (ROOT / floor).rglob("*.py"))


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def imports(path: Path) -> Iterator[tuple[str, str, int]]:
    """(module, name or "", line) of every import, those inside functions included."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from ((alias.name, "", node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield from ((node.module, alias.name, node.lineno) for alias in node.names)


def called(path: Path) -> Iterator[tuple[str, str, int]]:
    """(receiver, function, line) of every call that is written by name."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Call):
            if isinstance(node.func, ast.Name):
                yield "", node.func.id, node.lineno
            elif isinstance(node.func, ast.Attribute):
                yield ast.unparse(node.func.value), node.func.attr, node.lineno


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def tracked() -> list[Path]:
    """Files under version control, and those that would be."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout.decode()
    return sorted({ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()})


def test_floors_import_downwards_only() -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([linter, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_each_library_has_one_doorway() -> None:
    strays = [
        f"{name_of(path)}:{line}: {module} is imported outside {DOORWAYS[library] or 'nowhere'}"
        for path in sources()
        for module, name, line in imports(path)
        if (library := module.partition(".")[0]) in DOORWAYS
        and (module, name) not in HANDLES
        and not name_of(path).startswith(DOORWAYS[library])
    ]
    assert not strays, "\n".join(strays)


def test_nothing_is_printed_past_the_commands_output() -> None:
    assert not [
        f"{name_of(path)}:{line}"
        for path in sources()
        for on, what, line in called(path)
        if (on, what) == ("", "print")
    ]


def test_no_code_is_run_from_data() -> None:
    loaded = [
        f"{name_of(path)}:{line}: imports {module}"
        for path in sources()
        for module, _, line in imports(path)
        if module.partition(".")[0] in CODE_RUNNERS
    ]
    run = [
        f"{name_of(path)}:{line}: {on}.{what}"
        for path in sources()
        for on, what, line in called(path)
        if (not on and what in {"eval", "exec", "compile", "__import__"})
        or what in {"read_pickle", "to_pickle"}
        or (on == "yaml" and what in {"unsafe_load", "full_load"})
        or (on == "yaml" and what == "load" and not _loads_plain_values(path, line))
        or (on == "os" and what == "system")
    ]
    assert not loaded + run, "\n".join(loaded + run)


def _loads_plain_values(path: Path, line: int) -> bool:
    """Whether the `yaml.load` of a line uses a loader that makes strings, numbers, lists and dicts only."""
    calls = (node for node in ast.walk(tree(path)) if isinstance(node, ast.Call) and node.lineno == line)
    return any(re.search(r"yaml\.(Base|Safe)Loader\)$", ast.unparse(call)) for call in calls)


def test_files_keep_one_purpose_and_a_readable_length() -> None:
    written = [path for folder in (*FLOORS, "benchmarks", "tests") for path in (ROOT / folder).rglob("*.py")]
    lengths = {name_of(path): len(path.read_text(encoding="utf-8").splitlines()) for path in written}
    assert not {name: lines for name, lines in lengths.items() if lines > LONGEST}
    vague = {"utils", "util", "helpers", "helper", "manager", "misc", "common"}
    assert not [name_of(path) for path in written if vague & set(path.stem.split("_"))]


def test_every_module_opens_with_a_sentence_that_says_what_it_is_for() -> None:
    silent = [
        name_of(path)
        for path in sources()
        if path.read_text(encoding="utf-8").strip() and not ast.get_docstring(tree(path))
    ]
    assert not silent


def test_only_the_unit_of_work_commits() -> None:
    commits = [
        f"{name_of(path)}:{line}: {on}.{what}"
        for path in sources()
        for on, what, line in called(path)
        # `lake.commit(…)` writes a version of the lake and has nothing to do with the database.
        if what == "commit" and re.search(r"session|connection|engine", on) and name_of(path) != "gnomon/database.py"
    ]
    assert not commits


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


@pytest.mark.parametrize("floor", FLOORS)
def test_both_languages_say_the_same_things(floor: str) -> None:
    said = {
        language: yaml.load((ROOT / floor / f"messages.{language}.yaml").read_text(encoding="utf-8"), UniqueKeys) or {}
        for language in ("zh", "en")
    }
    assert set(said["zh"]) == set(said["en"])
    apart = [key for key in said["en"] if placeholders(said["en"][key]) != placeholders(said["zh"][key])]
    assert not apart
    # A link to the other language calls it by its own name.
    worded = {key: re.sub(r"\{.*?\}|English|\(\S+\.md\)", "", text) for key, text in said["zh"].items()}
    latin = [key for key, text in worded.items() if re.search(r"[A-Za-z]{4}", text) and not re.search(r"[一-鿿]", text)]
    assert not latin, f"no Chinese in {latin}"


class UniqueKeys(yaml.SafeLoader):
    """Several hands write these files: the same key twice would silently hide a text."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[object, object]:
        keys = [key.value for key, _ in node.value]
        assert len(keys) == len(set(keys)), f"written twice: {sorted({key for key in keys if keys.count(key) > 1})}"
        return dict(super().construct_mapping(node, deep))


def test_every_message_that_the_code_names_is_written() -> None:
    named = {
        (name_of(path), node.args[0].value)
        for path in sources()
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant)
        if ast.unparse(node.func).split(".")[-1] in {"Fault", "Misuse", "say", "both"}
        if isinstance(node.args[0].value, str) and node.args[0].value.partition(".")[0] in FLOORS
    }
    written = {
        f"{floor}.{key}"
        for floor in FLOORS
        for key in yaml.safe_load((ROOT / floor / "messages.en.yaml").read_text(encoding="utf-8")) or {}
    }
    assert not sorted((place, key) for place, key in named if key not in written)


def test_the_command_line_starts_without_anything_heavy() -> None:
    code = f"import serving.cli, sys; print(*(name for name in {HEAVY!r} if name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, ""), done.stderr


def test_the_process_that_answers_requests_loads_no_registry_no_drift_and_no_shap() -> None:
    modules = ("serving.api.app", "serving.console.app")
    present = [name for name in modules if (ROOT / name.replace(".", "/")).with_suffix(".py").exists()]
    if not present:
        pytest.skip("the API has no app module yet")
    heavy = ("mlflow", "evidently", "shap", "numba", "optuna")
    code = f"import {', '.join(present)}, sys; print(*(n for n in {heavy} if n in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, ""), done.stderr


def test_no_file_names_a_package_index_or_a_machine() -> None:
    words = (r"--(extra-)?index-url", r"/simple/?(\s|$)", r"(^|[\s\"'(=])/(work|home|root|Users)/", r"[A-Z]:\\Users")
    pattern = re.compile("|".join(words), re.MULTILINE)
    found = [
        f"{name_of(path)}: {match.group(0).strip()}"
        for path in tracked()
        if path != Path(__file__) and path.suffix not in {".png", ".parquet", ".xlsx", ".svg"}
        if (match := pattern.search(path.read_text(encoding="utf-8", errors="replace")))
    ]
    assert not found, "\n".join(found)


def test_this_distribution_alone_owns_its_import_names() -> None:
    owners = packages_distributions()
    assert {floor: set(owners.get(floor, ["gnomon"])) for floor in FLOORS} == {floor: {"gnomon"} for floor in FLOORS}


def pins() -> dict[str, tuple[str, str]]:
    """Locked package → (version, its lines)."""
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    blocks = re.findall(r"^([A-Za-z0-9._-]+)(?:\[[^]]*])?==(\S+)(.*?)(?=^[A-Za-z0-9]|\Z)", lock, re.M | re.S)
    return {canonicalize_name(name): (version, rest) for name, version, rest in blocks}


def test_the_lock_file_has_hashes_and_satisfies_the_project() -> None:
    locked = pins()
    assert locked
    assert not [name for name, (_, rest) in locked.items() if "--hash=sha256:" not in rest]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    broken = [
        f"{wish} is locked as {locked.get(canonicalize_name(wish.name), ('nothing',))[0]}"
        for wish in map(Requirement, wanted)
        if canonicalize_name(wish.name) not in locked
        or not wish.specifier.contains(locked[canonicalize_name(wish.name)][0], prereleases=True)
    ]
    assert not broken
