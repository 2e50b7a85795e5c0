"""Splitting, rectifying, consulting, circulating, merging, four eyes, three sides, the soft mode: verb by verb."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from cases import audit, bulk, dossier, meetings, notices, policy, queue, raising, rectification, service
from cases.asked import Part
from cases.people import Person
from cases.tables import Case, CaseWarning
from cases.workflow import Action, Role, Side
from gnomon.errors import Fault, Misuse
from gnomon.terms import Outcome, Severity, Text

A, End = Action, Outcome


@pytest.fixture
def case(session: Session, warn: Any, city: Any) -> Case:
    queue.hand_over(session, [warn()], "run1", "service")
    return queue.cases(session).rows[0]


@pytest.fixture
def auditor(city: Any) -> Person:
    return city.of(city.discipline)


@pytest.fixture
def chief(city: Any) -> Person:
    return city.of(city.discipline, Role.SUPERVISOR)


def do(session: Session, case: Case, action: Action, actor: Person, *args: Any, **given: Any) -> Case:
    return service.act(session, case.id, action, actor, case.version, *args, **given)


def refused(session: Session, case: Case, key: str, *args: Any, **given: Any) -> Fault:
    before, seq = case.as_dict(), audit.verify(session).seq
    with pytest.raises(Fault) as caught, session.begin_nested():
        do(session, case, *args, **given)
    session.expire_all()
    assert queue.found(session, case.id).as_dict() == before
    assert audit.verify(session).seq == seq
    assert caught.value.key == f"cases.{key}"
    assert caught.value.told("zh") != caught.value.told("en")
    return caught.value


def texts(session: Session, person: Person) -> list[str]:
    return [one.kind for one in notices.mine(session, person)]


def test_what_is_confirmed_waits_for_a_second_pair_of_eyes(
    session: Session, case: Case, auditor: Person, chief: Person
) -> None:
    do(session, case, A.CLAIM, auditor)
    do(session, case, A.CLOSE, auditor, "查实", End.CONFIRMED, amount_found=Decimal("12.30"), people_handled=2)
    assert (case.state, case.outcome) == ("closing", None)
    assert texts(session, chief) == ["proposed"]
    refused(session, case, "same_eyes", A.RECONCILE, auditor)
    assert A.RECONCILE not in service.allowed(case, auditor)
    do(session, case, A.DECLINE, chief, "金额不符")
    assert (case.state, case.proposal) == ("review", None)
    do(session, case, A.CLOSE, auditor, "查实", End.CONFIRMED, amount_found=Decimal("12.30"), people_handled=2)
    do(session, case, A.RECONCILE, chief)
    assert (case.state, case.outcome, case.amount_found, case.people_handled) == (
        "closed",
        "confirmed",
        Decimal("12.30"),
        2,
    )
    last = json.loads(audit.events(session, queue.subject(case))[-1].after)
    assert last["proposed_by"] == auditor.name


def test_a_false_alarm_needs_one_pair_of_eyes_and_a_policy_can_say_otherwise(
    session: Session, case: Case, auditor: Person, chief: Person
) -> None:
    do(session, case, A.CLAIM, auditor)
    do(session, case, A.CLOSE, auditor, "误报", End.FALSE_ALARM)
    assert case.state == "closed"
    do(session, case, A.REOPEN, chief, "复查")
    policy.put(session, "four_eyes", ["false_alarm"], "test")
    do(session, case, A.CLOSE, auditor, "误报", End.FALSE_ALARM)
    assert case.state == "closing"
    do(session, case, A.DECLINE, chief, "x")
    policy.put(session, "four_eyes", [], "test")
    do(session, case, A.CLOSE, auditor, "查实", End.CONFIRMED)
    assert case.state == "closed"


@pytest.mark.parametrize(
    ("name", "value"), [("four_eyes", ["lost"]), ("warn_days", 0), ("mail", 1), ("calendar", [["x", "off"]])]
)
def test_an_unfit_policy_is_refused(session: Session, name: str, value: Any) -> None:
    with pytest.raises(Misuse):
        policy.put(session, name, value, "test")
    with pytest.raises(Misuse):
        policy.put(session, "colour", value, "test")


def test_a_parent_closes_only_when_all_its_parts_are_closed(
    session: Session, case: Case, auditor: Person, chief: Person, city: Any
) -> None:
    do(session, case, A.CLAIM, auditor)
    parts = [Part("核查处方", city.of(city.health).name), Part("核查采购", organisation=city.housing)]
    do(session, case, A.SPLIT, auditor, parts=parts)
    first, second = queue.cases(session, parent_id=case.id).rows[::-1]
    assert (first.title.zh, first.owner, first.organisation) == ("核查处方", city.of(city.health).name, city.health)
    assert (second.organisation, second.owner) == (city.housing, None)
    refused(session, case, "parts_open", A.CLOSE, auditor, "x", End.USEFUL)
    do(session, first, A.CLAIM, city.of(city.health))
    do(session, first, A.CLOSE, city.of(city.health), "无问题", End.USEFUL)
    do(session, second, A.CLAIM, city.of(city.housing))
    refused(session, case, "parts_open", A.CLOSE, auditor, "x", End.USEFUL)
    do(session, second, A.CLOSE, city.of(city.housing), "无问题", End.USEFUL)
    assert "part_closed" in texts(session, auditor)
    do(session, case, A.CLOSE, auditor, "x", End.USEFUL)
    refused(session, second, "parent_closed", A.REOPEN, city.of(city.housing, Role.SUPERVISOR), "x")
    assert [one["state"] for one in dossier.dossier(session, case.id, chief)["parts"]] == ["closed", "closed"]


def test_refusing_to_sign_is_counted_and_told(session: Session, case: Case, chief: Person, city: Any) -> None:
    doctor = city.of(city.health)
    do(session, case, A.ASSIGN, chief, to=doctor.name)
    refused(session, case, "needs_reason", A.REFUSE, doctor)
    do(session, case, A.REFUSE, doctor, "不属本单位职责")
    assert (case.refusals, case.owner, case.claimed_at) == (1, None, None)
    assert texts(session, city.of(city.health, Role.SUPERVISOR)) == ["refused"]


def test_a_case_handed_on_five_times_is_flagged(session: Session, case: Case, chief: Person, city: Any) -> None:
    do(session, case, A.ASSIGN, chief, to=city.of(city.health).name)
    for n in range(5):
        here, there = (city.health, city.housing) if n % 2 == 0 else (city.housing, city.health)
        do(session, case, A.TRANSFER, city.of(here), "属地办理", to=city.of(there).name)
        assert case.shuffled == (n >= 2)
    assert case.transfers == 5
    assert queue.cases(session, shuffled=True).rows == [case]
    assert texts(session, city.of(city.health, Role.SUPERVISOR)).count("shuffled") <= 1
    moved = [json.loads(e.after)["to"] for e in audit.events(session, queue.subject(case)) if e.action == "transfer"]
    assert len(moved) == 5, "who sent and who took stands on the trail"


def test_rectification_goes_item_by_item_and_nobody_checks_their_own(
    session: Session, case: Case, auditor: Person, city: Any
) -> None:
    do(session, case, A.CLAIM, auditor)
    due = datetime(2027, 3, 1, tzinfo=UTC)
    items = [Part("追回基金", organisation=city.health, due=due), Part("完善制度", organisation=city.health)]
    do(session, case, A.RECTIFY, auditor, "限期整改", parts=items)
    first, second = rectification.items(session, case.id)
    doctor, other = city.of(city.health, Role.LIAISON), city.of(city.housing)
    refused(session, case, "items_unreported", A.REPORT, auditor, "x")
    with pytest.raises(Fault, match="no such case"):
        do(session, case, A.SUBMIT, other, "已追回", other=first.id)
    do(session, case, A.SUBMIT, doctor, "已追回 12 万元", other=first.id)
    refused(session, case, "no_item", A.SUBMIT, doctor, "x", other=999)
    refused(session, case, "item_not_submitted", A.CHECK, auditor, other=second.id, answer="yes")
    do(session, case, A.CHECK, auditor, other=first.id, answer="yes")
    do(session, case, A.SUBMIT, auditor, "已印发", other=second.id)
    refused(session, case, "same_eyes", A.CHECK, auditor, other=second.id, answer="yes")
    do(session, case, A.CHECK, city.of(city.discipline, number=2), "不完整", other=second.id, answer="no")
    assert "item_returned" in texts(session, auditor)
    do(session, case, A.SUBMIT, doctor, "已补充", other=second.id)
    do(session, case, A.REPORT, auditor, "整改完毕")
    refused(session, case, "items_open", A.CLOSE, auditor, "x", End.USEFUL)
    do(session, case, A.CHECK, auditor, other=second.id, answer="yes")
    assert [(item.state, item.checked_by) for item in rectification.items(session, case.id)] == [
        ("passed", auditor.name)
    ] * 2
    do(session, case, A.CLOSE, auditor, "整改到位", End.USEFUL)


def test_a_file_is_evidence_and_a_false_one_is_refused(
    session: Session, case: Case, auditor: Person, city: Any
) -> None:
    pdf = b"%PDF-1.7 receipt"
    kept = rectification.attach(session, case.id, auditor, "回单.pdf", "application/pdf", pdf)
    assert rectification.attachment(session, kept.id, auditor).content == pdf
    assert [e.action for e in audit.walk(session)][-2:] == ["attach", "read"]
    for content, media, status in (
        (b"MZ\x90 program", "application/pdf", 415),
        (b"\x00\x01", "text/plain", 415),
        (pdf, "application/x-sh", 415),
        (b"", "text/plain", 413),
        (b"a" * (rectification.LARGEST + 1), "text/plain", 413),
    ):
        with pytest.raises(Fault) as caught:
            rectification.attach(session, case.id, auditor, "x", media, content)
        assert caught.value.status == status
    with pytest.raises(Fault) as caught:
        rectification.attach(session, case.id, city.of(city.discipline, Role.VIEWER), "x.pdf", "application/pdf", pdf)
    assert caught.value.status == 403
    assert len(rectification.attachments(session, case.id)) == 1


def test_a_consultation_has_votes_and_minutes(session: Session, case: Case, auditor: Person, city: Any) -> None:
    do(session, case, A.CLAIM, auditor)
    doctor, builder = city.of(city.health, Role.VIEWER), city.of(city.housing)
    do(session, case, A.CONSULT, auditor, "是否移交司法？", people=[doctor.name, builder.name])
    ((held, seats),) = meetings.consultations(session, case.id)
    assert {seat.name for seat in seats} == {doctor.name, builder.name}
    assert texts(session, doctor) == ["consulted"]
    do(session, case, A.VOTE, builder, "证据充分", other=held.id, answer="yes")
    refused(session, case, "no_seat", A.VOTE, auditor, other=held.id, answer="yes")
    refused(session, case, "needs_answer", A.VOTE, builder, other=held.id, answer="maybe")
    do(session, case, A.CONCLUDE, auditor, "一致同意移交", other=held.id)
    assert json.loads(audit.events(session, queue.subject(case))[-1].after)["votes"] == {"yes": 1, "silent": 1}
    refused(session, case, "concluded", A.VOTE, builder, other=held.id, answer="no")


def test_a_circular_is_acknowledged_once_by_each_body(session: Session, case: Case, chief: Person, city: Any) -> None:
    do(session, case, A.CIRCULATE, chief, "举一反三", bodies=[city.health, city.housing])
    liaison = city.of(city.health, Role.LIAISON)
    ((circular, got),) = meetings.circulars(session, liaison)
    assert (circular.told, got.body, got.acknowledged_at) == ("举一反三", city.health, None)
    assert meetings.circulars(session, city.of(city.owner)) == []
    assert meetings.acknowledge(session, circular.id, liaison).acknowledged_by == liaison.name
    for person, status in ((liaison, 409), (city.of(city.owner), 404), (city.of(city.housing, Role.VIEWER), 403)):
        with pytest.raises(Fault) as caught:
            meetings.acknowledge(session, circular.id, person)
        assert caught.value.status == status


def test_three_sides_confirm_before_the_case_ends(session: Session, case: Case, auditor: Person, city: Any) -> None:
    do(session, case, A.CLAIM, auditor)
    for body, side in ((city.owner, Side.OWNER), (city.health, Side.REGULATOR), (city.discipline, Side.SUPERVISOR)):
        do(session, case, A.INVITE, auditor, organisation=body, side=side)
    refused(session, case, "lead_side", A.INVITE, auditor, organisation=city.owner, side=Side.LEAD)
    fault = refused(session, case, "sides_silent", A.CLOSE, auditor, "x", End.USEFUL)
    assert "市城投公司（业主）" in fault.told("zh")
    owner = city.of(city.owner, Role.LIAISON)
    assert [(a.value) for a in service.allowed(case, owner)] == ["confirm", "note"]
    service.read(session, case.id, owner)
    do(session, case, A.CONFIRM, owner, "属实")
    refused(session, case, "nothing_to_confirm", A.CONFIRM, owner)
    refused(session, case, "role", A.CLOSE, owner, "x", End.USEFUL)
    do(session, case, A.CONFIRM, city.of(city.health))
    do(session, case, A.CONFIRM, auditor)
    told = {
        side["body"]: side for side in dossier.dossier(session, case.id, auditor)["sides"] if side["side"] != "lead"
    }
    assert told[city.owner]["received_by"] == told[city.owner]["confirmed_by"] == owner.name
    assert do(session, case, A.CLOSE, auditor, "三方确认", End.USEFUL).state == "closed"
    do(session, case, A.REOPEN, city.of(city.discipline, Role.SUPERVISOR), "复查")
    refused(session, case, "sides_silent", A.CLOSE, auditor, "x", End.USEFUL)


def test_supervision_comes_before_supervising_again(
    session: Session, case: Case, chief: Person, auditor: Person
) -> None:
    do(session, case, A.CLAIM, auditor)
    refused(session, case, "not_supervised", A.RESUPERVISE, chief, "x")
    do(session, case, A.SUPERVISE, chief, "请尽快")
    do(session, case, A.RESUPERVISE, chief, "仍无进展")
    assert (case.level, case.urged) == (2, 2)
    assert texts(session, auditor) == ["resupervised", "supervised"]


def test_a_pause_stops_the_clock(session: Session, case: Case, auditor: Person) -> None:
    do(session, case, A.CLAIM, auditor)
    due, days = case.due, policy.work_calendar(session)
    assert due is not None
    do(session, case, A.PAUSE, auditor, "等待鉴定")
    assert case.paused_at is not None
    case.paused_at = days.after(case.paused_at, 0) - timedelta(days=14)
    session.flush()
    do(session, case, A.RESUME, auditor)
    assert case.paused_days == days.between(case.updated_at - timedelta(days=14), case.updated_at) > 5
    assert days.between(due, case.due) == case.paused_days  # type: ignore[arg-type]


def test_merged_cases_keep_both_histories_and_come_apart_again(
    session: Session, case: Case, auditor: Person, chief: Person, warn: Any
) -> None:
    queue.hand_over(session, [warn(scheme="sham-admission", model="W2", severity=Severity.ALERT)], "run1", "service")
    other = session.scalars(select(Case).where(Case.scheme == "sham-admission")).one()
    do(session, other, A.CLAIM, auditor)
    do(session, case, A.CLAIM, auditor)
    do(session, case, A.NOTE, auditor, "同一事由")
    refused(session, case, "merge_unfit", A.MERGE, auditor, "x", other=case.id)
    with pytest.raises(Fault, match="no such case"):
        do(session, case, A.MERGE, auditor, "x", other=99)
    do(session, case, A.MERGE, auditor, "同一事由", other=other.id)
    session.refresh(other)
    assert (case.state, other.warnings, case.owner, case.due is not None) == ("merged", 2, auditor.name, True)
    assert len(queue.case(session, other.id).warnings) == 2
    assert queue.hand_over(session, [warn(day=7)], "run2", "service").joined == 1
    session.refresh(other)
    assert other.warnings == 3, "what would have joined the merged case joins the one that took it"
    do(session, case, A.UNMERGE, chief, "系两事")
    session.refresh(other)
    held = session.execute(select(CaseWarning.case_id, func.count()).group_by(CaseWarning.case_id)).all()
    assert dict(held) == {case.id: 1, other.id: 2}  # type: ignore[arg-type]
    assert (case.state, case.warnings, other.warnings) == ("open", 1, 2)
    assert [e.action for e in audit.events(session, queue.subject(other))][-3:] == ["absorb", "join", "release"]
    assert [one["undone_by"] for one in dossier.dossier(session, case.id, auditor)["merges"]] == [chief.name]


def test_the_department_is_reminded_first_and_answers(session: Session, case: Case, auditor: Person, city: Any) -> None:
    do(session, case, A.REMIND, auditor, "处方量异常，请自查", organisation=city.health)
    doctor = city.of(city.health, Role.LIAISON)
    assert (case.state, texts(session, doctor)) == ("reminded", ["reminded"])
    assert list(service.allowed(case, doctor)) == [A.RESPOND, A.NOTE]
    do(session, case, A.RESPOND, doctor, "已约谈并退回费用")
    assert (case.state, case.due) == ("open", None)
    do(session, case, A.CLAIM, auditor)


def test_a_case_is_raised_by_hand(session: Session, city: Any) -> None:
    told = raising.Raised(
        Text("金鹿路多年未通", "A road unfinished for years"), "群众反映", "business", "stalled-project"
    )
    sender = city.of(city.discipline, Role.LIAISON)
    made = raising.raise_case(session, sender, told, city.housing)
    assert (made.origin, made.organisation, made.entity_kind, made.entity_id) == (
        "hand",
        city.housing,
        "matter",
        str(made.id),
    )
    again = raising.raise_case(session, sender, told)
    assert again.id != made.id
    do(session, made, A.CLAIM, city.of(city.housing))
    with pytest.raises(Fault) as caught:
        raising.raise_case(session, city.of(city.housing, Role.VIEWER), told)
    assert caught.value.status == 403
    with pytest.raises(Fault) as caught:
        raising.raise_case(session, sender, raising.Raised(told.title, " ", "business", "x"))
    assert caught.value.status == 422
    known = raising.Raised(told.title, "x", "medical", "s", entity_kind="institution", entity_id="H9")
    first = raising.raise_case(session, sender, known)
    with pytest.raises(Fault, match=str(first.id)):
        raising.raise_case(session, sender, known)


def test_many_at_once_are_each_done_refused_and_recorded_alone(
    session: Session, warn: Any, auditor: Person, city: Any
) -> None:
    queue.hand_over(session, [warn(entity=f"H{n}") for n in range(5)], "run1", "service")
    rows = queue.cases(session).rows
    do(session, rows[2], A.CLAIM, city.of(city.discipline, number=2))
    wanted = [(row.id, 1) for row in rows] + [(999, 1)]
    done = bulk.act(session, wanted, A.CLAIM, auditor)
    assert [one.version for one in done] == [2, 2, None, 2, 2, None]
    assert [one.fault.status for one in done if one.fault] == [409, 404]
    claims = [e for e in audit.walk(session) if e.action == "claim" and e.actor == auditor.name]
    assert len(claims) == 4
    assert audit.verify(session).ok
    for wrong in ([], [(1, 1), (1, 1)], [(n, 1) for n in range(bulk.MOST + 1)]):
        with pytest.raises(Misuse):
            bulk.act(session, wrong, A.CLAIM, auditor)


def test_notices_are_read_by_whom_they_are_for(session: Session, case: Case, chief: Person, city: Any) -> None:
    doctor = city.of(city.health)
    do(session, case, A.ASSIGN, chief, to=doctor.name)
    (one,) = notices.mine(session, doctor, unread=True)
    assert "请签收办件" in one.text_zh
    assert notices.mark_read(session, chief, [one.id], one.at) == 0
    assert notices.unread(session, doctor) == 1
    assert notices.mark_read(session, doctor, [one.id], one.at) == 1
    assert notices.unread(session, doctor) == 0
