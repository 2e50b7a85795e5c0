"""Warnings enter the queue exactly once and join the right case."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from cases import audit, queue, service
from cases.people import Person
from cases.tables import Case, CaseWarning, IssuedWarning
from gnomon.terms import Outcome, Severity, Warned

Staff = dict[str, Person]


def only_case(session: Session) -> Case:
    return session.scalars(select(Case)).one()


def test_a_warning_opens_a_case_and_stands_on_the_trail(session: Session, warn: Any) -> None:
    done = queue.hand_over(session, [warn()], "run1", "service")
    assert done == queue.HandedOver(new=1, joined=0, known=0)
    view = queue.case(session, only_case(session).id)
    assert [row.warned() for row in view.warnings] == [warn()]
    assert [event.action for event in view.trail] == ["open"]
    assert [event.action for event in audit.events(session, audit.Subject("warning", warn().fingerprint))] == ["issue"]


def test_the_same_warnings_again_change_nothing(session: Session, warn: Any) -> None:
    warnings = [warn(entity=f"H{n}") for n in range(5)]
    queue.hand_over(session, warnings, "run1", "service")
    before = audit.verify(session)
    assert queue.hand_over(session, warnings, "run2", "service") == queue.HandedOver(0, 0, 5)
    assert audit.verify(session) == before


def test_a_warning_twice_in_one_batch_counts_once(session: Session, warn: Any) -> None:
    assert queue.hand_over(session, [warn(), warn()], "run1", "service") == queue.HandedOver(1, 0, 1)


def test_warnings_about_one_entity_and_scheme_join_one_open_case(session: Session, warn: Any) -> None:
    queue.hand_over(session, [warn()], "run1", "service")
    more = [warn(model="W002"), warn(day=2), warn(model="W003", scheme="sham-admission"), warn(entity="H2")]
    assert queue.hand_over(session, more, "run2", "service") == queue.HandedOver(new=2, joined=2, known=0)
    joined = session.scalars(select(Case).where(Case.entity_id == "H1", Case.scheme == "over-prescribing")).one()
    assert joined.warnings == 3
    assert joined.as_of == warn(day=2).as_of
    assert joined.version == 2, "who read the case before the new warnings came must read it again"
    assert [event.action for event in queue.case(session, joined.id).trail] == ["open", "join"]


def test_an_alert_makes_the_case_grave_and_gives_it_its_title(session: Session, warn: Any) -> None:
    queue.hand_over(session, [warn(percentile=0.99)], "run1", "service")
    alert: Warned = replace(warn(model="W009", severity=Severity.ALERT, percentile=0.95), title=warn().advice)
    queue.hand_over(session, [alert], "run2", "service")
    assert (only_case(session).severity, only_case(session).gravity) == ("alert", 1.95)
    assert only_case(session).title == alert.title


def test_a_closed_case_is_not_reopened_but_named_by_the_new_one(session: Session, warn: Any, staff: Staff) -> None:
    queue.hand_over(session, [warn()], "run1", "service")
    first = only_case(session).id
    service.act(session, first, service.Action.CLAIM, staff["auditor"], 1)
    service.act(session, first, service.Action.CLOSE, staff["auditor"], 2, "查实", Outcome.CONFIRMED)
    assert queue.hand_over(session, [warn(day=9)], "run2", "service").new == 1
    later = session.scalars(select(Case).where(Case.state == "open")).one()
    assert later.earlier_id == first
    assert queue.case(session, first).case.state == "closed"


def test_a_warning_that_does_not_add_up_stops_the_whole_batch(session: Session, warn: Any) -> None:
    with pytest.raises(ValueError, match="add up"):
        queue.hand_over(session, [warn(), replace(warn(entity="H2"), score=0.9)], "run1", "service")
    assert session.scalar(select(func.count()).select_from(Case)) == 0


def test_the_pack_holds_what_the_warning_says(session: Session, warn: Any) -> None:
    one = warn()
    queue.hand_over(session, [one], "run1", "service")
    (row,) = queue.warnings(session).rows
    assert row.pack == json.dumps(one.as_dict(), ensure_ascii=False, separators=(",", ":"))
    assert row.warned() == one


def test_a_big_batch_loses_nothing(session: Session, warn: Any) -> None:
    warnings = [warn(entity=f"H{n % 1100}", day=1 + n // 1100) for n in range(2500)]
    done = queue.hand_over(session, warnings, "run1", "service")
    assert (done.new, done.joined) == (1100, 1400)
    assert session.scalar(select(func.count()).select_from(IssuedWarning)) == 2500
    assert session.scalar(select(func.count()).select_from(CaseWarning)) == 2500
    assert audit.verify(session).ok
