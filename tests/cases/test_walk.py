"""Random walks of the workflow: whatever people try, the case stays in a legal state and the trail tells all of it."""

from __future__ import annotations

import json
import secrets
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy import Engine, func, select, update

from cases import audit, bodies, people, queue, service
from cases.asked import Part
from cases.labels import labels
from cases.people import Person
from cases.tables import Account, Case, CaseWarning, IssuedWarning, Trail
from cases.tables_work import Consultation, Item
from cases.workflow import ENDED, MOVES, Action, BodyKind, Role, State
from gnomon.database import transaction
from gnomon.errors import Fault
from gnomon.terms import Outcome

ROLES = tuple(Role)
BODY = "市纪委监委"


def machine(engine: Engine, warn: Any, staff: dict[str, Person]) -> type[RuleBasedStateMachine]:
    """Walks on one database; each walk has entities of its own."""
    statuses: set[int] = set()

    class Walk(RuleBasedStateMachine):
        @initialize()
        def begin(self) -> None:
            self.run = secrets.token_hex(6)
            self.day = 1
            with transaction(engine) as session:
                queue.hand_over(session, [warn(entity=self.run)], self.run, "service")
                self.events = counted(session)

        @rule(scheme=st.sampled_from(["over-prescribing", "over-prescribing", "sham-admission"]))
        def another_warning(self, scheme: str) -> None:
            self.day = self.day % 28 + 1
            with transaction(engine) as session:
                one = warn(entity=self.run, day=self.day, scheme=scheme, model=scheme)
                done = queue.hand_over(session, [one], self.run, "service")
                # issue + open or join
                self.events += 2 * (done.new + done.joined)

        @rule(
            pick=st.integers(0, 5),
            action=st.sampled_from(Action),
            role=st.sampled_from(ROLES),
            reason=st.sampled_from(["", "核查", "核查"]),
            outcome=st.sampled_from(Outcome),
            to=st.sampled_from(["", "auditor", "handler", "viewer", "nobody"]),
            other=st.integers(0, 3),
            answer=st.sampled_from(["yes", "no", "perhaps"]),
            lag=st.sampled_from([0, 0, 0, 0, 1]),
            given=st.sampled_from([True, True, False]),
        )
        def try_it(
            self, pick: int, action: Action, role: Role, reason: str, outcome: Outcome, to: str, other: int,
            answer: str, lag: int, given: bool,
        ) -> None:  # fmt: skip
            more: dict[str, Any] = {"to": to, "answer": answer}
            with transaction(engine) as session:
                mine = session.scalars(select(Case).where(Case.entity_id == self.run).order_by(Case.id)).all()
                chosen = mine[pick % len(mine)]
                before, own = chosen.as_dict(), len(events_of(session, chosen.id))
                more["other"] = number(session, action, before, [case.id for case in mine], other)
            if given:
                more |= {"organisation": BODY, "people": ["auditor"], "bodies": [BODY], "parts": [Part("核查账目")]}
                more["due"] = datetime(2027, 3, 1, tzinfo=UTC)
            if action is Action.CLOSE:
                more["outcome"] = outcome
            try:
                with transaction(engine) as session:
                    seen = before["version"] - lag
                    after = service.act(session, before["id"], action, staff[role], seen, reason, **more).as_dict()
            except Fault as fault:
                statuses.add(fault.status)
                with transaction(engine) as session:
                    assert queue.found(session, before["id"]).as_dict() == before
                return
            move = MOVES[State(before["state"]), action]
            assert lag == 0
            assert role in move.by
            assert after["state"] in (move.to, move.pending)
            assert reason or not move.needs_reason
            assert not move.owner_only or before["owner"] in (None, role) or role is Role.SUPERVISOR
            if move.other_eyes and action is Action.RECONCILE:
                assert json.loads(before["proposal"])["by"] != role
            with transaction(engine) as session:
                told = events_of(session, before["id"])
                assert len(told) == own + 1, "every move is audited, once"
                assert (told[-1].actor, told[-1].action) == (role, action)
                self.events = counted(session)
            for name, value in json.loads(told[-1].before).items():
                assert before[name] == value
                assert after[name] == json.loads(told[-1].after)[name]

        @rule(role=st.sampled_from(ROLES))
        def read(self, role: Role) -> None:
            try:
                with transaction(engine) as session:
                    mine = session.scalars(select(Case.id).where(Case.entity_id == self.run)).all()
                    service.read(session, max(mine), staff[role])
            except Fault:
                assert role is Role.ADMINISTRATOR
            else:
                self.events += 1

        @invariant()
        def holds(self) -> None:
            with transaction(engine) as session:
                assert counted(session) == self.events, "nothing is audited that nobody did"
                rows = session.scalars(select(Case).where(Case.entity_id == self.run)).all()
                held = session.execute(
                    select(CaseWarning.case_id, func.count())
                    .join(Case, Case.id == CaseWarning.case_id)
                    .where(Case.entity_id == self.run)
                    .group_by(CaseWarning.case_id)
                ).all()
                told = {label["case_id"]: label for label in labels(session) if label["entity_id"] == self.run}
            at = {row.id: row for row in rows}
            topics = [row.scheme for row in rows if row.state not in ENDED and row.parent_id is None]
            assert len(topics) == len(set(topics)), "one open case about one entity and scheme"
            assert sum(n for _, n in held) == self.issued()
            for case_id, _ in held:
                assert at[case_id].state != State.MERGED, "a merged case holds no warning"
            for row in rows:
                assert row.state in list(State)
                assert (row.state == State.CLOSED) == (row.outcome is not None) == (row.closed_at is not None)
                assert (row.state == State.CLOSING) == (row.proposal is not None)
                assert (row.state == State.MERGED) == (row.merged_into is not None)
                assert (row.state == State.PAUSED) == (row.paused_at is not None)
                parent = at.get(row.parent_id or 0)
                assert parent is None or parent.state not in ENDED or row.state in ENDED
                label = told.get(str(row.id))
                if row.parent_id is None:
                    assert row.state != State.CLOSED or (label is not None and label["outcome"] == row.outcome)
                assert row.state == State.CLOSED or label is None or label["origin"] == "withdrawn"

        def issued(self) -> int:
            with transaction(engine) as session:
                query = select(func.count()).select_from(IssuedWarning).where(IssuedWarning.entity_id == self.run)
                return session.scalar(query) or 0

        def teardown(self) -> None:
            assert statuses <= {403, 404, 409, 422}
            with transaction(engine) as session:
                assert audit.verify(session).ok

    return Walk


def counted(session: Any) -> int:
    return session.scalar(select(func.count()).select_from(Trail)) or 0


def events_of(session: Any, case_id: int) -> Any:
    return audit.events(session, audit.Subject("case", str(case_id)))


def number(session: Any, action: Action, case: dict[str, Any], mine: list[int], other: int) -> int:
    """A number that may fit: of an item or a consultation of the case, or of another case of the walk."""
    if action is Action.MERGE:
        return mine[other % len(mine)]
    table = Item if action in (Action.SUBMIT, Action.CHECK) else Consultation
    found = session.scalars(select(table.id).where(table.case_id == case["id"])).all()
    return found[other % len(found)] if found else other


@pytest.mark.filterwarnings("ignore::hypothesis.errors.HypothesisWarning")
@pytest.mark.parametrize("registered", [False, True], ids=["one office", "registered bodies"])
def test_random_walks_of_the_workflow(engine: Engine, warn: Any, staff: dict[str, Person], registered: bool) -> None:
    with transaction(engine) as session:
        assert {one.name for one in people.everyone(session)} >= set(ROLES)
        if registered:
            bodies.register(session, BODY, BodyKind.DISCIPLINE, "test", oversight=True)
            session.execute(update(Account).values(organisation=BODY))
            session.flush()
            session.expire_all()
            staff = {role.value: people.required(session, role.value) for role in Role}
    walks = settings(
        max_examples=12, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck), database=None
    )
    run_state_machine_as_test(lambda: machine(engine, warn, staff)(), settings=walks)
