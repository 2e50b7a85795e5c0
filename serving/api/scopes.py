"""Which scope a token needs for which route. A route that does not stand here takes no token with scopes at all."""

from __future__ import annotations

from fastapi import Request

from cases.people import Person
from cases.scopes import SCOPES, Scope
from gnomon.errors import Fault

_READ_CASES = """
GET /v1/warnings
GET /v1/warnings/{key}
GET /v1/warnings/{key}/ties
GET /v1/cases
GET /v1/cases/{case_id}
GET /v1/cases/{case_id}/result
GET /v1/cases/{case_id}/attachments
GET /v1/attachments/{number}
GET /v1/searches
GET /v1/searches/{name}/cases
GET /v1/notices
GET /v1/circulars
GET /v1/lists/problems
GET /v1/lists/duties
GET /v1/lists/developments
GET /v1/forecasts
GET /v1/forecasts/calibration
GET /v1/funnel
GET /v1/totals
GET /v1/labels
GET /v1/changes/{feed}
GET /v1/suppressions
GET /v1/suppressions/{number}/warnings
GET /v1/bodies/kinds
GET /v1/bodies
GET /v1/routes
GET /v1/policies
"""
_WRITE_CASES = """
POST /v1/warnings/{key}/raise
POST /v1/cases
POST /v1/cases/next
POST /v1/cases/actions
POST /v1/cases/{case_id}/actions
POST /v1/cases/{case_id}/attachments
POST /v1/cases/{case_id}/package
PUT /v1/searches/{name}
DELETE /v1/searches/{name}
POST /v1/notices/read
POST /v1/circulars/{number}/acknowledge
POST /v1/suppressions
POST /v1/suppressions/{number}/approve
POST /v1/suppressions/{number}/lift
"""
_READ_TRAIL = """
GET /v1/trail
GET /v1/trail/verify
GET /v1/trail/bundle
"""
_READ_MODELS = """
GET /v1/models
GET /v1/catalogue
"""
_SCORE = """
POST /v1/score
POST /v1/jobs
GET /v1/jobs
GET /v1/jobs/{key}
GET /v1/jobs/{key}/results
POST /v1/jobs/{key}/cancel
"""
_EXCHANGE = """
GET /v1/warnings/rescreen
POST /v1/warnings/rescreen
POST /v1/packages
POST /v1/imports
"""
_OPERATE = """
GET /metrics
POST /v1/clock/tick
GET /v1/outbox
GET /v1/outbox/dead
POST /v1/outbox/dead/{number}/retry
POST /v1/outbox/endpoints/{name}/{switch}
"""
_ADMINISTER = """
POST /v1/bodies
PUT /v1/routes/{scene}
PUT /v1/policies/{name}
GET /v1/people
POST /v1/people
GET /v1/people/{name}
POST /v1/people/{name}/disable
POST /v1/people/{name}/enable
PUT /v1/people/{name}/password
POST /v1/people/{name}/tokens
DELETE /v1/people/{name}/tokens
PUT /v1/people/{name}/grants
DELETE /v1/people/{name}/grants
"""
FREE = frozenset({"GET /v1/me", "GET /v1/results", "GET /v1/trail/key"})
"""What every token may: who it is, what is published, the key that everybody checks signatures with."""
NEEDED: dict[str, Scope] = {
    route: scope
    for scope, routes in {
        Scope.READ_CASES: _READ_CASES,
        Scope.WRITE_CASES: _WRITE_CASES,
        Scope.READ_TRAIL: _READ_TRAIL,
        Scope.READ_MODELS: _READ_MODELS,
        Scope.SCORE: _SCORE,
        Scope.EXCHANGE: _EXCHANGE,
        Scope.OPERATE: _OPERATE,
        Scope.ADMINISTER: _ADMINISTER,
    }.items()
    for route in routes.split("\n")
    if route
}
"""By verb and path of a route."""


def check(request: Request, asking: Person) -> None:
    """Raise a fault (403) unless this person's token is good for this route; one without scopes is good for all."""
    if asking.scopes is None:
        return
    # HEAD is answered by the route of GET.
    method = "GET" if request.method == "HEAD" else request.method
    route = f"{method} {request.scope['route'].path}"
    if route in FREE:
        return
    needed = NEEDED.get(route)
    if needed is None or needed not in asking.scopes:
        meaning = "–" if needed is None else SCOPES[needed]
        raise Fault("serving.auth.scope", place=needed or route, status=403, scope=needed or "–", meaning=meaning)


def may_give(asking: Person, scopes: frozenset[Scope] | None) -> None:
    """Raise a fault (403) when a token with scopes is used to make one that may do more."""
    if asking.scopes is not None and (scopes is None or not scopes <= asking.scopes):
        raise Fault("serving.auth.scope_given", place="scopes", status=403)
