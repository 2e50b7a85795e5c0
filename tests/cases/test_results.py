"""What leaves the house: signed packages to other agencies, totals, and results that everybody may read."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.orm import Session

from cases import audit, bundle, lists, packages, queue, results, service
from cases.people import Person
from cases.tables import Case
from cases.workflow import Action, Role
from gnomon.config import Settings
from gnomon.errors import Fault, Misuse
from gnomon.terms import Outcome

Staff = dict[str, Person]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(workspace=tmp_path)


def test_a_case_goes_to_another_agency_signed_and_enters_there_once(
    session: Session, settings: Settings, staff: Staff, warn: Any, tmp_path: Path
) -> None:
    queue.hand_over(session, [warn(), warn(day=2)], "run1", "service")
    service.act(session, 1, Action.CLAIM, staff["auditor"], 1)
    given = packages.give(session, settings, 1, staff["auditor"], 2, "省市场监管局", "涉嫌虚假宣传，请依职权查处")
    made = given.told.encode()
    assert packages.given(session, given.number) is given, "what was given can be shown"
    last = audit.events(session, audit.Subject("case", "1"))[-1]
    assert (last.actor, last.action, json.loads(last.after)["to"]) == ("auditor", "give", "省市场监管局")
    key = bundle.public_key(settings)
    told = packages.opened(made, key)
    assert (told["to"], told["case"]["entity_id"], len(told["warnings"])) == ("省市场监管局", "H1", 2)
    assert told["warnings"][0]["reasons"][0]["rows"] == 40
    assert "auditor" not in made.decode(), "nothing about who works here"
    assert "c1" not in json.dumps(told["warnings"]), "the rows stay here"
    for false in (made.replace(b"H1", b"H2"), b"{}", b"x"):
        with pytest.raises(Misuse):
            packages.opened(false, key)
    with pytest.raises(Misuse):
        packages.opened(made, bundle.public_key(Settings(workspace=tmp_path / "elsewhere")))
    taken = packages.take(session, made, key, lambda *_: None, staff["service"])
    assert (taken.known, taken.record.case_id) == (False, 1), "it joins the open case about the same entity"
    assert packages.take(session, made, key, lambda *_: None, staff["service"]).known
    assert audit.verify(session).ok


def test_who_may_not_hand_a_case_out_is_refused(session: Session, settings: Settings, city: Any, warn: Any) -> None:
    queue.hand_over(session, [warn()], "run1", "service")
    service.act(session, 1, Action.CLAIM, city.of(city.health), 1)
    for actor, status in ((city.of(city.housing), 404), (city.of(city.health, Role.HANDLER), 403)):
        with pytest.raises(Fault) as refused:
            packages.give(session, settings, 1, actor, 2, "省局", "移送")
        assert refused.value.status == status
    for version, reason, status in ((2, " ", 422), (1, "移送", 409)):
        with pytest.raises(Fault) as refused:
            packages.give(session, settings, 1, city.of(city.health), version, "省局", reason)
        assert refused.value.status == status
    assert queue.found(session, 1).version == 2


@pytest.fixture
def ended(session: Session, staff: Staff, warn: Any) -> list[Case]:
    """Four cases: confirmed in time, confirmed late, a false alarm, one that runs."""
    queue.hand_over(session, [warn(entity=f"H{n}") for n in range(4)], "run1", "service")
    auditor = staff["auditor"]
    for number in (1, 2, 3, 4):
        service.act(session, number, Action.CLAIM, auditor, 1)
    money: dict[str, Any] = {"amount_found": Decimal("100.50"), "amount_recovered": Decimal(80), "people_handled": 2}
    for number in (1, 2):
        service.act(session, number, Action.CLOSE, auditor, 2, "查实", Outcome.CONFIRMED, **money)
    service.act(session, 3, Action.CLOSE, auditor, 2, "张三无过错", Outcome.FALSE_ALARM)
    cases = [queue.found(session, number) for number in (1, 2, 3, 4)]
    for case, begun, closed, due in zip(
        cases, ("2026-03-02", "2026-03-02", "2026-03-02", "2026-03-02"),
        ("2026-03-06", "2026-03-16", "2026-03-06", None), ("2026-03-13", "2026-03-13", None, None), strict=True,
    ):  # fmt: skip
        case.claimed_at, case.closed_at, case.due = noon(begun), noon(closed), noon(due)
    session.flush()
    return cases


def noon(day: str | None) -> datetime | None:
    return None if day is None else datetime.fromisoformat(f"{day}T04:00:00").replace(tzinfo=UTC)


def test_totals_add_up_money_people_and_days_saved(session: Session, ended: list[Case]) -> None:
    told = results.totals(session)
    assert (told.closed, told.confirmed, told.people_handled) == (3, 2, 4)
    assert (told.found, told.recovered) == (Decimal("201.00"), Decimal(160))
    assert (told.working_days, told.days_saved, told.days_late) == (4 + 10 + 4, 5, 1)
    (duty,) = [one for one in lists.rows(session, lists.Kind.DUTIES) if one["owner"] == "auditor"]
    assert (duty["closed"], duty["working_days"], duty["mean_working_days"]) == (3, 4 + 10 + 4, 6)
    # A day ends at midnight in China, eight hours before it does in UTC; days of a pause do not count.
    ended[0].closed_at, ended[1].paused_days = datetime(2026, 3, 5, 16, 0, tzinfo=UTC), 3
    ended[2].claimed_at, ended[2].opened_at = None, datetime(2026, 3, 2, 15, 59, tzinfo=UTC)
    session.flush()
    (duty,) = [one for one in lists.rows(session, lists.Kind.DUTIES) if one["owner"] == "auditor"]
    assert (duty["working_days"], results.totals(session).working_days) == (4 + 7 + 4, 4 + 7 + 4)
    assert results.totals(session, since=datetime.now(UTC) + timedelta(days=1)).closed == 0
    assert results.totals(session, scene="other").closed == 0


def test_totals_count_what_the_reader_may_see(session: Session, city: Any, warn: Any) -> None:
    queue.hand_over(session, [warn()], "run1", "service")
    service.act(session, 1, Action.CLAIM, city.of(city.health), 1)
    service.act(session, 1, Action.CLOSE, city.of(city.health), 2, "误报", Outcome.FALSE_ALARM)
    assert results.totals(session, city.of(city.health)).closed == 1
    assert results.totals(session, city.of(city.housing)).closed == 0


def test_published_results_name_nobody_and_page_on(session: Session, ended: list[Case]) -> None:
    rows = results.published(session)
    assert [row["id"] for row in rows] == [1, 2], "a false alarm is nobody's business"
    told = json.dumps(rows, ensure_ascii=False)
    assert not any(word in told for word in ("甲医院", "H0", "H1", "auditor", "查实", "张三"))
    first = ended[0]
    assert first.closed_at is not None
    assert [row["id"] for row in results.published(session, after=(first.closed_at, first.id))] == [2]
    assert results.published(session, since=datetime.now(UTC) + timedelta(days=1)) == []
