"""The model card as a page: to print, to attach, to keep with the model. It fetches nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from html import escape
from typing import Any, Protocol

from features.resolution.evaluate import wilson
from gnomon.i18n import say
from training.metrics import FEWEST_POSITIVES

STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1d2733}"
    "table{border-collapse:collapse;margin:.5rem 0}td,th{border-bottom:1px solid #d5dae0;padding:.3rem .8rem .3rem 0;"
    "text-align:left;vertical-align:top}small{color:#5b6673;white-space:nowrap}"
)
METRICS = ("average_precision", "roc_auc", "precision_at_budget", "recall_at_budget", "balanced_accuracy")


class _Say(Protocol):
    """Words of the page in its language."""

    def __call__(self, key: str, **values: object) -> str: ...


def page(card: Mapping[str, Any], language: str) -> str:
    """The card in one language. Cards of before lack some parts; those are left out."""

    def t(key: str, **values: object) -> str:
        return escape(say(f"training.card.page.{key}", language, **values))

    named = card.get("title", {}).get(language, card["entity"])
    parts = [f"<h1>{t('title', entity=named)}</h1><p>{escape(card['detector'][language])}</p>"]
    if "chosen" in card:
        parts.append(f"<p>{escape(card['chosen'][language])}</p>")
    parts += [_data(card, language, t), _figures(card, language, t), _groups(card, language, t)]
    if card.get("population"):
        parts.append(f"<h2>{t('population')}</h2><p>{t('population_how')}</p>")
        parts.append(_table([], [(t(name), _figure(figure)) for name, figure in card["population"].items()]))
    reasons = card.get("reasons") or {}
    if reasons:
        parts.append(f"<h2>{t('reasons')}</h2>")
        names = [name for name in ("reason_stability", "reasons_for_80_percent") if name in reasons]
        parts.append(_table([], [(t(name), f"{reasons[name]:.2f}") for name in names]))
    parts.append(f"<h2>{t('limits')}</h2><ul>{''.join(f'<li>{escape(x[language])}</li>' for x in card['limits'])}</ul>")
    parts.append(_columns(card, language, t))
    head = f'<!doctype html><html lang="{language}"><meta charset="utf-8"><title>Gnomon</title><style>{STYLE}</style>'
    return head + "".join(parts) + "</html>\n"


def _data(card: Mapping[str, Any], language: str, t: _Say) -> str:
    facts = [
        (t("as_of"), f"{datetime.fromisoformat(card['as_of']):%Y-%m-%d %H:%M} UTC"),
        (t("lake_version"), str(card["lake_version"])),
        (t("entities"), f"{card['entities']:,}"),
    ]
    told = card["evaluation"]
    if told is not None:
        honest = told["entities"] - told["positives"]
        facts.append((t("outcomes"), t("outcomes_told", confirmed=f"{told['positives']:,}", honest=f"{honest:,}")))
    if card.get("tables"):
        joined = "、" if language == "zh" else ", "
        facts.append((t("tables"), joined.join(escape(one["title"][language]) for one in card["tables"])))
    return _table([], facts)


def _figures(card: Mapping[str, Any], language: str, t: _Say) -> str:
    head = f"<h2>{t('figures')}</h2>"
    told = card["evaluation"]
    if told is None:
        return head + f"<p>{escape(card['not_evaluated'][language])}</p>"
    share, rate = f"{told['budget_share']:.0%}", f"{told['base_rate']:.3f}"
    how = t("how", folds=told["folds"], n=told["entities"], positives=told["positives"])
    names = card.get("rankings", {})
    rows = [
        (escape(names.get(name, {}).get(language, name)), *(_figure(figures.get(metric)) for metric in METRICS))
        for name, figures in told["figures"].items()
    ]
    table = _table([t("ranking"), *(t(metric) for metric in METRICS)], rows)
    return f"{head}<p>{how}</p>{table}<p>{t('budget', share=share)} {t('chance', rate=rate)}</p>" + _bands(told, t)


def _bands(told: Mapping[str, Any], t: _Say) -> str:
    """How well entities are ranked among those of their own size; nothing where no size is known."""
    bands = told.get("size_bands") or []
    rows = [
        (
            " – ".join(f"{end:,.0f}" if abs(end) >= 1000 else f"{end:,.4g}" for end in (one["from"], one["to"])),
            str(one["entities"]),
            str(one["positives"]),
            _ranked(one, t),
        )
        for one in bands
    ]
    heads = [t("band"), t("labelled"), t("confirmed"), t("roc_auc")]
    return f"<h3>{t('bands')}</h3>{_table(heads, rows)}" if rows else ""


def _ranked(band: Mapping[str, Any], t: _Say) -> str:
    if band["roc_auc"] is None:
        return "–"
    told = f"{band['roc_auc']:.3f}"
    if band.get("low") is None:
        return told
    few = "" if band["positives"] >= FEWEST_POSITIVES else f" {t('few_positives', least=FEWEST_POSITIVES)}"
    return f"{told} <small>[{band['low']:.3f}, {band['high']:.3f}]</small>{few}"


def _groups(card: Mapping[str, Any], language: str, t: _Say) -> str:
    told = card.get("groups") or {}
    rows = told.get("rows") or []
    if not rows:
        return ""
    judged = card["evaluation"] is not None
    heads = [t("by"), t("group"), t("entities"), t("asked")]
    heads += [t("confirmed"), t("honest"), t("false"), t("roc_auc")] if judged else []
    lines = []
    for one in rows:
        line = [escape(one[name][language]) for name in ("by_title", "group_title")]
        line += [f"{one['entities']:,}", _share(one["asked"], one["entities"])]
        if judged:
            line += [str(one["confirmed"]), str(one["honest"]), _share(one["false"], one["honest"])]
            line.append("–" if one["roc_auc"] is None else f"{one['roc_auc']:.3f}")
        lines.append(line)
    how = t("groups_how" if judged else "groups_asked", share=f"{told['share']:.0%}")
    return f"<h2>{t('groups')}</h2><p>{how}</p>{_table(heads, lines)}"


def _columns(card: Mapping[str, Any], language: str, t: _Say) -> str:
    rows = [
        (
            f"<code>{escape(one['name'])}</code>",
            escape(one["title"][language]),
            escape(one["unit"]),
            t(f"side_{one['suspicious']}"),
            f"{one['known']:.0%}" if "known" in one else "",
        )
        for one in card["columns"]
    ]
    heads = [t("column"), t("meaning"), t("unit"), t("suspicious"), t("known")]
    return f"<h2>{t('columns', n=len(card['columns']))}</h2>{_table(heads, rows)}"


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


def _share(part: int, whole: int) -> str:
    """A share with its 95% interval by Wilson (1927); nothing of nobody."""
    if not whole:
        return "–"
    low, high = wilson(part, whole)
    return f"{part / whole:.1%} <small>{low:.1%} – {high:.1%}</small>"
