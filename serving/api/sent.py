"""What clients send as it is, files and exports: read up to a limit, and no further."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request

from cases.rectification import KINDS, LARGEST
from gnomon.errors import Fault

LARGEST_EXPORT = 64 * 2**20
"""Bytes of an export of another system."""


async def upto(request: Request, most: int) -> bytes:
    """The body of a request; a fault (413) as soon as it is more than `most` bytes."""
    told = request.headers.get("content-length", "")
    if told.isdecimal() and int(told) > most:
        raise _too_large(most)
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > most:
            raise _too_large(most)
        parts.append(part)
    return b"".join(parts)


async def _file(request: Request) -> bytes:
    return await upto(request, LARGEST)


async def _export(request: Request) -> bytes:
    return await upto(request, LARGEST_EXPORT)


def media_type(request: Request) -> str:
    """The kind of file that a request says it carries, without parameters."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def openly(*kinds: str) -> dict[str, object]:
    """How OpenAPI is told of a body that is a file."""
    content = {kind: {"schema": {"type": "string", "format": "binary"}} for kind in kinds}
    return {"requestBody": {"required": True, "content": content}}


def _too_large(most: int) -> Fault:
    return Fault("serving.api.too_large", place="body", status=413, most=most // 2**20)


File = Annotated[bytes, Depends(_file)]
Export = Annotated[bytes, Depends(_export)]
FILE = openly(*KINDS)
EXPORT = openly("text/csv", "application/json")
