"""The console without a browser: sessions, forms, and what is refused."""

from __future__ import annotations

import re

import pytest

from cases import people, store
from gnomon.database import transaction

PASSWORD = "correct horse battery"
PAGES = ("/", "/console/", "/console/cases/1", "/console/warnings/1", "/console/monitoring", "/console/catalogue")


def csrf_of(html: str) -> str:
    found = re.search(r'name="csrf" value="([0-9a-f]+)"', html)
    assert found
    return found[1]


def sign_in(place, name: str = "auditor", password: str = PASSWORD, next: str = "/console/"):
    token = csrf_of(place.client.get("/console/login").text)
    form = {"name": name, "password": password, "csrf": token, "next": next}
    return place.client.post("/console/login", data=form, follow_redirects=False)


@pytest.mark.parametrize("path", PAGES)
def test_a_stranger_is_sent_to_the_sign_in_page(place, path) -> None:
    answer = place.client.get(path)
    assert answer.url.path == "/console/login"
    assert "H1" not in answer.text


def test_the_session_cookie_is_out_of_reach_of_scripts_and_other_sites(place) -> None:
    cookie = next(c for c in sign_in(place).headers.get_list("set-cookie") if c.startswith("gnomon_session"))
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie


def test_a_wrong_password_says_nothing_about_which_part_is_wrong(place) -> None:
    wrong = sign_in(place, password="not the password")
    unknown = sign_in(place, name="nobody", password="not the password")
    assert wrong.status_code == unknown.status_code == 401
    assert re.findall(r'role="alert">(.*?)<', wrong.text) == re.findall(r'role="alert">(.*?)<', unknown.text)


def test_after_signing_in_nobody_is_sent_to_another_site(place) -> None:
    for elsewhere in ("https://example.org/", "//example.org", "/console//example.org", "/console/\\example.org"):
        assert sign_in(place, next=elsewhere).headers["location"] == "/console/"


@pytest.mark.parametrize("token", ["", "0" * 64])
@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("/console/cases/1/actions", {"action": "claim", "version": "1"}),
        ("/console/logout", {}),
        ("/console/language", {"language": "zh"}),
    ],
)
def test_a_form_without_the_sessions_token_is_refused(place, path, form, token) -> None:
    sign_in(place)
    assert place.client.post(path, data={**form, "csrf": token}).status_code == 403
    case = place.client.get("/v1/cases/1", headers=place.by("viewer")).json()["case"]
    assert case["state"] == "open"


def test_the_token_of_another_session_is_worth_nothing(place) -> None:
    before = csrf_of(place.client.get("/console/login").text)
    sign_in(place)
    answer = place.client.post("/console/cases/1/actions", data={"action": "claim", "version": "1", "csrf": before})
    assert answer.status_code == 403


def test_signing_out_ends_the_session(place) -> None:
    sign_in(place)
    token = csrf_of(place.client.get("/console/").text)
    place.client.post("/console/logout", data={"csrf": token})
    assert place.client.get("/console/").url.path == "/console/login"


def test_a_refused_action_is_told_on_the_cases_page_and_the_text_is_kept(place) -> None:
    sign_in(place)
    token = csrf_of(place.client.get("/console/cases/1").text)
    form = {"action": "note", "version": "7", "reason": "my long text", "csrf": token}
    answer = place.client.post("/console/cases/1/actions", data=form)
    assert answer.status_code == 409
    assert "changed since you read it" in answer.text
    assert "my long text" in answer.text


def test_a_page_speaks_one_language(place) -> None:
    sign_in(place)
    token = csrf_of(place.client.get("/console/cases/1").text)
    place.client.post("/console/language", data={"language": "zh", "csrf": token, "next": "/console/cases/1"})
    html = place.client.get("/console/cases/1").text
    assert '<html lang="zh-CN">' in html
    shown = re.sub(r"<[^>]*>", " ", html)
    for english in ("Why", "Timeline", "peers", "Contribution", "Sign out"):
        assert english not in shown


def test_a_case_tells_norms_rows_and_where_the_value_lies(place) -> None:
    sign_in(place)
    html = place.client.get("/console/cases/1").text
    assert "812 peers: hospitals × level 2 × public" in html
    assert (
        'aria-label="value 35.2 DDD; the peers&#39; median is 1.5 DDD, nine in ten lie between 0.7 DDD and 2.6 DDD"'
        in html
    )
    assert ">C10<" in html
    assert "412 in all" in html


def test_what_is_not_there_is_a_page_that_leads_back(place) -> None:
    sign_in(place)
    answer = place.client.get("/console/cases/99")
    assert answer.status_code == 404
    assert 'href="/console/"' in answer.text


@pytest.mark.parametrize("path", ["/console/monitoring/../x/2025-01-01", "/console/monitoring/nobody/2025-01-01"])
def test_monitoring_reads_no_file_outside_its_folder(place, path) -> None:
    sign_in(place, "supervisor")
    assert place.client.get(path).status_code == 404


def test_a_changed_password_ends_the_session_and_does_not_shut_the_door(place) -> None:
    sign_in(place)
    database = store.upgrade(place.settings)
    with transaction(database) as session:
        people.set_password(session, "auditor", "another fine password", "test")
    database.dispose()
    assert place.client.get("/console/").url.path == "/console/login"
    assert sign_in(place, password="another fine password").headers["location"] == "/console/"
