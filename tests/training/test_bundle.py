"""A bundle is loaded only when every file is known, allowed and unchanged; nothing in it can run code."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from features.profiles import Profiles
from gnomon.errors import Fault
from training import bundle
from training.bundle import Bundle
from training.detectors.forest import Forest


@pytest.fixture
def folder(tmp_path: Path, profiles: Profiles) -> Path:
    forest = Forest(trees=20).fit(profiles)
    bundle.write(tmp_path, "institution", {"forest": forest}, "forest", {"forest": forest.score(profiles)}, {})
    return tmp_path


def test_a_bundle_scores_explains_and_places_among_the_training_population(folder: Path, profiles: Profiles) -> None:
    scored = Bundle.load(folder).score(profiles)
    told = scored.base + scored.contributions.sum(axis=1).to_numpy()
    assert np.abs(told - scored.score).max() < 1e-6
    assert scored.percentile[int(np.argmax(scored.score))] == 1.0
    assert 0.0 <= scored.percentile.min() < 0.01
    assert scored.unit == "log2 anomaly score"


def test_a_real_pickle_named_as_a_model_is_refused(folder: Path) -> None:
    (folder / "forest.txt").write_bytes(pickle.dumps({"any": "object"}))
    with pytest.raises(Fault, match="does not match its hash"):
        Bundle.load(folder)
    bundle.seal(folder)
    with pytest.raises(Fault, match="a pickle or half a file is refused"):
        Bundle.load(folder)


def test_half_a_model_file_is_refused(folder: Path) -> None:
    path = folder / "forest.txt"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    bundle.seal(folder)
    with pytest.raises(Fault, match="not LightGBM model text"):
        Bundle.load(folder)


def test_one_changed_byte_is_refused(folder: Path) -> None:
    path = folder / "forest.txt"
    content = bytearray(path.read_bytes())
    content[500] ^= 1
    path.write_bytes(content)
    with pytest.raises(Fault, match="does not match its hash"):
        Bundle.load(folder)


def test_a_foreign_file_is_refused_even_when_listed(folder: Path) -> None:
    (folder / "model.pkl").write_bytes(pickle.dumps([1]))
    with pytest.raises(Fault, match=r"model\.pkl does not belong"):
        Bundle.load(folder)
    listed = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    (folder / "manifest.json").write_text(json.dumps(listed | {"model.pkl": "0"}), encoding="utf-8")
    with pytest.raises(Fault, match=r"model\.pkl does not belong"):
        Bundle.load(folder)


def test_a_folder_without_manifest_or_with_a_missing_file_is_refused(folder: Path) -> None:
    (folder / "forest.json").unlink()
    with pytest.raises(Fault, match=r"forest\.json is missing"):
        Bundle.load(folder)
    (folder / "manifest.json").unlink()
    with pytest.raises(Fault, match="no model bundle"):
        Bundle.load(folder)


def test_profiles_without_the_models_columns_are_refused_by_name(folder: Path, profiles: Profiles) -> None:
    names = [column.name for column in profiles.columns if column.name != "fund_paid"]
    frames = {name: getattr(profiles, name)[names] for name in ("values", "deviations", "groups")}
    with pytest.raises(Fault, match=r"lack 1 columns that the model reads \(fund_paid"):
        Bundle.load(folder).score(replace(profiles, **frames))


def test_profiles_of_another_kind_are_refused(folder: Path, profiles: Profiles) -> None:
    with pytest.raises(Fault, match="the model is for institution, the profiles are of supplier"):
        Bundle.load(folder).score(replace(profiles, entity="supplier"))


def test_an_infinite_value_is_named_and_never_scored(folder: Path, profiles: Profiles) -> None:
    values = profiles.values.copy()
    values.loc["E009", "fund_paid"] = np.inf
    with pytest.raises(Fault, match="institution E009: fund_paid is infinite"):
        Bundle.load(folder).score(replace(profiles, values=values))


def test_the_request_path_imports_nothing_heavy() -> None:
    banned = ("mlflow", "shap", "evidently", "sklearn", "matplotlib")
    code = f"import sys, training.bundle; print([m for m in {banned!r} if m in sys.modules])"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"


def test_loading_and_scoring_import_neither_mlflow_nor_shap_nor_evidently(folder: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from training.bundle import Bundle; "
        f"Bundle.load(Path({str(folder)!r})); print([m for m in ('mlflow', 'shap', 'evidently') if m in sys.modules])"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"
