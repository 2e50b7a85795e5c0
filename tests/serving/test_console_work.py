"""Everything that cases can do, done in the console by forms, by whoever may."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cases import audit, pages, people, store, suppression
from cases.workflow import Action
from gnomon.database import transaction
from serving.console.forms import GROUPS
from tests.serving.test_console import csrf_of, sign_in

READ = ("/console/notices", "/console/circulars", "/console/trail", "/console/catalogue", "/console/models")
LISTS = tuple(
    f"/console/lists/{name}"
    for name in ("problems", "duties", "developments", "forecasts", "funnel", "board", "published")
)
ADMINISTRATION = ("/console/people", "/console/bodies", "/console/policies", "/console/messages", "/console/import")


def post(place: Any, path: str, page: str = "/console/notices", files: Any = None, **form: Any) -> Any:
    token = csrf_of(place.client.get(page).text)
    return place.client.post(path, data={"csrf": token, **form}, files=files)


def test_every_action_has_its_place_on_a_cases_page() -> None:
    laid = [action for actions in GROUPS.values() for action in actions]
    assert sorted(laid) == sorted(Action)


@pytest.mark.parametrize(
    ("role", "opens", "shut"),
    [
        ("auditor", (*READ, *LISTS, "/console/", "/console/raise", "/console/suppressions"), ADMINISTRATION),
        ("viewer", (*READ, *LISTS, "/console/"), (*ADMINISTRATION, "/console/raise", "/console/suppressions")),
        ("supervisor", (*READ, *LISTS, "/console/import", "/console/monitoring"), ADMINISTRATION[:4]),
        ("administrator", ADMINISTRATION, (*READ, *LISTS, "/console/raise", "/console/cases/1")),
    ],
)
def test_each_role_has_its_own_pages_and_links_to_no_others(place: Any, role: str, opens: Any, shut: Any) -> None:
    sign_in(place, role)
    linked: set[str] = set()
    for path in opens:
        answer = place.client.get(path)
        assert answer.status_code == 200, path
        linked |= set(re.findall(r'(?:href|action)="(/console/[^"?#]*)', answer.text))
    assert not linked & set(shut)
    for path in shut:
        assert place.client.get(path).status_code == 403, path


@pytest.mark.parametrize("token", ["", "0" * 64])
def test_no_form_is_taken_without_the_sessions_token(place: Any, token: str) -> None:
    served = place.client.get("/openapi.json").json()["paths"]
    assert not any(path.startswith("/console") for path in served)
    sign_in(place, "supervisor")
    for path in (
        "/console/next", "/console/bulk", "/console/searches", "/console/raise", "/console/suppressions",
        "/console/suppressions/1/approve", "/console/notices/read", "/console/circulars/1/acknowledge",
        "/console/trail/verify", "/console/trail/bundle", "/console/import", "/console/cases/1/attachments",
        "/console/import/package", "/console/cases/1/package",
    ):  # fmt: skip
        files = {"file": ("a.txt", b"id,title\n1,t\n", "text/plain")}
        form = {"csrf": token, "expires_at": "2030-01-01", "entity_kind": "x", "entity_id": "x", "reason": "x"}
        assert place.client.post(path, data=form, files=files).status_code == 403, path


def test_a_problem_is_raised_by_hand_and_what_was_written_is_kept_when_refused(place: Any) -> None:
    sign_in(place)
    form = {"title": "某道路停工", "description": "无人施工", "scene": "public-works", "scheme": "stalled"}
    page = post(place, "/console/raise", **form)
    assert page.status_code == 200
    assert "某道路停工" in page.text
    same = {"entity_kind": "institution", "entity_id": "H1", "scheme": "over-prescribing"}
    refused = post(place, "/console/raise", **{**form, **same})
    assert refused.status_code == 409
    assert "无人施工" in refused.text


def test_the_next_case_is_taken_and_many_are_done_at_once(place: Any) -> None:
    sign_in(place, "supervisor")
    page = post(place, "/console/next", page="/console/")
    assert page.url.path == "/console/cases/1", "the gravest"
    assert "Done" in page.text
    ticked = re.findall(r'name="case" value="(\d+:\d+)"', place.client.get("/console/").text)
    assert len(ticked) == 3
    done = post(place, "/console/bulk", page="/console/", action="transfer", to="auditor", reason="", case=ticked)
    assert "0 done. 3 refused" in done.text
    done = post(place, "/console/bulk", page="/console/", action="supervise", reason="在期限内办结", case=ticked)
    assert "3 done." in done.text
    assert post(place, "/console/bulk", page="/console/", action="supervise", reason="x").status_code == 422


def test_a_search_is_saved_and_forgotten(place: Any) -> None:
    sign_in(place)
    query = "?state=alive&severity=alert&order=newest&other=x"
    page = post(place, "/console/searches", page="/console/", name="重点", query=query)
    assert 'href="/console/?state=alive&amp;severity=alert&amp;order=newest">重点' in page.text
    page = post(place, "/console/searches", page="/console/", name="重点", drop="yes")
    assert "重点<" not in page.text


def test_a_search_is_the_same_in_every_browser_and_over_the_api(place: Any) -> None:
    sign_in(place)
    post(place, "/console/searches", page="/console/", name="重点", query="?owner=nobody&severity=alert")
    place.client.cookies.clear()
    sign_in(place)
    page = place.client.get("/console/").text
    assert 'href="/console/?state=alive&amp;owner=nobody&amp;severity=alert&amp;order=gravest">重点' in page
    headers = place.by("auditor")
    (told,) = place.client.get("/v1/searches", headers=headers).json()["items"]
    assert (told["name"], told["filters"]["owner"], told["filters"]["severity"]) == ("重点", "nobody", "alert")
    asked = {"owner": "nobody", "state": "open", "order": "newest"}
    assert place.client.put("/v1/searches/待签收", json=asked, headers=headers).status_code == 200
    assert "待签收</a>" in place.client.get("/console/").text
    hits = place.client.get("/v1/searches/待签收/cases", params={"limit": 2}, headers=headers).json()
    assert [case["id"] for case in hits["items"]] == [3, 2]
    rest = place.client.get("/v1/searches/待签收/cases", params={"cursor": hits["cursor"]}, headers=headers).json()
    assert ([case["id"] for case in rest["items"]], rest["cursor"]) == ([1], None)
    for wrong in ({"colour": "red"}, {"owner": "whoever"}, {"text": "x" * 201}):
        assert place.client.put("/v1/searches/x", json=wrong, headers=headers).status_code == 422
    assert place.client.delete("/v1/searches/待签收", headers=headers).status_code == 204
    assert place.client.delete("/v1/searches/待签收", headers=headers).status_code == 404
    assert place.client.get("/v1/searches", headers=place.by("viewer")).json()["items"] == []


def test_a_file_goes_up_and_comes_down_as_it_was(place: Any) -> None:
    sign_in(place)
    file = ("三月底册.pdf", b"%PDF-1.7 ledger", "application/pdf")
    page = post(place, "/console/cases/1/attachments", page="/console/cases/1", files={"file": file})
    (number,) = re.findall(r'href="/console/attachments/(\d+)"', page.text)
    answer = place.client.get(f"/console/attachments/{number}")
    assert answer.content == b"%PDF-1.7 ledger"
    assert answer.headers["content-disposition"].startswith("attachment;")
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_a_suppression_is_asked_for_approved_by_another_and_lifted(place: Any) -> None:
    sign_in(place)
    until = f"{datetime.now(UTC) + timedelta(days=30):%Y-%m-%d}"
    form = {"entity_kind": "institution", "entity_id": "H7", "reason": "系统切换", "expires_at": until}
    page = post(place, "/console/suppressions", **form)
    assert "系统切换" in page.text
    assert "/approve" not in page.text, "an auditor does not approve"
    sign_in(place, "supervisor")
    assert "/console/suppressions/1/approve" in place.client.get("/console/suppressions").text
    assert "it holds now" in post(place, "/console/suppressions/1/approve").text
    assert "Ended." in post(place, "/console/suppressions/1/lift").text
    database = store.upgrade(place.settings)
    with transaction(database) as session:
        (one,) = suppression.report(session)
        assert (one.suppression.approved_by, one.suppression.lifted_by) == ("supervisor", "supervisor")
    database.dispose()


def test_the_trail_is_verified_and_given_away_as_a_signed_bundle(place: Any, tmp_path: Path) -> None:
    sign_in(place, "supervisor")
    assert "hold together" in post(place, "/console/trail/verify", page="/console/trail").text
    bundle = post(place, "/console/trail/bundle", page="/console/trail")
    assert bundle.headers["content-type"] == "application/zip"
    assert bundle.content.startswith(b"PK")


def test_an_administrator_makes_bodies_people_and_rules(place: Any) -> None:
    sign_in(place, "administrator")
    page = "/console/people"
    assert "市医保局" in post(place, "/console/bodies", page=page, name="市医保局", kind="department").text
    form = {
        "name": "li",
        "role": "auditor",
        "display": "李娜",
        "organisation": "市医保局",
        "password": "a fine password",
    }
    assert "李娜" in post(place, "/console/people", page=page, **form).text
    assert post(place, "/console/people", page=page, **{**form, "name": "x", "organisation": "无"}).status_code == 404
    assert post(place, "/console/people/li/token", page=page).status_code == 403, "tokens are for systems"
    token = re.findall(r"gno_[\w-]+", post(place, "/console/people/service/token", page=page).text)
    assert len(token) == 1
    assert post(place, "/console/people/administrator/disable", page=page).status_code == 409
    post(place, "/console/people/li/grant", page=page, role="supervisor", scene="education", body="*")
    post(place, "/console/bodies/routes", page=page, scene="education", body=["市医保局"])
    assert 'value="9"' in post(place, "/console/policies/warn_days", page=page, value="9").text
    assert post(place, "/console/policies/warn_days", page=page, value="never").status_code == 400
    post(place, "/console/people/li/disable", page=page)
    database = store.upgrade(place.settings)
    with transaction(database) as session:
        assert people.person(session, "li") is None
    database.dispose()


def test_another_systems_cases_are_imported_once(place: Any) -> None:
    sign_in(place, "supervisor")
    file = {"file": ("old.csv", "id,title\nA1,旧办件\nA2,旧办件二\n".encode(), "text/csv")}
    page = "/console/import"
    assert "Imported 2; known already 0" in post(place, page, page=page, files=file, system="csv").text
    assert "Imported 0; known already 2" in post(place, page, page=page, files=file, system="csv").text
    wrong = {"file": ("old.csv", b"id,name\nA1,x\n", "text/csv")}
    assert post(place, page, page=page, files=wrong, system="csv").status_code == 400


def test_a_list_as_a_file_runs_nothing_in_a_spreadsheet(place: Any) -> None:
    sign_in(place)
    form = {"title": "=cmd|' /C calc'!A0", "description": "x", "scene": "public-works", "scheme": "stalled"}
    post(place, "/console/raise", **form)
    answer = place.client.get("/console/lists/problems/file.csv")
    assert answer.content.startswith("\ufeff".encode())
    assert "'=cmd|" in answer.text
    assert not re.search(r"(^|,)\"?=cmd", answer.text, re.MULTILINE)


def test_the_lists_tell_what_was_ordered_done_and_found(place: Any) -> None:
    sign_in(place, "supervisor")
    case = "/console/cases/1"
    post(place, f"{case}/actions", page=case, action="claim", version="1")
    order = {"action": "rectify", "reason": "x", "part_title": ["退款", "培训"], "part_due": ["", ""]}
    post(place, f"{case}/actions", page=case, version="2", **order)
    page = place.client.get("/console/lists/developments").text
    assert ">0/2<" in page
    page = place.client.get("/console/lists/duties").text
    assert re.search(r"Supervisor A.*?>1<", page, re.DOTALL)
    assert "built-in" not in page


def test_the_board_counts_what_each_model_asked_and_leads_to_its_cases(place: Any) -> None:
    sign_in(place, "supervisor")
    page = place.client.get("/console/lists/board").text
    (row,) = re.findall(
        r"<tr><td><a href=\"([^\"]*scene=medical-insurance)\">Medical insurance.*?</tr>", page, re.DOTALL
    )
    cells = re.findall(r'data-name="[^"]*">([^<]*)<', page[page.index(row) :])[:4]
    assert cells == ["4", "4", "—", "—"], "four warnings; the case with two models counts once for each"
    assert page.count('class="card cards"><summary>') == 9
    assert len(re.findall(r"<strong>\d\.\d+</strong>", page)) == 57
    of_model = place.client.get("/console/?state=alive&model=med-composite").text
    assert re.findall(r'href="/console/cases/(\d+)"', of_model) == ["1"]
    assert "/console/cases/" not in place.client.get("/console/?state=alive&model=no-such").text


@pytest.mark.parametrize(("language", "said"), [("en", "the trail stood at event"), ("zh", "号事件")])
def test_a_case_is_told_whole_to_print_with_the_place_where_the_trail_stood(
    place: Any, language: str, said: str
) -> None:
    sign_in(place)
    token = csrf_of(place.client.get("/console/").text)
    place.client.post("/console/language", data={"csrf": token, "language": language})
    page = place.client.get("/console/cases/1/report").text
    assert said in page
    assert "<details>" not in page, "nothing is folded away on paper"
    assert re.search(r"<form[^>]*cases/1", page) is None
    with transaction(store.upgrade(place.settings)) as session:
        last = audit.events(session, audit.Subject("case", "1"))[-1]
        assert (last.action, last.actor.rpartition(":")[2]) == ("read", "auditor")
        assert last.hash in page
        assert audit.verify(session).ok
        for row in pages.warnings(session, case_id=1).rows:
            assert row.fingerprint in page
