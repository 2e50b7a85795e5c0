"""Random walks of the workflow: whatever people try, the case stays in a legal state and the trail tells all of it."""

from __future__ import annotations

import json
import secrets
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy import Engine, func, select

from cases import audit, people, queue, service
from cases.labels import labels
from cases.people import Person
from cases.tables import Case, Trail
from cases.workflow import MOVES, Action, Role, State
from gnomon.database import transaction
from gnomon.errors import Fault
from gnomon.terms import Outcome

ROLES = tuple(Role)


def machine(engine: Engine, warn: Any, staff: dict[str, Person]) -> type[RuleBasedStateMachine]:
    """Walks on one database; each walk has entities of its own."""

    class Walk(RuleBasedStateMachine):
        @initialize()
        def begin(self) -> None:
            self.run = secrets.token_hex(6)
            self.day = 1
            with transaction(engine) as session:
                queue.hand_over(session, [warn(entity=self.run)], self.run, "service")
                self.case = queue.cases(session, entity_id=self.run).rows[0].id
                self.events = self.counted(session)

        @rule()
        def another_warning(self) -> None:
            self.day = self.day % 28 + 1
            with transaction(engine) as session:
                done = queue.hand_over(session, [warn(entity=self.run, day=self.day)], self.run, "service")
                self.case = max(row.id for row in queue.cases(session, entity_id=self.run).rows)
                # issue + open or join
                self.events += 2 * (done.new + done.joined)

        @rule(
            action=st.sampled_from(Action),
            role=st.sampled_from(ROLES),
            reason=st.sampled_from(["", "核查"]),
            outcome=st.sampled_from([None, *Outcome]),
            to=st.sampled_from(["", "auditor", "handler", "viewer", "nobody"]),
            lag=st.sampled_from([0, 0, 0, 1]),
        )
        def try_it(self, action: Action, role: Role, reason: str, outcome: Outcome | None, to: str, lag: int) -> None:
            if outcome is not None and action is not Action.CLOSE:
                outcome = None
            with transaction(engine) as session:
                before = queue.found(session, self.case).as_dict()
            seen = before["version"] - lag
            try:
                with transaction(engine) as session:
                    after = service.act(session, self.case, action, staff[role], seen, reason, outcome, to=to).as_dict()
            except Fault as fault:
                status = fault.status
                with transaction(engine) as session:
                    assert queue.found(session, self.case).as_dict() == before
                assert status in (403, 404, 409, 422)
                return
            move = MOVES[State(before["state"]), action]
            assert lag == 0
            assert role in move.by
            assert after["state"] == move.to
            assert reason or not move.needs_reason
            assert outcome or not move.needs_outcome
            assert not move.owner_only or before["owner"] in (None, role) or role is Role.SUPERVISOR
            self.events += 1
            with transaction(engine) as session:
                last = audit.events(session, audit.Subject("case", str(self.case)))[-1]
            assert (last.actor, last.action) == (role, action)
            for name, value in json.loads(last.before).items():
                assert before[name] == value
                assert after[name] == json.loads(last.after)[name]

        @rule(role=st.sampled_from(ROLES))
        def read(self, role: Role) -> None:
            try:
                with transaction(engine) as session:
                    service.read(session, self.case, staff[role])
            except Fault:
                assert role is Role.ADMINISTRATOR
            else:
                self.events += 1

        @invariant()
        def holds(self) -> None:
            with transaction(engine) as session:
                assert self.counted(session) == self.events, "every move is audited, once"
                rows = session.scalars(select(Case).where(Case.entity_id == self.run)).all()
                told = {label["case_id"]: label for label in labels(session) if label["entity_id"] == self.run}
            assert sum(row.state != State.CLOSED for row in rows) <= 1
            for row in rows:
                assert (row.state == State.CLOSED) == (row.outcome is not None) == (row.closed_at is not None)
                assert row.state in list(State)
                label = told.get(str(row.id))
                assert row.state != State.CLOSED or (label is not None and label["outcome"] == row.outcome)
                assert row.state == State.CLOSED or label is None or label["origin"] == "withdrawn"

        def teardown(self) -> None:
            with transaction(engine) as session:
                assert audit.verify(session).ok

        def counted(self, session: Any) -> int:
            return session.scalar(select(func.count()).select_from(Trail)) or 0

    return Walk


@pytest.mark.filterwarnings("ignore::hypothesis.errors.HypothesisWarning")
def test_random_walks_of_the_workflow(engine: Engine, warn: Any, staff: dict[str, Person]) -> None:
    with transaction(engine) as session:
        assert {one.name for one in people.everyone(session)} >= set(ROLES)
    walks = settings(
        max_examples=25, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck), database=None
    )
    run_state_machine_as_test(lambda: machine(engine, warn, staff)(), settings=walks)
