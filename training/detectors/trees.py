"""LightGBM model text: written from a scikit-learn isolation forest, several boosters merged, read without trust.

Text cannot run code, loads in milliseconds, and `pred_contrib` gives exact TreeSHAP values of the sum that is served.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from gnomon.errors import Fault
from training.detectors import sound

Floats = npt.NDArray[np.float64]

_HEADER = """tree
version=v4
num_class=1
num_tree_per_iteration=1
label_index=0
max_feature_idx={last}
objective=regression
feature_names={names}
feature_infos={infos}
tree_sizes={sizes}

"""
WORTH_THREADS = 5_000
"""Rows from which a second thread gains more than waiting for it costs."""
_SCALED = re.compile(r"^(leaf_value|internal_value)=(.*)$", re.MULTILINE)


def average_path_length(counts: npt.ArrayLike) -> Floats:
    """Mean depth of an unsuccessful search among `n` rows: c(n) of Liu, Ting and Zhou 2008, formula 1.

    >>> average_path_length([1, 2, 256]).round(4).tolist()
    [0.0, 1.0, 10.2448]
    """
    n = np.asarray(counts, dtype=float)
    many = np.maximum(n, 3.0)
    long = 2.0 * (np.log(many - 1.0) + np.euler_gamma) - 2.0 * (many - 1.0) / many
    return np.where(n <= 1.0, 0.0, np.where(n == 2.0, 1.0, long))


def isolation_text(forest: Any) -> str:
    """A fitted `sklearn.ensemble.IsolationForest` as LightGBM model text.

    The text's raw output is the normalised path length: leaf value = (depth + c(n)) / (T c(psi)), so that
    2**-output is scikit-learn's anomaly score. Rows must be rounded to float32 first, as scikit-learn does.
    """
    weight = 1.0 / (len(forest.estimators_) * float(average_path_length([forest.max_samples_])[0]))
    pairs = zip(forest.estimators_, forest.estimators_features_, strict=True)
    blocks = [_isolation_tree(one.tree_, np.asarray(columns), weight) for one, columns in pairs]
    return assemble(blocks, int(forest.n_features_in_))


def averaged_text(forests: Sequence[tuple[Any, npt.NDArray[Any]]], features: int, slope: float, offset: float) -> str:
    """scikit-learn forests of two classes as LightGBM model text: `offset + slope` × the mean probability of all trees.

    With each forest, which of the text's `features` each of its columns is.
    """
    grown = [(one.tree_, columns) for forest, columns in forests for one in forest.estimators_]
    blocks = []
    for tree, columns in grown:
        counts = tree.value[:, 0, :]
        told = offset + slope * counts[:, 1] / counts.sum(axis=1)
        blocks.append(_tree(tree, columns, told / len(grown)))
    return assemble(blocks, features)


def assemble(blocks: Sequence[str], features: int) -> str:
    """Model text from the bodies of its trees (each without its `Tree=` line)."""
    numbered = [f"Tree={number}\n{block}\n\n" for number, block in enumerate(blocks)]
    header = _HEADER.format(
        last=features - 1,
        names=" ".join(f"Column_{number}" for number in range(features)),
        infos=" ".join("[-inf:inf]" for _ in range(features)),
        sizes=" ".join(str(len(block)) for block in numbered),
    )
    return header + "".join(numbered) + "end of trees\n"


def merged(parts: Sequence[tuple[str, float]], features: int) -> str:
    """The weighted sum of several boosters' raw outputs as one model text: every tree kept, its values weighted.

    A random forest's trees are averaged (`average_output`), a booster's summed, each as LightGBM means them.
    """
    blocks: list[str] = []
    for text, weight in parts:
        bodies = tree_blocks(text)
        own = weight / len(bodies) if "\naverage_output\n" in text else weight
        blocks += [_scaled(body, own) for body in bodies]
    return assemble(blocks, features)


def tree_blocks(text: str) -> list[str]:
    """The bodies of the trees of a model text."""
    body = text.split("\nend of trees", 1)[0]
    return [part.split("\n", 1)[1].strip() for part in re.split(r"^Tree=", body, flags=re.MULTILINE)[1:]]


def booster(path: Path) -> Any:
    """The booster of a model file; raises `Fault` for anything that is not model text (a pickle, half a file)."""
    content = path.read_bytes()
    if not content.startswith(b"tree\nversion=v") or b"\nend of trees" not in content or not content.isascii():
        raise Fault("training.trees.not_model_text", place=str(path))
    text = content.decode("ascii")
    wrong = sound.fault(text)
    if wrong:
        raise Fault("training.trees.unreadable", place=str(path), error=wrong)
    from lightgbm.basic import LightGBMError

    try:
        return booster_of(text)
    except (LightGBMError, ValueError) as error:
        raise Fault("training.trees.unreadable", place=str(path), error=str(error)) from error


def booster_of(text: str) -> Any:
    """The booster of a model text that this process wrote or has checked."""
    import lightgbm

    return lightgbm.Booster(model_str=text)


def raw(model: Any, matrix: Floats, threads: int = 0) -> Floats:
    """Sum of the trees' outputs, a number for each row."""
    if len(matrix) < WORTH_THREADS:
        threads = 1
    return np.asarray(model.predict(matrix, raw_score=True, num_threads=threads), dtype=float)


def contributions(model: Any, matrix: Floats, threads: int = 0) -> tuple[Floats, float]:
    """Exact TreeSHAP values (rows × features) of the trees' sum, and the base they start from."""
    told = np.asarray(model.predict(matrix, raw_score=True, pred_contrib=True, num_threads=threads), dtype=float)
    return told[:, :-1], float(told[0, -1]) if len(told) else 0.0


def _scaled(block: str, share: float) -> str:
    def one(match: re.Match[str]) -> str:
        values = " ".join(repr(float(value) * share) for value in match.group(2).split())
        return f"{match.group(1)}={values}"

    return _SCALED.sub(one, block)


def _isolation_tree(tree: Any, columns: npt.NDArray[Any], weight: float) -> str:
    depth = _depths(tree.children_left, tree.children_right)
    return _tree(tree, columns, weight * (depth + average_path_length(tree.n_node_samples)))


def _tree(tree: Any, columns: npt.NDArray[Any], value: Floats) -> str:
    """One tree in LightGBM's numbering: inner nodes 0, 1, …, leaves -1, -2, …, each kind in node order."""
    left, right = tree.children_left, tree.children_right
    leaf = left == -1
    number = np.where(leaf, -(np.cumsum(leaf)), np.cumsum(~leaf) - 1)
    count = tree.weighted_n_node_samples
    told = {
        "num_leaves": [int(leaf.sum())],
        "num_cat": [0],
        "split_feature": columns[tree.feature[~leaf]].tolist(),
        "split_gain": [1] * int((~leaf).sum()),
        "threshold": tree.threshold[~leaf].tolist(),
        "decision_type": [0] * int((~leaf).sum()),
        "left_child": number[left[~leaf]].tolist(),
        "right_child": number[right[~leaf]].tolist(),
        "leaf_value": value[leaf].tolist(),
        "leaf_weight": count[leaf].tolist(),
        "leaf_count": count[leaf].astype(int).tolist(),
        "internal_value": value[~leaf].tolist(),
        "internal_weight": count[~leaf].tolist(),
        "internal_count": count[~leaf].astype(int).tolist(),
        "is_linear": [0],
        "shrinkage": [1],
    }
    if told["num_leaves"] == [1]:
        told = {key: told[key] for key in ("num_leaves", "num_cat", "leaf_value", "is_linear", "shrinkage")}
    return "\n".join(f"{key}={' '.join(map(repr, values))}" for key, values in told.items())


def _depths(left: npt.NDArray[Any], right: npt.NDArray[Any]) -> Floats:
    depth = np.zeros(len(left))
    for node in range(len(left)):
        # Parents come before their children in scikit-learn's numbering.
        if left[node] != -1:
            depth[left[node]] = depth[right[node]] = depth[node] + 1.0
    return depth
