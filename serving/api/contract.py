"""What OpenAPI says about all routes alike: how errors look, and what the API is."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

from serving.api.faults import PROBLEM
from serving.api.schemas import ProblemDetails
from serving.api.scopes import NEEDED

DESCRIPTION = """How far hospitals, doctors, bidders and tenders stand from their norm, why, and what was done about it.

Every call needs an API token (`Authorization: Bearer …`); one with scopes is good for the routes whose `x-scope` it
holds. Errors are problem details (RFC 9457) in the language of `Accept-Language`. Lists page by `cursor`; with
`updated_since` they can be followed. What changes a case names its version (or sends `If-Match`), and is done once
under one `Idempotency-Key`. Whoever may not see a case is answered as if it were not there."""

ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"model": ProblemDetails, "description": meaning}
    for status, meaning in {
        400: "The request is wrong.",
        401: "Nobody is signed in.",
        403: "This person may not.",
        404: "There is no such thing.",
        409: "It has changed, or its state forbids it.",
        413: "It is too large.",
        415: "It is not of a kind that is taken, or not of the kind that it says.",
        422: "Something is missing or not what it must be.",
        429: "Too much at a time.",
    }.items()
}


_SCHEMA = {"$ref": f"#/components/schemas/{ProblemDetails.__name__}"}


def install(app: FastAPI) -> None:
    """Say in the contract which scope a token needs (`x-scope`), and that errors come as problem details: FastAPI would
    write the media type of the route."""
    written = app.openapi

    def openapi() -> dict[str, Any]:
        told = written()
        for path, methods in told["paths"].items():
            for verb, operation in methods.items():
                needed = NEEDED.get(f"{verb.upper()} {path}")
                if needed is not None:
                    operation["x-scope"] = needed.value
                for status, answer in operation["responses"].items():
                    if status.isdecimal() and int(status) in ERRORS:
                        answer["content"] = {PROBLEM: {"schema": _SCHEMA}}
        return told

    app.openapi = openapi  # type: ignore[method-assign]
