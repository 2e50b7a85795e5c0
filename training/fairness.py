"""Whether a gain is bought by accusing one group: how often honest entities are asked about, group by group."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from features.profiles import Profiles
from training.detectors.contract import Floats
from training.metrics import Flags, roc_auc
from training.volume import total

ATTRIBUTES = ("level", "region", "ownership", "kind")
FEWEST = 20
"""Groups with fewer honest entities are told and not judged: one entity would be a twentieth."""
WORSE = 0.05
SURE = 3.0
"""A group is harmed when its rate of false warnings rises by more than `WORSE`, by `SURE` standard errors: with some
dozens of groups one in a thousand by chance."""
SIZE_WORDS = ("small", "middle", "large")
SIZES = len(SIZE_WORDS)
FEW_RANKED = 5
"""How well entities of a group are ranked is told from so many confirmed and as many honest ones on."""


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
        found["size"] = pd.cut(rank, SIZES, labels=list(SIZE_WORDS)).astype("string")
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


def by_group(
    profiles: Profiles, served: Floats, share: float, unseen: Floats | None = None, labels: pd.Series | None = None
) -> list[dict[str, Any]]:
    """One row a group about one model: whom it asks about within the highest `share`, and how well it ranks inside.

    `served` are its scores of all profiles; `unseen` those of entities with `labels` (1, 0, NaN), by models that never
    saw the label, NaN for the others. Of the honest (label 0) is told how many lie within the highest share of those.
    The group of those whose group is unknown is called ``.
    """
    known = np.full(len(served), np.nan) if labels is None else labels.reindex(profiles.values.index).to_numpy(float)
    seen = ~np.isnan(known) if unseen is None else ~np.isnan(known) & ~np.isnan(unseen)
    asked = _top(served, max(1, round(share * len(served))))
    false = np.zeros(len(served), dtype=bool)
    if unseen is not None and seen.any():
        false = _top(np.where(seen, unseen, -np.inf), max(1, round(share * int(seen.sum())))) & (known == 0.0)
    rows = []
    for name, of in groups(profiles).items():
        for value in _ordered(of):
            inside = of.fillna("").eq(value).to_numpy(bool)
            own = inside & seen
            told: dict[str, Any] = {"by": name, "group": str(value), "entities": int(inside.sum())}
            told |= {"asked": int((asked & inside).sum()), "confirmed": int((own & (known == 1.0)).sum())}
            told |= {"honest": int((own & (known == 0.0)).sum()), "false": int((false & inside).sum())}
            enough = min(told["confirmed"], told["honest"]) >= FEW_RANKED and unseen is not None
            auc = roc_auc(known[own] > 0.5, unseen[own]) if enough and unseen is not None else float("nan")
            rows.append(told | {"roc_auc": round(auc, 6) if np.isfinite(auc) else None})
    return rows


def _ordered(of: pd.Series) -> list[str]:
    """Names of the groups, sizes from the small ones on, the unknown last."""
    told = sorted(map(str, of.dropna().unique()))
    named = [one for one in SIZE_WORDS if one in told] if set(told) <= set(SIZE_WORDS) else told
    return [*named, *([""] if of.isna().any() else [])]


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
