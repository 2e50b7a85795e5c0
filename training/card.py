"""The model card: what a model was made from, what it was measured to do, what it must not be used for; zh and en."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from features.profiles import Profiles
from gnomon.i18n import both
from training.evaluate import Evaluation

WHY = {
    "training.boosting.no_labels": "training.card.why.none",
    "training.boosting.one_class": "training.card.why.one_class",
    "training.boosting.too_few": "training.card.why.too_few",
}
LIMITS = ("selection", "not_proof", "peers")


def card(
    profiles: Profiles, serving: str, columns: Sequence[str], evaluation: Evaluation | None, why_not: str
) -> dict[str, Any]:
    """The card as plain JSON values; `why_not` is the message key that says why no labels were learned from."""
    known = {column.name: column for column in profiles.columns}
    told: dict[str, Any] = {
        "entity": profiles.entity,
        "detector": _both(f"training.card.{serving}"),
        "as_of": profiles.as_of.isoformat(),
        "lake_version": profiles.lake_version,
        "entities": len(profiles.values),
        "columns": [
            {
                "name": name,
                "title": {"zh": known[name].title.zh, "en": known[name].title.en},
                "unit": known[name].unit,
                "suspicious": str(known[name].suspicious),
            }
            for name in columns
        ],
        "limits": [_both(f"training.card.limit_{name}") for name in LIMITS],
    }
    told["evaluation"] = None if evaluation is None else evaluation.as_dict()
    if evaluation is None:
        told["not_evaluated"] = _both("training.card.no_labels", reason=both(WHY[why_not]))
    return told


def _both(key: str, **values: object) -> dict[str, str]:
    text = both(key, **values)
    return {"zh": text.zh, "en": text.en}
