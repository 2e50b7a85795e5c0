"""Whether model text is what `trees.assemble` writes, and its trees whole: asked before LightGBM reads it, which ends
the process on text that lies.

Every tree lies where the header says; its lists are as long as its leaves ask for; every node but the first has one
parent, which comes before it; every feature exists; no number is missing. What the numbers mean is not judged here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from gnomon.i18n import both
from gnomon.terms import Text

Numbers = npt.NDArray[np.float64]

_HEAD = re.compile(
    r"tree\nversion=v4\nnum_class=1\nnum_tree_per_iteration=1\nlabel_index=0\nmax_feature_idx=(?P<last>\d{1,6})\n"
    r"objective=regression\nfeature_names=(?P<names>[\w ]+)\nfeature_infos=(?P<infos>[\[\]:inf -]+)\n"
    r"tree_sizes=(?P<sizes>\d{1,9}(?: \d{1,9})*)\n\n"
)
_END = "end of trees\n"
_WHOLE = r"-?\d{1,9}"
_REAL = r"-?\d+(?:\.\d*)?(?:e[+-]?\d{1,3})?"
_KINDS = {
    "num_leaves": _WHOLE, "num_cat": _WHOLE, "split_feature": _WHOLE, "split_gain": _REAL, "threshold": _REAL,
    "decision_type": _WHOLE, "left_child": _WHOLE, "right_child": _WHOLE, "leaf_value": _REAL, "leaf_weight": _REAL,
    "leaf_count": _WHOLE, "internal_value": _REAL, "internal_weight": _REAL, "internal_count": _WHOLE,
    "is_linear": _WHOLE, "shrinkage": _REAL,
}  # fmt: skip
_LINES = {name: re.compile(f"{kind}(?: {kind})*") for name, kind in _KINDS.items()}
_OF_LEAVES = ("leaf_value", "leaf_weight", "leaf_count")
_OF_NODES = (
    "split_feature", "split_gain", "threshold", "decision_type", "left_child", "right_child", "internal_value",
    "internal_weight", "internal_count",
)  # fmt: skip
_CATEGORY = 1
"""Bit of a decision type that stands for categories: none are ever taught here."""


def fault(text: str) -> Text | None:
    """What is wrong with model text, in a few words; None when it is sound."""
    head = _HEAD.match(text)
    if head is None or not text.endswith(_END):
        return both("training.sound.ends")
    last = int(head["last"])
    if len(head["names"].split()) != last + 1 or len(head["infos"].split()) != last + 1:
        return both("training.sound.features")
    start, end = head.end(), len(text) - len(_END)
    for number, size in enumerate(map(int, head["sizes"].split())):
        block = text[start : start + size]
        if not block.startswith(f"Tree={number}\n") or not block.endswith("\n\n") or start + size > end:
            return both("training.sound.place", tree=number)
        wrong = _tree(block, last)
        if wrong:
            return both(f"training.sound.{wrong}", tree=number)
        start += size
    return None if start == end else both("training.sound.more")


def _tree(block: str, last: int) -> str:
    """Message key of what is wrong with one tree; empty when it is whole."""
    told: dict[str, str] = {}
    for line in block.rstrip("\n").split("\n")[1:]:
        name, _, value = line.partition("=")
        if name in told or name not in _LINES or _LINES[name].fullmatch(value) is None:
            return "line"
        told[name] = value
    if told.get("num_cat") != "0" or told.get("is_linear") != "0" or not told.keys() >= {"num_leaves", "leaf_value"}:
        return "kind"
    read = {name: np.array(told[name].split(), dtype=float) for name in (*_OF_LEAVES, *_OF_NODES) if name in told}
    leaves = int(told["num_leaves"])
    if leaves == 1:
        # Nothing else of a tree without a question is read.
        return "" if len(read["leaf_value"]) == 1 and np.isfinite(read["leaf_value"]).all() else "number"
    return _nodes(read, leaves, last)


def _nodes(read: Mapping[str, Numbers], leaves: int, last: int) -> str:
    lengths = dict.fromkeys(_OF_LEAVES, leaves) | dict.fromkeys(_OF_NODES, leaves - 1)
    if leaves < 2 or any(len(read.get(name, ())) != length for name, length in lengths.items()):
        return "length"
    if not all(np.isfinite(numbers).all() for numbers in read.values()):
        return "number"
    feature, kind = read["split_feature"], read["decision_type"].astype(int)
    if (
        (feature < 0).any()
        or (feature > last).any()
        or (kind & _CATEGORY).any()
        or (kind < 0).any()
        or (kind > 15).any()
    ):
        return "question"
    children, parents = np.concatenate([read["left_child"], read["right_child"]]), np.tile(np.arange(leaves - 1), 2)
    inner = children >= 0
    each = np.concatenate([np.arange(-leaves, 0), np.arange(1, leaves - 1)])
    if (children[inner] <= parents[inner]).any() or not np.array_equal(np.sort(children), each):
        return "branches"
    return ""
