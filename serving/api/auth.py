"""Who is asking: a bearer token or a signed-in browser. Nobody else gets past."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPBearer

from cases import people
from cases.people import Person
from cases.workflow import READERS, ROLES, Role
from gnomon.errors import Fault
from gnomon.terms import Text
from serving.api import scopes
from serving.api.faults import Unauthenticated
from serving.api.state import serving_of
from serving.console import session as sessions

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
CSRF_HEADER = "x-csrf-token"

bearer = HTTPBearer(auto_error=False, description="API token: `gnomon users token NAME`.")
"""Declares the scheme in OpenAPI; `person` reads the header itself."""


def person(request: Request) -> Person:
    """Who is asking; 401 when nobody can tell.

    A call that a browser's cookie vouches for and that changes something must carry the session's token in
    `X-CSRF-Token`, else another site could send it.
    """
    serving = serving_of(request)
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token:
        with serving.reading() as session:
            found = people.person_of_token(session, token.strip())
        if found is None:
            raise Unauthenticated
        scopes.check(request, found)
        return found
    found, browser = signed_in(request)
    if request.method not in SAFE:
        sessions.check_token(serving.settings, browser.nonce, request.headers.get(CSRF_HEADER))
    return found


def signed_in(request: Request) -> tuple[Person, sessions.Session]:
    """The person and session behind the browser's cookie; 401 when the account was shut or its password changed."""
    serving = serving_of(request)
    browser = sessions.read(request, serving.settings)
    if browser is None:
        raise Unauthenticated
    with serving.reading() as session:
        found = people.person(session, browser.user)
    if found is None or found.stamp != browser.stamp:
        raise Unauthenticated
    return found, browser


def reader(asking: Annotated[Person, Depends(person)]) -> Person:
    """Somebody who may read warnings, cases and scores."""
    if asking.role not in READERS:
        raise Fault("serving.auth.role", place=asking.name, status=403, role=ROLES[Role(asking.role)])
    return asking


def only(*roles: Role) -> Callable[[Person], Person]:
    """Makes the dependency that lets these roles past and answers 403 to the others."""

    def check(asking: Annotated[Person, Depends(person)]) -> Person:
        return required_role(asking, *roles)

    return check


def required_role(asking: Person, *roles: Role) -> Person:
    """The person, when theirs is one of these roles; 403 else."""
    if asking.role not in roles:
        titles = [ROLES[role] for role in roles]
        listed = Text("、".join(one.zh for one in titles), ", ".join(one.en for one in titles))
        raise Fault("serving.auth.only", place=asking.name, status=403, role=ROLES[Role(asking.role)], roles=listed)
    return asking


Anyone = Annotated[Person, Depends(person)]
Reader = Annotated[Person, Depends(reader)]
Administrator = Annotated[Person, Depends(only(Role.ADMINISTRATOR))]
Operator = Annotated[Person, Depends(only(Role.ADMINISTRATOR, Role.SERVICE))]
"""Those who run the deployment: people and the machines that act for them."""
WATCHERS = (Role.ADMINISTRATOR, Role.DATA_SCIENTIST, Role.SUPERVISOR)
"""Those who watch over models, feeds and runs."""
