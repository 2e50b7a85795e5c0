"""Actions on cases: who may, when, with what; and the trail of each."""

from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from cases import audit, labels, people, policy, queue, service
from cases.people import Person
from cases.tables import Case
from cases.workflow import (
    ACTIONS,
    BODY_KINDS,
    MEANINGS,
    MOVES,
    ROLES,
    SIDES,
    STATES,
    TERMS,
    Action,
    BodyKind,
    Role,
    Side,
    State,
    moves,
)
from gnomon.database import snapshot, transaction
from gnomon.errors import Fault
from gnomon.terms import Outcome, Severity

Staff = dict[str, Person]


@pytest.fixture
def case(session: Session, warn: Any, staff: Staff) -> Case:
    queue.hand_over(session, [warn()], "run1", "service")
    return queue.cases(session).rows[0]


def do(session: Session, case: Case, action: Action, actor: Person, *args: Any, **given: Any) -> Case:
    return service.act(session, case.id, action, actor, case.version, *args, **given)


def refused(
    session: Session, case: Case, status: int, action: Action, actor: Person, *args: Any, **given: Any
) -> Fault:
    """The fault, after making sure that nothing changed."""
    before, trail = case.as_dict(), audit.verify(session).seq
    with pytest.raises(Fault) as caught:
        do(session, case, action, actor, *args, **given)
    session.expire_all()
    assert queue.case(session, case.id).case.as_dict() == before
    assert audit.verify(session).seq == trail
    assert caught.value.status == status
    assert caught.value.told("zh") != caught.value.told("en")
    return caught.value


def test_signing_in_makes_the_case_mine_and_starts_the_clock(session: Session, case: Case, staff: Staff) -> None:
    claimed = do(session, case, Action.CLAIM, staff["auditor"])
    assert (claimed.state, claimed.owner, claimed.version) == ("review", "auditor", 2)
    assert claimed.claimed_at is not None
    days = policy.work_calendar(session)
    assert days.between(claimed.claimed_at, claimed.due) == TERMS[Severity.WARN]


def test_closing_writes_outcome_and_money_and_makes_a_label(session: Session, case: Case, staff: Staff) -> None:
    do(session, case, Action.CLAIM, staff["auditor"])
    money = {"amount_found": Decimal("1234567.89"), "amount_recovered": Decimal("1000000"), "people_handled": 2}
    closed = do(session, case, Action.CLOSE, staff["auditor"], "处方核查属实", Outcome.CONFIRMED, **money)
    session.expire_all()
    assert closed.amount_found == Decimal("1234567.89")
    (label,) = labels.labels(session)
    assert tuple(label) == labels.COLUMNS
    assert label == {
        "label_id": f"case-{case.id}",
        "entity_kind": "institution",
        "entity_id": "H1",
        "scheme": "over-prescribing",
        "outcome": "confirmed",
        "as_of": closed.as_of,
        "labelled_at": closed.closed_at,
        "inclusion": None,
        "origin": "case",
        "case_id": str(case.id),
    }
    assert labels.labels(session, since=closed.closed_at + timedelta(seconds=1)) == []


def test_reopening_withdraws_the_label_and_closing_again_supersedes_it(
    session: Session, case: Case, staff: Staff, warn: Any
) -> None:
    do(session, case, Action.CLAIM, staff["auditor"])
    do(session, case, Action.CLOSE, staff["auditor"], "查实", Outcome.CONFIRMED)
    do(session, case, Action.REOPEN, staff["supervisor"], "证据不足")
    assert (case.state, case.outcome, case.closed_at) == ("review", None, None)
    (withdrawn,) = labels.labels(session)
    assert (withdrawn["outcome"], withdrawn["origin"]) == ("data_error", "withdrawn")
    assert queue.hand_over(session, [warn(day=9)], "later", "test").joined == 1
    assert labels.labels(session) == [withdrawn]  # A follower that has read it is not told again.
    do(session, case, Action.CLOSE, staff["supervisor"], "系录入错误", Outcome.FALSE_ALARM)
    (label,) = labels.labels(session)
    assert label["label_id"] == withdrawn["label_id"]
    assert (label["outcome"], label["origin"]) == ("false_alarm", "case")


def test_every_event_tells_before_and_after(session: Session, case: Case, staff: Staff) -> None:
    do(session, case, Action.CLAIM, staff["auditor"])
    do(session, case, Action.NOTE, staff["handler"], "已调取处方")
    claim, note = audit.events(session, queue.subject(case))[-2:]
    before, after = json.loads(claim.before), json.loads(claim.after)
    assert (before["state"], after["state"], before["owner"], after["owner"]) == ("open", "review", None, "auditor")
    assert (note.actor, json.loads(note.after)["reason"]) == ("handler", "已调取处方")


def test_a_stale_version_is_a_conflict(session: Session, case: Case, staff: Staff) -> None:
    do(session, case, Action.CLAIM, staff["auditor"])
    with pytest.raises(service.Conflict, match="version 1, now 2"):
        service.act(session, case.id, Action.NOTE, staff["auditor"], 1, "x")


def test_what_the_state_forbids_is_refused_with_what_may_be_done(session: Session, case: Case, staff: Staff) -> None:
    fault = refused(session, case, 409, Action.CLOSE, staff["auditor"], "x", Outcome.CONFIRMED)
    assert "sign in, transfer, invite body, remind department, copy to, note, merge" in fault.told("en")
    assert "签收、转办、邀请参与、前台提醒、抄送、备注、并案" in fault.told("zh")


@pytest.mark.parametrize("role", ["viewer", "data_scientist", "administrator", "service"])
def test_who_does_not_handle_cases_may_do_nothing(session: Session, case: Case, staff: Staff, role: str) -> None:
    for action in set(Action) - {Action.VOTE}:
        refused(session, case, 403, action, staff[role], "x")
    refused(session, case, 403 if role == "administrator" else 409, Action.VOTE, staff[role], "x")
    assert service.allowed(case, staff[role]) == {}


def test_a_handler_may_not_close(session: Session, case: Case, staff: Staff) -> None:
    do(session, case, Action.CLAIM, staff["handler"])
    fault = refused(session, case, 403, Action.CLOSE, staff["handler"], "x", Outcome.USEFUL)
    assert "auditor, supervisor" in fault.told("en")


def test_only_the_owner_or_a_supervisor_goes_on(session: Session, case: Case, staff: Staff) -> None:
    do(session, case, Action.CLAIM, staff["auditor"])
    refused(session, case, 403, Action.CLOSE, staff["auditor2"], "x", Outcome.USEFUL)
    assert Action.CLOSE not in service.allowed(case, staff["auditor2"])
    assert Action.CLOSE in service.allowed(case, staff["auditor"])
    do(session, case, Action.CLOSE, staff["supervisor"], "无问题", Outcome.USEFUL)


def test_only_a_supervisor_reopens(session: Session, case: Case, staff: Staff) -> None:
    do(session, case, Action.CLAIM, staff["auditor"])
    do(session, case, Action.CLOSE, staff["auditor"], "误报", Outcome.FALSE_ALARM)
    refused(session, case, 403, Action.REOPEN, staff["auditor"], "x")
    assert do(session, case, Action.REOPEN, staff["supervisor"], "复查").state == "review"


def test_a_case_is_not_reopened_beside_another_open_one(session: Session, case: Case, staff: Staff, warn: Any) -> None:
    do(session, case, Action.CLAIM, staff["auditor"])
    do(session, case, Action.CLOSE, staff["auditor"], "误报", Outcome.FALSE_ALARM)
    queue.hand_over(session, [warn(day=5)], "run2", "service")
    refused(session, case, 409, Action.REOPEN, staff["supervisor"], "复查")


def test_reason_outcome_person_and_amounts_are_required_and_checked(session: Session, case: Case, staff: Staff) -> None:
    auditor, supervisor = staff["auditor"], staff["supervisor"]
    refused(session, case, 422, Action.NOTE, auditor, "   ")
    refused(session, case, 422, Action.ASSIGN, supervisor)
    refused(session, case, 404, Action.ASSIGN, supervisor, to="nobody")
    refused(session, case, 422, Action.ASSIGN, supervisor, to="viewer")
    do(session, case, Action.CLAIM, auditor)
    refused(session, case, 422, Action.CLOSE, auditor, "", Outcome.USEFUL)
    refused(session, case, 422, Action.CLOSE, auditor, "x")
    refused(session, case, 422, Action.CLOSE, auditor, "x", Outcome.CONFIRMED, amount_found=Decimal(-1))
    refused(session, case, 422, Action.CLOSE, auditor, "x", Outcome.CONFIRMED, amount_found=Decimal("NaN"))
    refused(session, case, 422, Action.NOTE, auditor, "x", Outcome.CONFIRMED)


def test_an_unknown_case_is_not_found(session: Session, staff: Staff) -> None:
    with pytest.raises(Fault, match="no such case") as caught:
        service.act(session, 404, Action.CLAIM, staff["auditor"], 1)
    assert caught.value.status == 404


def test_a_transfer_waits_for_the_new_owner_and_is_counted(session: Session, case: Case, staff: Staff) -> None:
    do(session, case, Action.CLAIM, staff["auditor"])
    do(session, case, Action.TRANSFER, staff["auditor"], "属地办理", to="handler")
    assert (case.state, case.owner, case.transfers) == ("open", "handler", 1)
    refused(session, case, 403, Action.CLAIM, staff["auditor"])
    do(session, case, Action.RETURN, staff["handler"], "不属于本单位职责")
    assert (case.state, case.owner) == ("open", None)
    refused(session, case, 409, Action.RETURN, staff["handler"], "再退一次")


def test_a_copy_is_marked_read_when_it_is_read(session: Session, case: Case, staff: Staff) -> None:
    do(session, case, Action.COPY, staff["auditor"], to="viewer")
    assert queue.cases(session, copied_to="viewer").rows == [case]
    assert queue.case(session, case.id).copies[0].read_at is None
    assert service.read(session, case.id, staff["viewer"]).copies[0].read_at is not None
    refused(session, case, 409, Action.COPY, staff["auditor"], to="viewer")


def test_reading_goes_on_the_trail(session: Session, case: Case, staff: Staff, warn: Any) -> None:
    service.read(session, case.id, staff["viewer"])
    service.read_warning(session, warn().fingerprint[:10], staff["data_scientist"].by_way_of("cli"))
    events = [(event.actor, event.action, event.subject_kind) for event in audit.walk(session)][-2:]
    assert events == [("viewer", "read", "case"), ("cli:data_scientist", "read", "warning")]
    with pytest.raises(service.Forbidden):
        service.read(session, case.id, staff["administrator"])


def test_moves_are_all_reachable_and_titled() -> None:
    reached = {State.OPEN} | {move.to for move in MOVES.values()} | {move.pending for move in MOVES.values()} - {None}
    assert reached == set(State)
    assert {action for _, action in MOVES} == set(Action)
    assert all(moves(state, Role.SUPERVISOR) for state in State)
    assert set(ACTIONS) == set(MEANINGS) == set(Action)
    assert (set(STATES), set(ROLES), set(SIDES), set(BODY_KINDS)) == (set(State), set(Role), set(Side), set(BodyKind))
    assert all(move.title.zh and move.title.en and move.by for move in MOVES.values())


def test_what_the_database_cannot_hold_is_a_fault_and_changes_nothing(postgresql_engine: Engine, warn: Any) -> None:
    with transaction(postgresql_engine) as session:
        auditor = people.add(session, "anna", Role.AUDITOR, "test")
        queue.hand_over(session, [warn()], "run1", "service")
        service.act(session, 1, Action.CLAIM, auditor, 1)
        before, seq = queue.found(session, 1).as_dict(), audit.verify(session).seq
    with pytest.raises(Fault) as refused, transaction(postgresql_engine) as session:
        service.act(session, 1, Action.CLOSE, auditor, 2, "核查\0记录", Outcome.USEFUL)
    assert (refused.value.status, "核查" in str(refused.value)) == (422, False)
    with pytest.raises(Fault) as refused, snapshot(postgresql_engine) as session:
        queue.cases(session, text="甲\0")
    assert refused.value.status == 422
    with transaction(postgresql_engine) as session:
        assert (queue.found(session, 1).as_dict(), audit.verify(session).seq) == (before, seq)
