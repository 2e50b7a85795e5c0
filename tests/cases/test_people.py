"""Accounts, passwords, tokens: nothing built in, nothing told twice, nothing kept in the clear."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine, select, update
from sqlalchemy.orm import Session

from cases import audit, people
from cases.tables import Account, ApiToken
from cases.workflow import Role
from gnomon.database import transaction
from gnomon.errors import Fault

PASSWORD = "correct horse battery"


@pytest.fixture
def anna(session: Session) -> people.Person:
    return people.add(session, "anna", Role.AUDITOR, "cli:root", PASSWORD, "安娜", "市纪委监委")


def test_a_fresh_database_has_no_account(session: Session) -> None:
    assert people.everyone(session) == []


def test_the_right_password_signs_in_and_the_wrong_one_does_not(session: Session, anna: people.Person) -> None:
    assert people.authenticate(session, "anna", PASSWORD) == anna
    assert people.authenticate(session, "anna", PASSWORD + "x") is None
    assert people.authenticate(session, "nobody", PASSWORD) is None


def test_the_password_is_kept_as_an_argon2_hash_alone(session: Session, anna: people.Person) -> None:
    stored = session.scalars(select(Account.password)).one()
    assert stored is not None
    assert stored.startswith("$argon2id$")
    assert PASSWORD not in "".join(event.after + event.before for event in audit.walk(session))


def test_an_unknown_name_costs_a_password_check_too(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    checked: list[str] = []
    fits = people._fits
    monkeypatch.setattr(people, "_fits", lambda stored, password: checked.append(stored) or fits(stored, password))
    assert people.authenticate(session, "nobody", PASSWORD) is None
    assert [stored.startswith("$argon2id$") for stored in checked] == [True]


def test_repeated_failures_lock_the_account_for_a_while(session: Session, anna: people.Person) -> None:
    for _ in range(people.MAX_FAILURES):
        assert people.authenticate(session, "anna", "wrong password") is None
    assert people.authenticate(session, "anna", PASSWORD) is None
    account = session.get(Account, "anna")
    assert account is not None
    assert account.locked_until is not None
    account.locked_until -= people.LOCKED_FOR
    assert people.authenticate(session, "anna", PASSWORD) == anna
    told = [event.action for event in audit.events(session, audit.Subject("account", "anna"))]
    assert told == ["add", *["login_failed"] * 4, "locked", "login_refused", "login"]


def test_failures_are_counted_though_nobody_signed_in(engine: Engine) -> None:
    with transaction(engine) as session:
        people.add(session, "anna", Role.AUDITOR, "cli:root", PASSWORD)
    for _ in range(people.MAX_FAILURES):
        with transaction(engine) as session:
            people.authenticate(session, "anna", "wrong password")
    with transaction(engine) as session:
        assert people.authenticate(session, "anna", PASSWORD) is None


def test_a_disabled_account_is_shut_with_its_tokens(session: Session, anna: people.Person) -> None:
    token = people.issue_token(session, "anna", "cli:root")
    people.set_disabled(session, "anna", True, "cli:root")
    assert people.authenticate(session, "anna", PASSWORD) is None
    assert people.person(session, "anna") is None
    people.set_disabled(session, "anna", False, "cli:root")
    assert people.authenticate(session, "anna", PASSWORD) == anna
    assert people.person_of_token(session, token) is None


def test_a_token_names_its_person_until_it_expires_or_is_revoked(session: Session, anna: people.Person) -> None:
    token = people.issue_token(session, "anna", "cli:root")
    holder = people.person_of_token(session, token)
    assert holder is not None
    assert (holder.name, holder.actor) == ("anna", "token:anna")
    assert session.scalars(select(ApiToken.hash)).one() not in token
    assert people.person_of_token(session, token + "x") is None
    assert people.revoke_tokens(session, "anna", "cli:root") == 1
    assert people.person_of_token(session, token) is None
    other = people.issue_token(session, "anna", "cli:root")
    session.execute(update(ApiToken).values(expires_at=ApiToken.created_at))
    session.expire_all()
    assert people.person_of_token(session, other) is None


def test_another_password_ends_cookies_made_under_the_old_one(session: Session, anna: people.Person) -> None:
    people.set_password(session, "anna", "another long phrase", "cli:root")
    now = people.person(session, "anna")
    assert now is not None
    assert now.stamp != anna.stamp


@pytest.mark.parametrize("password", ["short", "anna-anna-1234"])
def test_a_weak_password_is_refused(session: Session, password: str) -> None:
    with pytest.raises(Fault, match="anna"):
        people.add(session, "anna", Role.AUDITOR, "cli:root", password)


def test_names_are_unique_and_plain(session: Session, anna: people.Person) -> None:
    with pytest.raises(Fault, match="exists"):
        people.add(session, "anna", Role.VIEWER, "cli:root")
    with pytest.raises(Fault, match="letters"):
        people.add(session, "an na", Role.VIEWER, "cli:root")
    with pytest.raises(Fault, match="Nearest: anna"):
        people.required(session, "ann")
