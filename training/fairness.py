"""Whether a gain is bought by accusing one group: how often honest entities are asked about, group by group."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from features.profiles import Profiles
from training.detectors.contract import Floats
from training.metrics import Flags
from training.volume import total

ATTRIBUTES = ("level", "region", "ownership", "kind")
FEWEST = 20
"""Groups with fewer honest entities are told and not judged: one entity would be a twentieth."""
WORSE = 0.05
SURE = 3.0
"""A group is harmed when its rate of false warnings rises by more than `WORSE`, by `SURE` standard errors: with some
dozens of groups one in a thousand by chance."""
SIZES = 3


def groups(profiles: Profiles) -> dict[str, pd.Series]:
    """Ways to tell entities apart that must not decide who is accused: level, region and so on, and size in thirds."""
    found = {
        name: profiles.attributes[name].astype("string")
        for name in ATTRIBUTES
        if name in profiles.attributes and 1 < profiles.attributes[name].nunique() <= 40
    }
    column = total(profiles)
    if column is not None and profiles.values[column].nunique() >= SIZES:
        rank = profiles.values[column].rank(method="first", pct=True)
        found["size"] = pd.cut(rank, SIZES, labels=["small", "middle", "large"]).astype("string")
    return found


def compared(profiles: Profiles, ours: Floats, theirs: Floats, labels: pd.Series, budget: int) -> list[dict[str, Any]]:
    """One row a group: who is asked about at the budget by either, and false warnings among the honest.

    `labels` (index entity_id; 1, 0, NaN) tell who is honest: 0. The budget is taken of the labelled entities in the
    proportion in which it is of all, so that both sides are judged where outcomes are known.
    """
    known = labels.reindex(profiles.values.index).to_numpy(float)
    seen = ~np.isnan(known)
    share = min(1.0, max(1, budget) / max(1, len(known)))
    count = max(1, round(share * int(seen.sum())))
    flags = [_top(np.where(seen, score, -np.inf), count) for score in (ours, theirs)]
    rows = []
    for name, of in groups(profiles).items():
        for value in sorted(of.dropna().unique()):
            rows.append(
                {"by": name, "group": str(value), **_row(of.eq(value).fillna(False).to_numpy(bool), flags, known)}
            )
    return rows


def harmed(rows: list[dict[str, Any]]) -> Mapping[str, Any] | None:
    """The group whose honest entities the candidate accuses most beyond the champion; None when it harms nobody."""
    worse = [row for row in rows if row["harmed"]]
    return max(worse, key=lambda row: float(row["candidate_false"] - row["champion_false"]), default=None)


def _row(inside: Flags, flags: list[Flags], known: Floats) -> dict[str, Any]:
    honest = inside & (known == 0.0)
    n = int(honest.sum())
    told: dict[str, Any] = {
        "entities": int(inside.sum()),
        "honest": n,
        "confirmed": int((inside & (known == 1.0)).sum()),
    }
    told |= {"candidate": int(flags[0][inside].sum()), "champion": int(flags[1][inside].sum())}
    difference = flags[0][honest].astype(float) - flags[1][honest].astype(float)
    told["candidate_false"], told["champion_false"] = (
        round(float(one[honest].mean()), 6) if n else None for one in flags
    )
    gap = float(difference.mean()) if n else 0.0
    error = float(difference.std() / np.sqrt(n)) if n else 0.0
    told["harmed"] = bool(n >= FEWEST and gap > WORSE and gap > SURE * error)
    return told


def _top(score: Floats, count: int) -> Flags:
    out = np.zeros(len(score), dtype=bool)
    out[np.argsort(-score, kind="stable")[:count]] = True
    return out
