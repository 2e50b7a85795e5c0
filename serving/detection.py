"""Findings of one kind of entity: every declared rule, and the champion of the learned models."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from catalogue import load, rule
from catalogue.model import WarningModel
from features.profiles import Profiles
from gnomon.config import Settings
from gnomon.progress import progress
from gnomon.terms import Severity
from serving.budget import Finding, by_size, learned_count, percentiles
from serving.champions import Loaded, fetched
from serving.reasons import by_measure
from training.bundle import Scored
from training.volume import is_size

POOL = 3
"""So many times the findings wanted are explained, because some will turn out to be size alone."""


@dataclass
class Detection:
    """Everything that the models found, before the budget."""

    findings: list[Finding] = field(default_factory=list)
    told: list[dict[str, Any]] = field(default_factory=list)
    """One row a model, for the run record."""
    champion: str | None = None


def detect(settings: Settings, profiles: Profiles, budget: int) -> Detection:
    """Run every catalogue model of the profiles' entity, and the champion when there is one."""
    models = [one for one in load.load(settings.model_folder).values() if one.entity == profiles.entity]
    rules = [one for one in models if one.detector == "rule"]
    learned = [one for one in models if one.detector == "learned"]
    found = Detection()
    with progress(f"{profiles.entity}: rules", len(rules)) as bar:
        for model in rules:
            result = rule.evaluate(model, profiles)
            found.findings += rule_findings(model, result, profiles.ids)
            found.told.append(_told(model, result))
            bar.advance()
    with progress(f"{profiles.entity}: champion"):
        serving = fetched(settings, profiles.entity)
        if serving is not None and learned:
            # One learned score an entity kind: a second entry would only issue the same scores under another name.
            top, excused, large = learned_findings(learned[0], serving, profiles, budget)
            found.findings += top
            found.champion = serving.name
            told = {"model": learned[0].id, "version": serving.name, "fires": len(top)}
            found.told.append(told | {"excluded": excused, "size_alone": large})
    return found


def rule_findings(model: WarningModel, result: rule.RuleResult, ids: Sequence[str]) -> list[Finding]:
    """The entities that a rule fires on; ranked among those that it could be computed for."""
    known = ~result.unknown
    scores = result.score.astype(float)
    ranks = np.full(len(scores), np.nan)
    ranks[known] = percentiles(scores[known].tolist())
    fired = np.flatnonzero(result.fires)
    if not fired.size:
        return []
    version, threshold = f"rules@{model.digest}", float(scores[fired].min())
    shares = result.contributions
    return [
        Finding(
            model=model,
            model_version=version,
            entity_id=ids[at],
            severity=result.severity(at) or Severity.WARN,
            score=float(scores[at]),
            base=0.0,
            percentile=float(ranks[at]),
            threshold=threshold,
            contributions=_shares(shares, at),
            rescore=lambda changed: rule.evaluate(model, changed).fires.astype(float),
            silent_under=0.5,
        )
        for at in map(int, fired)
    ]


def learned_findings(
    model: WarningModel, serving: Loaded, profiles: Profiles, budget: int
) -> tuple[list[Finding], int, int]:
    """The champion's top scores that may be asked about; how many the entry excused, how many were size alone.

    Scores all, explains the top only. Who is merely large makes room for who comes next.
    """
    scores = serving.bundle.score(profiles, explain=False)
    may, excused = rule.admitted(model, profiles)
    count = learned_count(len(profiles.ids), budget)
    order = _top(scores, may, POOL * count)
    if not order.size:
        return [], len(excused), 0
    top = [profiles.ids[at] for at in map(int, order)]
    explained = serving.bundle.score(profiles.select(top))
    shares = [by_measure(profiles, _shares(explained.contributions, at)) for at in range(len(top))]
    size = {column.name for column in profiles.columns if is_size(profiles.entity, column)}
    merely_large = [by_size(one, size) for one in shares]
    kept = [at for at, large in enumerate(merely_large) if not large][:count]
    if not kept:
        return [], len(excused), sum(merely_large)
    threshold = float(explained.score[kept].min())
    found = [
        Finding(
            model=model,
            model_version=serving.name,
            entity_id=top[at],
            severity=Severity.WARN,
            score=float(explained.score[at]),
            base=float(explained.base),
            percentile=float(explained.percentile[at]),
            threshold=threshold,
            contributions=shares[at],
            rescore=lambda changed: serving.bundle.score(changed, explain=False).score,
            silent_under=threshold,
        )
        for at in kept
    ]
    return found, len(excused), sum(merely_large[: kept[-1]])


def _top(scores: Scored, may: npt.NDArray[np.bool_], count: int) -> npt.NDArray[np.intp]:
    # A stable sort keeps ties in the order of ids, so that a re-run picks the same.
    order = np.argsort(-scores.score, kind="stable")
    return order[may[order]][:count]


def _shares(frame: pd.DataFrame, at: int) -> dict[str, float]:
    row = frame.to_numpy(float)[at]
    return {str(name): float(share) for name, share in zip(frame.columns, row, strict=True) if share != 0.0}


def _told(model: WarningModel, result: rule.RuleResult) -> dict[str, Any]:
    return {
        "model": model.id,
        "version": f"rules@{model.digest}",
        "fires": int(result.fires.sum()),
        "alerts": int(result.alert.sum()),
        "unknown": int(result.unknown.sum()),
        "excluded": len(result.excluded),
        "lacking": list(result.lacking),
    }
