"""HTTP services that answer with JSON, page by page: by number, offset, cursor or Link header, within bounds."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any, Literal
from urllib.error import HTTPError, URLError
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit, urlunsplit
from urllib.request import HTTPRedirectHandler, OpenerDirector, Request, build_opener

from gnomon.errors import Fault, Misuse

TRIES = 3
_NEXT = re.compile(r'<([^>]+)>\s*;[^,]*\brel="?next"?')
_WAITED_FOR = {429, 502, 503, 504}


@dataclass(frozen=True)
class Service:
    """Where to ask, and how the answer is paged."""

    url: str
    place: str
    parameters: Mapping[str, str]
    headers: Mapping[str, str]
    items: str
    by: Literal["none", "number", "offset", "cursor", "link"]
    parameter: str
    first: int
    size: int
    next: str
    pages: int
    timeout: float
    largest: int


class _SameHost(HTTPRedirectHandler):
    """Follows redirects within the host only: headers may carry a token."""

    def redirect_request(self, req: Request, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Request | None:
        if urlsplit(newurl)[:2] != urlsplit(req.full_url)[:2]:
            raise HTTPError(req.full_url, code, "redirected to another host", headers, fp)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def pages(service: Service, wait: Callable[[float], None] = time.sleep) -> Iterator[list[dict[str, Any]]]:
    """Objects of each page, nested ones flattened to `outer.inner`.

    Ends at the first page without objects, without a next cursor or link, or shorter than the page size.

    Raises
    ------
    Misuse
        When the address is not http or https.
    Fault
        When the service fails, answers without the list, repeats a page, or has more pages than declared.
    """
    if urlsplit(service.url).scheme not in ("http", "https"):
        raise Misuse("features.http.scheme", place=service.place, url=service.url)
    opener = build_opener(_SameHost)
    url: str | None = _with(service.url, dict(service.parameters))
    seen: set[str] = set()
    place, read = service.first, 0
    if url is not None and service.by in ("number", "offset"):
        url = _with(url, {service.parameter: str(place)})
    while url is not None:
        if len(seen) >= service.pages or url in seen:
            key = "features.http.again" if url in seen else "features.http.pages"
            raise Fault(key, place=service.place, pages=service.pages)
        seen.add(url)
        answer, link = _asked(opener, url, service, wait)
        rows = _list_in(answer, service)
        read += len(rows)
        yield [_flat(row) for row in rows]
        url = _next(service, url, answer, link, len(rows), service.first + len(seen), read)


def _next(service: Service, url: str, answer: Any, link: str, rows: int, number: int, read: int) -> str | None:
    if service.by == "link":
        found = _NEXT.search(link)
        told = urljoin(url, found.group(1)) if found else None
        if told is not None and urlsplit(told)[:2] != urlsplit(url)[:2]:
            raise Fault("features.http.host", place=service.place, url=told)
        return told
    if service.by == "cursor":
        cursor = _at(answer, service.next)
        return _with(url, {service.parameter: str(cursor)}) if cursor not in (None, "", False) else None
    if service.by == "none" or rows == 0 or (service.size and rows < service.size):
        return None
    return _with(url, {service.parameter: str(number if service.by == "number" else service.first + read)})


def _asked(opener: OpenerDirector, url: str, service: Service, wait: Callable[[float], None]) -> tuple[Any, str]:
    request = Request(url, headers={"Accept": "application/json", **service.headers})
    for turn in range(1, TRIES + 1):
        try:
            with opener.open(request, timeout=service.timeout) as answer:
                body = answer.read(service.largest + 1)
                link = ", ".join(answer.headers.get_all("Link") or [])
            break
        except HTTPError as wrong:
            wrong.close()
            if wrong.code not in _WAITED_FOR or turn == TRIES:
                raise Fault("features.http.status", place=service.place, status_told=wrong.code) from None
        except (URLError, HTTPException, TimeoutError, ConnectionError) as wrong:
            if turn == TRIES:
                why = str(getattr(wrong, "reason", wrong)) or type(wrong).__name__
                raise Fault("features.http.unreachable", place=service.place, why=why) from None
        wait(0.5 * 2**turn)
    if len(body) > service.largest:
        raise Fault("features.http.large", place=service.place, largest=service.largest)
    try:
        return json.loads(body), link
    except ValueError:
        raise Fault("features.http.json", place=service.place) from None


def _list_in(answer: Any, service: Service) -> list[dict[str, Any]]:
    told = _at(answer, service.items) if service.items else answer
    if not isinstance(told, list) or any(not isinstance(one, dict) for one in told):
        raise Fault("features.http.items", place=service.place, items=service.items or ".")
    return told


def _at(told: Any, path: str) -> Any:
    for name in path.split("."):
        told = told.get(name) if isinstance(told, dict) else None
    return told


def _flat(row: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in row.items():
        if isinstance(value, dict):
            flat |= _flat(value, f"{before}{name}.")
        else:
            flat[before + name] = value
    return flat


def _with(url: str, parameters: Mapping[str, str]) -> str:
    parts = urlsplit(url)
    told = {**dict(parse_qsl(parts.query, keep_blank_values=True)), **parameters}
    return urlunsplit((*parts[:3], urlencode(told), ""))
