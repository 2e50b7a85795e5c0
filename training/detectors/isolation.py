"""Exact contributions of an isolation forest by tables: what many rows are explained with.

Path-dependent TreeSHAP (Lundberg and others 2020, algorithm 1) of one leaf depends on the row only through which of the
leaf's features the row satisfies on every split of its path. Isolation trees are shallow, so all these patterns are
worked out once. Neighbouring leaves share a table, indexed by the splits on the way to them and between them: one
look-up then tells the contributions of several leaves. No numba here; `training.detectors.kernel` reads the tables.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.util import find_spec
from os import cpu_count
from typing import Any

import numpy as np
import numpy.typing as npt

from training.detectors import trees
from training.detectors.trees import Floats

WORTH_ROWS = 5_000
"""Fewer rows are explained by `pred_contrib` before numba is imported and the tables are filled."""
BITS = 9
"""Splits that index one table: more share a look up, fewer keep the table in the nearest cache."""
DEEPEST = 12
"""Distinct features on the way to a leaf; deeper trees are not isolation trees of 4,096 rows and have no tables."""
BLOCK = 2_048
"""Rows that pass one tree after another before the next rows come."""

Bits = npt.NDArray[np.int32]


class TooDeep(ValueError):
    """The trees are too deep for tables."""


@dataclass
class Plan:
    """The forest as tables will be laid out: groups of leaves, the splits that index each, the features each moves."""

    bit_feature: list[int] = field(default_factory=list)
    bit_low: list[float] = field(default_factory=list)
    bit_high: list[float] = field(default_factory=list)
    """A bit is set where `low < x <= high`."""
    group_bits: list[int] = field(default_factory=lambda: [0])
    """Start of each group's bits; one more at the end."""
    group_features: list[int] = field(default_factory=lambda: [0])
    feature: list[int] = field(default_factory=list)
    """Column that each slot of a group moves."""
    leaf_group: list[int] = field(default_factory=list)
    leaf_value: list[float] = field(default_factory=list)
    leaf_slots: list[int] = field(default_factory=lambda: [0])
    slot: list[int] = field(default_factory=list)
    """Slot of the leaf's feature within its group."""
    cover: list[float] = field(default_factory=list)
    """Share of the training rows that went the leaf's way at the feature's splits."""
    must: list[int] = field(default_factory=list)
    """Bits that have to be set for the row to satisfy the feature."""
    must_not: list[int] = field(default_factory=list)
    base: float = 0.0

    def arrays(self) -> tuple[Any, ...]:
        """What the kernel reads, in its order."""
        return (
            np.asarray(self.bit_feature, np.int32),
            np.asarray(self.bit_low, np.float32),
            np.asarray(self.bit_high, np.float32),
            np.asarray(self.group_bits, np.int64),
            np.asarray(self.group_features, np.int64),
            np.asarray(self.feature, np.int32),
        )

    def leaves(self) -> tuple[Any, ...]:
        """What fills the tables, in the kernel's order."""
        return (
            np.asarray(self.leaf_group, np.int64),
            np.asarray(self.leaf_value, np.float64),
            np.asarray(self.leaf_slots, np.int64),
            np.asarray(self.slot, np.int64),
            np.asarray(self.cover, np.float64),
            np.asarray(self.must, np.int64),
            np.asarray(self.must_not, np.int64),
        )

    def starts(self) -> npt.NDArray[np.int64]:
        """Start of each group's table; one more at the end."""
        bits = np.diff(np.asarray(self.group_bits, np.int64))
        slots = np.diff(np.asarray(self.group_features, np.int64))
        return np.concatenate([[0], np.cumsum(np.left_shift(slots, bits))]).astype(np.int64)


@dataclass(frozen=True)
class Tables:
    """A forest ready to explain many rows."""

    plan: tuple[Any, ...]
    starts: npt.NDArray[np.int64]
    values: Floats
    base: float

    @classmethod
    def of(cls, text: str, bits: int = BITS) -> Tables:
        """Tables of a model text; raises `TooDeep` for trees that have none. Imports numba."""
        from training.detectors import kernel

        made = plan(text, bits)
        starts, arrays = made.starts(), made.arrays()
        values = np.zeros(int(starts[-1]))
        kernel.fill(values, starts, np.diff(arrays[3]), *made.leaves())
        return cls(arrays, starts, values, made.base)

    def contributions(self, matrix: Floats, threads: int = 0) -> Floats:
        """TreeSHAP values, rows × features. Rows must be finite."""
        from training.detectors import kernel

        out = np.empty(matrix.shape)
        starts = range(0, len(matrix), BLOCK)

        def one(start: int) -> None:
            rows = np.ascontiguousarray(matrix[start : start + BLOCK].T, dtype=np.float32)
            told = np.zeros(rows.shape)
            kernel.explain(rows, told, self.starts, self.values, *self.plan)
            out[start : start + BLOCK] = told.T

        # Plain threads: the kernel runs outside the interpreter's lock, and may be called from any thread.
        with ThreadPoolExecutor(threads or cpu_count() or 1) as pool:
            list(pool.map(one, starts))
        return out


def contributions(model: Any, text: str, matrix: Floats, threads: int = 0) -> tuple[Floats, float]:
    """Contributions and base of a forest: by tables where rows are many and numba is there, else by `pred_contrib`."""
    if len(matrix) < WORTH_ROWS or find_spec("numba") is None or not np.isfinite(matrix).all():
        return trees.contributions(model, matrix, threads)
    try:
        tables = _tables(text)
    except TooDeep:
        return trees.contributions(model, matrix, threads)
    return tables.contributions(matrix, threads), tables.base


@lru_cache(maxsize=1)
def _tables(text: str) -> Tables:
    # One forest explains many batches; two would hold twice the memory for nothing.
    return Tables.of(text)


def plan(text: str, bits: int = BITS) -> Plan:
    """Lay out the tables of a model text whose trees split on finite numbers only."""
    made = Plan()
    for block in trees.tree_blocks(text):
        _Tree(block, bits, made).lay_out()
    return made


@dataclass
class _Open:
    """A group that may still grow towards the root: where it hangs, its inner nodes and its leaves."""

    root: int
    nodes: list[int]
    leaves: list[int]


class _Tree:
    """One tree of a model text: leaves are negative numbers, as LightGBM has them."""

    def __init__(self, block: str, bits: int, made: Plan) -> None:
        told = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        self.bits, self.made = bits, made
        self.value = [float(one) for one in told["leaf_value"].split()]
        self.inner = "split_feature" in told
        if not self.inner:
            return
        self.split = [int(one) for one in told["split_feature"].split()]
        self.threshold = _rounded_down([float(one) for one in told["threshold"].split()])
        self.left = [int(one) for one in told["left_child"].split()]
        self.right = [int(one) for one in told["right_child"].split()]
        self.leaf_count = [float(one) for one in told["leaf_weight"].split()]
        self.count = [float(one) for one in told["internal_weight"].split()]
        self.parent: dict[int, int] = {}
        for node in range(len(self.split)):
            self.parent[self.left[node]] = self.parent[self.right[node]] = node

    def lay_out(self) -> None:
        """Add the tree's groups to the plan."""
        if not self.inner:
            self.made.base += self.value[0]
            return
        for number, value in enumerate(self.value):
            self.made.base += value * self.leaf_count[number] / self.count[0]
        opened: dict[int, _Open] = {-1 - n: _Open(-1 - n, [], [-1 - n]) for n in range(len(self.value))}
        # Children have higher numbers than their parents: from the last node up, both sides are ready.
        for node in reversed(range(len(self.split))):
            sides = sorted((opened.pop(self.left[node]), opened.pop(self.right[node])), key=lambda one: len(one.nodes))
            room = self.bits - len({self.split[up] for up, _ in self.way(node)}) - 1
            kept = _Open(node, [node], [])
            for side in sides:
                if len(kept.nodes) - 1 + len(side.nodes) <= room:
                    kept.nodes += side.nodes
                    kept.leaves += side.leaves
                else:
                    self.close(side)
            opened[node] = kept
        self.close(opened[0])

    def way(self, node: int) -> list[tuple[int, int]]:
        """Inner nodes above a node, each with the child through which the way goes; the nearest first."""
        steps = []
        while node in self.parent:
            steps.append((self.parent[node], node))
            node = self.parent[node]
        return steps

    def close(self, group: _Open) -> None:
        """Write one group: bits of the way to it (one a feature), bits of its own nodes, then its leaves."""
        if not group.leaves:
            return
        made, number = self.made, len(self.made.group_bits) - 1
        low: dict[int, float] = {}
        high: dict[int, float] = {}
        for up, child in self.way(group.root):
            feature, at = self.split[up], self.threshold[up]
            low.setdefault(feature, -np.inf)
            high.setdefault(feature, np.inf)
            if child == self.left[up]:
                high[feature] = min(high[feature], at)
            else:
                low[feature] = max(low[feature], at)
        place = {("way", feature): bit for bit, feature in enumerate(low)}
        made.bit_feature += list(low)
        made.bit_low += list(low.values())
        made.bit_high += list(high.values())
        used = [node for node in group.nodes if any(up == node for leaf in group.leaves for up, _ in self.way(leaf))]
        for node in used:
            place["node", node] = len(place)
            made.bit_feature.append(self.split[node])
            made.bit_low.append(-np.inf)
            made.bit_high.append(self.threshold[node])
        made.group_bits.append(len(made.bit_feature))
        slots: dict[int, int] = {}
        for leaf in group.leaves:
            self.leaf(number, leaf, set(used), place, slots)
        made.feature += list(slots)
        made.group_features.append(len(made.feature))

    def leaf(
        self, group: int, leaf: int, inside: set[int], place: dict[tuple[str, int], int], slots: dict[int, int]
    ) -> None:
        """Write one leaf: for each of its features how common it is and which bits of the group decide it."""
        cover: dict[int, float] = {}
        must: dict[int, int] = {}
        must_not: dict[int, int] = {}
        for up, child in self.way(leaf):
            feature = self.split[up]
            count = self.leaf_count[-1 - child] if child < 0 else self.count[child]
            cover[feature] = cover.get(feature, 1.0) * count / self.count[up]
            must.setdefault(feature, 0)
            must_not.setdefault(feature, 0)
            if up not in inside:
                must[feature] |= 1 << place["way", feature]
            elif child == self.left[up]:
                must[feature] |= 1 << place["node", up]
            else:
                must_not[feature] |= 1 << place["node", up]
        if len(cover) > DEEPEST:
            raise TooDeep(f"{len(cover)} features on the way to a leaf")
        made = self.made
        made.leaf_group.append(group)
        made.leaf_value.append(self.value[-1 - leaf])
        made.slot += [slots.setdefault(feature, len(slots)) for feature in cover]
        made.cover += list(cover.values())
        made.must += list(must.values())
        made.must_not += list(must_not.values())
        made.leaf_slots.append(len(made.slot))


def _rounded_down(thresholds: Sequence[float]) -> list[float]:
    """The largest float32 at or under each threshold: rows are float32, so `x <= t` is the same question."""
    exact = np.asarray(thresholds)
    near = exact.astype(np.float32)
    lower = np.where(near.astype(float) > exact, np.nextafter(near, np.float32(-np.inf)), near)
    return [float(one) for one in lower]
