"""Findings of one kind of entity: every declared rule, and the champion of the learned models."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from catalogue import load, rule
from catalogue.model import WarningModel
from features.profiles import Profiles
from gnomon.config import Settings
from gnomon.errors import Fault
from gnomon.i18n import both
from gnomon.progress import progress
from gnomon.terms import Severity, Text
from serving.budget import Finding, by_size, learned_count, percentiles
from serving.champions import Loaded, fetched
from serving.reasons import by_measure
from serving.thresholds import Threshold, told
from training.bundle import Scored
from training.calibration import Calibration
from training.threshold import Aim, choose
from training.volume import is_size

POOL = 3
"""So many times the findings wanted are explained, because some will turn out to be size alone."""
UNSERVED = frozenset({"serving.threshold.no_calibration", "training.threshold.no_probability"})
"""Faults of what was asked for, not of the model: whoever asked is told, and nothing else is done in its place."""


@dataclass
class Detection:
    """Everything that the models found, before the budget."""

    findings: list[Finding] = field(default_factory=list)
    told: list[dict[str, Any]] = field(default_factory=list)
    """One row a model, for the run record."""
    champion: str | None = None
    threshold: Threshold | None = None
    """The champion's; None when none serves or none could score."""
    faults: list[Fault] = field(default_factory=list)
    """Why the champion did not score; rules were evaluated all the same."""
    unserved: Fault | None = None
    """Why the champion cannot keep to what was asked for; it issues nothing then."""

    def stated(self, entity: str) -> Text:
        """How the champion's threshold was made and what may be expected above it, or why it asks about nobody."""
        if self.threshold is not None:
            return Text(f"{entity}: {self.threshold.made.zh}", f"{entity}: {self.threshold.made.en}")
        why = self.unserved or next(iter(self.faults), None)
        if why is not None:
            return Text(why.told("zh"), why.told("en"))
        none = both("serving.threshold.no_model")
        return Text(f"{entity}: {none.zh}", f"{entity}: {none.en}")


@dataclass(frozen=True)
class Learned:
    """What the champion asks."""

    findings: list[Finding]
    excused: int
    """Entities that the catalogue's entry excused."""
    large: int
    """Entities passed over because size alone set them apart."""
    threshold: Threshold


def detect(
    settings: Settings,
    profiles: Profiles,
    aim: Aim,
    strict: bool = True,
    catalogue: Mapping[str, WarningModel] | None = None,
    champion: Callable[[Settings, str], Loaded | None] = fetched,
) -> Detection:
    """Run every catalogue model of the profiles' entity, and the champion when there is one.

    A champion that cannot be loaded, or cannot score these profiles, is told in `faults` and issues nothing. An aim
    that the champion's calibration cannot serve raises `Fault` when `strict`, else it is told in `unserved`. The
    catalogue is read when it is not given. `champion` finds the learned model; by default the registry is asked.
    """
    known = load.load(settings.model_folder) if catalogue is None else catalogue
    models = [one for one in known.values() if one.entity == profiles.entity]
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
        if learned:
            # One learned score an entity kind: a second entry would only issue the same scores under another name.
            _by_champion(found, lambda: champion(settings, profiles.entity), learned[0], profiles, aim)
    if found.unserved is not None and strict:
        raise found.unserved
    return found


def _by_champion(
    found: Detection, champion: Callable[[], Loaded | None], model: WarningModel, profiles: Profiles, aim: Aim
) -> None:
    try:
        serving = champion()
        if serving is None:
            return
        asked = learned_findings(model, serving, profiles, aim)
    except Fault as fault:
        if fault.key in UNSERVED:
            found.unserved = Fault(fault.key, place=f"{profiles.entity} --{aim.by}")
        else:
            found.faults.append(fault)
        return
    found.findings += asked.findings
    found.champion, found.threshold = serving.name, asked.threshold
    told = {"model": model.id, "version": serving.name, "fires": len(asked.findings)}
    found.told.append(told | {"excluded": asked.excused, "size_alone": asked.large})


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


def learned_findings(model: WarningModel, serving: Loaded, profiles: Profiles, aim: Aim) -> Learned:
    """The champion's scores that reach the aim and may be asked about.

    Scores all, explains those in question only. Who is merely large makes room for who comes next.
    """
    scores = serving.bundle.score(profiles, explain=False)
    may, excused = rule.admitted(model, profiles)
    order, count = _in_question(scores, may, serving.bundle.calibration, aim)
    top = [profiles.ids[at] for at in map(int, order)]
    explained = serving.bundle.score(profiles.select(top)) if top else None
    shares = (
        []
        if explained is None
        else [by_measure(profiles, _shares(explained.contributions, at)) for at in range(len(top))]
    )
    size = {column.name for column in profiles.columns if is_size(profiles.entity, column)}
    merely_large = [by_size(one, size) for one in shares]
    kept = [at for at, large in enumerate(merely_large) if not large][:count]
    fires = np.zeros(len(scores.score), dtype=bool)
    fires[order[kept]] = True
    threshold = told(aim, scores.score[may], fires[may], serving.bundle.calibration)
    if explained is None or not kept:
        return Learned([], len(excused), sum(merely_large), threshold)
    line = float(explained.score[kept].min())
    found = [
        Finding(
            model=model,
            model_version=serving.name,
            entity_id=top[at],
            severity=Severity.WARN,
            score=float(explained.score[at]),
            base=float(explained.base),
            percentile=float(explained.percentile[at]),
            threshold=line,
            contributions=shares[at],
            rescore=lambda changed: serving.bundle.score(changed, explain=False).score,
            silent_under=line,
        )
        for at in kept
    ]
    return Learned(found, len(excused), sum(merely_large[: kept[-1]]), threshold)


def _in_question(
    scores: Scored, may: npt.NDArray[np.bool_], calibration: Calibration | None, aim: Aim
) -> tuple[npt.NDArray[np.intp], int]:
    """Rows to explain, the highest first, and how many of them may be asked about at most."""
    if aim.by == "budget":
        count = learned_count(len(scores.score), int(aim.value))
        return _top(scores, may, POOL * count), count
    if calibration is None:
        raise Fault("serving.threshold.no_calibration", place=f"--{aim.by}")
    able = np.flatnonzero(may)
    chosen = choose(scores.score[able], calibration, precision=aim.precision, fdr=aim.fdr)
    fires = np.zeros(len(scores.score), dtype=bool)
    fires[able[chosen.fires]] = True
    order = _top(scores, fires, int(fires.sum()))
    return order, len(order)


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
