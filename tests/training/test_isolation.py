"""Contributions by tables equal TreeSHAP, on any isolation forest, and never load numba for a few rows."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.ensemble import IsolationForest

from features.profiles import Profiles
from training.detectors import isolation, trees
from training.detectors.forest import Forest


def grown(rows: np.ndarray, **settings: object) -> tuple[IsolationForest, str]:
    forest = IsolationForest(random_state=1, **{"n_estimators": 40, "max_samples": 128} | settings).fit(rows)
    return forest, trees.isolation_text(forest)


def rows(seed: int, count: int, columns: int) -> np.ndarray:
    z = np.random.default_rng(seed).standard_t(3, (count, columns))
    return np.log1p(np.maximum(z, 0.0)).astype(np.float32)


@pytest.mark.parametrize("columns", [2, 25])
@pytest.mark.parametrize("bits", [3, 9])
def test_tables_equal_pred_contrib_and_shap(columns: int, bits: int) -> None:
    shap = pytest.importorskip("shap")
    given = rows(columns, 500, columns)
    forest, text = grown(given)
    tables = isolation.Tables.of(text, bits)
    told = tables.contributions(given.astype(float), threads=2)
    expected, base = trees.contributions(trees.booster_of(text), given.astype(float), 1)
    assert np.abs(told - expected).max() < 1e-9
    assert tables.base == pytest.approx(base, abs=1e-9)
    path = np.asarray(shap.TreeExplainer(forest).shap_values(given[:100]), dtype=float)
    assert np.abs(told[:100] - path / float(trees.average_path_length([128])[0])).max() < 1e-9


def test_a_row_on_a_threshold_takes_the_way_of_the_tree() -> None:
    given = np.repeat(np.array([[0.1, 0.7], [0.2, 0.3], [0.3, 0.1], [0.7, 0.2]], dtype=np.float32), 20, axis=0)
    _, text = grown(given, max_samples=64)
    cuts = [
        float(one)
        for block in trees.tree_blocks(text)
        for line in block.splitlines() if line.startswith("threshold=")
        for one in line.removeprefix("threshold=").split()
    ]  # fmt: skip
    edge = np.asarray(cuts, dtype=np.float32)
    near = np.concatenate([edge, np.nextafter(edge, np.float32(9)), np.nextafter(edge, np.float32(-9))])
    asked = np.column_stack([near, near[::-1]]).astype(float)
    told = isolation.Tables.of(text).contributions(asked, 1)
    assert np.abs(told - trees.contributions(trees.booster_of(text), asked, 1)[0]).max() < 1e-9


def test_blocks_and_threads_do_not_change_a_value() -> None:
    given = rows(5, isolation.BLOCK + 7, 4).astype(float)
    tables = isolation.Tables.of(grown(given.astype(np.float32))[1])
    whole = tables.contributions(given, 2)
    assert np.array_equal(whole, tables.contributions(given, 1))
    assert np.array_equal(whole[-7:], tables.contributions(given[-7:], 1))


def test_trees_that_never_split_only_move_the_base() -> None:
    _, text = grown(np.ones((50, 2), dtype=np.float32), n_estimators=3, max_samples=16)
    tables = isolation.Tables.of(text)
    assert np.array_equal(tables.contributions(np.ones((4, 2)), 1), np.zeros((4, 2)))


def test_trees_too_deep_for_tables_are_explained_all_the_same() -> None:
    given = np.random.default_rng(0).normal(size=(6_000, 40)).astype(np.float32)
    _, text = grown(given, max_samples=6_000, n_estimators=2)
    model = trees.booster_of(text)
    with pytest.raises(isolation.TooDeep):
        isolation.plan(text)
    told, base = isolation.contributions(model, text, given.astype(float), 1)
    assert np.abs(base + told.sum(axis=1) - trees.raw(model, given.astype(float), 1)).max() < 1e-9


def test_many_rows_take_the_tables_and_few_do_not(
    profiles: Profiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    forest = Forest(trees=30).fit(profiles)
    plain = forest.explain(profiles)
    monkeypatch.setattr(isolation, "WORTH_ROWS", 100)
    isolation._tables.cache_clear()
    by_tables = forest.explain(profiles)
    assert isolation._tables.cache_info().currsize == 1
    assert np.abs(by_tables.by_column.to_numpy() - plain.by_column.to_numpy()).max() < 1e-9
    assert by_tables.base == pytest.approx(plain.base, abs=1e-9)


def test_one_row_is_explained_without_numba(tmp_path: Path) -> None:
    _, text = grown(rows(2, 300, 3))
    path = tmp_path / "forest.txt"
    path.write_text(text, encoding="ascii")
    code = f"""
import sys, numpy as np
from pathlib import Path
from training.detectors import isolation, trees
from training import bundle
text = Path({str(path)!r}).read_text()
isolation.contributions(trees.booster_of(text), text, np.zeros((1, 3)), 1)
print(sorted({{"numba", "shap", "mlflow", "optuna", "sklearn"}} & set(sys.modules) - {{"sklearn"}}))
"""
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"
