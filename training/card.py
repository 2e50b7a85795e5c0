"""The model card: what a model was made from, what it was measured to do, what it must not be used for; zh and en."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from features.profiles import Profiles
from gnomon.i18n import both, say
from training.evaluate import Evaluation
from training.metrics import Figure

WHY = {
    "training.boosting.no_labels": "training.card.why.none",
    "training.boosting.one_class": "training.card.why.one_class",
    "training.boosting.too_few": "training.card.why.too_few",
}
LIMITS = ("selection", "unlabelled", "not_proof", "peers", "calibration")
STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1d2733}"
    "table{border-collapse:collapse;margin:.5rem 0}td,th{border-bottom:1px solid #d5dae0;padding:.3rem .8rem .3rem 0;"
    "text-align:left;vertical-align:top}small{color:#5b6673;white-space:nowrap}"
)
DETECTORS = ("boosting", "forest", "screens", "rarity")
METRICS = ("average_precision", "roc_auc", "precision_at_budget", "recall_at_budget", "balanced_accuracy")


def card(
    profiles: Profiles,
    serving: str,
    columns: Sequence[str],
    evaluation: Evaluation | None,
    why_not: str,
    reasons: Mapping[str, float] | None = None,
    population: Mapping[str, Figure] | None = None,
) -> dict[str, Any]:
    """The card as plain JSON values; `why_not` is the message key that says why no labels were learned from.

    `population` are the figures for all entities, where outcomes of random looks allow any.
    """
    known = {column.name: column for column in profiles.columns}
    told: dict[str, Any] = {
        "entity": profiles.entity,
        "detector": _both(f"training.card.{serving}"),
        "chosen": _chosen(serving, evaluation),
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
    told["population"] = {name: figure.as_dict() for name, figure in (population or {}).items()}
    told["reasons"] = {name: round(value, 4) for name, value in (reasons or {}).items()}
    if evaluation is None:
        told["not_evaluated"] = _both("training.card.no_labels", reason=both(WHY[why_not]))
    return told


def page(card: Mapping[str, Any], language: str) -> str:
    """The card as one HTML page that fetches nothing: to print, to attach, to keep with the model."""

    def t(key: str, **values: object) -> str:
        return escape(say(f"training.card.page.{key}", language, **values))

    parts = [f"<h1>{t('title', entity=card['entity'])}</h1><p>{escape(card['detector'][language])}</p>"]
    if "chosen" in card:
        parts.append(f"<p>{escape(card['chosen'][language])}</p>")
    facts = [(t(name), escape(str(card[name]))) for name in ("as_of", "lake_version", "entities")]
    parts.append(_table([], facts))
    parts.append(f"<h2>{t('figures')}</h2>")
    if card["evaluation"] is None:
        parts.append(f"<p>{escape(card['not_evaluated'][language])}</p>")
    else:
        told = card["evaluation"]
        parts.append(f"<p>{t('how', folds=told['folds'], n=told['entities'], positives=told['positives'])}</p>")
        rows = [
            (escape(name), *(_figure(figures.get(metric)) for metric in METRICS))
            for name, figures in told["figures"].items()
        ]
        parts.append(_table([t("ranking"), *(t(metric) for metric in METRICS)], rows))
    if card.get("population"):
        parts.append(f"<h2>{t('population')}</h2><p>{t('population_how')}</p>")
        parts.append(_table([], [(t(name), _figure(figure)) for name, figure in card["population"].items()]))
    reasons = card.get("reasons") or {}
    if reasons:
        parts.append(f"<h2>{t('reasons')}</h2>")
        names = [name for name in ("reason_stability", "reasons_for_80_percent") if name in reasons]
        parts.append(_table([], [(t(name), f"{reasons[name]:.2f}") for name in names]))
    parts.append(f"<h2>{t('limits')}</h2><ul>{''.join(f'<li>{escape(x[language])}</li>' for x in card['limits'])}</ul>")
    parts.append(f"<h2>{t('columns', n=len(card['columns']))}</h2>")
    rows = [
        (f"<code>{escape(one['name'])}</code>", escape(one["title"][language]), t(f"side_{one['suspicious']}"))
        for one in card["columns"]
    ]
    parts.append(_table([t("column"), t("meaning"), t("suspicious")], rows))
    head = f'<!doctype html><html lang="{language}"><meta charset="utf-8"><title>Gnomon</title><style>{STYLE}</style>'
    return head + "".join(parts) + "</html>\n"


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


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = f"<tr>{''.join(f'<th>{one}</th>' for one in heads)}</tr>" if heads else ""
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table>{head}{body}</table>"


def _figure(told: Mapping[str, float | None] | None) -> str:
    if told is None or told["value"] is None:
        return "–"
    if told["low"] is None or told["high"] is None:
        return f"{told['value']:.3f}"
    return f"{told['value']:.3f} <small>{told['low']:.3f} – {told['high']:.3f}</small>"


def _both(key: str, **values: object) -> dict[str, str]:
    text = both(key, **values)
    return {"zh": text.zh, "en": text.en}
