"""Which language a request is answered in: the reader's own choice first, then what the browser asks for."""

from __future__ import annotations

from starlette.requests import HTTPConnection

from gnomon.terms import Language

COOKIE = "gnomon_language"


def language_of(request: HTTPConnection, default: str = Language.EN) -> str:
    """`zh` or `en`: the language cookie, else the first of the two in `Accept-Language`, else `default`."""
    chosen = request.cookies.get(COOKIE)
    if chosen in tuple(Language):
        return str(chosen)
    return accepted(request.headers.get("accept-language", ""), default)


def accepted(header: str, default: str = Language.EN) -> str:
    """The best of our languages in an `Accept-Language` header.

    >>> accepted("de, zh-CN;q=0.9, en;q=0.8"), accepted("en-GB"), accepted("fr"), accepted("zh;q=0.2, en;q=0.7")
    ('zh', 'en', 'en', 'en')
    """
    wanted: list[tuple[float, int, str]] = []
    for place, part in enumerate(header.split(",")):
        tag, _, weight = part.strip().partition(";q=")
        primary = tag.split("-")[0].lower()
        if primary in tuple(Language):
            try:
                wanted.append((-float(weight or 1), place, primary))
            except ValueError:
                continue
    return min(wanted)[2] if wanted else str(default)
