"""Many at once: writers wait in line, each case is claimed once, one of two closers is told of the conflict."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from sqlalchemy import Engine

from cases import audit, queue, service
from cases.people import Person
from cases.workflow import Action
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
    people = [staff["auditor"], staff["auditor2"], staff["handler"], staff["supervisor"]]
    jobs = [(case_id, person) for case_id in range(1, 21) for person in people]
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
