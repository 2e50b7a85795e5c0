"""`/v1/people`: accounts, their roles and tokens; for administrators."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Self

from fastapi import APIRouter, Query, Request
from pydantic import Field
from sqlalchemy.orm import Session

from cases import bodies, people
from cases.people import Person
from cases.scopes import Scope
from cases.tables import Account
from cases.workflow import Role
from gnomon.errors import Fault
from serving.api import scopes
from serving.api.auth import Administrator, Anyone
from serving.api.paging import Cursor, Limit, Since, paged, since
from serving.api.schemas import Wire
from serving.api.state import serving_of

router = APIRouter(tags=["people"])


class MeOut(Wire):
    """Who is asking."""

    name: str
    display: str
    role: Role
    organisation: str | None


class GrantIn(Wire):
    """A role in one scene, in one body, or both."""

    role: Role
    scene: str = Field("*", min_length=1, max_length=80, description="`*` for all.")
    body: str = Field("*", min_length=1, max_length=200, description="`*` for all; that body's cases become visible.")


class GrantOut(GrantIn):
    """A role that a person has beside that of the account."""


class PersonOut(Wire):
    """One account; what its password is stands nowhere."""

    name: str
    display: str
    role: Role
    organisation: str | None
    disabled: bool
    signs_in: bool = Field(description="By password; else by token alone.")
    locked_until: datetime | None
    created_at: datetime
    grants: list[GrantOut]

    @classmethod
    def of(cls, session: Session, one: Account) -> Self:
        """From the account's row."""
        same = ("name", "display", "role", "organisation", "disabled", "locked_until", "created_at")
        held = bodies.grants(session, one.name)
        return cls(
            **{name: getattr(one, name) for name in same},
            signs_in=one.password is not None,
            grants=[GrantOut(role=Role(g.role), scene=g.scene, body=g.body) for g in held],
        )


class PeopleOut(Wire):
    """A page of accounts, by name."""

    items: list[PersonOut]
    cursor: str | None


class PersonIn(Wire):
    """A new account."""

    name: str = Field(min_length=1, max_length=80)
    role: Role
    display: str = Field("", max_length=200)
    organisation: str | None = Field(None, max_length=200, description="A registered body.")
    password: str | None = Field(None, max_length=400, description="Null: signs in by token alone.")


class PasswordIn(Wire):
    """Another password; whoever is signed in under the old one is signed out."""

    password: str = Field(min_length=1, max_length=400)


class TokenIn(Wire):
    """How long a token is good, and what for."""

    days: int = Field(people.TOKEN_DAYS, ge=1, le=people.TOKEN_DAYS)
    scopes: list[Scope] | None = Field(
        None, min_length=1, max_length=len(Scope), description="Null: all that the account's role may."
    )


class TokenOut(Wire):
    """A token; it is told this once."""

    token: str


class RevokedOut(Wire):
    """How many tokens were good before."""

    revoked: int


@router.get("/v1/me", summary="Who one is here")
def me(asking: Anyone) -> MeOut:
    """Account, role and body behind the token."""
    return MeOut(name=asking.name, display=asking.display, role=asking.role, organisation=asking.organisation)


@router.get("/v1/people", summary="Accounts")
def list_people(
    request: Request, _: Administrator, cursor: Cursor = None, limit: Limit = 50, updated_since: Since = None
) -> PeopleOut:
    """By name; `updated_since` leaves those made since then."""
    with serving_of(request).reading() as session:
        rows = since(people.everyone(session), updated_since, lambda one: one.created_at)
        page, following = paged(rows, lambda one: [one.name], cursor, limit)
        return PeopleOut(items=[PersonOut.of(session, one) for one in page], cursor=following)


@router.post("/v1/people", status_code=201, summary="Make an account")
def add(asked: PersonIn, request: Request, asking: Administrator) -> PersonOut:
    """409 when the name is taken; 404 when there is no such body."""
    with serving_of(request).session() as session:
        add_person(session, asking, asked.name, asked.role, asked.password, asked.display, asked.organisation)
        return _told(session, asked.name)


@router.get("/v1/people/{name}", summary="One account")
def one_person(name: str, request: Request, _: Administrator) -> PersonOut:
    """With the roles that it was granted."""
    with serving_of(request).reading() as session:
        return _told(session, name)


@router.post("/v1/people/{name}/disable", summary="Shut an account")
def disable(name: str, request: Request, asking: Administrator) -> PersonOut:
    """Its tokens go with it."""
    with serving_of(request).session() as session:
        shut(session, asking, name)
        return _told(session, name)


@router.post("/v1/people/{name}/enable", summary="Open an account again")
def enable(name: str, request: Request, asking: Administrator) -> PersonOut:
    """Its lock-out ends too."""
    with serving_of(request).session() as session:
        people.set_disabled(session, name, False, asking.actor)
        return _told(session, name)


@router.put("/v1/people/{name}/password", status_code=204, summary="Give an account another password")
def password(name: str, asked: PasswordIn, request: Request, asking: Administrator) -> None:
    """422 when it is too weak."""
    with serving_of(request).session() as session:
        people.set_password(session, name, asked.password, asking.actor)


@router.post("/v1/people/{name}/tokens", status_code=201, summary="A new token of a service account")
def issue(name: str, asked: TokenIn, request: Request, asking: Administrator) -> TokenOut:
    """For accounts of systems alone: a person's token would let an administrator act in their name. A token with
    scopes makes none that may do more."""
    given = None if asked.scopes is None else frozenset(asked.scopes)
    scopes.may_give(asking, given)
    with serving_of(request).session() as session:
        return TokenOut(token=token_of(session, asking, name, asked.days, given))


@router.delete("/v1/people/{name}/tokens", summary="Make all tokens of an account worthless")
def revoke(name: str, request: Request, asking: Administrator) -> RevokedOut:
    """From this moment on."""
    with serving_of(request).session() as session:
        return RevokedOut(revoked=people.revoke_tokens(session, name, asking.actor))


@router.put("/v1/people/{name}/grants", summary="Give a person another role in a scene or body")
def grant(name: str, asked: GrantIn, request: Request, asking: Administrator) -> PersonOut:
    """Again with the same scene and body replaces the role."""
    with serving_of(request).session() as session:
        bodies.grant(session, name, asked.role, asking.actor, asked.scene, asked.body)
        return _told(session, name)


@router.delete("/v1/people/{name}/grants", summary="Take such a role away")
def withdraw(
    name: str,
    request: Request,
    asking: Administrator,
    scene: Annotated[str, Query(max_length=80)] = bodies.ANY,
    body: Annotated[str, Query(max_length=200)] = bodies.ANY,
) -> PersonOut:
    """The role of the account itself stays."""
    with serving_of(request).session() as session:
        bodies.withdraw(session, name, asking.actor, scene, body)
        return _told(session, name)


def add_person(
    session: Session,
    asking: Person,
    name: str,
    role: Role,
    password: str | None,
    display: str = "",
    organisation: str | None = None,
) -> Person:
    """Make an account in a body that is registered, where bodies are."""
    if organisation and bodies.everyone(session):
        bodies.required(session, organisation)
    return people.add(session, name, role, asking.actor, password, display, organisation or None)


def token_of(
    session: Session, asking: Person, name: str, days: int = people.TOKEN_DAYS, given: Iterable[Scope] | None = None
) -> str:
    """A new token of a service account; a fault (403) for a person's."""
    if people.required(session, name).role is not Role.SERVICE:
        raise Fault("serving.people.token", place=name, status=403)
    return people.issue_token(session, name, asking.actor, days, given)


def shut(session: Session, asking: Person, name: str) -> None:
    """Shut an account; nobody shuts their own, for who would open it again."""
    if name == asking.name:
        raise Fault("serving.people.own", place=name, status=409)
    people.set_disabled(session, name, True, asking.actor)


def _told(session: Session, name: str) -> PersonOut:
    return PersonOut.of(session, people.account(session, name))
