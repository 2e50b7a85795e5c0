"""What leaves the house, over the API and in the console: packages, totals, published results, calibration."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cases import policy, store
from cases.tables import Case
from gnomon.database import transaction
from tests.serving.test_api import act
from tests.serving.test_console import sign_in
from tests.serving.test_console_work import post


def close(place: Any, case: int, outcome: str = "confirmed", **told: Any) -> None:
    assert act(place, "auditor", case, action="claim", version=1).status_code == 200
    closed = act(place, "auditor", case, action="close", version=2, outcome=outcome, reason="张三已核", **told)
    assert closed.status_code == 200


def signed(**changed: Any) -> tuple[bytes, str]:
    """A package of an agency that we know by its key alone."""
    case = {"title_zh": "虚假宣传", "scene": "s", "scheme": "ads", "entity_kind": "supplier", "entity_id": "S1"}
    case |= {"entity_name": "某公司", "severity": "warn"} | changed
    text = json.dumps({"format": "gnomon-case/1", "id": "p1", "reason": "请查处", "case": case})
    key = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
    public = key.public_key().public_bytes_raw().hex()
    whole = {"package": text, "signature": key.sign(text.encode()).hex(), "public_key": public}
    return json.dumps(whole).encode(), public


def test_a_case_is_given_and_one_is_taken_over_the_api(place: Any) -> None:
    asked: dict[str, Any] = {"to": "省市场监管局", "reason": "请依职权查处", "version": 1}
    assert place.client.post("/v1/cases/1/package", json=asked, headers=place.by("viewer")).status_code == 403
    given = place.client.post("/v1/cases/1/package", json=asked, headers=place.by("auditor"))
    key = place.client.get("/v1/trail/key", headers=place.by("auditor")).json()["public_key"]
    assert (given.status_code, given.json()["public_key"]) == (200, key)
    package, theirs = signed()

    def take(content: bytes, key: str, role: str = "supervisor") -> Any:
        query = {"public_key": key}
        return place.client.post("/v1/packages", params=query, content=content, headers=place.by(role))

    assert take(package, theirs, "auditor").status_code == 403
    assert take(package, key).status_code == 400, "signed by somebody else"
    for changed in ({"entity_id": 7}, {"severity": "x"}, {"title_zh": "长" * 201}, {"entity_name": "\ud800"}):
        assert take(*signed(**changed)).status_code == 400
    first, second = take(package, theirs), take(package, theirs)
    assert (first.status_code, first.json()["known"], second.json()["known"]) == (200, False, True)
    assert take(given.content, key).json()["case_id"] == 1, "it joins the open case about the same entity"


def test_a_package_is_given_once_under_one_key_and_for_the_version_that_was_read(place: Any) -> None:
    asked = {"to": "省市场监管局", "reason": "请依职权查处"}

    def give(key: str = "", match: str = "", **more: Any) -> Any:
        headers = {"Idempotency-Key": key, "If-Match": match}
        sent = {**place.by("auditor"), **{name: value for name, value in headers.items() if value}}
        return place.client.post("/v1/cases/1/package", json={**asked, **more}, headers=sent)

    assert give().status_code == 422, "neither a version nor If-Match"
    assert give(match='"7"').status_code == 409
    tag = place.client.get("/v1/cases/1", headers=place.by("auditor")).headers["etag"]
    first, again = give("k1", tag), give("k1", tag)
    assert (first.status_code, again.content) == (200, first.content), "whoever lost the answer gets the same package"
    assert give("k1", tag, reason="另一事由").status_code == 422, "the key was used for something else"
    assert give("k2", tag).status_code == 409, "the case has changed"
    trail = place.client.get("/v1/cases/1", headers=place.by("auditor")).json()["trail"]
    assert [event["action"] for event in trail].count("give") == 1
    package, theirs = signed()

    def take() -> Any:
        headers = {**place.by("supervisor"), "Idempotency-Key": "k3"}
        return place.client.post("/v1/packages", params={"public_key": theirs}, content=package, headers=headers)

    assert take().json() == take().json() != {}


def test_totals_and_published_results_over_the_api(place: Any) -> None:
    close(place, 1, amount_found="120.50", amount_recovered="20", people_handled=3)
    close(place, 2)
    close(place, 3, "false_alarm")
    told = place.client.get("/v1/totals", headers=place.by("viewer")).json()
    assert (told["closed"], told["confirmed"], told["found"], told["people_handled"]) == (3, 2, "120.50", 3)
    ids: list[int] = []
    cursor: str | None = ""
    while cursor is not None:
        query = {"limit": 1, "cursor": cursor}
        page = place.client.get("/v1/results", params=query, headers=place.by("administrator"))
        assert not any(word in page.text for word in ("H1", "张三", "auditor"))
        ids, cursor = ids + [row["id"] for row in page.json()["items"]], page.json()["cursor"]
    assert ids == [1, 2]
    for wrong in ("x", "W10", "WyIyMDI1IiwtMV0"):
        assert place.client.get("/v1/results?cursor=" + wrong, headers=place.by("viewer")).status_code == 400


@pytest.fixture
def past(place: Any) -> None:
    """Sixty cases that took eight, or of every third thirty, working days of the ten they had."""
    database = store.upgrade(place.settings)
    with transaction(database) as session:
        days = policy.work_calendar(session)
        for n in range(60):
            begun = datetime(2024, 3, 4, 4, tzinfo=UTC) + timedelta(days=3 * n)
            closed = days.after(begun, 30 if n % 3 == 0 else 8)
            session.add(made(n, begun, closed, days.after(begun, 10)))
    database.dispose()


def made(n: int, begun: datetime, closed: datetime, due: datetime) -> Case:
    told: dict[str, Any] = {
        "scene": "s",
        "scheme": "slow",
        "severity": "warn",
        "entity_kind": "k",
        "entity_id": f"E{n}",
    }
    told |= {
        "entity_name": "",
        "title_zh": "t",
        "title_en": "t",
        "state": "closed",
        "gravity": 1,
        "warnings": 0,
        "transfers": 0,
        "urged": 0,
    }
    moments = {"opened_at": begun, "claimed_at": begun, "closed_at": closed, "due": due, "updated_at": closed}
    return Case(**told, **moments, as_of=begun, pool=True, version=3)


@pytest.mark.usefixtures("past")
def test_how_well_breaches_were_foretold_is_told_over_the_api(place: Any) -> None:
    def asked(scheme: str) -> Any:
        return place.client.get(f"/v1/forecasts/calibration?scheme={scheme}", headers=place.by("viewer")).json()

    told = asked("slow")
    assert told["cases"] > 20
    assert 0.2 < told["came"] < 0.5
    assert abs(told["told"] - told["came"]) < 0.15
    assert asked("over-prescribing") is None


@pytest.mark.usefixtures("past")
def test_totals_results_and_calibration_have_their_place_in_the_console(place: Any) -> None:
    close(place, 1, amount_found="1200.50", people_handled=3)
    assert act(place, "auditor", 2, action="claim", version=1).status_code == 200
    database = store.upgrade(place.settings)
    with transaction(database) as session:
        session.get_one(Case, 2).scheme = "slow"
    database.dispose()
    sign_in(place, "viewer")
    page = place.client.get("/console/lists/funnel").text
    assert "1,200.50" in page
    assert "Days saved" in page
    page = place.client.get("/console/lists/published")
    assert page.status_code == 200
    assert "1,200" not in page.text
    assert "H1" not in page.text
    assert ">confirmed<" in page.text
    page = place.client.get("/console/lists/forecasts").text
    assert "How well this was foretold" in page


def test_a_case_is_given_and_one_is_taken_in_the_console(place: Any) -> None:
    sign_in(place, "supervisor")
    asked = {"path": "/console/cases/1/package", "page": "/console/cases/1", "to": "省市场监管局"}
    given = post(place, **asked, reason="请依职权查处", version="1")
    assert given.headers["content-disposition"] == 'attachment; filename="case-1.json"'
    page = place.client.get("/console/cases/1").text
    assert "signed package given to another agency" in page
    assert '<input type="hidden" name="version" value="2">' in page
    for version, reason, status in (("2", " ", 422), ("1", "再移送", 409), ("", "再移送", 422)):
        assert post(place, **asked, reason=reason, version=version).status_code == status
    assert "→ 省市场监管局" in page
    package, key = signed()

    def take(key: str) -> Any:
        files = {"file": ("p.json", package, "application/json")}
        return post(place, "/console/import/package", "/console/import", files=files, public_key=key)

    assert take("0" * 64).status_code == 400
    assert 'href="/console/cases/4"' in take(f" {key} ").text
    assert "known" in take(key).text
    sign_in(place, "viewer")
    assert "/package" not in place.client.get("/console/cases/1").text
