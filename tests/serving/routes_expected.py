"""What every route and verb owes to people of another body, declared one by one; a route that is not here fails.

Values in braces stand for things of body A (see `Things` in `test_isolation_http`), which people of body B ask for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from cases.workflow import READERS, Role


class How(StrEnum):
    """What people of B get."""

    OPEN = "open"
    """The same for everybody: nothing of any body in it."""
    HIDDEN = "hidden"
    """Names a thing of A: 404, or 403 for the role; nothing has changed, and nothing is on the trail."""
    SHOWN = "shown"
    """A list or a count: answered to the roles named, 403 to the others, and nothing of A is in it."""
    OWN = "own"
    """Changes something of B, or nothing: whatever comes of it, A's things stay, and nothing of A is told."""
    OVERSIGHT = "oversight"
    """For those who see all cases: 403 for everybody of B but administrators."""


ADMINISTRATORS = frozenset({Role.ADMINISTRATOR})
ANY = frozenset(Role)


@dataclass(frozen=True)
class Expected:
    """One request to one route, and what comes of it."""

    how: How
    roles: frozenset[Role] = READERS
    path: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    json: Any = None
    form: Mapping[str, Any] | None = None
    content: bytes | None = None
    kind: str = "application/octet-stream"


def hidden(**asked: Any) -> Expected:
    return Expected(How.HIDDEN, **asked)


def shown(roles: frozenset[Role] = READERS, **asked: Any) -> Expected:
    return Expected(How.SHOWN, roles, **asked)


def own(**asked: Any) -> Expected:
    return Expected(How.OWN, **asked)


def administered(**asked: Any) -> Expected:
    return Expected(How.SHOWN, ADMINISTRATORS, **asked)


OPEN = Expected(How.OPEN)
CASE = {"case_id": "{case}"}
NOTE = {"action": "note", "version": "{version}", "reason": "x"}
SUPPRESS = {"entity_kind": "institution", "entity_id": "H1", "reason": "x"}
IMPORTERS = frozenset({Role.SUPERVISOR, Role.SERVICE})
WATCHERS = frozenset({Role.ADMINISTRATOR, Role.DATA_SCIENTIST, Role.SUPERVISOR})
SPEAKERS = frozenset({Role.AUDITOR, Role.SUPERVISOR, Role.HANDLER, Role.LIAISON})

API = {
    "GET /openapi.json": OPEN,
    "HEAD /openapi.json": OPEN,
    "GET /healthz": OPEN,
    "GET /readyz": OPEN,
    "GET /metrics": shown(frozenset({Role.ADMINISTRATOR, Role.SERVICE})),
    "GET /v1/models": shown(),
    "GET /v1/catalogue": shown(),
    "GET /v1/me": shown(ANY),
    "POST /v1/score": own(json={"entity": "institution", "ids": ["H1"]}),
    "POST /v1/jobs": own(json={"entity": "institution", "ids": ["H1"]}),
    "GET /v1/jobs": shown(),
    "GET /v1/jobs/{key}": hidden(path={"key": "{job}"}),
    "GET /v1/jobs/{key}/results": hidden(path={"key": "{job}"}),
    "POST /v1/jobs/{key}/cancel": hidden(path={"key": "{job}"}),
    "GET /v1/warnings": shown(),
    "GET /v1/warnings/{key}": hidden(path={"key": "{warning}"}),
    "GET /v1/warnings/{key}/ties": hidden(path={"key": "{warning}"}),
    "POST /v1/warnings/{key}/raise": hidden(path={"key": "{hidden}"}, json={"reason": "x"}),
    "GET /v1/warnings/rescreen": shown(IMPORTERS, query={"system": "省平台"}),
    "POST /v1/warnings/rescreen": own(
        json={
            "system": "B",
            "warnings": [
                {"id": "1", "title": "t", "scene": "s", "scheme": "s", "entity_kind": "supplier", "entity_id": "S1"}
            ],
        }
    ),
    "GET /v1/cases": shown(),
    "POST /v1/cases": own(
        json={"title": {"zh": "本局事项", "en": "own"}, "description": "x", "scene": "s", "scheme": "s"}
    ),
    "POST /v1/cases/next": own(json={}),
    "POST /v1/cases/actions": own(
        json={"action": "note", "reason": "x", "cases": [{"case_id": "{case}", "version": "{version}"}]}
    ),
    "GET /v1/cases/{case_id}": hidden(path=CASE),
    "GET /v1/cases/{case_id}/result": hidden(path={"case_id": "{closed}"}),
    "POST /v1/cases/{case_id}/actions": hidden(path=CASE, json=NOTE),
    "GET /v1/cases/{case_id}/attachments": hidden(path=CASE),
    "POST /v1/cases/{case_id}/attachments": hidden(path=CASE, query={"name": "a.txt"}, content=b"x", kind="text/plain"),
    "GET /v1/attachments/{number}": hidden(path={"number": "{attachment}"}),
    "GET /v1/searches": shown(),
    "PUT /v1/searches/{name}": own(path={"name": "mine too"}, json={"owner": "mine"}),
    "DELETE /v1/searches/{name}": own(path={"name": "{search}"}),
    "GET /v1/searches/{name}/cases": hidden(path={"name": "{search}"}),
    "GET /v1/notices": shown(),
    "POST /v1/notices/read": own(json={"ids": ["{notice}"]}),
    "GET /v1/circulars": shown(),
    "POST /v1/circulars/{number}/acknowledge": hidden(path={"number": "{circular}"}),
    "GET /v1/lists/problems": shown(),
    "GET /v1/lists/duties": shown(),
    "GET /v1/lists/developments": shown(),
    "GET /v1/forecasts": shown(),
    "GET /v1/forecasts/calibration": shown(query={"scheme": "over-prescribing"}),
    "GET /v1/funnel": shown(),
    "GET /v1/totals": shown(),
    "GET /v1/results": shown(ANY),
    "GET /v1/labels": shown(frozenset({Role.DATA_SCIENTIST, Role.SERVICE, Role.SUPERVISOR})),
    "GET /v1/changes/{feed}": shown(path={"feed": "cases"}),
    "GET /v1/trail": shown(query={"text": "绝密"}),
    "GET /v1/trail/verify": Expected(How.OVERSIGHT),
    "GET /v1/trail/bundle": hidden(),
    "GET /v1/trail/key": shown(ANY),
    "GET /v1/suppressions": hidden(),
    "POST /v1/suppressions": hidden(json={**SUPPRESS, "expires_at": "{soon}"}),
    "POST /v1/suppressions/{number}/approve": hidden(path={"number": "{suppression}"}),
    "POST /v1/suppressions/{number}/lift": hidden(path={"number": "{suppression}"}),
    "GET /v1/suppressions/{number}/warnings": hidden(path={"number": "{suppression}"}),
    "GET /v1/bodies/kinds": shown(ANY),
    "GET /v1/bodies": shown(ANY),
    "POST /v1/bodies": administered(json={"name": "{fresh}", "kind": "unit"}),
    "GET /v1/routes": shown(ANY),
    "PUT /v1/routes/{scene}": administered(path={"scene": "education"}, json={"bodies": []}),
    "GET /v1/policies": shown(ANY),
    "PUT /v1/policies/{name}": administered(path={"name": "warn_days"}, json={"value": 22}),
    "GET /v1/people": administered(),
    "POST /v1/people": administered(json={"name": "{fresh}", "role": "viewer"}),
    "GET /v1/people/{name}": administered(path={"name": "ghost"}),
    "POST /v1/people/{name}/disable": administered(path={"name": "ghost"}),
    "POST /v1/people/{name}/enable": administered(path={"name": "ghost"}),
    "PUT /v1/people/{name}/password": administered(path={"name": "ghost"}, json={"password": "a fine new password"}),
    "POST /v1/people/{name}/tokens": administered(path={"name": "ghost"}, json={"days": 1}),
    "DELETE /v1/people/{name}/tokens": administered(path={"name": "ghost"}),
    "PUT /v1/people/{name}/grants": administered(path={"name": "ghost"}, json={"role": "viewer", "scene": "education"}),
    "DELETE /v1/people/{name}/grants": administered(path={"name": "ghost"}, query={"scene": "education"}),
    "POST /v1/cases/{case_id}/package": hidden(path=CASE, json={"to": "x", "reason": "x", "version": "{version}"}),
    "POST /v1/packages": own(query={"public_key": "0" * 64}, content=b"{}", kind="application/json"),
    "POST /v1/imports": own(query={"system": "csv"}, content=b"id,title\n1,t\n", kind="text/csv"),
    "GET /v1/outbox": administered(),
    "GET /v1/outbox/dead": administered(),
    "POST /v1/outbox/dead/{number}/retry": administered(path={"number": "{dead}"}),
    "POST /v1/outbox/endpoints/{name}/{switch}": administered(path={"name": "外部", "switch": "enable"}),
    "POST /v1/clock/tick": shown(frozenset({Role.ADMINISTRATOR, Role.SERVICE})),
}

CONSOLE = {
    "GET /": OPEN,
    "GET /console/login": OPEN,
    "POST /console/login": own(form={"name": "nobody", "password": "nothing"}),
    "POST /console/logout": own(form={}),
    "POST /console/language": own(form={"language": "en"}),
    "GET /console/": shown(ANY),
    "POST /console/next": own(form={}),
    "POST /console/bulk": own(form={"action": "note", "reason": "x", "case": "{case}:{version}"}),
    "POST /console/searches": own(form={"name": "mine", "query": "?state=open"}),
    "GET /console/cases/{case_id}": hidden(path=CASE),
    "GET /console/cases/{case_id}/report": hidden(path=CASE),
    "POST /console/cases/{case_id}/actions": hidden(path=CASE, form=NOTE),
    "POST /console/cases/{case_id}/package": hidden(path=CASE, form={"to": "x", "reason": "x", "version": "{version}"}),
    "POST /console/cases/{case_id}/attachments": hidden(path=CASE, form={"file": b"x"}),
    "GET /console/attachments/{number}": hidden(path={"number": "{attachment}"}),
    "GET /console/warnings/{key}": hidden(path={"key": "{warning}"}),
    "POST /console/warnings/{key}/raise": hidden(path={"key": "{hidden}"}, form={"reason": "x"}),
    "GET /console/raise": shown(SPEAKERS),
    "POST /console/raise": own(form={"title": "本局事项", "description": "x", "scene": "s", "scheme": "s"}),
    "GET /console/suppressions": hidden(),
    "POST /console/suppressions": hidden(form={**SUPPRESS, "expires_at": "{soon}"}),
    "POST /console/suppressions/{number}/approve": hidden(path={"number": "{suppression}"}, form={}),
    "POST /console/suppressions/{number}/lift": hidden(path={"number": "{suppression}"}, form={}),
    "GET /console/notices": shown(),
    "POST /console/notices/read": own(form={"id": "{notice}"}),
    "GET /console/circulars": shown(),
    "POST /console/circulars/{number}/acknowledge": hidden(path={"number": "{circular}"}, form={}),
    "GET /console/lists/{kind}": shown(path={"kind": "problems"}),
    "GET /console/lists/{kind}/file.csv": shown(path={"kind": "developments"}),
    "GET /console/lists/forecasts": shown(),
    "GET /console/lists/board": shown(),
    "GET /console/lists/funnel": shown(),
    "GET /console/lists/published": shown(),
    "GET /console/trail": shown(query={"text": "绝密"}),
    "POST /console/trail/verify": hidden(form={}),
    "POST /console/trail/bundle": hidden(form={}),
    "GET /console/import": shown(frozenset({Role.SUPERVISOR, Role.SERVICE, Role.ADMINISTRATOR})),
    "POST /console/import": own(form={"system": "csv", "file": b"id,title\n2,t\n"}),
    "POST /console/import/package": own(form={"public_key": "0" * 64, "file": b"{}"}),
    "GET /console/people": administered(),
    "POST /console/people": administered(form={"name": "{fresh}", "role": "viewer"}),
    "POST /console/people/{name}/{what}": administered(path={"name": "ghost", "what": "enable"}, form={}),
    "GET /console/bodies": administered(),
    "POST /console/bodies": administered(form={"name": "{fresh}", "kind": "unit"}),
    "POST /console/bodies/routes": administered(form={"scene": "education"}),
    "GET /console/policies": administered(),
    "POST /console/policies/{name}": administered(path={"name": "warn_days"}, form={"value": "22"}),
    "GET /console/messages": administered(),
    "POST /console/messages/{number}/retry": administered(path={"number": "{dead_too}"}, form={}),
    "POST /console/endpoints/{name}/{switch}": administered(path={"name": "外部", "switch": "enable"}, form={}),
    "GET /console/monitoring": shown(WATCHERS),
    "GET /console/monitoring/{entity}/{day}": hidden(path={"entity": "institution", "day": "2025-01-01"}),
    "GET /console/monitoring/{entity}/{day}/page.html": hidden(path={"entity": "institution", "day": "2025-01-01"}),
    "GET /console/catalogue": shown(),
    "GET /console/catalogue/draft": hidden(query={"case": "{case}"}),
    "POST /console/catalogue/draft": own(form={"text": "id: x"}),
    "GET /console/models": shown(),
    "GET /console/models/{entity}": hidden(path={"entity": "institution"}),
    "* /console/static": OPEN,
}

EXPECTED = {**API, **CONSOLE}

SCOPES = {
    "read:cases": {
        "GET /v1/warnings", "GET /v1/warnings/{key}", "GET /v1/warnings/{key}/ties", "GET /v1/cases",
        "GET /v1/cases/{case_id}",
        "GET /v1/cases/{case_id}/result", "GET /v1/cases/{case_id}/attachments", "GET /v1/attachments/{number}",
        "GET /v1/searches", "GET /v1/searches/{name}/cases", "GET /v1/notices", "GET /v1/circulars",
        "GET /v1/lists/problems", "GET /v1/lists/duties", "GET /v1/lists/developments", "GET /v1/forecasts",
        "GET /v1/forecasts/calibration", "GET /v1/funnel", "GET /v1/totals", "GET /v1/labels",
        "GET /v1/changes/{feed}", "GET /v1/suppressions", "GET /v1/suppressions/{number}/warnings",
        "GET /v1/bodies/kinds", "GET /v1/bodies", "GET /v1/routes", "GET /v1/policies",
    },
    "write:cases": {
        "POST /v1/warnings/{key}/raise", "POST /v1/cases", "POST /v1/cases/next", "POST /v1/cases/actions",
        "POST /v1/cases/{case_id}/actions", "POST /v1/cases/{case_id}/attachments", "POST /v1/cases/{case_id}/package",
        "PUT /v1/searches/{name}", "DELETE /v1/searches/{name}", "POST /v1/notices/read",
        "POST /v1/circulars/{number}/acknowledge", "POST /v1/suppressions", "POST /v1/suppressions/{number}/approve",
        "POST /v1/suppressions/{number}/lift",
    },
    "read:trail": {"GET /v1/trail", "GET /v1/trail/verify", "GET /v1/trail/bundle"},
    "read:models": {"GET /v1/models", "GET /v1/catalogue"},
    "score": {
        "POST /v1/score", "POST /v1/jobs", "GET /v1/jobs", "GET /v1/jobs/{key}", "GET /v1/jobs/{key}/results",
        "POST /v1/jobs/{key}/cancel",
    },
    "exchange": {
        "GET /v1/warnings/rescreen", "POST /v1/warnings/rescreen", "POST /v1/packages", "POST /v1/imports",
    },
    "operate": {
        "GET /metrics", "POST /v1/clock/tick", "GET /v1/outbox", "GET /v1/outbox/dead",
        "POST /v1/outbox/dead/{number}/retry", "POST /v1/outbox/endpoints/{name}/{switch}",
    },
    "administer": {
        "POST /v1/bodies", "PUT /v1/routes/{scene}", "PUT /v1/policies/{name}", "GET /v1/people", "POST /v1/people",
        "GET /v1/people/{name}", "POST /v1/people/{name}/disable", "POST /v1/people/{name}/enable",
        "PUT /v1/people/{name}/password", "POST /v1/people/{name}/tokens", "DELETE /v1/people/{name}/tokens",
        "PUT /v1/people/{name}/grants", "DELETE /v1/people/{name}/grants",
    },
    "": {"GET /v1/me", "GET /v1/results", "GET /v1/trail/key"},
}  # fmt: skip
"""By scope: the routes that a token needs it for; under no name those that every token may. The others ask nobody."""
