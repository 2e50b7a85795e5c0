"""Requests that are sent twice and done once: the header `Idempotency-Key`.

What a key was used for stands on the trail, in the transaction of the change itself: a client that lost the answer
sends the same request again and is told the same numbers, whatever crashed in between.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Annotated, Any

from fastapi import Header
from sqlalchemy.orm import Session

from cases import audit
from cases.people import Person
from gnomon.errors import Fault

Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=200,
        description="Of the client's choice: the same request under the same key is done once.",
    ),
]


def once(
    session: Session, asking: Person, key: str | None, asked: Mapping[str, Any], do: Callable[[], dict[str, Any]]
) -> dict[str, Any]:
    """Do it, or tell what came of it when this person asked for it under this key before.

    Parameters
    ----------
    asked:
        The request, as plain JSON values; another one under the same key is a fault (422).
    do:
        Does it and tells the numbers of what it made: they go on the trail, so no names and no texts.
    """
    if key is None:
        return do()
    # Whoever comes second waits here until the first has done it.
    audit.begin(session)
    subject = audit.Subject("request", hashlib.sha256(f"{asking.name}\n{key}".encode()).hexdigest())
    digest = hashlib.sha256(audit.canonical(asked).encode()).hexdigest()
    for event in audit.events(session, subject):
        told = json.loads(event.after)
        if told["asked"] != digest:
            raise Fault("serving.api.key_reused", place="Idempotency-Key", status=422)
        made: dict[str, Any] = told["made"]
        return made
    made = do()
    audit.record(session, asking.actor, "request", subject, None, {"asked": digest, "made": made})
    return made
