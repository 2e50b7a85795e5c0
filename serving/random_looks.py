"""Looks that nobody has a cause for: a share of the budget goes to entities drawn at random, and says so.

They are worded as what they are and never as suspicion: no reasons, no score, a scheme of their own. Their outcomes
carry the probability of having been drawn, which is what makes figures about all entities possible
(`training.sampling`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from catalogue.model import WarningModel
from features.profiles import Profiles
from gnomon.i18n import both
from gnomon.terms import RANDOM, Severity, Warned
from serving.wording import name_of
from training.sampling import drawn

SCENE = "re-supervision"
"""Where no warning model asks about the kind of entity."""

PERSONS = frozenset(
    {
        "case_handler", "custodian", "drug_patient", "drug_practitioner", "enforcement_officer", "expert_bidder",
        "officer", "officer_applicant", "official", "patient", "practitioner", "recipient", "stay",
    }
)  # fmt: skip
"""Kinds that stand for a natural person: looked at without a cause only where somebody asks for it in so many words."""


def share(entity: str, asked: float | None, declared: float) -> float:
    """Part of the budget that is drawn at random: what was asked for, else what the setting declares; of persons none.

    >>> share("institution", None, 0.05), share("patient", None, 0.05), share("patient", 0.1, 0.05)
    (0.05, 0.0, 0.1)
    """
    if asked is not None:
        return asked
    return 0.0 if entity in PERSONS else declared


def random_looks(
    profiles: Profiles, models: Mapping[str, WarningModel], count: int, held_out: Collection[str]
) -> list[Warned]:
    """`count` entities drawn at random among those not in `held_out`: already asked about, or looked at not long ago.

    The same profiles, day and `held_out` draw the same.
    """
    draw = drawn(profiles.ids, held_out, count, f"{profiles.entity} {profiles.as_of.date().isoformat()}")
    scene = next((one.scene for one in models.values() if one.entity == profiles.entity), SCENE)
    chance = f"{round(1.0 / draw.probability):,}" if draw.probability else "–"
    return [
        Warned(
            model=RANDOM,
            model_version=RANDOM,
            title=both("serving.random.title"),
            scene=scene,
            scheme=RANDOM,
            severity=Severity.WARN,
            entity_kind=profiles.entity,
            entity_id=one,
            entity_name=name_of(profiles, one),
            as_of=profiles.as_of,
            lake_version=profiles.lake_version,
            score=0.0,
            base=0.0,
            percentile=0.0,
            threshold=0.0,
            reasons=(),
            advice=both("serving.random.advice", chance=chance),
            inclusion=draw.probability,
        )
        for one in draw.ids
    ]
