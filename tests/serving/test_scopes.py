"""Tokens with scopes: good for the uses that they name, on every route there is, and never for more than the role."""

from __future__ import annotations

import re
from typing import Any

from typer.testing import CliRunner

from cases import people, store
from cases.scopes import SCOPES, Scope
from gnomon.database import transaction
from serving.api.scopes import FREE, NEEDED
from serving.cli import app
from tests.serving.routes_expected import API
from tests.serving.routes_expected import SCOPES as EXPECTED
from tests.serving.test_console import sign_in
from tests.serving.test_console_work import post

ASKS_NOBODY = {"GET /healthz", "GET /readyz", "GET /openapi.json", "HEAD /openapi.json"}


def of(place: Any, *scopes: Scope, role: str = "supervisor") -> dict[str, str]:
    """The header of a token that is good for these scopes."""
    database = store.upgrade(place.settings)
    with transaction(database) as session:
        token = people.issue_token(session, role, "test", scopes=scopes)
    database.dispose()
    return {"Authorization": f"Bearer {token}"}


def refused(place: Any, route: str, headers: dict[str, str]) -> bool:
    """Whether the token's scopes are in the way: of what comes after them other tests tell."""
    method, path = route.split(" ", 1)
    answer = place.client.request(method, re.sub(r"{\w+}", "1", path), headers=headers)
    assert answer.status_code != 401, route
    found = answer.headers["content-type"].startswith("application/problem") and "auth.scope" in answer.json()["type"]
    assert not found or answer.status_code == 403
    return found


def test_every_route_that_asks_who_it_is_declares_its_scope() -> None:
    assert {route: scope for scope, routes in EXPECTED.items() for route in routes if scope} == NEEDED
    assert EXPECTED[""] == FREE
    assert set(API) - ASKS_NOBODY == set(NEEDED) | FREE
    assert set(SCOPES) == set(Scope)


def test_the_contract_says_which_scope_a_route_needs(place: Any) -> None:
    paths = place.client.get("/openapi.json").json()["paths"]
    told = {f"{verb.upper()} {path}": one for path, verbs in paths.items() for verb, one in verbs.items()}
    assert {route: one["x-scope"] for route, one in told.items() if "x-scope" in one} == NEEDED


def test_a_token_is_good_for_its_own_scopes_and_no_others(place: Any) -> None:
    for scope in Scope:
        mine, others = of(place, scope), of(place, *(set(Scope) - {scope}))
        for route in sorted(EXPECTED[scope] | FREE):
            assert not refused(place, route, mine), (route, scope)
            assert refused(place, route, others) == (route not in FREE), (route, scope)


def test_a_token_that_names_no_scope_keeps_the_whole_role(place: Any) -> None:
    assert not any(refused(place, route, place.by("supervisor")) for route in NEEDED)


def test_a_scope_gives_no_right_that_the_role_has_not(place: Any) -> None:
    headers = of(place, Scope.WRITE_CASES, Scope.READ_CASES, role="viewer")
    asked = {"action": "claim", "version": 1}
    assert place.client.get("/v1/cases/1", headers=headers).status_code == 200
    assert place.client.post("/v1/cases/1/actions", json=asked, headers=headers).status_code == 403


def test_a_refusal_says_which_scope_is_missing(place: Any) -> None:
    headers = {**of(place, Scope.SCORE), "Accept-Language": "zh"}
    answer = place.client.get("/v1/cases", headers=headers)
    assert "read:cases" in answer.json()["detail"]
    assert SCOPES[Scope.READ_CASES].zh in answer.json()["detail"]


def test_a_token_with_scopes_makes_none_that_may_do_more(place: Any) -> None:
    headers = of(place, Scope.ADMINISTER, Scope.SCORE, role="administrator")

    def made(headers: dict[str, str], **asked: Any) -> Any:
        return place.client.post("/v1/people/service/tokens", json=asked, headers=headers)

    for asked in ({}, {"scopes": ["write:cases"]}, {"scopes": ["score", "write:cases"]}):
        assert (made(headers, **asked).status_code) == 403
    token = made(headers, scopes=["score"]).json()["token"]
    assert refused(place, "GET /v1/cases", {"Authorization": f"Bearer {token}"})
    assert made(place.by("administrator"), scopes=[]).status_code == 422
    assert made(place.by("administrator"), scopes=["read:everything"]).status_code == 422
    assert made(place.by("administrator")).status_code == 201


def test_the_command_line_makes_tokens_with_scopes(place: Any) -> None:
    where = ["--workspace", str(place.settings.workspace)]
    told = CliRunner().invoke(app, ["users", "token", "service", "--scope", "score", "--scope", "read:models", *where])
    assert told.exit_code == 0, told.output
    headers = {"Authorization": f"Bearer {told.stdout.strip()}"}
    assert not refused(place, "GET /v1/models", headers)
    assert refused(place, "GET /v1/cases", headers)
    wrong = CliRunner().invoke(app, ["users", "token", "service", "--scope", "everything", *where])
    assert wrong.exit_code == 2


def test_the_console_makes_tokens_with_the_scopes_that_were_ticked(place: Any) -> None:
    sign_in(place, "administrator")
    for ticked, reads in ((["score", "read:cases"], True), (["score"], False), ([], True)):
        page = post(place, "/console/people/service/token", page="/console/people", scope=ticked).text
        (token,) = re.findall(r"gno_[\w-]+", page)
        assert refused(place, "GET /v1/cases", {"Authorization": f"Bearer {token}"}) != reads
    wrong = post(place, "/console/people/service/token", page="/console/people", scope=["score", "everything"])
    assert (wrong.status_code, "gno_" in wrong.text) == (422, False), "what is not known is not dropped in silence"
