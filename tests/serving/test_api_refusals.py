"""Bad input over API and console alike: the same 4xx, in the reader's language, and nothing has changed."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import pytest

from cases import audit, queue, rectification, store
from cases.rectification import LARGEST
from gnomon.database import transaction
from tests.serving.test_console import csrf_of, sign_in

PDF = b"%PDF-1.7 minutes"


@dataclass(frozen=True)
class Refused:
    """One request that must not go through."""

    status: int
    role: str = "auditor"
    action: str = ""
    version: int = 1
    given: dict[str, str] = field(default_factory=dict)
    file: tuple[str, str, bytes] | None = None
    case: int = 1


REFUSED = {
    "an action that the state forbids": Refused(409, action="close", given={"outcome": "confirmed", "reason": "x"}),
    "a stale version": Refused(409, action="claim", version=7),
    "a missing reason": Refused(422, action="transfer", given={"to": "supervisor"}),
    "an unknown person": Refused(404, "supervisor", "assign", given={"to": "nobody"}),
    "a person who handles no cases": Refused(422, "supervisor", "assign", given={"to": "viewer"}),
    "a body that is not registered": Refused(404, "supervisor", "invite", given={"organisation": "nowhere"}),
    "another case that is not there": Refused(404, action="merge", given={"other": "99", "reason": "x"}),
    "itself as the other case": Refused(409, action="merge", given={"other": "1", "reason": "x"}),
    "an outcome where none belongs": Refused(422, action="claim", given={"outcome": "confirmed"}),
    "a reason beyond all measure": Refused(422, action="note", given={"reason": "长" * 20_001}),
    "a user without the right": Refused(403, "viewer", "claim"),
    "a user who only reads": Refused(403, "data_scientist", "note", given={"reason": "x"}),
    "a user who may only administer": Refused(403, "administrator", "claim"),
    "a case that is not there": Refused(404, action="claim", case=99),
    "a file too large": Refused(413, file=("big.pdf", "application/pdf", PDF + b"0" * LARGEST)),
    "an empty file": Refused(413, file=("empty.pdf", "application/pdf", b"")),
    "a file of a type that is not taken": Refused(415, file=("run.exe", "application/x-msdownload", b"MZ")),
    "a file that is not what it says": Refused(415, file=("scan.pdf", "application/pdf", b"MZ not a PDF")),
    "a text file with other things in it": Refused(415, file=("a.txt", "text/plain", b"\xff\xfe\x00")),
    "a file by somebody who may not": Refused(403, "viewer", file=("a.pdf", "application/pdf", PDF)),
    "a file for a case that is not there": Refused(404, file=("a.pdf", "application/pdf", PDF), case=99),
}


@pytest.mark.parametrize("way", ["api", "console"])
@pytest.mark.parametrize("what", REFUSED)
def test_what_is_wrong_is_refused_in_the_readers_language_and_changes_nothing(place: Any, way: str, what: str) -> None:
    asked = REFUSED[what]
    before = standing(place)
    answer = (over_api if way == "api" else over_console)(place, asked)
    assert answer.status_code == asked.status, answer.text[:600]
    told = answer.json()["detail"] if way == "api" else notice_of(answer.text)
    assert re.search("[一-鿿].*。", told), f"no sentence in Chinese: {told}"
    assert standing(place) == before


def over_api(place: Any, asked: Refused) -> Any:
    headers = place.by(asked.role, "zh")
    if asked.file is not None:
        name, kind, content = asked.file
        path, headers = f"/v1/cases/{asked.case}/attachments", {**headers, "Content-Type": kind}
        return place.client.post(path, params={"name": name}, content=content, headers=headers)
    body: dict[str, Any] = {"action": asked.action, "version": asked.version, **asked.given}
    return place.client.post(f"/v1/cases/{asked.case}/actions", json=body, headers=headers)


def over_console(place: Any, asked: Refused) -> Any:
    sign_in(place, asked.role)
    place.client.cookies.set("gnomon_language", "zh")
    landing = "/console/people" if asked.role == "administrator" else "/console/notices"
    token = csrf_of(place.client.get(landing).text)
    if asked.file is not None:
        files = {"file": asked.file[:1] + asked.file[2:] + asked.file[1:2]}
        return place.client.post(f"/console/cases/{asked.case}/attachments", data={"csrf": token}, files=files)
    form = {"csrf": token, "action": asked.action, "version": str(asked.version), **asked.given}
    return place.client.post(f"/console/cases/{asked.case}/actions", data=form)


def notice_of(html: str) -> str:
    found = re.search(r'class="notice bad"[^>]*>(.*?)</p>', html, re.DOTALL)
    assert found, html[:600]
    return re.sub("<[^>]*>", "", found[1])


def standing(place: Any) -> Any:
    """Cases, files and trail; that somebody looked does not count as a change."""
    database = store.upgrade(place.settings)
    with transaction(database) as session:
        told = [
            (
                queue.found(session, number).as_dict(),
                [one.id for one in rectification.attachments(session, number)],
                [e.seq for e in audit.events(session, audit.Subject("case", str(number))) if e.action != "read"],
            )
            for number in (1, 2, 3)
        ]
    database.dispose()
    return told


def test_an_upload_without_an_announced_length_is_cut_off_at_the_limit(place: Any) -> None:
    def endless() -> Any:
        yield PDF
        for _ in range(40):
            yield b"0" * 2**20

    headers = {**place.by("auditor"), "Content-Type": "application/pdf"}
    answer = place.client.post("/v1/cases/1/attachments", params={"name": "a.pdf"}, content=endless(), headers=headers)
    assert answer.status_code == 413


def test_a_request_under_one_key_is_done_once(place: Any) -> None:
    raised = {"title": {"zh": "道路停工", "en": "road"}, "description": "x", "scene": "s", "scheme": "s"}
    headers = {**place.by("auditor"), "Idempotency-Key": "k1"}
    first = place.client.post("/v1/cases", json=raised, headers=headers)
    again = place.client.post("/v1/cases", json=raised, headers=headers)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json()["id"] == again.json()["id"]
    other = place.client.post("/v1/cases", json={**raised, "description": "y"}, headers=headers)
    assert (other.status_code, other.json()["type"]) == (422, "urn:gnomon:fault:serving.api.key_reused")
    # Another person's key of the same name is another key.
    theirs = place.client.post("/v1/cases", json=raised, headers={**place.by("supervisor"), "Idempotency-Key": "k1"})
    assert theirs.json()["id"] != first.json()["id"]


def test_another_file_of_the_same_length_is_another_request(place: Any) -> None:
    headers = {**place.by("auditor"), "Idempotency-Key": "f1", "Content-Type": "application/pdf"}

    def put(content: bytes) -> Any:
        path = "/v1/cases/1/attachments"
        return place.client.post(path, params={"name": "a.pdf"}, content=content, headers=headers)

    assert put(PDF + b"1").json()["id"] == put(PDF + b"1").json()["id"]
    assert put(PDF + b"2").status_code == 422


def test_an_action_under_one_key_is_answered_again_though_the_version_has_moved(place: Any) -> None:
    headers = {**place.by("auditor"), "Idempotency-Key": "claim-1"}
    body = {"action": "claim", "version": 1}
    assert place.client.post("/v1/cases/1/actions", json=body, headers=headers).json()["version"] == 2
    again = place.client.post("/v1/cases/1/actions", json=body, headers=headers)
    assert (again.status_code, again.json()["version"], again.headers["etag"]) == (200, 2, '"2"')


def test_a_case_is_acted_on_by_its_etag(place: Any) -> None:
    tag = place.client.get("/v1/cases/1", headers=place.by("auditor")).headers["etag"]
    headers = {**place.by("auditor"), "If-Match": tag}
    assert place.client.post("/v1/cases/1/actions", json={"action": "claim"}, headers=headers).status_code == 200
    stale = place.client.post("/v1/cases/1/actions", json={"action": "note", "reason": "x"}, headers=headers)
    assert stale.status_code == 409
    bare = place.client.post("/v1/cases/1/actions", json={"action": "claim"}, headers=place.by("auditor"))
    assert bare.status_code == 422
