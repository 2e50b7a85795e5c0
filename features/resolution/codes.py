"""Check digits of the identifiers that China gives to organisations and to persons."""

from __future__ import annotations

import re
import unicodedata
from datetime import date

CREDIT_DIGITS = "0123456789ABCDEFGHJKLMNPQRTUWXY"
"""GB 32100-2015: no I, O, S, V, Z."""
_CREDIT = re.compile(rf"^[1-9A-HJ-NP-RTUWXY][1-9A-HJ-NP-RTUWXY][0-9]{{6}}[{CREDIT_DIGITS}]{{10}}$")
_CITIZEN = re.compile(r"^[1-9]\d{5}(\d{4})(\d{2})(\d{2})\d{3}[\dX]$")
_CITIZEN_DIGITS = "10X98765432"


def plain(text: str) -> str:
    """An identifier in half width, upper case, without blanks and dashes."""
    return re.sub(r"[\s\-‐-―·]", "", unicodedata.normalize("NFKC", text)).upper()


def credit_check(seventeen: str) -> str:
    """Check digit of a unified social credit code (GB 32100-2015): modulo 31, weights 3^i modulo 31."""
    total = sum(CREDIT_DIGITS.index(digit) * pow(3, place, 31) for place, digit in enumerate(seventeen))
    return CREDIT_DIGITS[(31 - total % 31) % 31]


def credit_code(text: str | None) -> str | None:
    """The unified social credit code in plain form; None where it is none or its check digit is wrong.

    >>> credit_code("９１３５０１００Ｍ０００１００Ｙ４３")
    '91350100M000100Y43'
    """
    told = plain(text or "")
    return told if _CREDIT.match(told) and credit_check(told[:17]) == told[17] else None


def citizen_check(seventeen: str) -> str:
    """Check digit of a citizen identity number (GB 11643-1999): ISO 7064, MOD 11-2."""
    total = sum(int(digit) * pow(2, 17 - place, 11) for place, digit in enumerate(seventeen))
    return _CITIZEN_DIGITS[total % 11]


def citizen_id(text: str | None) -> str | None:
    """The identity number in plain form; None where its form, birth date or check digit is wrong.

    >>> citizen_id("11010519491231002x")
    '11010519491231002X'
    """
    told = plain(text or "")
    found = _CITIZEN.match(told)
    if found is None or citizen_check(told[:17]) != told[17]:
        return None
    try:
        born = date(*map(int, found.groups()))
    except ValueError:
        return None
    return told if 1800 <= born.year <= date.today().year else None
