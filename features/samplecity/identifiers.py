"""Unified social credit codes (GB 32100-2015) with valid check characters."""

from __future__ import annotations

import numpy as np

ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
"""The 31 characters of a credit code; I, O, S, V and Z are left out because they are misread."""
_CODE_WEIGHTS = tuple(3**place % 31 for place in range(17))
_BODY_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)


def body_check(body: str) -> str:
    """Check character of an eight-digit organisation code (GB 11714).

    >>> body_check("12345678")
    '8'
    """
    told = 11 - sum(int(digit) * weight for digit, weight in zip(body, _BODY_WEIGHTS, strict=True)) % 11
    return {10: "X", 11: "0"}.get(told, str(told))


def code_check(first17: str) -> str:
    """Check character of a unified social credit code, from its first 17 characters."""
    told = sum(ALPHABET.index(sign) * weight for sign, weight in zip(first17, _CODE_WEIGHTS, strict=True)) % 31
    return ALPHABET[(31 - told) % 31]


def is_credit_code(code: str) -> bool:
    """Whether a code has 18 allowed characters and both its check characters are right.

    >>> is_credit_code("91350100M000100Y43")
    True
    >>> is_credit_code("91350100M000100Y44")
    False
    """
    if len(code) != 18 or any(sign not in ALPHABET for sign in code):
        return False
    body = code[8:16]
    body_right = not body.isdigit() or body_check(body) == code[16]
    return body_right and code_check(code[:17]) == code[17]


def credit_codes(rng: np.random.Generator, kind: str, regions: list[str], taken: set[str]) -> list[str]:
    """One fresh code per region; `kind` is the two-character class (91 firm, 12 public body, 52 private, 11 office)."""
    found = []
    for region in regions:
        while True:
            body = f"{rng.integers(10_000_000, 99_999_999)}"
            check = body_check(body)
            if body not in taken:
                taken.add(body)
                break
        first17 = f"{kind}{region}{body}{check}"
        found.append(first17 + code_check(first17))
    return found
