"""The funnel counts what people decided, and its precision says how sure it can be."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import Engine, event
from sqlalchemy.orm import Session

from cases import people, queue, service, store
from cases.people import Person
from cases.workflow import Action, Role
from cases.worth import came
from gnomon.config import Settings
from gnomon.database import snapshot, transaction
from gnomon.terms import Outcome, Reason, Severity, Text, Warned
from monitoring.outcomes import Funnel, funnel, share


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    made = store.upgrade(Settings(workspace=tmp_path))
    yield made
    made.dispose()


@pytest.fixture
def auditor(engine: Engine) -> Person:
    with transaction(engine) as session:
        return people.add(session, "auditor", Role.AUDITOR, "test")


def warned(entity: str, model: str = "W001") -> Warned:
    reason = Reason("dose", Text("用量", "dose"), 7.0, "DDD", None, None, 0.4, Text("高。", "High."))
    return Warned(
        model, "rules@a", Text("用量", "Dose"), "medical", "over-prescribing", Severity.WARN, "institution", entity,
        entity, datetime(2025, 1, 1, tzinfo=UTC), 1, 0.5, 0.1, 0.9, 0.4, (reason,),
    )  # fmt: skip


def close(session: Session, case_id: int, person: Person, outcome: Outcome, found: str | None = None) -> None:
    case = queue.case(session, case_id).case
    case = service.act(session, case_id, Action.CLAIM, person, case.version)
    amount = None if found is None else Decimal(found)
    service.act(session, case_id, Action.CLOSE, person, case.version, "looked into", outcome, amount_found=amount)


def only(session: Session) -> Funnel:
    (one,) = funnel(session)
    return one


def test_no_warnings_make_no_funnel(engine: Engine) -> None:
    with transaction(engine) as session:
        assert funnel(session) == []


def test_a_case_counts_from_warning_to_money(engine: Engine, auditor: Person) -> None:
    with transaction(engine) as session:
        queue.hand_over(session, [warned(entity) for entity in "ABCD"], "run", "test")
        cases = list(queue.cases(session).rows)
        close(session, cases[0].id, auditor, Outcome.CONFIRMED, "1200.50")
        close(session, cases[1].id, auditor, Outcome.FALSE_ALARM)
        close(session, cases[2].id, auditor, Outcome.DATA_ERROR)
    with transaction(engine) as session:
        one = only(session)
    assert (one.warnings, one.cases, one.signed, one.closed) == (4, 4, 3, 3)
    assert (one.confirmed, one.useful, one.false_alarm, one.data_error) == (1, 0, 1, 1)
    assert one.found == Decimal("1200.50")


def test_a_wrong_record_is_no_mark_against_the_model(engine: Engine, auditor: Person) -> None:
    with transaction(engine) as session:
        queue.hand_over(session, [warned("A"), warned("B")], "run", "test")
        first, second = queue.cases(session).rows
        close(session, first.id, auditor, Outcome.CONFIRMED)
        close(session, second.id, auditor, Outcome.DATA_ERROR)
    with transaction(engine) as session:
        one = only(session)
    assert (one.precision.value, one.precision.of) == (1.0, 1)
    assert one.data_errors.value == 0.5


def test_two_models_in_one_case_each_count_it(engine: Engine, auditor: Person) -> None:
    with transaction(engine) as session:
        queue.hand_over(session, [warned("A"), warned("A", "W002")], "run", "test")
        (case,) = queue.cases(session).rows
        close(session, case.id, auditor, Outcome.USEFUL)
    with transaction(engine) as session:
        found = {one.model: one for one in funnel(session)}
    assert {model: (one.warnings, one.cases, one.worth.value) for model, one in found.items()} == {
        "W001": (1, 1, 1.0),
        "W002": (1, 1, 1.0),
    }


def test_every_warning_tells_its_heaviest_reason_and_what_came_of_its_case(engine: Engine, auditor: Person) -> None:
    light = Reason("price", Text("价格", "price"), 1.0, "CNY", None, None, 0.1, Text("高。", "High."))
    both = replace(warned("A"), score=0.6, reasons=(light, *warned("A").reasons))
    with transaction(engine) as session:
        queue.hand_over(session, [both, replace(warned("B"), score=0.2, reasons=(light,))], "run", "test")
        (number,) = [case.id for case in queue.cases(session).rows if case.entity_id == "A"]
        close(session, number, auditor, Outcome.CONFIRMED, "1200.50")
    with transaction(engine) as session:
        told = {one.reason: (one.outcome, one.found) for one in came(session)}
        assert told == {"dose": ("confirmed", Decimal("1200.50")), "price": (None, Decimal(0))}
        queue.hand_over(session, [warned("C")], "run", "test")
        assert [one.reason for one in came(session)].count("dose") == 2
        assert [one.reason for one in came(session, datetime.now(UTC) + timedelta(days=1))] == []


def test_a_pack_is_read_once_whatever_is_asked_later(engine: Engine) -> None:
    with transaction(engine) as session:
        queue.hand_over(session, [warned("A"), warned("B")], "run", "test")
    asked: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda *told: asked.append(told[2]))
    for packs_read in (1, 1):
        with snapshot(engine) as session:
            assert {one.reason for one in came(session)} == {"dose"}
        assert sum("warning.pack" in one for one in asked) == packs_read


def test_only_warnings_since_a_moment_are_counted(engine: Engine) -> None:
    with transaction(engine) as session:
        queue.hand_over(session, [warned("A")], "run", "test")
        assert funnel(session, datetime.now(UTC) + timedelta(minutes=1)) == []
        assert only(session).as_dict()["precision"] is None


@pytest.mark.parametrize(
    ("hits", "of", "low", "high"),
    # Newcombe 1998, Statistics in Medicine 17, table I, method 3 (Wilson).
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_intervals_are_the_published_ones(hits: int, of: int, low: float, high: float) -> None:
    one = share(hits, of)
    assert (one.low, one.high) == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))
