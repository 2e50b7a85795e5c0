"""A warning model drafted from the reasons of a case (以案建模): what was unusual there, asked of everybody.

The draft names nobody: it holds measures, values and peers. It is a beginning, and says what its author still owes.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import yaml

from catalogue.document import ID
from gnomon.errors import Fault, Misuse
from gnomon.i18n import both
from gnomon.terms import Reason, Text

SIGNS = 3
"""Conditions of a draft: more would describe the one case and no other."""
FAR = 3.5
"""Robust deviation from which a value is called far from its peers (Iglewicz and Hoaglin 1993)."""


@dataclass(frozen=True, slots=True)
class Sign:
    """One unusual value of the case, as a condition that others can meet too."""

    column: str
    condition: str
    value: float
    deviation: float | None
    median: float
    peers: int


def drafted(id: str, scene: str, scheme: str, entity: str, title: Text, reasons: Iterable[Reason], case: int) -> str:
    """The draft as the text of a YAML file.

    A fault (422) where no reason of the case lies outside what its peers have: there is nothing to ask others about.
    """
    if not ID.match(id):
        raise Misuse("catalogue.load.id", place="ID", id=id)
    signs = list(_signs(reasons))[:SIGNS]
    if not signs:
        raise Fault("catalogue.new.nothing", place=str(case), status=422)
    told: dict[str, Any] = {
        "id": id,
        "version": 1,
        "scene": scene,
        "stage": "draft",
        "entity": entity,
        "scheme": scheme,
        "detector": "rule",
        "title": _text("catalogue.draft.title", title=title),
        "meaning": _text("catalogue.draft.meaning", case=case),
        "advice": _text("catalogue.draft.advice"),
        "basis": [both("catalogue.draft.basis").zh],
        "needs": f"peers({signs[0].column}) >= 20",
        "when": " and ".join(sign.condition for sign in signs),
        "examples": [
            {"who": _text("catalogue.draft.like"), "given": _given(signs, like=True), "warns": True},
            {"who": _text("catalogue.draft.unlike"), "given": _given(signs, like=False), "warns": False},
            {"who": _text("catalogue.draft.unknown"), "given": {signs[0].column: None}, "warns": False},
        ],
    }
    body = yaml.safe_dump(told, allow_unicode=True, sort_keys=False, width=110)
    head = both("catalogue.draft.head", case=case)
    return f"# {head.zh}\n# {head.en}\n{body}"


def _signs(reasons: Iterable[Reason]) -> Iterable[Sign]:
    """What raised the score and lies outside the peers, the weightiest first."""
    for reason in sorted(reasons, key=lambda one: -one.contribution):
        value, norm, deviation = reason.value, reason.norm, reason.deviation
        if reason.contribution <= 0 or value is None or norm is None:
            continue
        condition = _condition(reason.measure, value, norm.low, norm.high, deviation)
        if condition:
            yield Sign(reason.measure, condition, value, deviation, norm.median, norm.n)


def _condition(column: str, value: float, low: float, high: float, deviation: float | None) -> str:
    if deviation is not None and abs(deviation) >= FAR:
        return f"deviation({column}) >= {FAR}" if deviation > 0 else f"deviation({column}) <= -{FAR}"
    if value > high:
        return f"{column} >= {_rounded(high + (value - high) / 2)}"
    return f"{column} <= {_rounded(low - (low - value) / 2)}" if value < low else ""


def _given(signs: Iterable[Sign], like: bool) -> dict[str, float]:
    """Values of the case itself, or of one like its peers in the first sign."""
    given: dict[str, float] = {}
    for number, sign in enumerate(signs):
        usual = not like and number == 0
        given[sign.column] = sign.median if usual else sign.value
        if sign.deviation is not None:
            given[f"deviation({sign.column})"] = 0.0 if usual else round(sign.deviation, 3)
        given[f"peers({sign.column})"] = max(sign.peers, 20)
    return given


def _rounded(value: float) -> float:
    """Three digits that matter: more would be the case itself.

    >>> _rounded(1234.5), _rounded(0.012345)
    (1230.0, 0.0123)
    """
    return value if value == 0 else round(value, 2 - math.floor(math.log10(abs(value))))


def _text(key: str, **values: object) -> dict[str, str]:
    told = both(key, **values)
    return {"zh": told.zh, "en": told.en}
