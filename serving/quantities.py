"""How numbers are written for people: money, shares, days and counts, each the way its readers are used to."""

from __future__ import annotations

import math

from gnomon.terms import Text

SUFFIXES: dict[str, tuple[str, str]] = {
    "days": (" 天", " days"),
    "day": (" 天", " days"),
    "hours": (" 小时", " hours"),
    "hour": (" 小时", " hours"),
    "minutes": (" 分钟", " minutes"),
    "months": (" 个月", " months"),
    "years": (" 年", " years"),
    "bids": (" 次", " bids"),
    "tenders": (" 个", " tenders"),
    "patients": (" 人", " patients"),
    "people": (" 人", " people"),
    "rows": (" 条", " rows"),
    "x": (" 倍", "×"),
    "DDD/patient": (" DDD/人", " DDD per patient"),
    "DDD/100 visits": (" DDD/百人次", " DDD per 100 visits"),
    "volume/patient": (" /人", " per patient"),
    "lines/patient": (" 行/人", " lines per patient"),
    "claims/patient": (" 次/人", " claims per patient"),
    "counties/patient": (" 县/人", " counties per patient"),
    "claims/physician": (" 次/医师", " claims per physician"),
    "patients/physician": (" 人/医师", " patients per physician"),
    "stays/physician": (" 人次/医师", " stays per physician"),
    "diagnoses/claim": (" 种/次", " diagnoses per claim"),
    "procedures/stay": (" 种/次", " procedures per stay"),
    "requests/object": (" 件/个", " requests per object"),
    "payments/recipient": (" 次/人", " payments per recipient"),
    "cases/complaint": (" 件/件", " cases per complaint"),
}
"""Units that have a word of their own in each language. A unit that is not here is written as it is declared."""

SHARES = frozenset({"%", "share", "ratio", "percent"})
"""Units held as a fraction and read as a percentage."""

BARE = frozenset({"", "1", "count", "index", "number", "score", "z"})
"""Units that add nothing to the number."""

MONEY = frozenset({"CNY", "yuan", "元"})


def number(value: float) -> str:
    """A number with as many digits as a reader can use: about three that matter, thousands separated.

    >>> [number(x) for x in (1234567.8, 812.0, 35.24, 1.5, 0.01234, -3.0)]
    ['1,234,568', '812', '35.2', '1.5', '0.0123', '-3']
    """
    size = abs(value)
    if not math.isfinite(value):
        return "∞" if value > 0 else "-∞"
    if value == round(value) or size >= 1000:
        return f"{value:,.0f}".replace("-0", "0") if round(value) == 0 else f"{value:,.0f}"
    digits = 1 if size >= 10 else 2 if size >= 1 else 2 - math.floor(math.log10(size))
    return _trimmed(f"{value:,.{min(digits, 9)}f}")


def quantity(value: float | None, unit: str, *, bare: bool = False) -> Text:
    """A value with its unit in both languages; `bare` leaves the unit word out where the sentence has just said it.

    >>> quantity(35.2, "DDD").en, quantity(1234567, "CNY").zh, quantity(0.256, "share").en
    ('35.2 DDD', '123.5 万元', '25.6%')
    >>> quantity(None, "CNY")
    Text(zh='未知', en='unknown')
    """
    if value is None or math.isnan(value):
        return Text("未知", "unknown")
    if unit in MONEY:
        return _money(value)
    if unit in SHARES:
        told = f"{number(value * 100)}%"
        return Text(told, told)
    told = number(value)
    if unit in BARE or (bare and unit not in SUFFIXES):
        return Text(told, told)
    zh, en = SUFFIXES.get(unit, (f" {unit}", f" {unit}"))
    return Text(told + zh, told + en)


def times(ratio: float) -> str:
    """A multiple: one decimal up to a hundred, none above.

    >>> times(23.42), times(2.0), times(1234.4)
    ('23.4', '2', '1,234')
    """
    return f"{ratio:,.0f}" if ratio >= 100 else _trimmed(f"{ratio:.1f}")


def _money(value: float) -> Text:
    size = abs(value)
    if size >= 1e8:
        zh = f"{_trimmed(f'{value / 1e8:,.2f}')} 亿元"
    elif size >= 1e4:
        zh = f"{_trimmed(f'{value / 1e4:,.1f}')} 万元"
    else:
        zh = f"{_cents(value)} 元"
    if size >= 1e9:
        en = f"CNY {_trimmed(f'{value / 1e9:,.2f}')} billion"
    elif size >= 1e6:
        en = f"CNY {_trimmed(f'{value / 1e6:,.2f}')} million"
    else:
        en = f"CNY {_cents(value)}"
    return Text(zh, en)


def _cents(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 or value == round(value) else f"{value:,.2f}"


def _trimmed(told: str) -> str:
    return told.rstrip("0").rstrip(".") if "." in told else told
