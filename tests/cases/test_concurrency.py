"""Many at once: writers wait in line, each case is claimed once, one of two closers is told of the conflict."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import Engine, func, select

from cases import audit, people, queue, service
from cases.people import Person
from cases.tables import Case, Trail
from cases.workflow import Action, Role
from gnomon.database import transaction
from gnomon.terms import Outcome

Staff = dict[str, Person]


def outcome_of(engine: Engine, case_id: int, action: Action, person: Person, version: int, *args: Any) -> str:
    try:
        with transaction(engine) as session:
            service.act(session, case_id, action, person, version, *args)
    except service.Conflict as conflict:
        return conflict.key
    return "done"


def test_each_case_is_claimed_once(engine: Engine, staff: Staff, warn: Any) -> None:
    with transaction(engine) as session:
        queue.hand_over(session, [warn(entity=f"H{n}") for n in range(20)], "run1", "service")
    crew = [staff["auditor"], staff["auditor2"], staff["handler"], staff["supervisor"]]
    jobs = [(case_id, person) for case_id in range(1, 21) for person in crew]
    with ThreadPoolExecutor(8) as pool:
        done = list(pool.map(lambda job: outcome_of(engine, job[0], Action.CLAIM, job[1], 1), jobs))
    assert done.count("done") == 20
    assert len(done) - 20 == sum(key in {"cases.state", "cases.changed"} for key in done)
    with transaction(engine) as session:
        assert audit.verify(session).ok


def test_of_two_who_close_one_case_one_wins(engine: Engine, staff: Staff, warn: Any) -> None:
    with transaction(engine) as session:
        queue.hand_over(session, [warn()], "run1", "service")
        service.act(session, 1, Action.CLAIM, staff["auditor"], 1)
    closers = [staff["auditor"], staff["supervisor"]]
    with ThreadPoolExecutor(2) as pool:
        done = list(
            pool.map(
                lambda person: outcome_of(engine, 1, Action.CLOSE, person, 2, person.name, Outcome.USEFUL), closers
            )
        )
    assert sorted(done) == ["cases.state", "done"]


def test_two_who_hand_over_the_same_warnings_issue_each_once(engine: Engine, warn: Any) -> None:
    warnings = [warn(entity=f"H{n}") for n in range(100)]

    def run(name: str) -> queue.HandedOver:
        with transaction(engine) as session:
            return queue.hand_over(session, warnings, name, "service")

    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(run, "abcd"))
    assert sum(one.new for one in done) == 100
    assert sum(one.known for one in done) == 300


@pytest.mark.parametrize("cases", [pytest.param(640), pytest.param(20_000, marks=pytest.mark.slow)])
def test_32_workers_empty_one_queue_and_each_case_is_claimed_once(
    postgresql_engine: Engine, warn: Any, cases: int
) -> None:
    engine = postgresql_engine
    with transaction(engine) as session:
        workers = [people.add(session, f"worker{n}", Role.AUDITOR, "test") for n in range(32)]
    for start in range(0, cases, 1000):
        batch = [warn(entity=f"H{n}", percentile=0.9 + n / 1e6) for n in range(start, min(start + 1000, cases))]
        with transaction(engine) as session:
            queue.hand_over(session, batch, "run1", "service")

    def work(person: Person) -> list[int]:
        mine = []
        while True:
            with transaction(engine) as session:
                taken = service.take_next(session, person)
            if taken is None:
                return mine
            mine.append(taken.id)

    with ThreadPoolExecutor(32) as pool:
        done = list(pool.map(work, workers))
    claimed = [case_id for mine in done for case_id in mine]
    assert len(claimed) == len(set(claimed)) == cases
    with transaction(engine) as session:
        claims = select(Trail.subject_id, func.count()).where(Trail.action == "claim").group_by(Trail.subject_id)
        assert {count for _, count in session.execute(claims)} == {1}
        owners = dict(session.execute(select(Case.owner, func.count()).group_by(Case.owner)).all())  # type: ignore[arg-type]
        assert owners == {worker.name: len(mine) for worker, mine in zip(workers, done, strict=True) if mine}
        assert audit.verify(session).ok


def test_of_two_supervisors_who_reconcile_one_case_one_wins(engine: Engine, city: Any, warn: Any) -> None:
    auditor = city.of(city.discipline)
    chiefs = [city.of(city.discipline, Role.SUPERVISOR, number) for number in (1, 2)]
    with transaction(engine) as session:
        queue.hand_over(session, [warn()], "run1", "service")
        service.act(session, 1, Action.CLAIM, auditor, 1)
        service.act(session, 1, Action.CLOSE, auditor, 2, "查实", Outcome.CONFIRMED)
    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(lambda person: outcome_of(engine, 1, Action.RECONCILE, person, 3), chiefs))
    assert sorted(done) == ["cases.state", "done"]
