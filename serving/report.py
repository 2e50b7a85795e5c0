"""One warning outside the console: lines for the terminal, and a page that carries its own style."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from gnomon.i18n import say
from gnomon.terms import Reason, Warned
from serving.quantities import number, quantity
from serving.reasons import kind_title, period

if TYPE_CHECKING:
    from serving.console.pages import Shown

WIDTH = 24
"""Characters of the longest bar."""


def lines(warned: Warned, fingerprint: str, language: str, read_as: str | None = None) -> Iterator[str]:
    """The warning as text: what, about whom, why, and what to check first.

    `read_as` is the entity that its record is read as by now, where it is another one.
    """

    def t(key: str, **values: object) -> str:
        return say(f"serving.{key}", language, **values)

    kind = t("console.random") if warned.random else t(f"console.severity.{warned.severity}")
    yield f"{warned.title.said_in(language)}  [{kind}]"
    yield f"{warned.entity_name}  ({kind_title(warned.entity_kind, language)} {warned.entity_id})"
    if read_as is not None:
        yield t("read_as", told=warned.entity_id, entity=read_as)
    made_on = f"{t('console.as_of')} {warned.as_of:%Y-%m-%d} · {t('console.lake_version')} {warned.lake_version}"
    if warned.inclusion is not None:
        yield f"{made_on} · {t('console.inclusion')} {warned.inclusion:.3g}"
        yield ""
        yield warned.advice.said_in(language)
        return
    yield f"{made_on} · {t('console.rarer_than', share=f'{warned.percentile:.1%}')}"
    yield f"{warned.model} · {warned.model_version} · {fingerprint[:16]}"
    yield ""
    yield t("console.why")
    longest = max((abs(reason.contribution) for reason in warned.reasons), default=1.0) or 1.0
    for reason in warned.reasons:
        yield from _reason(reason, longest, warned.as_of.date(), language)
    total = warned.score - warned.base
    yield ""
    yield (
        f"{t('console.base')} {warned.base:.3f} + {t('console.contributions')} {total:+.3f}"
        f" = {t('console.score')} {warned.score:.3f}  ({t('console.threshold')} {warned.threshold:.3f})"
    )
    if warned.counterfactual is not None:
        yield ""
        yield t("console.otherwise")
        yield f"  {warned.counterfactual.sentence.said_in(language)}"
    if warned.advice.said_in(language):
        yield ""
        yield t("console.check_first")
        yield f"  {warned.advice.said_in(language)}"


def _reason(reason: Reason, longest: float, as_of: date, language: str) -> Iterator[str]:
    bar = ("█" if reason.contribution >= 0 else "░") * max(1, round(abs(reason.contribution) / longest * WIDTH))
    yield f"  {reason.contribution:+9.3f} {bar}"
    yield f"            {reason.sentence.said_in(language)} {period(reason.measure, as_of).said_in(language)}".rstrip()
    if reason.norm is not None:
        low, high = (quantity(x, reason.unit).said_in(language) for x in (reason.norm.low, reason.norm.high))
        told = f"{say('serving.console.range', language)} {low} – {high}"
        if reason.deviation is not None:
            told += " · " + say("serving.console.deviation", language, z=number(reason.deviation))
        yield f"            {told}"
    for rows in reason.evidence:
        told = say("serving.console.rows_behind", language, table=rows.table, total=f"{rows.total:,}")
        more = " …" if rows.total > len(rows.ids[:5]) else ""
        yield f"            {told}: {', '.join(rows.ids[:5])}{more}"


def page(shown: Shown, language: str) -> str:
    """The warning as one HTML file without anything to fetch: to print, to attach, to keep."""
    from serving.console import pages

    style = Path(pages.__file__).with_name("static").joinpath("console.css").read_text(encoding="utf-8")
    return pages.standalone("report.html", language, shown=shown, style=style, loop_index=1)
