"""Who would be asked about under an aim: a scoring run over stored profiles without reasons, hand-over or looks drawn
at random. Questions that were answered are not left out: whoever asks here need not know who was looked at.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from catalogue.model import WarningModel
from features.profiles import Profiles
from gnomon.config import Settings
from gnomon.terms import Text
from serving.budget import select
from serving.champions import Loaded
from serving.detection import detect
from serving.random_looks import share
from training.sampling import places
from training.threshold import Aim


@dataclass(frozen=True)
class Asking:
    """The line that an aim draws through some profiles, and who is asked about."""

    by: Mapping[str, tuple[str, ...]]
    """Models that ask, by entity; nobody else is asked about."""
    threshold: Mapping[str, Any] | None
    """The learned model's; None when none serves."""
    stated: Text
    """How the threshold was made and what may be expected above it, or why nobody is asked about."""


def asking(
    settings: Settings,
    profiles: Profiles,
    wanted: Aim,
    catalogue: Mapping[str, WarningModel],
    champion: Loaded | None,
) -> Asking:
    """Who `gnomon score` asks about, by the same rules: one aim for the learned model, the budget for the others.

    Raises `Fault` when the champion cannot score the profiles, or its calibration cannot serve the aim.
    """
    found = detect(settings, profiles, wanted, True, catalogue, lambda *_: champion)
    if found.faults:
        raise found.faults[0]
    budget = wanted.budget or settings.budget
    drawn = places(budget, share(profiles.entity, None, settings.audit_share))
    chosen = select(found.findings, budget - drawn, wanted.by != "budget")
    by: dict[str, list[str]] = {}
    for one in chosen:
        by.setdefault(one.entity_id, []).append(one.model.id)
    threshold = None if found.threshold is None else found.threshold.as_dict()
    return Asking({key: tuple(ids) for key, ids in by.items()}, threshold, found.stated(profiles.entity))
