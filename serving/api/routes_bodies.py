"""`/v1/bodies` and `/v1/policies`: who takes part in the city's supervision, and how this deployment works."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from fastapi import APIRouter, Request
from pydantic import Field

from cases import bodies, policy
from cases.workflow import BODY_KINDS, BodyKind
from serving.api.auth import Administrator, Anyone
from serving.api.paging import Cursor, Limit, Since, paged, since
from serving.api.schemas import TextOut, Wire
from serving.api.schemas_cases import Names
from serving.api.state import serving_of

router = APIRouter(tags=["bodies"])


class KindOut(Wire):
    """A kind of body: the "1+9" kinds of supervision, departments and owner units."""

    kind: BodyKind
    title: TextOut


class BodyIn(Wire):
    """A body to be registered."""

    name: str = Field(min_length=1, max_length=200)
    kind: BodyKind
    parent: str | None = Field(None, max_length=200, description="The body that it is a department of.")
    oversight: bool = Field(False, description="Sees and may supervise every case.")


class BodyOut(BodyIn):
    """A registered body."""

    created_at: datetime
    scenes: list[str] = Field(description="Scenes whose new cases enter its queue.")


class BodiesOut(Wire):
    """A page of bodies, by name."""

    items: list[BodyOut]
    cursor: str | None


class RouteIn(Wire):
    """Bodies whose queues the new cases of a scene enter."""

    bodies: Names


class RouteOut(Wire):
    """One scene and the bodies that its new cases go to."""

    scene: str
    bodies: list[str]


class PolicyIn(Wire):
    """What a policy is to hold."""

    value: Any


class PolicyOut(Wire):
    """One decision about how this deployment works."""

    name: str
    value: Any
    default: Any
    meaning: TextOut


@router.get("/v1/bodies/kinds", summary="Kinds of bodies")
def kinds(_: Anyone) -> list[KindOut]:
    """Ten kinds of supervision, and the bodies that are supervised or regulate."""
    return [KindOut(kind=kind, title=TextOut.of(title)) for kind, title in BODY_KINDS.items()]


@router.get("/v1/bodies", summary="Registered bodies")
def list_bodies(
    request: Request, _: Anyone, cursor: Cursor = None, limit: Limit = 50, updated_since: Since = None
) -> BodiesOut:
    """By name."""
    with serving_of(request).reading() as session:
        routes = bodies.routes(session)
        rows = since(bodies.everyone(session), updated_since, lambda one: one.created_at)
        page, following = paged(rows, lambda one: [one.name], cursor, limit)
        items = [
            {**one.as_dict(), "scenes": [scene for scene, names in routes.items() if one.name in names]} for one in page
        ]
    return BodiesOut(items=[BodyOut.model_validate(one) for one in items], cursor=following)


@router.post("/v1/bodies", status_code=201, summary="Register a body")
def register(asked: BodyIn, request: Request, asking: Administrator) -> BodyOut:
    """From the first one on, each body sees the cases that it takes part in, and no others."""
    with serving_of(request).session() as session:
        made = bodies.register(session, asked.name, asked.kind, asking.actor, asked.parent, asked.oversight)
        return BodyOut.model_validate({**made.as_dict(), "scenes": []})


@router.get("/v1/routes", summary="Which scenes go to which bodies")
def list_routes(request: Request, _: Anyone) -> list[RouteOut]:
    """By scene."""
    with serving_of(request).reading() as session:
        return [RouteOut(scene=scene, bodies=names) for scene, names in bodies.routes(session).items()]


@router.put("/v1/routes/{scene}", summary="Send a scene's new cases to these bodies")
def route(scene: str, asked: RouteIn, request: Request, asking: Administrator) -> RouteOut:
    """And to no others; none: to the common pool."""
    with serving_of(request).session() as session:
        bodies.route(session, scene[:80], dict.fromkeys(asked.bodies), asking.actor)
        return RouteOut(scene=scene[:80], bodies=bodies.routes(session).get(scene[:80], []))


@router.get("/v1/policies", summary="How this deployment works")
def policies(request: Request, _: Anyone) -> list[PolicyOut]:
    """Every policy with its meaning; without a decision its default holds."""
    with serving_of(request).reading() as session:
        return [_policy(name, policy.get(session, name)) for name in policy.POLICIES]


@router.put("/v1/policies/{name}", summary="Set a policy")
def set_policy(name: str, asked: PolicyIn, request: Request, asking: Administrator) -> PolicyOut:
    """What it held before and after stands on the trail."""
    with serving_of(request).session() as session:
        policy.put(session, name, asked.value, asking.actor)
        return _policy(name, policy.get(session, name))


def _policy(name: str, value: Any) -> PolicyOut:
    known = policy.POLICIES[name]
    return PolicyOut(name=name, value=value, default=known.default, meaning=TextOut.of(known.meaning))
