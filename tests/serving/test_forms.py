"""Every action of the workflow can be done from its page: the form asks for all that the move needs."""

from __future__ import annotations

import pytest
from starlette.datastructures import FormData

from cases.workflow import MOVES, Action, Move, Need, State
from gnomon.errors import Fault
from gnomon.terms import Outcome, Text
from serving.console.forms import Choice, Offered, fields, filled_in

ONE = [Choice("1", Text("甲", "one"))]
OFFERED = Offered(ONE, ONE, ONE, ONE, ONE)
ASKED_AS = {
    Need.BODY: "organisation",
    Need.PARTS: "part",
    Need.PEOPLE: "people",
    Need.BODIES: "bodies",
    Need.OTHER_CASE: "other",
    Need.ITEM: "other",
    Need.CONSULTATION: "other",
    Need.ANSWER: "answer",
    Need.DUE: "due",
}


@pytest.mark.parametrize(("state", "action"), MOVES, ids=lambda one: str(one))
def test_the_form_asks_for_all_that_the_move_needs(state: State, action: Action) -> None:
    move: Move = MOVES[state, action]
    asked = {one.name: one for one in fields(action, move, OFFERED)}
    for need in move.needs:
        assert asked[ASKED_AS[need]].required
    assert not move.needs_reason or asked["reason"].required
    assert not move.needs_outcome or "outcome" in asked
    assert not move.needs_person or "to" in asked


def test_what_is_filled_in_becomes_the_request() -> None:
    told = [("reason", " seen "), ("outcome", "confirmed"), ("amount_found", "12,000.50"), ("people_handled", "3")]
    told += [
        ("due", "2026-03-01"),
        ("people", "a"),
        ("people", "b"),
        ("other", "7"),
        ("answer", "yes"),
        ("side", "owner"),
    ]
    told += [("part_title", "Repay"), ("part_body", "X"), ("part_due", ""), ("part_title", ""), ("part_body", "Y")]
    asked = filled_in(FormData(told))
    assert (asked["reason"], asked["outcome"], str(asked["amount_found"])) == ("seen", Outcome.CONFIRMED, "12000.50")
    assert (asked["people"], asked["other"], asked["people_handled"]) == (["a", "b"], 7, 3)
    assert [(part.title, part.organisation) for part in asked["parts"]] == [("Repay", "X")]
    assert f"{asked['due']:%Y-%m-%d}" == "2026-03-01"


@pytest.mark.parametrize(
    ("name", "value"),
    [("amount_found", "much"), ("people_handled", "-1"), ("due", "soon"), ("other", "9" * 40), ("other", "²")],
)
def test_what_is_no_amount_number_or_date_is_refused(name: str, value: str) -> None:
    with pytest.raises(Fault) as refused:
        filled_in(FormData([(name, value)]))
    assert refused.value.status == 422


def sign_in(place, name: str) -> str:
    page = place.client.get("/console/login").text
    csrf = page.split('name="csrf" value="')[1].split('"')[0]
    place.client.post("/console/login", data={"name": name, "password": "correct horse battery", "csrf": csrf})
    return place.client.get("/console/cases/1").text


def do(place, action: str, **told: object):
    page = place.client.get("/console/cases/1").text
    csrf = page.split('name="csrf" value="')[1].split('"')[0]
    version = page.split('name="version" value="')[1].split('"')[0]
    form = {"csrf": csrf, "version": version, "action": action, **told}
    answer = place.client.post("/console/cases/1/actions", data=form)
    assert answer.status_code == 200, answer.text
    return answer.text


def test_a_case_is_consulted_on_and_rectified_from_its_page(place) -> None:
    sign_in(place, "supervisor")
    do(place, "claim")
    page = do(place, "consult", reason="Is it fraud?", people=["auditor", "supervisor"])
    assert "Is it fraud?" in page
    number = page.split('id="other-vote"')[1].split('<option value="')[2].split('"')[0]
    assert "Supervisor A: in favour" in do(place, "vote", other=number, answer="yes")
    page = do(place, "rectify", reason="Put it right", part_title=["Repay the fund", "Train staff"], part_due=["", ""])
    assert "Repay the fund" in page
    assert "Train staff" in page


def test_the_queue_is_narrowed_by_severity(place) -> None:
    sign_in(place, "auditor")
    alerts = place.client.get("/console/?severity=alert").text
    assert "H1 市第一医院" in alerts
    assert "H3" not in alerts


def test_the_trail_can_be_searched_and_tells_who_did_what(place) -> None:
    sign_in(place, "auditor")
    do(place, "claim")
    do(place, "note", reason="Fetched the ledger of March")
    page = place.client.get("/console/trail?text=ledger").text
    assert "Fetched the ledger of March" in page
    assert "Auditor A" in page
    assert "No event matches" in place.client.get("/console/trail?text=nowhere").text
