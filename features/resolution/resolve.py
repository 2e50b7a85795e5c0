"""Resolution: rules that need no score first, then scores for what is left; contradicting codes are never linked."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import pandas as pd

from features.resolution.links import Agreement, Kind, Link
from features.resolution.scoring import scored
from gnomon.terms import Text

RULES: dict[Kind, tuple[tuple[str, tuple[str, ...], Text], ...]] = {
    "firm": (
        ("same-code", ("code",), Text("统一社会信用代码相同", "same unified social credit code")),
        ("same-name-and-region", ("name", "region"), Text("名称与区划相同", "same name and region")),
    ),
    "person": (
        ("same-code", ("code",), Text("公民身份号码相同", "same citizen identity number")),
        (
            "same-name-birth-and-phone",
            ("name", "birth", "phone"),
            Text("姓名、出生日期与电话相同", "same name, birth date and telephone"),
        ),
        (
            "same-name-birth-and-household",
            ("name", "birth", "household"),
            Text("姓名、出生日期与家庭相同", "same name, birth date and household"),
        ),
    ),
}
"""Rule, the columns that must all be told and equal, and its name in words; the first that holds speaks."""
MANY = 50
"""Records that share a rule's values: more are a filler text, not an entity."""


def resolve(frame: pd.DataFrame, kind: Kind, threshold: float = 0.9) -> list[Link]:
    """Links between the records of a frame (see `records.firms`, `records.people`), the surest rule of each pair."""
    codes = dict(zip(frame["record"], frame["code"], strict=True))
    found: dict[tuple[str, str], Link] = {}
    for one in [*_by_rule(frame, kind), *scored(frame, kind, threshold)]:
        pair = one.left, one.right
        mine, theirs = codes[one.left], codes[one.right]
        # Two valid codes that differ are two entities, however alike the rest is.
        if pair not in found and (mine is None or theirs is None or mine == theirs):
            found[pair] = one
    return list(found.values())


def _by_rule(frame: pd.DataFrame, kind: Kind) -> Iterator[Link]:
    for name, columns, title in RULES[kind]:
        told = frame.dropna(subset=list(columns))
        for values, group in told.groupby(list(columns), sort=False):
            if 1 < len(group) <= MANY:
                shown = " ".join(map(str, values))
                evidence = (Agreement(title, shown, shown, None),)
                for left, right in combinations(sorted(map(str, group["record"])), 2):
                    yield Link(kind, left, right, name, 1.0, evidence)
