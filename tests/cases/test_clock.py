"""Working days, and what the clock does by itself: it presses, presses again, steps in, foretells."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from cases import audit, bodies, calendar, clock, notices, policy, queue, service
from cases.people import Person
from cases.tables import Case
from cases.workflow import Action, Role, Side
from gnomon.errors import Misuse
from gnomon.terms import Outcome

Staff = dict[str, Person]


def noon(day: str) -> datetime:
    return datetime.fromisoformat(f"{day}T12:00:00+08:00")


@pytest.mark.parametrize(
    ("day", "works"),
    [
        ("2026-02-16", False),  # eve of the Spring Festival, a Monday
        ("2026-02-14", True),  # a Saturday worked for it
        ("2026-05-05", False),
        ("2026-09-20", True),  # a Sunday
        ("2024-10-12", True),
        ("2027-02-08", False),
        ("2026-11-24", True),
        ("2026-11-28", False),
        ("2031-01-06", True),  # beyond the file: Monday to Friday
    ],
)
def test_the_calendar_knows_holidays_and_weekends_worked(day: str, works: bool) -> None:
    assert calendar.chinese().works(date.fromisoformat(day)) is works


def test_due_dates_fall_on_working_days() -> None:
    days = calendar.chinese()
    assert days.after(noon("2026-09-30"), 1) == datetime(2026, 10, 8, 15, 59, 59, tzinfo=UTC)
    assert days.between(noon("2026-09-30"), noon("2026-10-10")) == 3
    # 23:30 UTC is the next morning in China.
    assert days.between(datetime(2026, 11, 23, 23, 30, tzinfo=UTC), noon("2026-11-24")) == 0


@given(st.datetimes(datetime(2015, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC)), st.integers(1, 60))
def test_counting_undoes_adding(moment: datetime, count: int) -> None:
    days = calendar.chinese()
    assert days.between(moment, days.after(moment, count)) == count
    assert days.between(days.after(moment, count), moment) == -count


def test_a_deployment_adds_its_own_days(session: Session) -> None:
    policy.put(session, "calendar", [["2027-03-03", "off"], ["2027-03-06", "work"]], "test")
    days = policy.work_calendar(session)
    assert not days.works(date(2027, 3, 3))
    assert days.works(date(2027, 3, 6))
    assert calendar.chinese().works(date(2027, 3, 3))
    with pytest.raises(Misuse, match=r"x\.csv:3"):
        calendar.read(["day,kind,name", "2027-01-01,off,x", "2027-13-01,off,x"], "x.csv")


@pytest.fixture
def case(session: Session, warn: Any, staff: Staff) -> Case:
    queue.hand_over(session, [warn()], "run1", "service")
    return queue.cases(session).rows[0]


def later(case: Case, session: Session, count: int) -> datetime:
    return policy.work_calendar(session).after(case.moved_at or case.opened_at, count)


def test_an_unsigned_case_is_pressed_for_once(session: Session, case: Case, staff: Staff) -> None:
    assert clock.tick(session, later(case, session, 3)) == clock.Ticked(0, 0, 0)
    assert clock.tick(session, later(case, session, 4)) == clock.Ticked(1, 0, 0)
    assert clock.tick(session, later(case, session, 4)) == clock.Ticked(0, 0, 0)
    last = audit.events(session, queue.subject(case))[-1]
    assert (last.actor, last.action) == ("system:clock", "supervise")
    assert "未签收" in last.after
    assert [one.kind for one in notices.mine(session, staff["supervisor"])] == ["supervised"]


def test_a_stuck_case_is_raised_within_one_cycle_and_talking_is_no_progress(
    session: Session, case: Case, staff: Staff
) -> None:
    service.act(session, case.id, Action.CLAIM, staff["auditor"], 1)
    moment = later(case, session, 8)
    service.act(session, case.id, Action.NOTE, staff["auditor"], 2, "正在研究")
    assert clock.tick(session, moment).supervised == 1
    assert case.level == 1
    again = policy.work_calendar(session).after(datetime.now(UTC), 5)
    assert clock.tick(session, max(moment, again)).resupervised == 1
    assert case.level == 2
    assert clock.tick(session, max(moment, again) + timedelta(days=90)) == clock.Ticked(0, 0, 0)
    service.act(session, case.id, Action.RECTIFY, staff["auditor"], case.version, "限期整改")
    assert case.level == 0


def test_an_overdue_case_is_raised_and_a_closed_or_paused_one_never(
    session: Session, case: Case, staff: Staff, warn: Any
) -> None:
    queue.hand_over(session, [warn(entity="H2"), warn(entity="H3")], "run1", "service")
    auditor = staff["auditor"]
    for number in (1, 2, 3):
        service.act(session, number, Action.CLAIM, auditor, 1)
    service.act(session, 2, Action.CLOSE, auditor, 2, "误报", Outcome.FALSE_ALARM)
    service.act(session, 3, Action.PAUSE, auditor, 2, "等待鉴定")
    policy.put(session, "stuck_days", 900, "test")
    assert case.due is not None
    assert clock.tick(session, case.due - timedelta(hours=1)) == clock.Ticked(0, 0, 0)
    assert clock.tick(session, case.due + timedelta(hours=1)) == clock.Ticked(1, 0, 0)
    assert case.level == 1
    assert [row.id for row in queue.cases(session, overdue_at=case.due + timedelta(hours=1)).rows] == [1]


def test_the_watch_steps_in_when_a_reminder_is_ignored(session: Session, warn: Any, city: Any) -> None:
    queue.hand_over(session, [warn()], "run1", "service")
    auditor = city.of(city.discipline)
    case = service.act(session, 1, Action.REMIND, auditor, 1, "请自查", organisation=city.health)
    assert case.due is not None
    assert clock.tick(session, case.due - timedelta(hours=1)) == clock.Ticked(0, 0, 0)
    assert clock.tick(session, case.due + timedelta(hours=1)) == clock.Ticked(0, 0, 1)
    assert (case.state, case.due, case.level) == ("open", None, 1)
    assert list(service.allowed(case, city.of(city.health))) == [Action.COPY, Action.NOTE], "it had its chance"
    assert Action.CLAIM in service.allowed(case, city.of(city.discipline, Role.SUPERVISOR))


def test_a_breach_is_foretold_from_how_long_such_cases_take(session: Session, warn: Any, staff: Staff) -> None:
    auditor = staff["auditor"]
    queue.hand_over(session, [warn(entity=f"H{n}") for n in range(31)], "run1", "service")
    rows = list(queue.cases(session, limit=200).rows)
    days = policy.work_calendar(session)
    for row in rows:
        service.act(session, row.id, Action.CLAIM, auditor, 1)
    running, closed = rows[0], rows[1:]
    assert clock.forecast(session, running).breach is None, "nothing was closed yet"  # type: ignore[union-attr]
    for n, row in enumerate(closed):
        service.act(session, row.id, Action.CLOSE, auditor, 2, "误报", Outcome.FALSE_ALARM)
        row.claimed_at = row.closed_at - timedelta(days=400)  # type: ignore[operator]
        row.closed_at = days.after(row.claimed_at, 10 if n < 15 else 40)
    session.flush()
    told = clock.forecast(session, running)
    assert told is not None
    assert (told.breach, told.learned_from, told.working_days_left) == (pytest.approx(0.5), 30, 22)
    assert [one.case_id for one in clock.forecasts(session)] == [running.id]
    assert running.due is not None
    late = clock.forecast(session, running, now=running.due + timedelta(days=3))
    assert late is not None
    assert late.breach == 1.0


def test_what_another_bodys_cases_took_is_learned_by_its_own_people_alone(
    session: Session, warn: Any, city: Any
) -> None:
    queue.hand_over(session, [warn(entity=f"H{n}") for n in range(24)], "run1", "service")
    days, begun = policy.work_calendar(session), noon("2024-01-02")
    running, *closed = session.scalars(select(Case).order_by(Case.id)).all()
    running.state, running.claimed_at, running.due = "review", datetime.now(UTC), days.after(datetime.now(UTC), 22)
    bodies.join(session, running, city.housing, Side.LEAD)
    for row in closed:
        row.state, row.outcome, row.claimed_at, row.due = "closed", "useful", begun, days.after(begun, 22)
        row.closed_at = days.after(begun, 30)
        bodies.join(session, row, city.health, Side.LEAD)
    session.flush()
    theirs, above = city.of(city.housing), city.of(city.discipline)
    for reader, breach, learned in ((theirs, None, 0), (above, 1.0, 23)):
        (told,) = clock.forecasts(session, reader)
        assert (told.case_id, told.breach, told.learned_from) == (running.id, breach, learned)
        page = clock.forecast(session, running, reader)
        assert page is not None
        assert (page.breach, page.learned_from) == (breach, learned)


def test_chances_of_a_breach_come_true_as_often_as_they_say(session: Session, warn: Any) -> None:
    draw, days = random.Random(5), policy.work_calendar(session)
    queue.hand_over(session, [warn(entity=f"H{n}") for n in range(240)], "run1", "service")
    assert clock.calibration(session, "over-prescribing") is None, "nothing was closed yet"
    for n, row in enumerate(session.scalars(select(Case).order_by(Case.id))):
        begun = noon("2024-01-02") + timedelta(days=n)
        row.state, row.outcome, row.claimed_at, row.due = "closed", "useful", begun, days.after(begun, 22)
        row.closed_at = days.after(begun, draw.choice((3, 8, 14, 18, 26, 35)))
    session.flush()
    told = clock.calibration(session, "over-prescribing")
    assert told is not None
    assert told.cases > 80
    # Half of those that run on half-way miss their date: two of four durations.
    error = 2 * (0.25 / told.cases) ** 0.5
    assert told.told == pytest.approx(told.came, abs=2 * error)
    assert told.told == pytest.approx(0.5, abs=0.1)
    assert told.brier <= told.baseline + 0.02
