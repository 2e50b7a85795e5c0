"""Reasons of the blend are exact Shapley values of the log-odds served: held against all subsets, one by one."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from math import factorial
from typing import Any

import numpy as np
import pandas as pd
import pytest

from features.profiles import Profiles
from training.detectors import trees
from training.detectors.boosting import RECIPES, Boosting

FEW = tuple(replace(recipe, rounds=3, repeats=1) for recipe in RECIPES)
"""A booster and extremely random trees of scikit-learn: the blend, with few trees of each."""


def test_contributions_are_the_shapley_values_of_the_score(profiles: Profiles, labels: pd.Series) -> None:
    columns = [column for column in profiles.columns if column.name in {"fund_paid", "bid_variation", "night_share"}]
    names = [column.name for column in columns]
    frames = {name: getattr(profiles, name)[names] for name in ("values", "deviations", "groups")}
    small = replace(profiles, columns=tuple(columns), **frames)
    blend = Boosting(threads=1, recipes=FEW).fit(small, labels)
    shown = small.select(["E000", "E001", "E017", "E230"])
    told = blend.explain(shown)
    grown = [parsed(block) for block in trees.tree_blocks(blend._text)]
    assert len(grown) == 6
    for at, row in enumerate(blend._matrix(shown)):
        by_feature = shapley(grown, row)
        each = {name: 0.0 for name in names}
        for feature, share in zip(blend.design.features, by_feature, strict=True):
            each[feature.column] += share
        assert told.by_column.iloc[at].to_dict() == pytest.approx(each, abs=1e-9)
        assert told.base == pytest.approx(sum(expected(tree, row, frozenset()) for tree in grown), abs=1e-9)


def parsed(block: str) -> dict[str, Any]:
    """One tree of a model text."""
    lines = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
    told: dict[str, Any] = {
        name: [float(one) for one in lines.get(name, "").split()] for name in ("threshold", "leaf_value")
    }
    whole = ("split_feature", "left_child", "right_child", "leaf_count", "internal_count")
    return told | {name: [int(float(one)) for one in lines.get(name, "").split()] for name in whole}


def expected(tree: dict[str, Any], row: np.ndarray, known: frozenset[int], node: int = 0) -> float:
    """What a tree gives when only some features are known: at the others both ways, by how many rows went each."""
    if not tree["split_feature"]:
        return float(tree["leaf_value"][0])
    if node < 0:
        return float(tree["leaf_value"][~node])
    left, right = tree["left_child"][node], tree["right_child"][node]
    feature = tree["split_feature"][node]
    if feature in known:
        return expected(tree, row, known, left if row[feature] <= tree["threshold"][node] else right)
    sizes = [tree["internal_count"][one] if one >= 0 else tree["leaf_count"][~one] for one in (left, right)]
    ways = [expected(tree, row, known, one) for one in (left, right)]
    return float(np.average(ways, weights=sizes))


def shapley(grown: list[dict[str, Any]], row: np.ndarray) -> list[float]:
    """Shapley values over all subsets of features (Shapley 1953; the game of Lundberg and others 2020)."""
    count = len(row)
    worth = {
        frozenset(subset): sum(expected(tree, row, frozenset(subset)) for tree in grown)
        for size in range(count + 1)
        for subset in combinations(range(count), size)
    }
    weight = [factorial(size) * factorial(count - size - 1) / factorial(count) for size in range(count)]
    return [
        sum(weight[len(one)] * (worth[one | {feature}] - worth[one]) for one in worth if feature not in one)
        for feature in range(count)
    ]
