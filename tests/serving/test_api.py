"""The API: who may ask, what is answered, and how it is refused."""

from __future__ import annotations

import math
import re
import subprocess
import sys

import pytest

PROBLEM = {"type", "title", "status", "detail", "instance", "place"}
OPEN_ON_PURPOSE = {"/healthz", "/readyz"}
STRANGERS = ({}, {"Authorization": "Bearer gno_wrong"}, {"Cookie": "gnomon_session=forged"})


def test_strangers_get_401_on_every_route_that_is_not_open_on_purpose(place) -> None:
    paths = place.client.get("/openapi.json").json()["paths"]
    asked = [(method.upper(), path) for path, methods in paths.items() for method in methods]
    assert len(asked) > 60
    for method, path in asked:
        if path in OPEN_ON_PURPOSE:
            continue
        for headers in STRANGERS:
            answer = place.client.request(method, re.sub(r"{\w+}", "1", path), headers=headers)
            assert answer.status_code == 401, (method, path)
            assert answer.headers["content-type"] == "application/problem+json"
            assert set(answer.json()) == PROBLEM


def test_the_list_of_warnings_pages_without_losing_or_repeating(place) -> None:
    seen, cursor = [], None
    while True:
        params = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = place.client.get("/v1/warnings", params=params, headers=place.by("viewer")).json()
        seen += [item["id"] for item in page["items"]]
        cursor = page["cursor"]
        if cursor is None:
            break
    assert len(seen) == len(set(seen)) == 4


def test_a_warning_carries_reasons_that_add_up_to_its_score(place) -> None:
    listed = place.client.get("/v1/warnings", params={"entity_id": "H1"}, headers=place.by("viewer")).json()["items"]
    told = place.client.get(f"/v1/warnings/{listed[0]['fingerprint']}", headers=place.by("viewer")).json()
    assert math.isclose(told["base"] + sum(r["contribution"] for r in told["reasons"]), told["score"], abs_tol=1e-6)
    first = told["reasons"][0]
    assert (first["norm"]["n"], first["norm"]["median"]) == (812, 1.5)
    assert first["evidence"][0]["total"] == 412
    assert "倍" in first["sentence"]["zh"]
    assert told["case_id"] == 1


def test_two_models_about_one_hospital_make_one_case_with_its_moves(place) -> None:
    told = place.client.get("/v1/cases/1", headers=place.by("auditor")).json()
    assert told["case"]["warnings"] == 2
    assert len(told["warnings"]) == 2
    assert "claim" in {move["action"] for move in told["moves"]}
    assert told["trail"][0]["action"] == "open"


def act(place, role: str, case: int = 1, language: str = "en", **asked: object):
    return place.client.post(f"/v1/cases/{case}/actions", json=asked, headers=place.by(role, language))


def test_a_case_is_claimed_and_closed_over_the_api(place) -> None:
    claimed = act(place, "auditor", action="claim", version=1)
    assert (claimed.status_code, claimed.json()["state"], claimed.json()["owner"]) == (200, "review", "auditor")
    closed = act(
        place, "auditor", action="close", version=2, outcome="confirmed", reason="checked", amount_found="120000.50"
    )
    assert (closed.status_code, closed.json()["state"]) == (200, "closed")
    assert closed.json()["amount_found"] == "120000.50"


def test_a_viewer_may_not_act(place) -> None:
    assert act(place, "viewer", action="claim", version=1).status_code == 403


def test_an_administrator_may_not_read_cases(place) -> None:
    assert place.client.get("/v1/cases", headers=place.by("administrator")).status_code == 403


def test_a_stale_version_is_a_conflict(place) -> None:
    act(place, "auditor", action="claim", version=1)
    answer = act(place, "auditor", action="note", version=1, reason="late", language="zh")
    assert answer.status_code == 409
    assert "第 2 版" in answer.json()["detail"]


def test_a_missing_reason_is_refused_with_its_place(place) -> None:
    act(place, "auditor", action="claim", version=1)
    answer = act(place, "auditor", action="close", version=2, outcome="confirmed")
    assert (answer.status_code, answer.json()["place"]) == (422, "1")
    assert "reason" in answer.json()["detail"]


def test_an_action_that_the_state_forbids_is_a_conflict_that_says_what_is_possible(place) -> None:
    answer = act(place, "auditor", action="close", version=1, outcome="confirmed", reason="x")
    assert answer.status_code == 409
    assert "sign in" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("path", "status"),
    [("/v1/cases/99", 404), ("/v1/warnings/none", 404), ("/v1/cases?cursor=xx", 400), ("/v1/nowhere", 404)],
)
def test_what_is_not_there_is_told_in_one_form(place, path, status) -> None:
    answer = place.client.get(path, headers=place.by("viewer", "zh"))
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert set(answer.json()) == PROBLEM
    assert any("一" <= letter <= "鿿" for letter in answer.json()["detail"])


def test_a_body_with_an_unknown_field_is_refused_at_its_place(place) -> None:
    answer = act(place, "auditor", action="claim", version=1, colour="red")
    assert (answer.status_code, answer.json()["place"]) == (422, "body.colour")


def test_a_browser_session_needs_its_token_to_change_anything(place) -> None:
    sign_in(place)
    refused = place.client.post("/v1/cases/1/actions", json={"action": "claim", "version": 1})
    assert refused.status_code == 403
    assert place.client.get("/v1/cases").status_code == 200


def sign_in(place, name: str = "auditor") -> None:
    page = place.client.get("/console/login").text
    csrf = page.split('name="csrf" value="')[1].split('"')[0]
    form = {"name": name, "password": "correct horse battery", "csrf": csrf}
    assert place.client.post("/console/login", data=form, follow_redirects=False).status_code == 303


def test_the_process_can_be_watched(place) -> None:
    assert place.client.get("/healthz").json()["status"] == "ok"
    assert place.client.get("/readyz").status_code == 200
    place.client.get("/v1/cases", headers=place.by("viewer"))
    text = place.client.get("/metrics", headers=place.by("service")).text
    assert 'gnomon_requests_total{method="GET",route="/v1/cases",status="200"} 1' in text
    assert 'gnomon_cases{state="open"} 3' in text


def test_answers_carry_the_headers_that_keep_browsers_safe(place) -> None:
    headers = place.client.get("/console/login").headers
    assert "script-src 'self'" in headers["content-security-policy"]
    assert headers["x-frame-options"] == "DENY"
    assert headers["x-content-type-options"] == "nosniff"


def test_scoring_without_profiles_says_what_to_do(place) -> None:
    asked = {"entity": "institution", "ids": ["H1"]}
    answer = place.client.post("/v1/score", json=asked, headers=place.by("service"))
    assert answer.status_code == 409
    assert "gnomon score institution" in answer.json()["detail"]


def test_the_answering_process_loads_no_registry_no_drift_and_no_shap(tmp_path) -> None:
    code = (
        "import asyncio, sys, httpx\n"
        "from pathlib import Path\n"
        "from gnomon.config import Settings\n"
        "from serving.api.app import create\n"
        f"app = create(Settings(workspace=Path({str(tmp_path)!r})))\n"
        "async def ask(path):\n"
        "    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url='http://x') as client:\n"
        "        return (await client.get(path)).status_code\n"
        "assert asyncio.run(ask('/healthz')) == asyncio.run(ask('/console/login')) == 200\n"
        "print(*(n for n in ('mlflow', 'evidently', 'shap') if n in sys.modules))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, ""), done.stderr


def test_every_list_pages_by_a_cursor_and_can_be_followed(place) -> None:
    contract = place.client.get("/openapi.json").json()
    lists = {}
    for path, verbs in contract["paths"].items():
        answer = verbs.get("get", {}).get("responses", {}).get("200", {}).get("content", {})
        name = answer.get("application/json", {}).get("schema", {}).get("$ref", "").rpartition("/")[2]
        if {"items", "cursor"} <= set(contract["components"]["schemas"].get(name, {}).get("properties", {})):
            lists[path] = {one["name"] for one in verbs["get"]["parameters"]}
    assert len(lists) > 20
    for path, asked in lists.items():
        assert asked & {"cursor", "before", "after"}, path
        # Forecasts are told anew at every call, and the parts of a job's result never change.
        assert "updated_since" in asked or path in ("/v1/forecasts", "/v1/jobs/{key}/results"), path
