"""The model card: what a model was made from, what it was measured to do, what it must not be used for; zh and en."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from features.contracts import contract_of
from features.measures import entities
from features.profiles import Profiles
from gnomon.i18n import both
from gnomon.terms import Text
from training import fairness
from training.detectors.contract import Floats
from training.evaluate import Evaluation
from training.metrics import Figure

WHY = {
    "training.boosting.no_labels": "training.card.why.none",
    "training.boosting.one_class": "training.card.why.one_class",
    "training.boosting.too_few": "training.card.why.too_few",
}
LIMITS = ("use", "selection", "unlabelled", "not_proof", "peers", "calibration")
DETECTORS = ("boosting", "forest", "screens", "rarity")
SHARE = 0.05
"""Groups of a model without figures are counted within so large a share of the highest scores."""


def card(
    profiles: Profiles,
    serving: str,
    columns: Sequence[str],
    served: Floats,
    evaluation: Evaluation | None,
    why_not: str,
    reasons: Mapping[str, float] | None = None,
    population: Mapping[str, Figure] | None = None,
) -> dict[str, Any]:
    """The card as plain JSON values; `why_not` is the message key that says why no labels were learned from.

    `served` are the scores of all profiles; `population` the figures for all entities, where outcomes of random looks
    allow any.
    """
    known = {column.name: column for column in profiles.columns}
    kind = entities().get(profiles.entity)
    told: dict[str, Any] = {
        "entity": profiles.entity,
        "title": _told(Text(profiles.entity, profiles.entity) if kind is None else kind.title),
        "detector": _both(f"training.card.{serving}"),
        "chosen": _chosen(serving, evaluation),
        "as_of": profiles.as_of.isoformat(),
        "lake_version": profiles.lake_version,
        "entities": len(profiles.values),
        "tables": [{"name": name, "title": _told(contract_of(name).title)} for name in _tables(profiles, columns)],
        "columns": [
            {
                "name": name,
                "title": _told(known[name].title),
                "unit": known[name].unit,
                "suspicious": str(known[name].suspicious),
                "known": round(float(profiles.values[name].notna().mean()), 4),
            }
            for name in columns
        ],
        "limits": [_both(f"training.card.limit_{name}") for name in LIMITS],
    }
    told["evaluation"] = None if evaluation is None else evaluation.as_dict()
    told["rankings"] = {} if evaluation is None else {name: _ranking(profiles, name) for name in evaluation.figures}
    told["groups"] = _groups(profiles, serving, served, evaluation)
    told["population"] = {name: figure.as_dict() for name, figure in (population or {}).items()}
    told["reasons"] = {name: round(value, 4) for name, value in (reasons or {}).items()}
    if evaluation is None:
        told["not_evaluated"] = _both("training.card.no_labels", reason=both(WHY[why_not]))
    return told


def _tables(profiles: Profiles, columns: Sequence[str]) -> list[str]:
    """Tables that the measures of the columns are read from."""
    kind = entities().get(profiles.entity)
    measures = {column.measure for column in profiles.columns if column.name in set(columns)}
    held = {} if kind is None else kind.measures
    return sorted({table for name in measures if name in held for table in held[name].view.needs})


def _groups(profiles: Profiles, serving: str, served: Floats, evaluation: Evaluation | None) -> dict[str, Any]:
    """Figures by level, region, ownership, kind and size; the rows as `fairness.by_group` gives them, with titles."""
    share = SHARE if evaluation is None else evaluation.budget
    unseen = labels = None
    if evaluation is not None:
        scores = evaluation.scores.reindex(profiles.values.index)
        unseen, labels = scores[serving].to_numpy(np.float64), scores["label"]
    kind = entities().get(profiles.entity)
    titles = {} if kind is None else kind.attribute_titles
    rows = [
        row
        | {
            "by_title": _told(_title(titles, row["by"])),
            "group_title": _told(_title(titles, row["by"], row["group"])),
        }
        for row in fairness.by_group(profiles, served, share, unseen, labels)
    ]
    return {"share": round(share, 6), "rows": rows}


def _title(titles: Mapping[str, Text], name: str, group: str | None = None) -> Text:
    """What a way to tell entities apart is called, or one of its groups."""
    if group == "":
        return both("training.card.group_unknown")
    if name == "size":
        return both("training.card.size" if group is None else f"training.card.size_{group}")
    own = name if group is None else group
    return titles.get(name if group is None else f"{name}={group}", Text(own, own))


def _ranking(profiles: Profiles, name: str) -> dict[str, str]:
    """What a ranking among the figures is, in words."""
    if name.startswith("total: "):
        return _both("training.card.ranking_total", title=profiles.column(name.removeprefix("total: ")).title)
    plain = both(f"training.card.name_{name.removesuffix(', rates only')}")
    return _both("training.card.ranking_rates", name=plain) if name.endswith(", rates only") else _told(plain)


def _chosen(serving: str, evaluation: Evaluation | None) -> dict[str, str]:
    """Why this detector serves and not another."""
    if evaluation is None:
        return _both(f"training.card.chosen_{serving}")
    found = {
        name: figures["average_precision"].value
        for name, figures in evaluation.figures.items()
        if name in DETECTORS and "average_precision" in figures
    }
    other = max((name for name in found if name != serving), key=lambda name: found[name], default=None)
    if other is None:
        return _both("training.card.chosen_alone", ours=both(f"training.card.name_{serving}"))
    names = {"ours": both(f"training.card.name_{serving}"), "other": both(f"training.card.name_{other}")}
    return _both("training.card.chosen_ranked", **names, a=f"{found[serving]:.3f}", b=f"{found[other]:.3f}")


def _both(key: str, **values: object) -> dict[str, str]:
    return _told(both(key, **values))


def _told(text: Text) -> dict[str, str]:
    return {"zh": text.zh, "en": text.en}
