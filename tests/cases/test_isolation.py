"""What a body may not see it can neither read nor write nor count: every verb and every list is tried from outside."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy.orm import Session

from cases import (
    audit,
    bodies,
    bulk,
    clock,
    dossier,
    lists,
    meetings,
    policy,
    queue,
    rectification,
    search,
    service,
    suppression,
)
from cases.asked import Part
from cases.pages import counts
from cases.people import Person
from cases.tables import Case
from cases.tally import tally
from cases.workflow import Action, BodyKind, Role, State
from gnomon.errors import Fault
from gnomon.terms import Outcome


@pytest.fixture
def secret(session: Session, warn: Any, city: Any) -> Case:
    """A case of the health office; the road of `H2` is in the common pool."""
    queue.hand_over(session, [warn(name="某县人民医院"), warn(entity="H2", name="乙")], "run1", "service")
    found = queue.cases(session, entity_id="H1").rows[0]
    doctor = city.of(city.health)
    service.act(session, found.id, Action.CLAIM, doctor, 1)
    service.act(session, found.id, Action.NOTE, doctor, 2, "绝密线索")
    return found


def outsiders(city: Any) -> list[Person]:
    roles = (Role.AUDITOR, Role.SUPERVISOR, Role.HANDLER, Role.LIAISON, Role.VIEWER)
    return [city.of(city.housing, role) for role in roles]


@pytest.mark.parametrize("action", list(Action))
def test_no_verb_reaches_a_case_of_another_body(session: Session, secret: Case, city: Any, action: Action) -> None:
    policy.put(session, "common_pool", False, "test")
    before, seq = secret.as_dict(), audit.verify(session).seq
    given: dict[str, Any] = {
        "to": city.of(city.housing).name,
        "organisation": city.housing,
        "other": 2,
        "answer": "yes",
    }
    given |= {"parts": [Part("x")], "people": [city.of(city.housing).name], "bodies": [city.housing]}
    given["due"] = datetime(2027, 1, 4, tzinfo=UTC)
    if action is Action.CLOSE:
        given |= {"outcome": Outcome.USEFUL, "amount_found": Decimal(1)}
    for state in State:
        for person in outsiders(city):
            secret.state = state.value
            session.flush()
            with pytest.raises(Fault) as caught:
                service.act(session, secret.id, action, person, secret.version, "x", **given)
            assert (caught.value.key, caught.value.status) == ("cases.no_case", 404), "as if it were not there"
    secret.state = before["state"]
    session.flush()
    assert (secret.as_dict(), audit.verify(session).seq) == (before, seq)


def test_no_list_count_page_file_or_search_shows_it(session: Session, secret: Case, city: Any, warn: Any) -> None:
    kept = rectification.attach(session, secret.id, city.of(city.health), "a.txt", "text/plain", b"x")
    fingerprint = warn(name="某县人民医院").fingerprint
    for person in outsiders(city):
        assert [row.entity_id for row in queue.cases(session, reader=person).rows] == ["H2"], "the common pool alone"
        for given in ({"text": "某县"}, {"entity_id": "H1"}, {"owner": secret.owner}, {"state": "review"}):
            assert queue.cases(session, reader=person, **given).rows == []
        assert queue.cases(session, reader=person, updated_since=secret.opened_at).rows[0].entity_id == "H2"
        assert sum(counts(session, person).values()) == 1
        assert [row.entity_id for row in queue.warnings(session, reader=person).rows] == ["H2"]
        assert search.in_trail(session, person, text="绝密") == []
        assert {row["id"] for kind in lists.Kind for row in lists.rows(session, kind, person) if "id" in row} == {2}
        assert sum(row["cases"] for row in lists.rows(session, lists.Kind.DUTIES, person)) == 1
        assert clock.forecasts(session, person) == []
        assert sum(one.warnings for one in tally(session, reader=person)) == 1
        assert service.allowed(secret, person) == {}
        for what in (
            lambda p=person: service.read(session, secret.id, p),
            lambda p=person: dossier.dossier(session, secret.id, p),
            lambda p=person: service.read_warning(session, fingerprint, p),
            lambda p=person: rectification.attach(session, secret.id, p, "b.txt", "text/plain", b"x"),
            lambda p=person: rectification.attachment(session, kept.id, p),
        ):
            with pytest.raises(Fault) as caught:
                what()
            assert caught.value.status == 404
        assert [
            one.fault.status for one in bulk.act(session, [(secret.id, 3)], Action.NOTE, person, "x") if one.fault
        ] == [404]
        for denied in (
            lambda p=person: suppression.ask(
                session, p, "institution", "H1", "x", datetime.now(UTC) + timedelta(days=9)
            ),
            lambda p=person: suppression.report(session, p),
        ):
            with pytest.raises(Fault) as caught:
                denied()
            assert caught.value.status == 403


def test_the_own_body_and_what_stands_above_it_see_it(session: Session, secret: Case, city: Any) -> None:
    for person in (city.of(city.health), city.of(city.health, Role.VIEWER), city.of(city.discipline, Role.VIEWER)):
        assert {row.entity_id for row in queue.cases(session, reader=person).rows} == {"H1", "H2"}
        assert search.in_trail(session, person, text="绝密")[0].action == "note"
        service.read(session, secret.id, person)
    # A department inside a body does not see what the whole body has, the body sees what its department has.
    office = city.of(city.office)
    assert [row.entity_id for row in queue.cases(session, reader=office).rows] == ["H2"]
    service.act(session, 2, Action.CLAIM, office, 1)
    assert len(queue.cases(session, reader=city.of(city.health)).rows) == 2
    assert queue.cases(session, reader=city.of(city.housing)).rows == [], "claimed out of the pool"


def test_who_hands_a_case_on_goes_on_reading_it_and_leads_it_no_more(session: Session, secret: Case, city: Any) -> None:
    doctor, builder = city.of(city.health), city.of(city.housing)
    service.act(session, secret.id, Action.TRANSFER, doctor, secret.version, "属地", to=builder.name)
    service.read(session, secret.id, doctor)
    service.act(session, secret.id, Action.CLAIM, builder, secret.version)
    chief = city.of(city.health, Role.SUPERVISOR)
    assert service.allowed(secret, chief) == {}
    with pytest.raises(service.Forbidden):
        service.act(session, secret.id, Action.CLOSE, chief, secret.version, "x", Outcome.USEFUL)


def test_a_copy_lets_one_person_read_and_nobody_else(session: Session, secret: Case, city: Any) -> None:
    doctor, guest = city.of(city.health), city.of(city.housing, Role.VIEWER)
    service.act(session, secret.id, Action.COPY, doctor, secret.version, to=guest.name)
    assert service.read(session, secret.id, guest).copies[0].read_at is not None
    assert service.allowed(secret, guest) == {}
    with pytest.raises(Fault, match="no such case"):
        service.read(session, secret.id, city.of(city.housing, Role.VIEWER, 2))


def test_a_scene_is_routed_to_its_bodies(session: Session, warn: Any, city: Any) -> None:
    bodies.route(session, "medical", [city.health], "test")
    queue.hand_over(session, [warn()], "run1", "service")
    assert queue.cases(session, reader=city.of(city.housing)).rows == []
    (mine,) = queue.cases(session, reader=city.of(city.health)).rows
    service.act(session, mine.id, Action.CLAIM, city.of(city.health), 1)


def test_a_role_may_hold_in_one_scene_or_one_body_only(session: Session, secret: Case, city: Any) -> None:
    viewer = city.of(city.health, Role.VIEWER)
    with pytest.raises(Fault) as caught:
        service.act(session, secret.id, Action.NOTE, viewer, secret.version, "x")
    assert caught.value.status == 403
    bodies.grant(session, viewer.name, Role.AUDITOR, "test", scene="medical")
    service.act(session, secret.id, Action.NOTE, viewer, secret.version, "x")
    bodies.grant(session, viewer.name, Role.VIEWER, "test", scene="medical", body=city.health)
    with pytest.raises(Fault):
        service.act(session, secret.id, Action.NOTE, viewer, secret.version, "x")
    bodies.withdraw(session, viewer.name, "test", scene="medical", body=city.health)
    bodies.withdraw(session, viewer.name, "test", scene="medical")
    guest = city.of(city.housing)
    bodies.grant(session, guest.name, Role.VIEWER, "test", body=city.health)
    service.read(session, secret.id, guest)
    with pytest.raises(Fault) as caught:
        service.act(session, secret.id, Action.NOTE, guest, secret.version, "x")
    assert caught.value.status == 403


def test_people_of_no_registered_body_see_nothing_once_bodies_stand(
    session: Session, warn: Any, staff: dict[str, Person]
) -> None:
    queue.hand_over(session, [warn()], "run1", "service")
    assert len(queue.cases(session, reader=staff["auditor"]).rows) == 1, "a simple deployment"
    bodies.register(session, "市纪委监委", BodyKind.DISCIPLINE, "test", oversight=True)
    assert queue.cases(session, reader=staff["auditor"]).rows == []
    assert queue.cases(session, reader=staff["service"]).rows == []


def test_bodies_are_registered_once_and_have_parents(session: Session, city: Any) -> None:
    for name, parent, status in ((city.health, None, 409), ("x", "nobody", 404), (" ", None, 422)):
        with pytest.raises(Fault) as caught:
            bodies.register(session, name, BodyKind.UNIT, "test", parent)
        assert caught.value.status == status
    assert len(bodies.everyone(session)) == 5
    assert meetings.circulars(session, city.of(city.housing)) == []
    assert len([kind for kind in BodyKind if kind not in (BodyKind.DEPARTMENT, BodyKind.UNIT)]) == 10, "1 + 9"
