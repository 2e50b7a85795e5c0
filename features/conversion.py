"""Text to the contract's types, a column at a time: what cannot be read is null and marked, never guessed."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features.contracts.column import ARROW, Column

WIDE = str.maketrans("０１２３４５６７８９．－＋", "0123456789.-+", ",，' ")
NUMBER = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?$"
PLAIN_NUMBER = r"^[+-]?\d{1,18}(\.\d{1,18})?$"
DAY = r"^(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})$"
CHINESE_DAY = r"^(\d{4})年(\d{1,2})月(\d{1,2})日$"
MONTH = r"^(\d{4})(?:[-/.年]?)(\d{1,2})月?$"
CLOCK = r"[T ](\d{2}(?::\d{2}(?::\d{2}(?:\.\d{1,9})?)?)?)"
MOMENT = rf"^(\d{{4}})[-/](\d{{1,2}})[-/](\d{{1,2}}){CLOCK}$"
ZONED = rf"^(\d{{4}})-(\d{{2}})-(\d{{2}}){CLOCK} ?(Z|[+-]\d{{2}}:?\d{{2}})$"
TRUE, FALSE = ("true", "1", "1.0", "yes", "y", "是"), ("false", "0", "0.0", "no", "n", "否")
MICRO = pa.timestamp("us")
STEADY = {"Asia/Shanghai": (694_224_000_000_000, pa.scalar(8 * 3_600_000_000, pa.duration("us")))}
"""Microsecond of 1970 from which a zone's clocks have always been as far ahead: China kept summer time last in 1991.
Asking the calendar of the zone for each moment would take most of the time of reading it."""
MONEY = ARROW["money"]
MONEY_LIMIT = Decimal(10) ** 16


@dataclass(frozen=True, slots=True)
class Reading:
    """How a column's text is meant."""

    date: str = ""
    zone: str = "Asia/Shanghai"
    scale: Decimal | None = None
    loose_numbers: bool = False
    separator: str = ""


def convert(texts: pa.Array, column: Column, how: Reading) -> pa.Array:
    """The column in its contract type; null where the text is null or does not say such a value."""
    if pa.types.is_list(texts.type) and column.type != "list":
        texts = pc.binary_join(texts, ";")
    return _READERS.get(column.type, _text)(texts, column, how)


def _text(texts: pa.Array, _column: Column, _how: Reading) -> pa.Array:
    return texts


def _enum(texts: pa.Array, column: Column, _how: Reading) -> pa.Array:
    return _where(pc.is_in(texts, pa.array(column.values, pa.string())), texts) if column.values else texts


def _month(texts: pa.Array, _column: Column, _how: Reading) -> pa.Array:
    """YYYY-MM from 2024-02, 202402, 2024/2 and 2024年2月."""
    parts = _where(pc.match_substring_regex(texts, MONTH), texts)
    told = pc.replace_substring_regex(parts, MONTH, r"\1-0\2")
    told = pc.replace_substring_regex(told, r"-0(\d{2})$", r"-\1")
    return _where(pc.match_substring_regex(told, r"^\d{4}-(0[1-9]|1[0-2])$"), told)


def _bool(texts: pa.Array, _column: Column, _how: Reading) -> pa.Array:
    lower = pc.utf8_lower(texts)
    known = pc.is_in(lower, pa.array([*TRUE, *FALSE]))
    return _where(known, pc.is_in(lower, pa.array(TRUE)))


def _list(texts: pa.Array, _column: Column, how: Reading) -> pa.Array:
    if pa.types.is_list(texts.type):
        return texts.cast(ARROW["list"])
    coded = texts.dictionary_encode()
    lists = [_items(text, how.separator) for text in coded.dictionary.to_pylist()]
    return pa.array(lists, ARROW["list"]).take(coded.indices)


def _items(text: str, separator: str) -> list[str] | None:
    if text.startswith("[") and not separator:
        try:
            return [str(item) for item in json.loads(text)]
        except ValueError:
            return None
    if not separator:
        text = text.replace("；", ";")
    return [item.strip() for item in text.split(separator or ";") if item.strip()]


def _int(texts: pa.Array, _column: Column, how: Reading) -> pa.Array:
    texts = _digits(texts, how)
    # Arrow's own reader would take hexadecimal digits, too.
    if how.scale is None and not _names_x(texts) and (numbers := _at_once(texts, pa.int64())) is not None:
        return numbers
    whole = pc.replace_substring_regex(texts, r"^(\+)?([+-]?\d{1,18})(\.0*)?$", r"\2")
    there = _where(pc.match_substring_regex(whole, r"^-?\d{1,18}$"), whole).cast(pa.int64())
    if how.scale is None:
        return there
    return pc.round(pc.multiply(there.cast(pa.float64()), float(how.scale))).cast(pa.int64())


def _float(texts: pa.Array, _column: Column, how: Reading) -> pa.Array:
    texts = _digits(texts, how)
    numbers = _at_once(texts, pa.float64())
    if numbers is not None and pc.all(pc.is_finite(numbers)).as_py() is not False:
        return numbers if how.scale is None else pc.multiply(numbers, float(how.scale))
    values = _where(pc.match_substring_regex(texts, NUMBER), texts).cast(pa.float64())
    values = _where(pc.is_finite(values), values)
    return values if how.scale is None else pc.multiply(values, float(how.scale))


def _money(texts: pa.Array, _column: Column, how: Reading) -> pa.Array:
    """Two decimals, halves rounded away from zero; beyond 16 digits before the point it is no amount."""
    texts = _digits(texts, how)
    factor = how.scale if how.scale is not None else Decimal(1)
    if factor == 1 and (amounts := _at_once(texts, MONEY)) is not None:
        return amounts
    plain = pc.fill_null(pc.match_substring_regex(texts, PLAIN_NUMBER), False)
    wide = _where(plain, texts).cast(pa.decimal256(40, 18))
    if factor != 1:
        wide = pc.multiply(wide, pa.scalar(factor.quantize(Decimal("1e-12")), pa.decimal256(30, 12)))
    rounded = pc.round(wide, 2, round_mode="half_towards_infinity")
    limit = pa.scalar(MONEY_LIMIT, pa.decimal256(20, 0))
    fits = pc.less(pc.abs(rounded), limit)
    values = _where(fits, rounded).cast(MONEY)
    odd = pc.and_(pc.invert(plain), pc.fill_null(pc.match_substring_regex(texts, NUMBER), False))
    if not pc.any(odd).as_py():
        return values
    rare = pa.array([_rounded(text, factor) for text in texts.filter(odd).to_pylist()], MONEY)
    return pc.replace_with_mask(values, odd, rare)


def _rounded(text: str, factor: Decimal) -> Decimal | None:
    value = Decimal(text) * factor
    return value.quantize(Decimal("0.01"), ROUND_HALF_UP) if abs(value) < MONEY_LIMIT else None


def _date(texts: pa.Array, column: Column, how: Reading) -> pa.Array:
    if how.date:
        moments = _declared(texts, how)
        if how.date == "unix_seconds":
            moments = pc.local_timestamp(pc.assume_timezone(moments, "UTC").cast(pa.timestamp("us", tz=how.zone)))
        return moments.cast(pa.date32())
    if (days := _at_once(texts, pa.date32())) is not None:
        return days
    whole = _days(texts)
    rest = pc.and_(pc.is_null(whole), pc.is_valid(texts))
    if not pc.any(rest).as_py():
        return whole.cast(pa.date32())
    moments = _time(texts, column, how).cast(pa.timestamp("us", tz=how.zone))
    return pc.coalesce(whole, pc.floor_temporal(pc.local_timestamp(moments), unit="day")).cast(pa.date32())


def _time(texts: pa.Array, _column: Column, how: Reading) -> pa.Array:
    if how.date:
        moments = _declared(texts, how)
        zone = "UTC" if how.date == "unix_seconds" else how.zone
        return _utc(moments, zone)
    if (local := _at_once(texts, MICRO)) is not None:
        return _utc(local, how.zone)
    if (moments := _at_once(texts, ARROW["ts"])) is not None:
        return moments
    local = pc.coalesce(_days(texts), _moments(texts, MOMENT))
    told = _utc(local, how.zone)
    rest = pc.and_(pc.is_null(local), pc.is_valid(texts))
    if not pc.any(rest).as_py():
        return told
    return pc.coalesce(told, _zoned(texts))


def _utc(local: pa.Array, zone: str) -> pa.Array:
    since, ahead = STEADY.get(zone, (None, None))
    earliest = pc.min(local).value
    if since is not None and earliest is not None and earliest >= since:
        return pc.subtract(local, ahead).cast(ARROW["ts"])
    placed = pc.assume_timezone(local, zone, ambiguous="earliest", nonexistent="latest")
    return placed.cast(ARROW["ts"])


def _days(texts: pa.Array) -> pa.Array:
    """Midnights of whole days: 2024-01-05, 2024/1/5, 2024年1月5日."""
    return pc.coalesce(*(_parsed(_padded(texts, pattern), "%Y-%m-%d") for pattern in (DAY, CHINESE_DAY)))


def _moments(texts: pa.Array, pattern: str) -> pa.Array:
    days = _padded(texts, pattern)
    clock = _where(pc.is_valid(days), pc.replace_substring_regex(texts, pattern, r"\4"))
    for length in (2, 5):
        short = pc.equal(pc.utf8_length(clock), length)
        clock = pc.if_else(short, pc.binary_join_element_wise(clock, ":00", ""), clock)
    seconds = _parsed(pc.binary_join_element_wise(days, pc.utf8_slice_codeunits(clock, 0, 8), " "), "%Y-%m-%d %H:%M:%S")
    # Arrow's parser knows no fractions of a second.
    fraction = pc.utf8_slice_codeunits(pc.utf8_rpad(pc.utf8_slice_codeunits(clock, 9), 6, "0"), 0, 6)
    return pc.add(seconds, fraction.cast(pa.int64()).cast(pa.duration("us")))


def _zoned(texts: pa.Array) -> pa.Array:
    local = _moments(texts, ZONED)
    shift = _where(pc.is_valid(local), pc.replace_substring_regex(texts, ZONED, r"\5"))
    shift = pc.replace_substring(pc.if_else(pc.equal(shift, "Z"), "+0000", shift), ":", "")
    minutes = pc.add(
        pc.multiply(pc.utf8_slice_codeunits(shift, 1, 3).cast(pa.int64()), 60),
        pc.utf8_slice_codeunits(shift, 3, 5).cast(pa.int64()),
    )
    minutes = pc.if_else(pc.starts_with(shift, "-"), pc.negate(minutes), minutes)
    return _utc(pc.subtract(local, pc.multiply(minutes, 60_000_000).cast(pa.duration("us"))), "UTC")


def _padded(texts: pa.Array, pattern: str) -> pa.Array:
    """YYYY-MM-DD from the three groups that open `pattern`; null where the text is not of that form."""
    found = _where(pc.match_substring_regex(texts, pattern), texts)
    spread = pc.replace_substring_regex(found, pattern, r"\1-0\2-0\3")
    return pc.replace_substring_regex(spread, r"-0(\d{2})", r"-\1")


def _parsed(texts: pa.Array, pattern: str) -> pa.Array:
    """Moments; a day that no calendar has (31 February) is null, where the parser would roll it over."""
    moments = pc.strptime(texts, pattern, "us", error_is_null=True)
    back = pc.strftime(moments.cast(pa.timestamp("s")), pattern)
    return _where(pc.equal(_unpadded(back), _unpadded(texts)), moments)


def _unpadded(texts: pa.Array) -> pa.Array:
    return pc.utf8_lower(pc.replace_substring_regex(texts, r"(^|\D)0+(\d)", r"\1\2"))


def _declared(texts: pa.Array, how: Reading) -> pa.Array:
    """Local moments (UTC for Unix seconds) by the declared way of writing dates."""
    if how.date == "unix_seconds":
        return _whole(texts, 12).cast(pa.timestamp("s")).cast(MICRO)
    if how.date == "year":
        return _parsed(pc.binary_join_element_wise(_whole(texts, 4).cast(pa.string()), "-01-01", ""), "%Y-%m-%d")
    if how.date.startswith("days since "):
        days = (date.fromisoformat(how.date.removeprefix("days since ")) - date(1970, 1, 1)).days
        return pc.add(_whole(texts, 7), days).cast(pa.int32()).cast(pa.date32()).cast(MICRO)
    return _parsed(texts, how.date)


def _whole(texts: pa.Array, digits: int) -> pa.Array:
    whole = pc.replace_substring_regex(texts, r"^(-?\d+)\.0*$", r"\1")
    return _where(pc.match_substring_regex(whole, rf"^-?\d{{1,{digits}}}$"), whole).cast(pa.int64())


def _digits(texts: pa.Array, how: Reading) -> pa.Array:
    if not how.loose_numbers:
        return texts
    coded = texts.dictionary_encode()
    return pa.array([text.translate(WIDE) for text in coded.dictionary.to_pylist()], pa.string()).take(coded.indices)


def _at_once(texts: pa.Array, kind: pa.DataType) -> pa.Array | None:
    """The whole column by Arrow's own reader, which is several times faster; None when it stumbles over any value."""
    try:
        return texts.cast(kind)
    except pa.ArrowInvalid:
        return None


def _names_x(texts: pa.Array) -> bool:
    held = texts.buffers()[2] if len(texts) else None
    return held is not None and bool(((np.frombuffer(held, np.uint8) | 0x20) == ord("x")).any())


def _where(good: pa.Array, values: pa.Array) -> pa.Array:
    return pc.if_else(pc.fill_null(good, False), values, pa.scalar(None, values.type))


_READERS: dict[str, Callable[[Any, Column, Reading], Any]] = {
    "enum": _enum,
    "month": _month,
    "bool": _bool,
    "list": _list,
    "int": _int,
    "decimal": _float,
    "ratio": _float,
    "money": _money,
    "date": _date,
    "ts": _time,
}
